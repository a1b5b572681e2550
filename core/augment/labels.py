"""What is known of an image besides its pixels, and what geometry did to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from core.detections import Boxes
from core.images import FloatArray

Mask = NDArray[np.bool_]


def no_boxes() -> Boxes:
    return np.zeros((0, 4), np.float32)


def inside(polygons: Sequence[Sequence[Sequence[float]]], shape: tuple[int, int]) -> Mask:
    """The pixels within polygons of corners (x, y), as a mask (H, W)."""
    corners = [np.rint(points).astype(np.int32) for points in polygons]
    return np.asarray(cv2.fillPoly(np.zeros(shape, np.uint8), corners, 1), bool)


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of an image.

    Attributes:
        boxes_xyxy: float32 (N, 4) in pixels.
        box_names: One name a box.
        masks: bool of the image's shape, by name.
        points: (x, y) in pixels, by name.
    """

    boxes_xyxy: Boxes = field(default_factory=no_boxes)
    box_names: tuple[str, ...] = ()
    masks: Mapping[str, Mask] = field(default_factory=dict)
    points: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.boxes_xyxy) != len(self.box_names):
            raise ValueError(f"{len(self.boxes_xyxy)} boxes but {len(self.box_names)} names")


@dataclass(frozen=True)
class Motion:
    """What happened to shapes, measured on a grid of points that moved with the image.

    Attributes:
        mirrored: Whether left and right were exchanged.
        turn_degrees: Mean rotation, counter-clockwise positive as seen.
        scale: Mean factor of lengths; above 1 the part got larger.
        stretch: How much longer one direction got than the other, 0 for none; the worst tenth
            of the image counts, so that a local bend is found.
    """

    mirrored: bool = False
    turn_degrees: float = 0.0
    scale: float = 1.0
    stretch: float = 0.0


@dataclass(frozen=True, eq=False)
class Moved:
    """An image after a draw, with its labels.

    Attributes:
        pixels: float32, of the shape that came in.
        labels: Of what is left; boxes that left the image are gone.
        kept: For each box left, its index in the labels that came in.
        visible: float (N,) for each box that came in: share of it still in the image.
        motion: What happened to shapes.
        outside: Share of the image that is filled because nothing was there.
    """

    pixels: FloatArray
    labels: Labels
    kept: tuple[int, ...] = ()
    visible: tuple[float, ...] = ()
    motion: Motion = Motion()
    outside: float = 0.0


def motion_of(before: NDArray[np.floating], after: NDArray[np.floating]) -> Motion:
    """Measure how a grid of points was moved.

    Args:
        before: (rows, columns, 2) positions (x, y) on a regular grid.
        after: The same points afterwards.
    """
    x_edge = before[:-1, 1:] - before[:-1, :-1]
    y_edge = before[1:, :-1] - before[:-1, :-1]
    x_after = after[:-1, 1:] - after[:-1, :-1]
    y_after = after[1:, :-1] - after[:-1, :-1]
    # Columns of each cell's Jacobian: where a step to the right and one down went.
    cells = np.stack(
        [x_after / x_edge[..., :1], y_after / y_edge[..., 1:]], axis=-1
    ).reshape(-1, 2, 2)  # fmt: skip
    singular = np.linalg.svd(cells, compute_uv=False)
    ratio = singular[:, 0] / np.maximum(singular[:, 1], 1e-6) - 1
    mean = cells.mean(axis=0)
    mirrored = bool(np.linalg.det(mean) < 0)
    turn = mean @ np.diag([-1.0, 1.0]) if mirrored else mean
    angle = float(np.degrees(np.arctan2(turn[1, 0] - turn[0, 1], turn[0, 0] + turn[1, 1])))
    return Motion(
        mirrored,
        -angle if abs(angle) > 0.05 else 0.0,
        float(np.sqrt(np.abs(np.linalg.det(cells)).mean())),
        float(np.quantile(ratio, 0.9)),
    )
