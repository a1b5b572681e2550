"""Whether decoded pixels can be a radiograph, and how they become grey values in [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import UnsuitableInputError
from core.images import FloatArray
from core.percent import percent

MAX_PIXELS = 80_000_000
"""Most pixels that are decoded. A stitched whole-spine film has about 36 million; Pillow itself
starts to warn of decompression bombs at 89 million."""

MAX_COLOUR_PIXELS = 40_000_000
"""Most of them in a picture with colour channels, which takes 30 bytes a pixel on the way."""

MIN_SIDE_PX = 32
COLOUR_CHROMA = 0.12
"""Spread of red, green and blue, as a part of full scale, from which a pixel counts as coloured;
JPEG chroma noise and the tint of a scanned film stay below."""
COLOURED_PART = 0.05
"""Share of coloured pixels that makes a colour picture; burned-in letters stay below."""


def check_size(height: int, width: int, *, coloured: bool = False) -> None:
    """Refuse, before decoding, what is too large to decode or too small to be a radiograph.

    Args:
        coloured: Whether it is stored in colour channels.

    Raises:
        UnsuitableInputError: If a side is too short or the pixels are too many.
    """
    if height * width > MAX_PIXELS:
        raise UnsuitableInputError(
            f"The image claims {width} × {height} pixels, and at most "
            f"{MAX_PIXELS // 1_000_000} million are decoded; export it at a lower resolution."
        )
    if coloured and height * width > MAX_COLOUR_PIXELS:
        raise UnsuitableInputError(
            f"The image claims {width} × {height} pixels in colour, of which at most "
            f"{MAX_COLOUR_PIXELS // 1_000_000} million are decoded; save it in greyscale."
        )
    if min(height, width) < MIN_SIDE_PX:
        raise UnsuitableInputError(
            f"The image has {width} × {height} pixels, and a radiograph needs at least "
            f"{MIN_SIDE_PX} on each side; choose the full-size image."
        )


def grey_of(colours: NDArray[Any], full_scale: float) -> tuple[NDArray[Any], str]:
    """Turn a grey image stored in colour into one channel, and refuse a real colour picture.

    Args:
        colours: (H, W, 3) red, green, blue.
        full_scale: The value of full intensity.

    Returns:
        (H, W) grey values on the same scale, and a note for the user, empty where all three
        channels were equal. Luma weights as in ITU-R BT.601.

    Raises:
        UnsuitableInputError: If too many pixels are coloured.
    """
    chroma = colours.max(axis=2) - colours.min(axis=2)
    if not chroma.any():
        return colours[..., 0], ""
    part = float(np.mean(chroma > COLOUR_CHROMA * full_scale))
    if part > COLOURED_PART:
        raise UnsuitableInputError(
            f"The image is a colour picture ({percent(part)} of its pixels are coloured), and a "
            "radiograph in shades of grey was expected; if it is one with a tint or an overlay, "
            "save it in greyscale without the overlay."
        )
    grey = np.zeros(colours.shape[:2], np.float32)
    for channel, weight in enumerate((0.299, 0.587, 0.114)):
        grey += colours[..., channel].astype(np.float32) * np.float32(weight)
    note = f"Coloured marks ({percent(part)} of the pixels) were turned grey." if part > 0 else ""
    return grey, note


def unit_range(values: NDArray[Any], low: float, high: float) -> FloatArray:
    """Scale `low` to 0 and `high` to 1, and clip.

    Raises:
        UnsuitableInputError: If the range is not one of finite width.
    """
    span = float(high) - float(low)
    if not (np.isfinite(span) and span > 0):
        raise UnsuitableInputError(
            "The grey values of the image span no usable range, and a radiograph was expected; "
            "export it again as 8 or 16 bit."
        )
    exact = values.astype(np.result_type(values.dtype, np.float32))
    exact -= low
    exact /= span
    return np.clip(exact, 0.0, 1.0, out=exact).astype(np.float32, copy=False)


def check_finite(values: NDArray[Any]) -> None:
    """Refuse values that are not numbers.

    Raises:
        UnsuitableInputError: If there are any.
    """
    if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
        count = int(np.sum(~np.isfinite(values)))
        raise UnsuitableInputError(
            f"The image holds values that are not finite numbers ({count} of them, NaN or "
            "infinity), and grey values were expected; export it again as 8 or 16 bit."
        )


def check_varied(values: NDArray[Any]) -> None:
    """Refuse an image of one value.

    Raises:
        UnsuitableInputError: If all pixels are equal.
    """
    if values.min() == values.max():
        raise UnsuitableInputError(
            "All pixels of the image have the same value, and a radiograph was expected; check "
            "that the export worked, and choose the image again."
        )
