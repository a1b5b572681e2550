"""Files to take away: overlays as PNG, tables as CSV, labels as COCO and YOLO, all as one zip."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from csv import DictWriter
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.detections import Boxes, Comparison, Detections
from core.files.box_labels import write_coco, write_yolo
from core.plots.draw import PREDICTION, TRUTH, Picture, with_boxes, with_polygons

LABEL = "fracture"


@dataclass(frozen=True)
class BoxRow:
    """One box as a line of a table; sizes in mm are None where the spacing is unknown."""

    number: int
    score: float
    corners_px: tuple[float, float, float, float]
    size_px: tuple[float, float]
    size_mm: tuple[float, float] | None
    match: str

    @property
    def columns(self) -> dict[str, Any]:
        """The row by column name; widths and heights carry their unit in the name."""
        x0, y0, x1, y1 = (round(value, 1) for value in self.corners_px)
        sizes: dict[str, Any] = {
            "width_px": round(self.size_px[0], 1),
            "height_px": round(self.size_px[1], 1),
        }
        if self.size_mm is not None:
            sizes |= {
                "width_mm": round(self.size_mm[0], 1),
                "height_mm": round(self.size_mm[1], 1),
            }
        return {
            "box": self.number,
            "score": round(self.score, 4),
            "xmin": x0,
            "ymin": y0,
            "xmax": x1,
            "ymax": y1,
            **sizes,
            "against_truth": self.match,
        }

    @property
    def words(self) -> list[str]:
        """The row as lines for a tooltip."""
        size = f"{self.size_px[0]:.0f} × {self.size_px[1]:.0f} px"
        lines = [f"Box {self.number}, score {self.score:.2f}", size]
        if self.size_mm is not None:
            lines.append(f"{self.size_mm[0]:.1f} × {self.size_mm[1]:.1f} mm")
        if self.match != "unknown":
            lines.append(self.match)
        return lines


@dataclass(frozen=True, eq=False)
class Item:
    """The result of one image, ready to be written.

    Attributes:
        file: Name of the image.
        shape: (H, W) of the image in pixels.
        found: Boxes above the threshold, after suppression.
        spacing_mm: Pixel spacing (row, column), or None.
        against_truth: Hits and misses, or None where the truth is not known.
    """

    file: str
    shape: tuple[int, int]
    found: Detections
    spacing_mm: tuple[float, float] | None = None
    against_truth: Comparison | None = None


def box_rows(
    found: Detections,
    spacing_mm: tuple[float, float] | None = None,
    against_truth: Comparison | None = None,
) -> list[BoxRow]:
    """The boxes as rows, best first."""
    rows = []
    for index, (box, score) in enumerate(zip(found.boxes_xyxy, found.scores, strict=True)):
        x0, y0, x1, y1 = (float(value) for value in box)
        width, height = x1 - x0, y1 - y0
        in_mm = (width * spacing_mm[1], height * spacing_mm[0]) if spacing_mm else None
        match = "unknown"
        if against_truth is not None:
            match = "hit" if against_truth.hit[index] else "false alarm"
            if against_truth.names:
                match = against_truth.names[index]
        rows.append(
            BoxRow(index + 1, float(score), (x0, y0, x1, y1), (width, height), in_mm, match)
        )
    return rows


def stem(name: str) -> str:
    """A name that every file system takes: letters, digits, dash, dot and underscore."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "radiograph"


def label_name(file: str) -> str:
    """The name of an image's YOLO file: the image's own with another ending."""
    return f"{stem(str(PurePath(file).with_suffix('')))}.txt"


def png(picture: Picture) -> bytes:
    """A picture, uint8 (H, W) or (H, W, 3), as a PNG file."""
    bgr = picture[..., ::-1] if picture.ndim == 3 else picture
    _, encoded = cv2.imencode(".png", np.ascontiguousarray(bgr))
    return encoded.tobytes()


def overlay(
    picture: Picture,
    found: Detections,
    truth_xyxy: Boxes | None = None,
    polygons: Sequence[NDArray[np.float64]] = (),
    *,
    factor: float = 1.0,
) -> Picture:
    """A radiograph with its predictions (solid, with score), truth (dashed) and its outlines.

    Args:
        picture: uint8 (H, W).
        found: Boxes in pixels of the film.
        truth_xyxy: (M, 4) in pixels of the film, or None.
        polygons: Corners (K, 2) of true outlines in pixels of the film.
        factor: Pixels of the picture per pixel of the film, where it was scaled for a gallery.
    """
    labels = [f"{score:.2f}" for score in found.scores]
    drawn = with_boxes(picture, found.boxes_xyxy * factor, labels, colour=PREDICTION)
    if truth_xyxy is not None:  # on top: between its dashes a prediction below it shows
        drawn = with_boxes(drawn, truth_xyxy * factor, colour=TRUTH, dashed=True)
    return with_polygons(drawn, [points * factor for points in polygons])


def table(rows: Sequence[dict[str, Any]], first: Sequence[str] = ()) -> bytes:
    """Rows as a CSV file; its columns are `first`, then those of all rows as they appear."""
    columns = list(dict.fromkeys([*first, *(column for row in rows for column in row)]))
    text = io.StringIO(newline="")
    writer = DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def csv(items: Iterable[Item]) -> bytes:
    """All boxes of all items as a CSV file; an image without boxes has one line without them."""
    rows: list[dict[str, Any]] = []
    for item in items:
        found = box_rows(item.found, item.spacing_mm, item.against_truth)
        rows += [{"file": item.file, **row.columns} for row in found] or [{"file": item.file}]
    return table(rows, ("file", "box", "score", "xmin", "ymin", "xmax", "ymax"))


def coco(items: Sequence[Item]) -> bytes:
    """All boxes as a COCO file, with scores."""
    return write_coco(
        [(item.file, item.shape, item.found.boxes_xyxy, item.found.scores) for item in items],
        LABEL,
    )


def yolo(item: Item) -> bytes:
    """The boxes of one image as a YOLO label file, the score last in every line."""
    return write_yolo(item.found.boxes_xyxy, item.shape, item.found.scores)


def archive(
    items: Sequence[Item], overlays: Iterable[tuple[str, bytes]], summary: Sequence[dict[str, Any]]
) -> bytes:
    """One zip of a batch: overlays/, yolo/, boxes.csv, films.csv and coco.json.

    Args:
        items: The images that could be read.
        overlays: File name and PNG of each.
        summary: One row a file, also for those that could not be read.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("films.csv", table(summary))
        packed.writestr("boxes.csv", csv(items))
        packed.writestr("coco.json", coco(items))
        for item in items:
            packed.writestr(f"yolo/{label_name(item.file)}", yolo(item))
        for name, content in overlays:
            packed.writestr(f"overlays/{name}", content)
    return buffer.getvalue()
