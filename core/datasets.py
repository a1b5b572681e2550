"""Radiographs with true boxes on disk: the layout this project uses and FracAtlas' own."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.detections import Boxes
from core.errors import UnreadableImageError, UnsuitableInputError

BODY_PARTS = ("hand", "leg", "hip", "shoulder", "mixed")
USUAL_LONG_SIDE_PX = 454
"""Long side of most FracAtlas originals; the larger ones come from other machines."""
BLOCK = 25


@dataclass(frozen=True, eq=False)
class FractureCase:
    """One radiograph of a data set and what is true of it.

    Attributes:
        file: Name within the data set; the only thing ever written to a report.
        path: Where the image lies.
        split: "train", "val" or "test".
        boxes_xyxy: float32 (N, 4), pixels of the image; N = 0 is normal.
        fractured: The image-level label (a few sets have no box for a labelled fracture).
        body_parts: Those of `BODY_PARTS` that the table names.
        larger_original: Whether the original was larger than usual, None where unknown.
    """

    file: str
    path: Path
    split: str
    boxes_xyxy: Boxes
    fractured: bool
    body_parts: tuple[str, ...] = ()
    larger_original: bool | None = None


def read_fracture_cases(folder: Path, split: str | None = None) -> list[FractureCase]:
    """List the cases of a data set, in the order of its table.

    Two layouts are known: `images.csv`, `boxes.csv` and `images/` (the columns after `file`,
    `split` and `fractured` are optional), and FracAtlas as published (`dataset.csv`,
    `images/Fractured`, `images/Non_fractured`, `Annotations/YOLO`).

    Args:
        folder: The data set.
        split: Only the cases of this split; None for all.

    Raises:
        UnsuitableInputError: If the folder has neither layout, a column is missing, or the split
            has no case.
    """
    if (folder / "images.csv").is_file():
        cases = list(_cases_of_tables(folder))
    elif (folder / "dataset.csv").is_file():
        cases = list(_cases_of_fracatlas(folder))
    else:
        raise UnsuitableInputError(
            f"{folder.name} holds neither images.csv nor dataset.csv. Expected the tables "
            "images.csv and boxes.csv beside images/, or FracAtlas as published."
        )
    chosen = [case for case in cases if split is None or case.split == split]
    if not chosen:
        known = ", ".join(sorted({case.split for case in cases})) or "none"
        raise UnsuitableInputError(f"No case in the split “{split}”; the splits are: {known}.")
    return chosen


def read_outlines(folder: Path) -> dict[str, list[NDArray[np.float64]]]:
    """Corners (K, 2) in pixels of the outlines in `annotations_coco.json`, by file.

    Left out are files with an object in several parts or without an outline; empty where the data
    set has no such file.
    """
    path = folder / "annotations_coco.json"
    if not path.is_file():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    names = {image["id"]: image["file_name"] for image in content["images"]}
    found: dict[str, list[list[list[float]]]] = defaultdict(list)
    for one in content["annotations"]:
        found[names[one["image_id"]]].append(one.get("segmentation") or [])
    return {
        file: [np.asarray(parts[0], float).reshape(-1, 2) for parts in objects]
        for file, objects in found.items()
        if all(isinstance(parts, list) and len(parts) == 1 for parts in objects)
    }


def read_grey(path: Path) -> NDArray[np.uint8]:
    """The image as uint8 (H, W), EXIF orientation applied.

    Raises:
        UnreadableImageError: If it is missing or cannot be decoded.
    """
    import cv2

    try:
        encoded = np.frombuffer(path.read_bytes(), np.uint8)
        grey = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error) as err:
        raise UnreadableImageError(f"{path.name} cannot be read.") from err
    if grey is None:
        raise UnreadableImageError(f"{path.name} is no image that can be read.")
    return np.asarray(grey, np.uint8)


def read_rows(path: Path, needed: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """Rows of a CSV table.

    Raises:
        UnsuitableInputError: If the table is missing or lacks a needed column.
    """
    if not path.is_file():
        raise UnsuitableInputError(f"{path.name} is missing from the data set.")
    with path.open(newline="", encoding="utf-8-sig") as handle:
        reader = csv.DictReader(handle)
        missing = set(needed) - set(reader.fieldnames or ())
        if missing:
            raise UnsuitableInputError(f"{path.name} lacks the column {sorted(missing)[0]}.")
        return list(reader)


def _cases_of_tables(folder: Path) -> Iterator[FractureCase]:
    boxes: dict[str, list[list[float]]] = defaultdict(list)
    corners = ("xmin", "ymin", "xmax", "ymax")
    for row in read_rows(folder / "boxes.csv", ("file", *corners)):
        boxes[row["file"]].append([float(row[corner]) for corner in corners])
    for row in read_rows(folder / "images.csv", ("file", "split")):
        file = row["file"]
        found = np.asarray(boxes.get(file, []), np.float32).reshape(-1, 4)
        sides = [row.get("orig_width"), row.get("orig_height")]
        larger = max(float(s) for s in sides if s) > USUAL_LONG_SIDE_PX if all(sides) else None
        yield FractureCase(
            file=file,
            path=folder / "images" / file,
            split=row["split"],
            boxes_xyxy=found,
            fractured=_is_set(row.get("fractured")) or len(found) > 0,
            body_parts=tuple(part for part in BODY_PARTS if _is_set(row.get(part))),
            larger_original=larger,
        )


def _cases_of_fracatlas(folder: Path) -> Iterator[FractureCase]:
    """FracAtlas as published; neighbouring numbers are often one patient, so blocks stay whole."""
    for row in read_rows(folder / "dataset.csv", ("image_id", "fractured")):
        file = row["image_id"]
        fractured = _is_set(row["fractured"])
        path = folder / "images" / ("Fractured" if fractured else "Non_fractured") / file
        labels = folder / "Annotations" / "YOLO" / f"{Path(file).stem}.txt"
        shape_hw = read_grey(path).shape if fractured else (1, 1)
        number = int("".join(c for c in Path(file).stem if c.isdigit()) or 0)
        yield FractureCase(
            file=file,
            path=path,
            split=_split_of_block(number // BLOCK),
            boxes_xyxy=_yolo_boxes(labels, (shape_hw[0], shape_hw[1])),
            fractured=fractured,
            body_parts=tuple(part for part in BODY_PARTS if _is_set(row.get(part))),
            larger_original=max(shape_hw) > USUAL_LONG_SIDE_PX if fractured else None,
        )


def _split_of_block(block: int) -> str:
    return {8: "val", 9: "test"}.get(block % 10, "train")


def _yolo_boxes(path: Path, shape_hw: tuple[int, int]) -> Boxes:
    """Boxes of a YOLO label file (class, centre and size as fractions) in pixels."""
    if not path.is_file():
        return np.zeros((0, 4), np.float32)
    rows = [line.split()[1:5] for line in path.read_text(encoding="ascii").splitlines() if line]
    centre_size = np.asarray(rows, np.float32).reshape(-1, 4)
    height, width = shape_hw
    centre = centre_size[:, :2] * (width, height)
    half = centre_size[:, 2:] * (width, height) / 2
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def _is_set(value: str | None) -> bool:
    return str(value or "0").strip().lower() in ("1", "1.0", "true", "yes")
