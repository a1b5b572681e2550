"""Smooth random fields on a grid: the raw material of the 3D phantom."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray


def stretch(array: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Linear interpolation of a coarse array to `shape`, corner to corner, axis by axis."""
    for axis, size in enumerate(shape):
        at = np.linspace(0, array.shape[axis] - 1, size)
        below = np.minimum(at.astype(int), array.shape[axis] - 2)
        share = (at - below).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        array = np.take(array, below, axis) * (1 - share) + np.take(array, below + 1, axis) * share
    return array


def block_mean(array: FloatArray, by: NDArray[np.int_]) -> FloatArray:
    """Mean over blocks of `by` voxels."""
    i, j, k = (size // n for size, n in zip(array.shape, by, strict=True))
    blocks = array.reshape(i, by[0], j, by[1], k, by[2])
    return np.asarray(blocks.mean(axis=(1, 3, 5)), np.float32)


def texture(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    step: NDArray[np.float64],
    grain_mm: float | tuple[float, float, float],
    smooth: float = 0.0,
) -> FloatArray:
    """Noise of unit spread with a grain of about `grain_mm`, smoothed over `smooth` grains."""
    from scipy.ndimage import gaussian_filter

    size = [max(int(n), 2) for n in np.ceil(np.asarray(shape) * step / np.asarray(grain_mm))]
    knots = gaussian_filter(rng.standard_normal(size).astype(np.float32), smooth)
    noise = stretch(knots, shape)
    return noise / max(float(noise.std()), 1e-6)
