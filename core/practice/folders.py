"""Cases of a data set folder that the Datasets page can open, and paths confined to it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.chest.ctr import LIMIT
from core.chest.result import NIH_FINDINGS
from core.dataset_folders.dataset import SEVERAL, Dataset, Outlines
from core.dataset_folders.layouts import open_dataset
from core.errors import UnreadableImageError, UnsuitableInputError
from core.practice.sources import FolderSource
from core.practice.truths import BoneAgeTruth, ChestTruth, FractureTruth, boxes_of, outlines_of

LAYOUTS = {
    "fracture": "FracAtlas as published, or images.csv and boxes.csv beside images/",
    "bone_age": "the RSNA bone age challenge as published, or bone_age.csv beside images/",
    "chest": "NIH ChestX-ray14 as published, or labels.csv with the films it names",
    "skull_strip": "NFBS as published, or brain.csv with the heads and masks it names",
}
"""By task, the data sets that can be read: those of the Datasets page."""
_MAX_FILE_BYTES = 400 * 2**20


@dataclass(frozen=True, eq=False)
class FolderCase:
    """One row of a data set.

    Attributes:
        file: Path of the image below the folder, forward slashes.
        split: As the table says, "" where it says nothing.
        abnormal: None where the task has no normal cases.
        truth: What the table says; None for fractures (see `outlines`) and heads (see `mask`).
        outlines: Boxes of a film with fractures.
        mask: Path of the mask below the folder, where there is one.
    """

    file: str
    split: str
    abnormal: bool | None
    truth: BoneAgeTruth | ChestTruth | None = None
    outlines: Outlines | None = None
    mask: str | None = None

    def fracture_truth(self, shape: tuple[int, int]) -> FractureTruth:
        """Boxes and outlines in pixels of an image of (H, W)."""
        if self.outlines is None:
            return FractureTruth()
        drawn = self.outlines.in_pixels(shape[1], shape[0])
        return FractureTruth(boxes_of(drawn.boxes_xyxy), outlines_of(drawn.polygons))


def confined(folder: Path, file: str) -> Path:
    """The path of a file within a folder.

    Raises:
        UnsuitableInputError: If the folder is missing or the path leads out of it, by a link too.
        UnreadableImageError: If there is no such file.
    """
    if not folder.is_dir():
        raise UnsuitableInputError(
            f"The folder {folder} of the series is not on this computer; put the data set there, "
            "or make the series again from where it is."
        )
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UnsuitableInputError(
            f"The path “{file}” leads out of the folder {folder.name}, and only files within it "
            "are opened; make the series again."
        )
    if not path.is_file():
        raise UnreadableImageError(
            f"“{file}” is no longer in the folder {folder.name}; put it back, or leave the case "
            "out."
        )
    return path


def read_confined(source: FolderSource) -> bytes:
    """The bytes of a file of a series.

    Raises:
        UnsuitableInputError: If the folder is missing or the path leads out of it.
        UnreadableImageError: If the file is missing, too large or another one than it was.
    """
    content = _read(confined(Path(source.folder), source.file))
    if hashlib.sha256(content).hexdigest() != source.digest:
        raise UnreadableImageError(
            f"“{source.file}” is another file than the one the series was made with (its SHA-256 "
            "differs); put the original back, or make the series again."
        )
    return content


def list_folder(task: str, folder: Path) -> list[FolderCase]:
    """The cases of a data set folder whose truth is known.

    Raises:
        UnsuitableInputError: If the folder is missing, has none of the task's `LAYOUTS`, or
            none of its images is there.
    """
    dataset = _dataset(task, folder)
    found = [
        one
        for file, row in dataset.rows.iterrows()
        if (one := _READERS[task](dataset, str(file), row)) is not None
    ]
    if not found:
        raise UnsuitableInputError(
            f"No image of {folder.name} has a known truth; expected {LAYOUTS[task]}."
        )
    return found


def find_in_folder(task: str, source: FolderSource) -> FolderCase:
    """The row of a file.

    Raises:
        UnsuitableInputError: If the folder has no such layout or the table no such row.
    """
    dataset = _dataset(task, Path(source.folder))
    if source.file in dataset.rows.index:
        found = _READERS[task](dataset, source.file, dataset.rows.loc[[source.file]].iloc[0])
        if found is not None:
            return found
    raise UnsuitableInputError(
        f"The tables in {Path(source.folder).name} do not name “{source.file}” any more; make "
        "the series again."
    )


def draw_from_folder(
    task: str,
    folder: Path,
    count: int,
    *,
    seed: int,
    prevalence: float | None = None,
    split: str | None = None,
) -> tuple[FolderSource, ...]:
    """Draw cases of a data set for a series.

    Args:
        task: Which task's.
        folder: The data set.
        count: How many.
        seed: The same seed gives the same cases.
        prevalence: Share of abnormal ones, met to the nearest case; None leaves it to chance.
        split: Only cases of this split.

    Raises:
        UnsuitableInputError: If the folder has too few cases of a kind, or cannot be read.
    """
    folder = folder.expanduser().resolve()
    cases = [one for one in list_folder(task, folder) if split in (None, one.split)]
    rng = np.random.default_rng([seed, 98])
    piles: list[tuple[str, int, list[FolderCase]]] = [("", count, cases)]
    if prevalence is not None and any(one.abnormal is not None for one in cases):
        wanted = round(count * prevalence)
        piles = [
            ("abnormal ", wanted, [one for one in cases if one.abnormal]),
            ("normal ", count - wanted, [one for one in cases if not one.abnormal]),
        ]
    chosen: list[FolderCase] = []
    for name, number, pile in piles:
        if len(pile) < number:
            place = f" in the split {split}" if split else ""
            raise UnsuitableInputError(
                f"{folder.name} has {len(pile)} {name}cases{place}, and the series needs {number}; "
                "ask for fewer or another prevalence."
            )
        chosen += [pile[i] for i in rng.permutation(len(pile))[:number]]
    mixed = [chosen[i] for i in rng.permutation(len(chosen))]
    return tuple(
        FolderSource(
            str(folder),
            one.file,
            hashlib.sha256(_read(confined(folder, one.file))).hexdigest(),
        )
        for one in mixed
    )


def _dataset(task: str, folder: Path) -> Dataset:
    dataset = open_dataset(folder)
    if dataset.task != task:
        raise UnsuitableInputError(
            f"{folder.name} is a data set of another task ({dataset.layout}); expected "
            f"{LAYOUTS[task]}."
        )
    return dataset


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise UnreadableImageError(
                f"“{path.name}” has more than {_MAX_FILE_BYTES // 2**20} MB and is not opened."
            )
        return path.read_bytes()
    except OSError as err:
        raise UnreadableImageError(
            f"“{path.name}” cannot be read: {err.strerror or err}. Check its permissions."
        ) from err


def _fracture(dataset: Dataset, file: str, row: pd.Series) -> FolderCase | None:
    fractured, outlines = bool(row["fractured"]), dataset.outlines.get(file)
    if fractured != (outlines is not None and len(outlines.boxes_xyxy) > 0):
        return None  # label and boxes contradict each other
    return FolderCase(file, str(row["split"]), fractured, outlines=outlines)


def _bone_age(dataset: Dataset, file: str, row: pd.Series) -> FolderCase | None:
    months = float(row["age (months)"])
    sex = {"girl": "F", "boy": "M"}.get(str(row["sex"]))
    if math.isnan(months):
        return None
    return FolderCase(file, str(row["split"]), None, BoneAgeTruth(months, sex))


def _chest(dataset: Dataset, file: str, row: pd.Series) -> FolderCase | None:
    """Findings; of films with masks only the heart's size is known."""
    mask, ratio = dataset.masks.get(file), float(row.get("cardiothoracic ratio", math.nan))
    if not math.isnan(ratio):
        truth = ChestTruth({"Cardiomegaly": ratio > LIMIT}, ratio)
    else:
        named = {name.replace(" ", "_") for name in str(row["findings"]).split(SEVERAL) if name}
        truth = ChestTruth({name: name in named for name in NIH_FINDINGS})
    return FolderCase(file, str(row["split"]), truth.abnormal, truth, mask=mask)


def _head(dataset: Dataset, file: str, row: pd.Series) -> FolderCase | None:
    mask = dataset.masks.get(file)
    return FolderCase(file, str(row["split"]), None, mask=mask) if mask else None


_READERS: Mapping[str, Callable[[Dataset, str, pd.Series], FolderCase | None]] = {
    "fracture": _fracture,
    "bone_age": _bone_age,
    "chest": _chest,
    "skull_strip": _head,
}
