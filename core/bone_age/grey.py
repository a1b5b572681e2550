"""Operations on grey values that the pipelines share; 0 outside a masked hand stays 0."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import UnsuitableInputError

Grey = NDArray[np.uint8]


def as_grey(array: NDArray[Any]) -> Grey:
    """uint8 as it is; float in [0, 1] scaled to 0–255."""
    if array.dtype == np.uint8:
        return array
    return np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)


def clip_extremes(
    array: NDArray[Any], *, low_percent: float = 0.5, high_percent: float = 99.0
) -> NDArray[Any]:
    """Clip to two percentiles of the film, so that a few burned-in letters set no scale."""
    low, high = np.percentile(array, [low_percent, high_percent])
    return np.clip(array, low, high)


def normalise(array: NDArray[Any]) -> Grey:
    """Stretch the least value to 0 and the greatest to 255.

    Raises:
        UnsuitableInputError: If all values are equal.
    """
    values = array.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if high <= low:
        raise UnsuitableInputError(
            "All pixels have the same grey here, so there is no hand to see; a radiograph of one "
            "hand was expected."
        )
    return np.rint((values - low) / (high - low) * 255).astype(np.uint8)


def denoise(array: NDArray[Any], *, strength: float = 3.0) -> Grey:
    """Non-local means (Buades et al., CVPR 2005) over small windows, for speed."""
    return _keeping_black(array, cv2.fastNlMeansDenoising(as_grey(array), None, strength, 3, 7))


def clahe(array: NDArray[Any], *, clip: float = 1.0, tiles: int = 3) -> Grey:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld, Graphics Gems IV, 1994).

    Args:
        clip: Limit of a histogram bin, in multiples of the even share.
        tiles: Tiles per side.
    """
    return _keeping_black(array, cv2.createCLAHE(clip, (tiles, tiles)).apply(as_grey(array)))


def equalise_mean(array: NDArray[Any], *, mean: float = 110.0) -> Grey:
    """Scale so that the hand's mean grey is the same on every film.

    Args:
        mean: Wanted mean of the pixels above 0, of 255.
    """
    grey = as_grey(array)
    found = grey[grey > 0]
    if found.size == 0:
        return grey.copy()
    return _keeping_black(array, cv2.convertScaleAbs(grey, alpha=mean / float(found.mean())))


def sharpen(array: NDArray[Any], *, amount: float = 0.6, sigma_px: float = 1.5) -> Grey:
    """Unsharp masking: add what a Gaussian blur takes away."""
    grey = as_grey(array)
    blurred = cv2.GaussianBlur(grey, (0, 0), sigma_px)
    return _keeping_black(array, cv2.addWeighted(grey, 1 + amount, blurred, -amount, 0))


def _keeping_black(before: NDArray[Any], after: NDArray[Any]) -> Grey:
    """Black outside a masked hand stays black, and its inside stays apart from it."""
    grey = as_grey(before)
    if not (grey == 0).any():
        return after.astype(np.uint8)
    # Only where a mask was applied do zeros carry a meaning; elsewhere they are dark pixels,
    # and leaving those black changes nothing that anybody sees.
    return np.where(grey > 0, np.maximum(after, 1), 0).astype(np.uint8)
