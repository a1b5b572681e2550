"""What the chest networks receive: the same stages in training, in evaluation and on the page."""

from __future__ import annotations

import numpy as np

from core.errors import UnsuitableInputError
from core.images import FloatArray, Radiograph
from core.stages import Stage, run_stages

LEAST_SIDE_PX = 32
"""Films smaller than this hold too little for any answer."""
SMALL_SIDE_PX = 128
"""Films smaller than this are enlarged to what the networks receive; the screen warns of it."""
LOW, HIGH = 0.5, 99.5
"""Percentiles of the film that become black and white."""


def stretch(pixels: FloatArray, low: float, high: float) -> FloatArray:
    """Percentile `low` to 0 and `high` to 1, clipped.

    Raises:
        UnsuitableInputError: If the film is of one grey.
    """
    bottom, top = np.percentile(pixels, [low, high])
    if top - bottom < 1e-3:
        bottom, top = float(pixels.min()), float(pixels.max())
    if top - bottom < 1e-6:
        raise UnsuitableInputError("The film is of one grey; there is nothing to look at in it.")
    return np.clip((pixels - bottom) / (top - bottom), 0.0, 1.0).astype(np.float32)


def pad_square(pixels: FloatArray) -> FloatArray:
    """Black borders left and right, or above and below, so that both sides are equal."""
    height, width = pixels.shape
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    padded = np.zeros((side, side), np.float32)
    padded[top : top + height, left : left + width] = pixels
    return padded


def resize(pixels: FloatArray, side_px: int) -> FloatArray:
    """Square film to (`side_px`, `side_px`): areas averaged to shrink, interpolated to enlarge."""
    import cv2

    how = cv2.INTER_AREA if pixels.shape[0] > side_px else cv2.INTER_LINEAR
    resized = cv2.resize(pixels, (side_px, side_px), interpolation=how)
    return np.clip(resized, 0.0, 1.0).astype(np.float32)


def input_stages(side_px: int) -> list[Stage]:
    """From `Radiograph.pixels` (H, W) to float32 (`side_px`, `side_px`) in [0, 1]."""
    return [
        Stage(
            "Percentile stretch",
            stretch,
            {"low": LOW, "high": HIGH},
            "Films from different machines come to one range of grey.",
        ),
        Stage(
            "Square",
            pad_square,
            {},
            "The network takes squares; stretching would change the heart's proportions.",
        ),
        Stage(
            "Resize",
            resize,
            {"side_px": side_px},
            "The network was trained at this size; finer detail is lost here.",
        ),
    ]


def network_film(image: Radiograph, side_px: int) -> FloatArray:
    """What a network receives of a film: float32 (`side_px`, `side_px`) in [0, 1].

    Raises:
        UnsuitableInputError: If the film is too small or of one grey.
    """
    if min(image.shape) < LEAST_SIDE_PX:
        height, width = image.shape
        raise UnsuitableInputError(
            f"The film is {width}×{height} px; at least {LEAST_SIDE_PX} px either way are needed. "
            "Choose the film in a larger size."
        )
    last = run_stages(image.pixels, input_stages(side_px))[-1]
    if last.error is not None:
        raise UnsuitableInputError(last.error)
    return np.asarray(last.image, np.float32)


def to_original(heat: FloatArray, shape_hw: tuple[int, int]) -> FloatArray:
    """A square map of the network's input, of any side, on the pixels of the original film."""
    import cv2

    height, width = shape_hw
    side = max(height, width)
    grown = cv2.resize(heat.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
    top, left = (side - height) // 2, (side - width) // 2
    return np.ascontiguousarray(grown[top : top + height, left : left + width], np.float32)
