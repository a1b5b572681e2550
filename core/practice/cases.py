"""Opens a source of a series as a case: the image, what the reader is told, and the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.chest import ctr
from core.chest.result import NIH_FINDINGS
from core.datasets import read_grey
from core.errors import UnsuitableInputError
from core.files.radiograph import read_radiograph
from core.files.volume import read_mask, read_volume
from core.images import Radiograph, Volume
from core.phantoms.chest.phantom import FINDINGS
from core.phantoms.head.phantom import random_head
from core.phantoms.limb.phantom import limb_phantom
from core.practice import phantoms
from core.practice.folders import (
    confined,
    find_in_folder,
    read_confined,
)
from core.practice.head import degraded
from core.practice.sources import FolderSource, PhantomSource, SampleSource, Source, case_key
from core.practice.truths import BoneAgeTruth, ChestTruth, FractureTruth, Truth, boxes_of
from core.samples import Sample, fetch, is_cached, samples


@dataclass(frozen=True, eq=False)
class Case:
    """An image with its truth. The title is neutral: it says nothing of the truth.

    Attributes:
        task: Which task's.
        source: Where it came from.
        image: The film, or the head.
        truth: What is true of it; not for the screen before the answer is kept.
        findings: Chest: what the reader is asked about.
        sex: Bone age: "F", "M" or None, which the reader is told.
        masks: Head: uint8 (I, J, K) under "A" and "B", one of them right. Chest: bool (H, W) of
            "heart", "left_lung" and "right_lung" where known; part of the truth.
        credit: Licence and citation of a sample, to be shown with it.
    """

    task: str
    source: Source
    image: Radiograph | Volume
    truth: Truth
    findings: tuple[str, ...] = ()
    sex: str | None = None
    masks: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    credit: str = ""

    @property
    def key(self) -> str:
        """What the case is known by in the store."""
        return case_key(self.task, self.source)

    @property
    def film(self) -> Radiograph:
        """The image of a fracture, bone-age or chest case."""
        if not isinstance(self.image, Radiograph):
            raise TypeError("a head has no film")
        return self.image

    @property
    def volume(self) -> Volume:
        """The image of a head case."""
        if not isinstance(self.image, Volume):
            raise TypeError("a film has no volume")
        return self.image


def open_case(task: str, source: Source) -> Case:
    """Open a case.

    Raises:
        ImagingError: If the file or its folder is missing, changed or unreadable, or a sample
            cannot be fetched.
    """
    if isinstance(source, PhantomSource):
        case = _PHANTOMS[task](source)
    elif isinstance(source, SampleSource):
        case = _of_sample(task, source)
    else:
        case = _of_folder(task, source)
    return replace(case, image=replace(case.image, title=f"case {case.key[:4]}"))


def samples_on_this_computer(task: str) -> tuple[SampleSource, ...]:
    """The real samples of a task that were fetched before and whose truth is known."""
    return tuple(SampleSource(one.name) for one in samples(task) if one.truth and is_cached(one))


def _limb(source: PhantomSource) -> Case:
    image, boxes = limb_phantom(phantoms.limb(source))
    return Case("fracture", source, image, FractureTruth(boxes_of(boxes)))


def _hand(source: PhantomSource) -> Case:
    made = phantoms.hand(source)
    truth = BoneAgeTruth(round(made.age_months, 1), made.sex)
    return Case("bone_age", source, made.image, truth, sex=made.sex)


def _chest(source: PhantomSource) -> Case:
    made = phantoms.chest(source)
    truth = _chest_truth({name: name in made.findings for name in FINDINGS}, made.masks)
    return Case("chest", source, made.image, truth, FINDINGS, masks=made.masks)


def _head(source: PhantomSource) -> Case:
    made = random_head(source.seed)
    masks, truth = degraded(made.mask, made.volume, source.seed)
    return Case("skull_strip", source, made.volume, truth, masks=masks)


_PHANTOMS: Mapping[str, Callable[[PhantomSource], Case]] = {
    "fracture": _limb,
    "bone_age": _hand,
    "chest": _chest,
    "skull_strip": _head,
}


def _of_sample(task: str, source: SampleSource) -> Case:
    sample = next((one for one in samples(task) if one.name == source.name), None)
    if sample is None or not sample.truth:
        raise UnsuitableInputError(
            f"There is no {task} sample “{source.name}” with a known truth; choose another in "
            "Make a series."
        )
    content = fetch(sample).read_bytes()
    image = read_radiograph(content, name=sample.name)
    credit = f"{sample.licence}. {sample.citation}"
    case = Case(task, source, image, _sample_truth(sample, image.shape), credit=credit)
    return _told(case)


def _sample_truth(sample: Sample, shape: tuple[int, int]) -> Truth:
    if sample.task == "fracture":
        boxes = sample.boxes_xyxy(shape)
        return FractureTruth(boxes_of(np.zeros((0, 4)) if boxes is None else boxes))
    if sample.task == "bone_age":
        return BoneAgeTruth(float(sample.truth["age_months"]), sample.truth.get("sex"))
    present = set(sample.truth["findings"])
    return ChestTruth({name: name in present for name in NIH_FINDINGS})


def _of_folder(task: str, source: FolderSource) -> Case:
    folder = Path(source.folder)
    content = read_confined(source)
    row = find_in_folder(task, source)
    if task == "skull_strip":
        volume = read_volume([(Path(source.file).name, content)])
        path = confined(folder, row.mask or "")
        true = read_mask([(path.name, path.read_bytes())], volume)
        masks, truth = degraded(true, volume, int(source.digest[:7], 16))
        return Case(task, source, volume, truth, masks=masks)
    image = read_radiograph(content, name=source.file)
    case = Case(task, source, image, row.truth or row.fracture_truth(image.shape))
    if row.mask and isinstance(row.truth, ChestTruth):
        labels = read_grey(confined(folder, row.mask))
        parts = ctr.masks_from_labels(labels)
        if labels.shape == image.shape and all(part.any() for part in parts.values()):
            case = replace(case, truth=_chest_truth(row.truth.findings, parts), masks=parts)
    return _told(case)


def _told(case: Case) -> Case:
    """The case with what the reader is told."""
    if isinstance(case.truth, BoneAgeTruth):
        return replace(case, sex=case.truth.sex)
    if isinstance(case.truth, ChestTruth):
        return replace(case, findings=tuple(case.truth.findings))
    return case


def _chest_truth(
    findings: Mapping[str, bool], masks: Mapping[str, NDArray[np.bool_]]
) -> ChestTruth:
    found = ctr.measure(masks)
    return ChestTruth(findings, found.ratio, found.lines)
