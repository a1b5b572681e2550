"""Our way from a film to what the bone-age networks see: window, find the hand, fit, CLAHE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.bone_age.geometry import shift
from core.stages import Stage

FloatArray = NDArray[np.float32]

INPUT_SHAPE = (256, 208)  # (H, W): the mean hand is 1.27 times as high as wide
WORKING_SIDE = 256  # the hand is looked for on a copy of this longer side, in pixels


def window(array: FloatArray, low_percent: float = 1.0, high_percent: float = 99.0) -> FloatArray:
    """Stretch grey levels between two percentiles to [0, 1].

    Percentiles rather than extremes: burned-in letters are brighter than any bone.
    """
    low, high = np.percentile(array, (low_percent, high_percent))
    if high - low < 1e-3:
        low, high = float(array.min()), float(max(array.max(), array.min() + 1e-3))
    return np.clip((array - low) / (high - low), 0, 1).astype(np.float32)


def hand_box(array: FloatArray) -> tuple[int, int, int, int]:
    """Box (x0, y0, x1, y1) around the hand in pixels; the whole film where none stands out.

    The hand is the largest bright region (Otsu 1979, after local contrast) that fills its box
    as a hand does and lies near the middle: a collimator frame is thin, letters are small.
    """
    height, width = array.shape
    scale = WORKING_SIDE / max(height, width)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = cv2.resize(array, size, interpolation=cv2.INTER_AREA)
    grey = cv2.createCLAHE(3.0, (4, 4)).apply((255 * small).astype(np.uint8))
    smooth = cv2.GaussianBlur(grey, (0, 0), 3)
    _, bright = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    count, _, stats, centroids = cv2.connectedComponentsWithStats(bright)
    best, score = 0, 0.0
    middle = np.array(size) / 2
    for label in range(1, count):
        x, y, w, h, area = stats[label]
        off = float(np.abs((centroids[label] - middle) / size).max())
        if area / (w * h) < 0.12 or off > 0.4:
            continue  # a frame fills little of its box; the hand is not in a corner
        if area > score:
            best, score = label, float(area)
    if score < 0.05 * bright.size:
        return 0, 0, width, height
    x, y, w, h = (int(v) for v in stats[best][:4])
    margin = 0.03 * max(w, h)
    return (
        max(0, round((x - margin) / scale)),
        max(0, round((y - margin) / scale)),
        min(width, round((x + w + margin) / scale)),
        min(height, round((y + h + margin) / scale)),
    )


def find_hand(array: FloatArray) -> tuple[FloatArray, Mapping[str, Any]]:
    """Crop to the box of the hand; overlays `crop_xyxy` on the film before, and `matrix`."""
    x0, y0, x1, y1 = hand_box(array)
    return array[y0:y1, x0:x1].copy(), {"crop_xyxy": (x0, y0, x1, y1), "matrix": shift(x0, y0)}


def fit(
    array: FloatArray, shape: tuple[int, int] = INPUT_SHAPE
) -> tuple[FloatArray, Mapping[str, Any]]:
    """Resize into `shape` (H, W) keeping the aspect, on black, centred; mark `matrix`."""
    height, width = array.shape
    scale = min(shape[0] / height, shape[1] / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = np.clip(cv2.resize(array, size, interpolation=way), 0, 1)
    out = np.zeros(shape, np.float32)
    top, left = (shape[0] - size[1]) // 2, (shape[1] - size[0]) // 2
    out[top : top + size[1], left : left + size[0]] = resized
    matrix = np.diag([size[0] / width, size[1] / height, 1.0])
    matrix[:2, 2] = left, top
    return out, {"matrix": matrix}


def clahe(array: FloatArray, clip: float = 2.0, tiles: int = 4) -> FloatArray:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994)."""
    grey = (255 * array).round().astype(np.uint8)
    return (cv2.createCLAHE(clip, (tiles, tiles)).apply(grey) / 255).astype(np.float32)


def stages(
    *,
    low_percent: float = 1.0,
    high_percent: float = 99.0,
    clip: float = 2.0,
    tiles: int = 4,
    shape: tuple[int, int] = INPUT_SHAPE,
) -> list[Stage]:
    """The stages from `Radiograph.pixels` to the float32 (H, W) in [0, 1] that the networks see.

    Args:
        low_percent, high_percent: Percentiles of the grey levels that become black and white.
        clip, tiles: Of CLAHE: limit of the contrast, and tiles a side.
        shape: (H, W) of the result.
    """
    return [
        Stage(
            "Window",
            window,
            {"low_percent": low_percent, "high_percent": high_percent},
            "Films come dark or bright: the range that most pixels use becomes black to white.",
        ),
        Stage(
            "Find the hand",
            find_hand,
            {},
            "The hand alone is kept, so that it has the same size in every film.",
        ),
        Stage(
            "Fit",
            fit,
            {"shape": shape},
            "The network needs one size; the aspect is kept, because stretched bones look older.",
        ),
        Stage(
            "CLAHE",
            clahe,
            {"clip": clip, "tiles": tiles},
            "Growth plates are faint: contrast is raised tile by tile, up to a limit.",
        ),
    ]
