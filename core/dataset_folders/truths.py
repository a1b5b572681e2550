"""What is true of images that were scored: from a table of labels, or a data set's own folder."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from core.dataset_folders.bone_age import AGE_COLUMNS, ID_COLUMNS
from core.dataset_folders.chest import FINDINGS, NAME
from core.dataset_folders.dataset import SEVERAL, Dataset, Outlines, is_set, number
from core.dataset_folders.layouts import open_dataset
from core.errors import UnsuitableInputError

IMAGES = ("image", "path", "file", "filename", "image_path", "image_id", NAME, *ID_COLUMNS)
TRUTHS = {
    "fracture": ("truth", "fractured"),
    "bone_age": ("truth", "age_months", *AGE_COLUMNS),
    "chest": ("truth", FINDINGS, "findings"),
    "skull_strip": ("truth", "mask"),
}
"""Columns that are looked for, in this order, whatever their capitals."""
MEANS = {
    "fracture": "1 or 0; boxes as xmin, ymin, xmax, ymax, a line each",
    "bone_age": "months",
    "chest": "findings by “|”, or nothing",
    "skull_strip": "path of the mask",
}
CORNERS = ("xmin", "ymin", "xmax", "ymax")
NOTHING = {"", "no finding", "no_finding", "none", "normal", "0"}


@dataclass(frozen=True, eq=False)
class Truths:
    """What is true, by the name that the labels give an image.

    Attributes:
        values: Whether fractured; months; set of findings; path of the brain's mask.
        boxes: Of fractured films, where the labels have any.
    """

    values: Mapping[str, Any]
    boxes: Mapping[str, Outlines] = field(default_factory=dict)

    def names_of(self, paths: Iterable[str]) -> Iterator[str | None]:
        """The label's name for each image's path, or None.

        A label counts whose name is the end of the path, folder by folder; else the only one of
        the same file name, with or without its ending.
        """
        alone: dict[str, str | None] = {}
        for name in self.values:
            for short in {PurePosixPath(name).name, PurePosixPath(name).stem}:
                alone[short] = None if short in alone else name
        for path in paths:
            parts = path.replace("\\", "/").split("/")
            ends = ("/".join(parts[start:]) for start in range(len(parts)))
            found = next((end for end in ends if end in self.values), None)
            own = PurePosixPath(parts[-1])
            yield found or alone.get(own.name) or alone.get(own.stem)


def read_truths(task: str, path: Path) -> Truths:
    """Labels from a CSV table (`of_table`), or from the folder of a known data set.

    Raises:
        UnsuitableInputError: If there is nothing, or it says nothing about this task.
    """
    path = path.expanduser()
    if path.is_dir():
        return of_dataset(task, open_dataset(path))
    try:
        return of_table(task, path.name, path.read_bytes(), path.parent)
    except OSError as err:
        raise UnsuitableInputError(f"There is no label file “{path}” on this computer.") from err


def of_table(task: str, name: str, content: bytes, folder: Path | None = None) -> Truths:
    """Labels from a CSV table with a column for the image and one for the truth.

    Args:
        task: What the truth is of; `MEANS` says how it is written.
        name: The file's, for the complaint.
        content: UTF-8 text.
        folder: What paths of masks are relative to.

    Raises:
        UnsuitableInputError: If it is no such table.
    """
    try:
        text = content.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), restval=""))
    except (UnicodeDecodeError, csv.Error) as err:
        raise UnsuitableInputError(f"{name} is no CSV text (UTF-8).") from err
    columns = {str(column).strip().lower(): column for column in (rows[0] if rows else ())}
    image = next((columns[one.lower()] for one in IMAGES if one.lower() in columns), None)
    truth = next((columns[one.lower()] for one in TRUTHS[task] if one.lower() in columns), None)
    corners = [columns[one] for one in CORNERS if one in columns]
    if image is None or (truth is None and len(corners) < 4):
        raise UnsuitableInputError(
            f"{name} needs the columns “image” and “truth” ({MEANS[task]}); it has: "
            f"{', '.join(columns) or 'none'}."
        )
    values: dict[str, Any] = {}
    boxes: dict[str, list[list[float]]] = {}
    for row in rows:
        written = str(row[image]).strip().replace("\\", "/")
        box = [number(row[corner]) for corner in corners]
        drawn = task == "fracture" and len(box) == 4 and bool(np.isfinite(box).all())
        if written and drawn:
            boxes.setdefault(written, []).append(box)
        value = drawn if truth is None else _value(task, str(row[truth] or ""), folder)
        if written and value is not None:
            values[written] = bool(value or values.get(written)) if task == "fracture" else value
    outlines = {key: Outlines(np.asarray(some, float)) for key, some in boxes.items()}
    return _any(Truths(values, outlines), name)


def _value(task: str, written: str, folder: Path | None) -> Any:
    """A cell of the truth; None where it says nothing."""
    written = written.strip()
    if task == "chest":
        names = (one.strip() for one in written.replace(";", "|").split("|"))
        return frozenset(one.replace(" ", "_") for one in names if one.lower() not in NOTHING)
    if not written:
        return None
    if task == "fracture":
        return is_set(written) or written.lower() in ("fracture", "fractured")
    if task == "bone_age":
        months = number(written)
        return months if np.isfinite(months) else None
    return (folder or Path()) / written


def of_dataset(task: str, dataset: Dataset) -> Truths:
    """Labels of a data set, by the path of each image below its folder.

    Raises:
        UnsuitableInputError: If it is of another task, or says of no image what is true.
    """
    if dataset.task != task:
        raise UnsuitableInputError(
            f"The labels are of {dataset.layout}, hence of another task than the results."
        )
    rows = dataset.rows
    if task == "skull_strip":
        masks = {name: dataset.listing.path(mask) for name, mask in dataset.masks.items()}
        return _any(Truths(masks), dataset.layout)
    if task == "chest":
        values: dict[str, Any] = {
            str(name): frozenset(one.replace(" ", "_") for one in text.split(SEVERAL) if one)
            for name, text in rows["findings"].items()
        }
        # Of films outlined for their heart's size nobody said what else they show.
        sized = rows.get("cardiothoracic ratio", pd.Series(dtype=float)).dropna().index
        return Truths({name: found for name, found in values.items() if name not in set(sized)})
    column = {"fracture": "fractured", "bone_age": "age (months)"}[task]
    known = rows[column].dropna()
    convert = bool if task == "fracture" else float
    values = {str(name): convert(value) for name, value in known.items()}
    return _any(Truths(values, dataset.outlines if task == "fracture" else {}), dataset.layout)


def _any(truths: Truths, name: str) -> Truths:
    if not truths.values:
        raise UnsuitableInputError(f"{name} says of no image what is true.")
    return truths
