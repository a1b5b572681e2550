"""Resampling between a volume and the network's working grid, one axis at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray, Volume


@dataclass(frozen=True)
class WorkingGrid:
    """A box of voxels laid over a volume, its axes along the volume's own.

    Attributes:
        shape: Voxels (i, j, k) of the grid.
        spacing_mm: Their edge lengths.
        start_ijk: Index in the volume of the grid's first voxel; outside where negative.
        step_ijk: Volume voxels per grid voxel.
        volume_shape: Shape of the volume that it lies over.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    start_ijk: tuple[float, float, float]
    step_ijk: tuple[float, float, float]
    volume_shape: tuple[int, int, int]

    def affine(self, volume_affine: NDArray[np.float64]) -> NDArray[np.float64]:
        """Grid index to RAS+ mm, from the volume's own affine."""
        to_volume = np.diag([*self.step_ijk, 1.0])
        to_volume[:3, 3] = self.start_ijk
        return volume_affine @ to_volume


def place_grid(
    volume: Volume, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]
) -> WorkingGrid:
    """Lay a working grid over a head so that as little as possible of it is cut off.

    Along an axis that fits, the volume is centred. Along one that does not, the grid follows
    the head: its middle from left to right and front to back, and its top from below, so that
    it is the neck that is left out. The grid starts on a voxel centre: where the spacings are
    equal nothing is interpolated.
    """
    step = [grid / own for grid, own in zip(spacing_mm, volume.spacing_mm, strict=True)]
    low, high = head_extent(volume)
    start = []
    for axis in range(3):
        covered = shape[axis] * step[axis]
        length = volume.voxels.shape[axis]
        if length <= covered:
            first = (length - covered) / 2
        elif axis == 2:
            first = high[axis] + 1 + 10.0 / volume.spacing_mm[axis] - covered
            first = min(max(first, 0.0), length - covered)
        else:
            first = (low[axis] + high[axis] + 1 - covered) / 2
            first = min(max(first, 0.0), length - covered)
        start.append(float(round(first + (step[axis] - 1) / 2)))
    i, j, k = volume.voxels.shape
    return WorkingGrid(
        shape,
        spacing_mm,
        (start[0], start[1], start[2]),
        (step[0], step[1], step[2]),
        (i, j, k),
    )


def head_extent(volume: Volume) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """First and last voxel index along each axis that the head takes up, both included.

    A plane belongs to it where more than 3 % of its voxels are brighter than a fifth of the
    way from the darkest to the (nearly) brightest.
    """
    strides = tuple(max(1, n // 64) for n in volume.voxels.shape)
    small = volume.voxels[:: strides[0], :: strides[1], :: strides[2]]
    dark, bright = float(small.min()), float(np.percentile(small, 99))
    inside = small > dark + 0.2 * (bright - dark)
    low, high = [], []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        planes = np.flatnonzero(inside.mean(axis=others) > 0.03)
        last = volume.voxels.shape[axis] - 1
        low.append(int(planes[0] * strides[axis]) if planes.size else 0)
        high.append(min(int(planes[-1] * strides[axis]), last) if planes.size else last)
    return tuple(low), tuple(high)


def hat_weights(positions: NDArray[np.floating], length: int, width: float) -> FloatArray:
    """Weights (len(positions), length) of linear interpolation at fractional positions.

    Args:
        positions: Indices along an axis of `length` samples; those more than half a sample
            outside get no weight at all.
        length: Number of samples along the axis.
        width: Half the base of the triangle in samples; above 1 it also averages, which keeps
            detail finer than the new spacing from folding back.
    """
    width = max(1.0, width)
    distance = np.abs(positions[:, None] - np.arange(length)[None, :])
    weights = np.clip(1.0 - distance / width, 0.0, None)
    outside = (positions < -0.5 - 1e-6) | (positions > length - 0.5 + 1e-6)
    weights[outside] = 0.0
    total = weights.sum(axis=1, keepdims=True)
    # Within half a sample of the ends the triangle may miss every sample: take the nearest.
    lost = ~outside & (total[:, 0] <= 0)
    weights[lost, np.clip(np.round(positions[lost]), 0, length - 1).astype(int)] = 1.0
    total = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0).astype(np.float32)


def apply_weights(voxels: FloatArray, weights: tuple[FloatArray, ...]) -> FloatArray:
    """Resample by one matrix product per axis; `weights[a]` is (new, old) along axis a.

    A separable kernel on parallel axes needs no gather: three products run at the speed of the
    processor's matrix unit (see `tests/benchmarks/skull_strip.py`).
    """
    # The axis that shrinks most goes first, so that the others have less to do.
    order = sorted(range(3), key=lambda axis: weights[axis].shape[0] / weights[axis].shape[1])
    for axis in order:
        voxels = np.moveaxis(np.tensordot(weights[axis], voxels, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(voxels)


def to_grid(voxels: FloatArray, grid: WorkingGrid) -> FloatArray:
    """Voxels of a volume on the working grid; what lies outside gets the volume's minimum."""
    weights = tuple(
        hat_weights(start + step * np.arange(count), length, step)
        for start, step, count, length in zip(
            grid.start_ijk, grid.step_ijk, grid.shape, grid.volume_shape, strict=True
        )
    )
    found = apply_weights(voxels, weights)
    lowest = float(voxels.min())
    if lowest != 0:
        for axis in range(3):
            outside = [slice(None)] * 3
            outside[axis] = weights[axis].sum(axis=1) == 0
            found[tuple(outside)] = lowest
    return found


def from_grid(voxels: FloatArray, grid: WorkingGrid) -> FloatArray:
    """Values of the working grid at every voxel of the volume; 0 outside the grid."""
    weights = tuple(
        hat_weights((np.arange(length) - start) / step, count, 1.0 / step)
        for start, step, count, length in zip(
            grid.start_ijk, grid.step_ijk, grid.shape, grid.volume_shape, strict=True
        )
    )
    return apply_weights(voxels.astype(np.float32, copy=False), weights)


def from_grid_box(
    voxels: FloatArray, grid: WorkingGrid, box: tuple[slice, ...]
) -> tuple[FloatArray, tuple[slice, ...]]:
    """As `from_grid`, only where the volume's voxels touch a box of the working grid.

    Returns:
        The values, and where in the volume they lie.
    """
    near, at = [], []
    for a, part in enumerate(box):
        low, high = max(part.start - 2, 0), min(part.stop + 2, grid.shape[a])
        near.append(slice(low, high))
        first = grid.start_ijk[a] + grid.step_ijk[a] * (low - 0.5)
        last = grid.start_ijk[a] + grid.step_ijk[a] * (high - 0.5)
        length = grid.volume_shape[a]
        first, last = int(np.ceil(first)), int(np.floor(last)) + 1
        at.append(slice(min(max(first, 0), length), min(max(last, 0), length)))
    weights = tuple(
        hat_weights(
            (np.arange(place.start, place.stop) - grid.start_ijk[a]) / grid.step_ijk[a]
            - part.start,
            part.stop - part.start,
            1.0 / grid.step_ijk[a],
        )
        for a, (part, place) in enumerate(zip(near, at, strict=True))
    )
    return apply_weights(np.ascontiguousarray(voxels[tuple(near)]), tuple(weights)), tuple(at)
