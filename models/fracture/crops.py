"""What the second reader receives: a candidate box with its surroundings, one crop a box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.detections import Boxes
from core.images import FloatArray

SIDE_PX = 128
CONTEXT = 2.5
"""Side of a crop in longer sides of its box."""
LEAST_PX = 64
"""A crop shows at least so many pixels of the film, however small its box."""


@dataclass(frozen=True)
class View:
    """How a crop is taken; the first one is that of an answer, training draws others.

    Attributes:
        mirrored: Left and right exchanged.
        quarter_turns: By 90° each.
        angle_deg: Turn of the film under a box that stays upright.
        zoom: Factor on the side of the crop.
        shift: Of the crop's middle (x, y) from the box's, in sides of the crop.
    """

    mirrored: bool = False
    quarter_turns: int = 0
    angle_deg: float = 0.0
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)


UPRIGHT = View()


def crop(film: FloatArray, box_xyxy: Boxes, view: View = UPRIGHT) -> FloatArray:
    """A box with its surroundings.

    Args:
        film: (H, W) in [0, 1].
        box_xyxy: (4,) in pixels of the film.
        view: How to take it.

    Returns:
        float32 (2, `SIDE_PX`, `SIDE_PX`): grey values (0 outside of the film), and 1 inside the
        box, 0 outside.
    """
    import cv2

    middle, side = _square(box_xyxy, view)
    scale = SIDE_PX / side
    turn = np.deg2rad(view.angle_deg)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    # The film turns about the middle of the box, which keeps its place in the crop.
    centre = _centre(box_xyxy)
    offset = scale * (centre - middle) + SIDE_PX / 2 - linear @ centre
    # cv2 counts from the middle of the first pixel.
    offset = offset + linear @ np.array([0.5, 0.5]) - 0.5
    matrix = np.concatenate([linear, offset[:, None]], axis=1)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    grey = cv2.warpAffine(film, matrix, (SIDE_PX, SIDE_PX), flags=how)
    mask = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    x0, y0, x1, y1 = _in_square(box_xyxy, middle, scale).round().astype(int).clip(0, SIDE_PX)
    mask[y0:y1, x0:x1] = 1
    both = np.stack([grey, mask])
    if view.mirrored:
        both = both[:, :, ::-1]
    return np.ascontiguousarray(np.rot90(both, view.quarter_turns, axes=(1, 2)), np.float32)


def crops(film: FloatArray, boxes_xyxy: Boxes) -> FloatArray:
    """The upright `crop` of every box: float32 (N, 2, S, S)."""
    return np.stack([crop(film, box) for box in boxes_xyxy])


def offsets(box_xyxy: Boxes, truth_xyxy: Boxes, view: View = UPRIGHT) -> NDArray[np.float64]:
    """Where a true box lies from a box, as it is seen in a crop of the box.

    Returns:
        (4,): middle (x, y) in sides of the box, then logarithms of the ratio of both sides. The
        small turn of a view is left out of account.
    """
    size, true_size = box_xyxy[2:] - box_xyxy[:2], truth_xyxy[2:] - truth_xyxy[:2]
    (x, y), (w, h) = (_centre(truth_xyxy) - _centre(box_xyxy)) / size, np.log(true_size / size)
    if view.mirrored:
        x = -x
    for _ in range(view.quarter_turns % 4):  # anticlockwise: right becomes up
        x, y, w, h = y, -x, h, w
    return np.array([x, y, w, h], float)


def moved(boxes_xyxy: Boxes, by: NDArray[np.floating]) -> Boxes:
    """Boxes (N, 4) moved by `offsets` (N, 4) of the upright view."""
    size = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    middle = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2 + by[:, :2] * size
    half = size / 2 * np.exp(by[:, 2:])
    return np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)


def _centre(box_xyxy: Boxes) -> NDArray[np.float64]:
    return np.asarray((box_xyxy[:2] + box_xyxy[2:]) / 2, np.float64)


def _square(box_xyxy: Boxes, view: View) -> tuple[NDArray[np.float64], float]:
    """Middle (x, y) and side of the square of film that a crop shows."""
    longer = float((box_xyxy[2:] - box_xyxy[:2]).max())
    side = max(CONTEXT * longer, LEAST_PX) * view.zoom
    return _centre(box_xyxy) + side * np.array(view.shift), side


def _in_square(box_xyxy: Boxes, middle: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    return np.asarray((box_xyxy - np.tile(middle, 2)) * scale + SIDE_PX / 2, np.float64)
