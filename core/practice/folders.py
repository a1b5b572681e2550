"""Cases of a data set folder in the layouts that the project knows, and paths confined to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.bone_age.cases import read_bone_age_cases
from core.datasets import read_fracture_cases, read_rows
from core.errors import UnreadableImageError, UnsuitableInputError
from core.practice.sources import FolderSource
from core.practice.truths import BoneAgeTruth, ChestTruth, FractureTruth, boxes_of

NIH_FINDINGS = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
"""The labels of ChestX-ray14 (Wang et al., CVPR 2017), in the order of its tables."""
LAYOUTS = {
    "fracture": "images.csv and boxes.csv beside images/, or FracAtlas as published",
    "bone_age": "bone_age.csv beside images/",
    "chest": "labels.csv or heart_lung_masks.csv with the films they name",
    "skull_strip": "brain.csv with the heads and masks it names",
}
_MAX_FILE_BYTES = 400 * 2**20


@dataclass(frozen=True)
class FolderCase:
    """One row of a data set.

    Attributes:
        file: Relative path of the image, forward slashes.
        split: As the table says, "" where it says nothing.
        abnormal: None where the task has no normal cases.
        truth: What the table says; None for heads, whose truth is a mask.
        mask: Relative path of the mask, where there is one.
    """

    file: str
    split: str
    abnormal: bool | None
    truth: FractureTruth | BoneAgeTruth | ChestTruth | None
    mask: str | None = None


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
    """The cases of a data set folder.

    Raises:
        UnsuitableInputError: If the folder is missing or has none of the task's `LAYOUTS`.
    """
    if not folder.is_dir():
        raise UnsuitableInputError(
            f"{folder} is no folder on this computer; expected one with {LAYOUTS[task]}."
        )
    try:
        found = _READERS[task](folder)
    except (KeyError, ValueError, OSError, UnicodeDecodeError) as err:
        raise UnsuitableInputError(
            f"A table in {folder.name} has a value that cannot be read ({err}); expected "
            f"{LAYOUTS[task]}."
        ) from err
    if not found:
        raise UnsuitableInputError(f"{folder.name} lists no cases; expected {LAYOUTS[task]}.")
    return found


def find_in_folder(task: str, source: FolderSource) -> FolderCase:
    """The row of a file.

    Raises:
        UnsuitableInputError: If the folder has no such layout or the table no such row.
    """
    for case in list_folder(task, Path(source.folder)):
        if case.file == source.file:
            return case
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


def _fracture(folder: Path) -> list[FolderCase]:
    return [
        FolderCase(
            case.path.relative_to(folder).as_posix(),
            case.split,
            case.fractured,
            FractureTruth(boxes_of(case.boxes_xyxy)),
        )
        for case in read_fracture_cases(folder)
        if case.fractured == bool(len(case.boxes_xyxy))  # a fracture without a box teaches nothing
    ]


def _bone_age(folder: Path) -> list[FolderCase]:
    return [
        FolderCase(
            case.path.relative_to(folder).as_posix(),
            case.split,
            None,
            BoneAgeTruth(case.months, case.sex),
        )
        for case in read_bone_age_cases(folder)
    ]


def _chest(folder: Path) -> list[FolderCase]:
    found: list[FolderCase] = []
    if (folder / "labels.csv").is_file():
        for row in read_rows(folder / "labels.csv", ("file",)):
            there = {name: float(row[name]) > 0 for name in NIH_FINDINGS if row.get(name)}
            if there:
                truth = ChestTruth(there)
                found.append(FolderCase(row["file"], row.get("split", ""), truth.abnormal, truth))
    if (folder / "heart_lung_masks.csv").is_file():
        for row in read_rows(folder / "heart_lung_masks.csv", ("file", "mask", "ctr_from_mask")):
            ratio = float(row["ctr_from_mask"])
            truth = ChestTruth({"Cardiomegaly": ratio > 0.5}, ratio)
            split = row.get("split", "")
            found.append(FolderCase(row["file"], split, truth.abnormal, truth, row["mask"]))
    return found


def _head(folder: Path) -> list[FolderCase]:
    rows = read_rows(folder / "brain.csv", ("file", "mask"))
    return [
        FolderCase(row["file"], row.get("split", ""), None, None, row["mask"])
        for row in rows
        if row["mask"]
    ]


_READERS: Mapping[str, Callable[[Path], list[FolderCase]]] = {
    "fracture": _fracture,
    "bone_age": _bone_age,
    "chest": _chest,
    "skull_strip": _head,
}
