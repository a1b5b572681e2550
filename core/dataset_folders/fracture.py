"""Limb radiographs with boxes and polygons: FracAtlas as published, and the extract's tables.

Abedeen et al., Scientific Data 2023, doi:10.1038/s41597-023-02432-4.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from core.dataset_folders.dataset import SEVERAL, Dataset, Outlines, Rows, is_set, number, table
from core.dataset_folders.listing import Listing
from core.errors import ImagingError, UnsuitableInputError
from core.files.box_labels import Drawn, read_boxes, read_drawn
from core.files.via_labels import via_images, via_outlines

BODY_PARTS = ("hand", "leg", "hip", "shoulder", "mixed")
VIEWS = ("frontal", "lateral", "oblique")
MOST_JSON_BYTES = 200_000_000
YOLO_UNIT = 1_000_000
"""Side of a square in whose pixels fractions are read, fine enough to keep them."""


def read_published(listing: Listing) -> Dataset:
    """FracAtlas as published: `dataset.csv`, `images/`, and one of its four kinds of labels."""
    rows, where = Rows(listing), listing.by_name()
    for row in table(listing, "dataset.csv", ("image_id", "fractured")):
        rows.add(where.get(row["image_id"]), row["image_id"], _labels(row, row["image_id"]))
    rows.without_row(listing.below("images"))
    outlines = dict(_published_outlines(listing, where, rows))
    return _dataset("FracAtlas as published", listing, rows, outlines, ("dataset.csv",))


def read_extract(listing: Listing) -> Dataset:
    """`images.csv` and `boxes.csv` beside `images/`; polygons from COCO where they are there."""
    rows = Rows(listing)
    for row in table(listing, "images.csv", ("file", "fractured")):
        below = f"images/{row['file']}"
        labels = {**_labels(row, row["file"]), "split": row.get("split", "")}
        labels["patient"] = row.get("patient_id", "")
        rows.add(below, row["file"], labels)
    rows.without_row(listing.below("images"))
    corners = ("xmin", "ymin", "xmax", "ymax")
    boxes: dict[str, list[list[float]]] = {}
    tables = ["images.csv"]
    if "boxes.csv" in listing:
        tables.append("boxes.csv")
        for row in table(listing, "boxes.csv", ("file", *corners)):
            box = [number(row[corner]) for corner in corners]
            boxes.setdefault(f"images/{row['file']}", []).append(box)
    outlines = {below: Outlines(np.asarray(found, float)) for below, found in boxes.items()}
    for name in listing.below("", (".json",)):
        where = {PurePosixPath(below).name: below for below in rows.rows}
        outlines |= dict(_coco(listing, name, where))
    return _dataset("FracAtlas extract", listing, rows, outlines, tuple(tables))


def _labels(row: Mapping[str, str], file: str) -> dict[str, object]:
    parts = [part for part in BODY_PARTS if is_set(row.get(part))]
    views = [view for view in VIEWS if is_set(row.get(view))]
    return {
        "fractured": is_set(row.get("fractured")),
        "fractures": number(row.get("fracture_count") or row.get("n_boxes")),
        "body part": SEVERAL.join(parts) or "not said",
        "view": SEVERAL.join(views) or "not said",
        "hardware": is_set(row.get("hardware")),
        "multiscan": is_set(row.get("multiscan")),
    }


def _dataset(
    layout: str,
    listing: Listing,
    rows: Rows,
    outlines: dict[str, Outlines],
    tables: tuple[str, ...],
) -> Dataset:
    for below in outlines:
        if below not in rows.rows:
            rows.complain("label without image", below)
    for below, labels in rows.rows.items():
        drawn = len(outlines[below].boxes_xyxy) if below in outlines else 0
        labels["boxes"] = drawn
        if bool(labels["fractured"]) != (drawn > 0):
            rows.complain("label and boxes disagree", below)
    kept = {below: one for below, one in outlines.items() if below in rows.rows}
    return Dataset(
        layout, "fracture", listing, rows.frame(), kept, problems=rows.problems(), tables=tables
    )


def _published_outlines(
    listing: Listing, where: Mapping[str, str], rows: Rows
) -> Iterator[tuple[str, Outlines]]:
    """The first kind of labels that is there; those with polygons first."""
    files = listing.below("Annotations", (".json", ".xml", ".txt"))
    for name in files:
        if name.endswith(".json"):
            found = dict(_coco(listing, name, where)) or dict(_vgg(listing, name, where))
            if found:
                yield from found.items()
                return
    stems = {PurePosixPath(name).stem: below for name, below in where.items()}
    for ending in (".xml", ".txt"):
        found = {}
        for name in files:
            below = stems.get(PurePosixPath(name).stem)
            if name.endswith(ending) and below is not None:
                found[below] = _one_file(listing, name, below, rows)
        if found:
            yield from ((below, one) for below, one in found.items() if len(one.boxes_xyxy))
            return


def _one_file(listing: Listing, name: str, below: str, rows: Rows) -> Outlines:
    """A YOLO or VOC file: VOC states pixels, YOLO fractions of the image."""
    content = listing.path(name).read_bytes()
    try:
        if name.endswith(".txt"):
            drawn = read_drawn(content, name, image_name=None, shape=(YOLO_UNIT, YOLO_UNIT))
            drawn = drawn or Drawn(np.zeros((0, 4), np.float32))
            polygons = tuple(points / YOLO_UNIT for points in drawn.polygons)
            boxes = np.asarray(drawn.boxes_xyxy, float) / YOLO_UNIT
            return Outlines(boxes, polygons, fractions=True)
        return Outlines(np.asarray(_voc_boxes(content, name), float))
    except UnsuitableInputError:
        rows.complain("box outside the image", below)
    except ImagingError:
        rows.complain("unreadable label", name)
    return Outlines()


def _voc_boxes(content: bytes, name: str) -> Any:
    from core.files.box_labels import voc_size

    return read_boxes(content, name, image_name=None, shape=voc_size(content, name))


def _json(listing: Listing, name: str) -> Any:
    if listing.files[name][0] > MOST_JSON_BYTES:
        raise UnsuitableInputError(f"{name} is larger than {MOST_JSON_BYTES / 1e6:.0f} MB.")
    try:
        return json.loads(listing.path(name).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None  # another JSON than a label file, which the folder may well hold


def _coco(listing: Listing, name: str, where: Mapping[str, str]) -> Iterator[tuple[str, Outlines]]:
    """Boxes and polygons of a COCO file; nothing where it is another kind of JSON."""
    content = _json(listing, name)
    if not isinstance(content, dict) or not {"images", "annotations"} <= set(content):
        return
    boxes: dict[str, list[list[float]]] = {}
    polygons: dict[str, list[np.ndarray]] = {}
    try:
        files = {image["id"]: str(image["file_name"]) for image in content["images"]}
        for one in content["annotations"]:
            file = files.get(one["image_id"], "")
            below = where.get(PurePosixPath(file).name, file)
            x, y, w, h = (float(value) for value in one["bbox"])
            boxes.setdefault(below, []).append([x, y, x + w, y + h])
            parts = one.get("segmentation") or []
            if isinstance(parts, list):
                for part in parts:
                    points = np.asarray(part, float).reshape(-1, 2)
                    polygons.setdefault(below, []).append(points)
    except (KeyError, TypeError, ValueError, AttributeError):
        return
    for below, found in boxes.items():
        yield below, Outlines(np.asarray(found, float), tuple(polygons.get(below, ())))


def _vgg(listing: Listing, name: str, where: Mapping[str, str]) -> Iterator[tuple[str, Outlines]]:
    """Polygons and rectangles of a VGG Image Annotator file (Dutta & Zisserman 2019)."""
    for image in via_images(_json(listing, name)) or ():
        try:
            polygons = via_outlines(image)
            below = where.get(str(image["filename"]), str(image["filename"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        if polygons:
            corners = [[*points.min(axis=0), *points.max(axis=0)] for points in polygons]
            yield below, Outlines(np.asarray(corners, float), tuple(polygons))
