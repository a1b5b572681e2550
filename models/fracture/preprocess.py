"""What both fracture networks receive: one list of stages for training and for the page."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray
from core.stages import Stage

STRIDE = 32
"""Sides of the input are multiples of this: the detector's coarsest grid."""


def stretch_contrast(
    pixels: FloatArray, *, low_percent: float = 0.5, high_percent: float = 99.5
) -> FloatArray:
    """Map two percentiles of the grey values to 0 and 1; a constant image becomes 0."""
    low, high = np.percentile(pixels[::2, ::2], [low_percent, high_percent])
    if high - low < 1e-6:
        return np.zeros_like(pixels, dtype=np.float32)
    return np.clip((pixels - low) / (high - low), 0.0, 1.0).astype(np.float32)


def equalise_locally(pixels: FloatArray, *, clip_limit: float = 2.0, tiles: int = 8) -> FloatArray:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994) in 8 bit."""
    import cv2

    clahe = cv2.createCLAHE(clipLimit=clip_limit, tileGridSize=(tiles, tiles))
    grey: NDArray[np.uint8] = np.rint(pixels * 255.0).astype(np.uint8)
    return (clahe.apply(grey).astype(np.float32)) / np.float32(255.0)


def letterbox(
    pixels: FloatArray, *, long_side_px: int = 640, square: bool = False, padding: float = 0.0
) -> FloatArray:
    """Scale the longer side to `long_side_px` and pad with one grey, the image in the middle.

    The sides are padded to a multiple of 32, or both to `long_side_px` where `square` is set.
    `letterbox_geometry` tells where the image lies in it.
    """
    import cv2

    scale, left, top, (height, width) = letterbox_geometry(
        (pixels.shape[0], pixels.shape[1]), long_side_px, square
    )
    size_wh = (
        max(1, round(pixels.shape[1] * scale)),
        max(1, round(pixels.shape[0] * scale)),
    )
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(pixels, size_wh, interpolation=how)
    padded = np.full((height, width), padding, np.float32)
    padded[top : top + size_wh[1], left : left + size_wh[0]] = resized
    return padded


def letterbox_geometry(
    shape_hw: tuple[int, int], long_side_px: int, square: bool = False
) -> tuple[float, int, int, tuple[int, int]]:
    """Scale, left and top margin in px, and the (H, W) that `letterbox` returns."""
    height, width = shape_hw
    scale = long_side_px / max(height, width)
    inner_h, inner_w = max(1, round(height * scale)), max(1, round(width * scale))
    if square:
        outer_h = outer_w = long_side_px
    else:
        outer_h, outer_w = -(-inner_h // STRIDE) * STRIDE, -(-inner_w // STRIDE) * STRIDE
    return scale, (outer_w - inner_w) // 2, (outer_h - inner_h) // 2, (outer_h, outer_w)


def contrast_stages(clip_limit: float = 2.0) -> list[Stage]:
    """The stages that change grey values only; training runs these before it moves the image."""
    return [
        Stage(
            "Stretch contrast",
            stretch_contrast,
            {"low_percent": 0.5, "high_percent": 99.5},
            why="Exposures differ between films; the network should see one range of grey values.",
        ),
        Stage(
            "Equalise locally",
            equalise_locally,
            {"clip_limit": clip_limit, "tiles": 8},
            why="A fracture line is a faint step; local contrast makes it stand out from the bone.",
        ),
    ]


def input_stages(
    long_side_px: int, *, square: bool = False, plain: bool = False, padding: float = 0.0
) -> list[Stage]:
    """All stages from a radiograph's pixels to what the network receives, float32 (H, W).

    Args:
        long_side_px, square, padding: As of `letterbox`.
        plain: Leave the contrast as it is.
    """
    return [
        *([] if plain else contrast_stages()),
        Stage(
            "Letterbox",
            letterbox,
            {"long_side_px": long_side_px, "square": square}
            | ({"padding": padding} if padding else {}),
            why="The network wants a fixed scale and sides that its grid divides; "
            "the aspect ratio stays.",
        ),
    ]
