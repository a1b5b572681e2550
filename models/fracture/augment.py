"""Training views: a radiograph moved, cropped and re-exposed, with its boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.detections import Boxes
from core.images import FloatArray
from core.stages import run_stages
from models.fracture.preprocess import contrast_stages

LEAST_VISIBLE = 0.5
"""A box of which less than this share is still in view is no longer a label."""


@dataclass(frozen=True, eq=False)
class Sample:
    """An image held in memory.

    Attributes:
        grey: uint8 (H, W).
        boxes_xyxy: (N, 4) in pixels.
        outlines: Corners (K, 2) of what each box surrounds; empty where only boxes are known.
    """

    grey: NDArray[np.uint8]
    boxes_xyxy: Boxes
    outlines: tuple[NDArray[np.float64], ...] = ()


@dataclass(frozen=True)
class Strength:
    """How far training views stray.

    Attributes:
        long_side_px: Scale that the detector sees later.
        scale: Least and greatest factor on that scale.
        rotation_deg: Greatest rotation either way.
        shear: Greatest shear either way.
        join: Share of views joined from two radiographs, as composite films are.
        quarter_turn: Share of images turned by 90 degrees.
    """

    long_side_px: int = 640
    scale: tuple[float, float] = (0.75, 1.35)
    rotation_deg: float = 12.0
    shear: float = 0.05
    join: float = 0.3
    quarter_turn: float = 0.1


def training_view(
    sample: Sample,
    other: Sample | None,
    shape_hw: tuple[int, int],
    strength: Strength,
    rng: np.random.Generator,
) -> tuple[FloatArray, Boxes]:
    """One random view of `sample`, joined with `other` where that is given.

    Returns:
        float32 (H, W) of `shape_hw` in [0, 1], and the boxes in it, (N, 4).
    """
    view, boxes = _moved(sample, shape_hw, strength, rng)
    if other is not None:
        second, second_boxes = _moved(other, shape_hw, strength, rng)
        axis = 1 if rng.random() < 0.7 else 0
        cut = int(shape_hw[axis] * rng.uniform(0.35, 0.65))
        join = np.concatenate
        if axis == 1:
            view = join([view[:, :cut], second[:, cut:]], axis=1)
            limits = (0, 0, cut, shape_hw[0]), (cut, 0, shape_hw[1], shape_hw[0])
        else:
            view = join([view[:cut], second[cut:]], axis=0)
            limits = (0, 0, shape_hw[1], cut), (0, cut, shape_hw[1], shape_hw[0])
        boxes = join([_clipped(boxes, limits[0]), _clipped(second_boxes, limits[1])])
    return exposed(view, rng), boxes


def _moved(
    sample: Sample, shape_hw: tuple[int, int], strength: Strength, rng: np.random.Generator
) -> tuple[FloatArray, Boxes]:
    """The image through a random affine map into a canvas of `shape_hw`."""
    import cv2

    clip_limit = 0.0 if rng.random() < 0.25 else float(rng.uniform(1.0, 3.5))
    stages = contrast_stages(clip_limit)[: 2 if clip_limit else 1]
    pixels = run_stages(sample.grey.astype(np.float32) / np.float32(255), stages)[-1].image
    height, width = pixels.shape
    low, high = np.log(strength.scale)
    zoom = strength.long_side_px / max(height, width) * float(np.exp(rng.uniform(low, high)))
    turn = np.deg2rad(rng.uniform(-strength.rotation_deg, strength.rotation_deg))
    if (width > height) != (shape_hw[1] > shape_hw[0]) or rng.random() < strength.quarter_turn:
        turn += np.pi / 2
    shear = rng.uniform(-strength.shear, strength.shear)
    linear = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = linear @ np.array([[1.0, shear], [0.0, 1.0]])
    linear = linear @ np.diag([-1.0 if rng.random() < 0.5 else 1.0, 1.0])
    linear = linear @ np.diag([1.0, -1.0 if rng.random() < 0.3 else 1.0])

    middle = np.array([width / 2, height / 2])
    extent = np.abs(linear) @ np.array([width, height])
    room = np.maximum(extent - np.array([shape_hw[1], shape_hw[0]]), 0) / 2
    slack = np.maximum(np.array([shape_hw[1], shape_hw[0]]) - extent, 0) / 2
    canvas = np.array([shape_hw[1], shape_hw[0]])
    wanted = canvas * rng.uniform(0.1, 0.9, 2) - canvas / 2
    shift = wanted - linear @ (_anchor(sample.boxes_xyxy, pixels, rng) - middle)
    shift = np.clip(shift, -(room + slack), room + slack)
    offset = canvas / 2 + shift - linear @ middle
    if sample.outlines:
        boxes = _around([corners @ linear.T + offset for corners in sample.outlines])
    else:
        boxes = _mapped(sample.boxes_xyxy, linear, offset)
    boxes = _clipped(boxes, (0, 0, shape_hw[1], shape_hw[0]))
    matrix = np.concatenate([linear, offset[:, None]], axis=1)
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    view = cv2.warpAffine(pixels, matrix, (shape_hw[1], shape_hw[0]), flags=how)
    return np.asarray(view, np.float32), boxes


def _anchor(boxes_xyxy: Boxes, pixels: FloatArray, rng: np.random.Generator) -> NDArray[np.float64]:
    """A point (x, y) that the view should show: a fracture, or else a bright pixel."""
    if len(boxes_xyxy):
        box = boxes_xyxy[rng.integers(len(boxes_xyxy))]
        return np.asarray((box[:2] + box[2:]) / 2, np.float64)
    bright = np.flatnonzero(pixels > 0.3)
    chosen = int(bright[rng.integers(len(bright))]) if len(bright) else pixels.size // 2
    return np.array([chosen % pixels.shape[1], chosen // pixels.shape[1]], np.float64)


def _mapped(boxes_xyxy: Boxes, linear: NDArray[np.float64], offset: NDArray[np.float64]) -> Boxes:
    """Boxes around the ellipses inscribed in the mapped boxes: corners would make them loose."""
    centre = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2 @ linear.T + offset
    half = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) / 2
    grown = np.sqrt((half**2) @ (linear**2).T)
    return np.concatenate([centre - grown, centre + grown], axis=1).astype(np.float32)


def _around(outlines: Sequence[NDArray[np.float64]]) -> Boxes:
    """The boxes around outlines: as tight after a turn as before it."""
    corners = [np.concatenate([one.min(axis=0), one.max(axis=0)]) for one in outlines]
    return np.stack(corners).astype(np.float32)


def _clipped(boxes_xyxy: Boxes, limits: tuple[float, float, float, float]) -> Boxes:
    """Boxes cut to limits (x0, y0, x1, y1); those mostly outside are left out."""
    x0, y0, x1, y1 = limits
    inside = np.clip(boxes_xyxy, [x0, y0, x0, y0], [x1, y1, x1, y1])
    area = np.prod(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], axis=1)
    left = np.prod(inside[:, 2:] - inside[:, :2], axis=1)
    return np.asarray(inside[left >= LEAST_VISIBLE * np.maximum(area, 1e-6)], np.float32)


def exposed(
    view: FloatArray,
    rng: np.random.Generator,
    contrast: float = 0.2,
    brightness: float = 0.06,
    blur_px: float = 1.0,
    noise: float = 0.03,
) -> FloatArray:
    """Random gamma, contrast, brightness, blur and noise, each up to the strength given."""
    import cv2

    view = view ** np.float32(np.exp(rng.uniform(-0.35, 0.35)))
    view = view * np.float32(rng.uniform(1 - contrast, 1 + contrast))
    view = view + np.float32(rng.uniform(-brightness, brightness))
    if rng.random() < 0.15:
        view = cv2.GaussianBlur(view, (0, 0), float(rng.uniform(0.4, blur_px)))
    if rng.random() < 0.3:
        grain = rng.standard_normal(view.shape, dtype=np.float32)
        view = view + grain * np.float32(rng.uniform(0.005, noise))
    return np.clip(view, 0.0, 1.0).astype(np.float32)
