"""Slices of volumes that lie on different grids, placed in common millimetres.

All grids here have parallel axes, as an input volume and its working grid do. Positions are
millimetres along the input volume's axes from its first voxel; the horizontal axis of a picture
runs as on a film, the patient's right at its left, the nose at its left in sagittal planes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.images import Volume

PLANES = ("axial", "coronal", "sagittal")
NORMAL = {"axial": 2, "coronal": 1, "sagittal": 0}
ACROSS = {"axial": (0, 1), "coronal": (0, 2), "sagittal": (1, 2)}
SIDES = {"axial": "RLPA", "coronal": "RLIS", "sagittal": "APIS"}
"""Letters at the left, right, lower and upper edge."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A volume to slice, and where it lies.

    Attributes:
        title: What the screen calls it.
        voxels: (I, J, K) in RAS+ order.
        start_mm: Position of its first voxel along the input volume's axes.
        step_mm: Distance of its voxels.
        scale: "grey", "field" (diverging about 1), "probability" or "difference".
    """

    title: str
    voxels: np.ndarray
    start_mm: tuple[float, float, float]
    step_mm: tuple[float, float, float]
    scale: str = "grey"


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice of a layer.

    Attributes:
        image: (H, W), first row at the bottom, first column at the left of the picture.
        x_mm, y_mm: Position of the first column and row; x grows to the right of the picture.
        step_mm: Distance of columns and rows.
    """

    image: np.ndarray
    x_mm: float
    y_mm: float
    step_mm: tuple[float, float]


def layer_of(
    title: str,
    voxels: np.ndarray,
    volume: Volume,
    affine: NDArray[np.float64] | None = None,
    scale: str = "grey",
) -> Layer:
    """A layer on a volume's own grid, or on one with parallel axes that `affine` places."""
    spacing = np.array(volume.spacing_mm)
    start, step = np.zeros(3), spacing
    if affine is not None:
        in_voxels = np.linalg.inv(volume.affine) @ affine
        start, step = in_voxels[:3, 3] * spacing, np.diag(in_voxels)[:3] * spacing
    first, size = [float(value) for value in start], [float(value) for value in step]
    return Layer(title, voxels, (first[0], first[1], first[2]), (size[0], size[1], size[2]), scale)


def slice_at(layer: Layer, plane: str, position_mm: float) -> Slice:
    """The slice nearest to a position; of one value where the layer does not reach it."""
    normal, (a, b) = NORMAL[plane], ACROSS[plane]
    index = round((position_mm - layer.start_mm[normal]) / layer.step_mm[normal])
    if 0 <= index < layer.voxels.shape[normal]:
        cut = np.take(layer.voxels, index, axis=normal)
    else:
        cut = np.full((layer.voxels.shape[a], layer.voxels.shape[b]), layer.voxels.flat[0])
    last = layer.start_mm[a] + layer.step_mm[a] * (layer.voxels.shape[a] - 1)
    return Slice(
        np.ascontiguousarray(cut[::-1].T),
        -last,
        layer.start_mm[b],
        (layer.step_mm[a], layer.step_mm[b]),
    )


def montage(layer: Layer, plane: str, indices: Sequence[int], columns: int) -> NDArray[np.float32]:
    """Slices side by side, read from the upper left: float32 (rows * H, columns * W), top first."""
    normal = NORMAL[plane]
    tiles = [
        slice_at(layer, plane, layer.start_mm[normal] + layer.step_mm[normal] * n).image[::-1]
        for n in indices
    ]
    rows = -(-len(tiles) // columns)
    height, width = tiles[0].shape
    sheet = np.full((rows * height, columns * width), float(layer.voxels.min()), np.float32)
    for number, tile in enumerate(tiles):
        top, left = number // columns * height, number % columns * width
        sheet[top : top + height, left : left + width] = tile
    return sheet


def spread(volume: Volume, plane: str, count: int, mask: np.ndarray | None = None) -> list[int]:
    """Indices of `count` slices, evenly over the mask where there is one."""
    normal = NORMAL[plane]
    low, high = 0, volume.voxels.shape[normal] - 1
    if mask is not None and mask.any():
        others = tuple(axis for axis in range(3) if axis != normal)
        filled = np.flatnonzero(mask.any(axis=others))
        low, high = int(filled[0]), int(filled[-1])
    return sorted({int(n) for n in np.linspace(low, high, count + 2)[1:-1].round()})


def display_range(voxels: np.ndarray) -> tuple[float, float]:
    """Window that shows a volume: its darkest value to the 99.5th percentile of what is not air."""
    sample = voxels[::3, ::3, ::3]
    low, high = float(sample.min()), float(sample.max())
    bright = sample[sample > low + 0.05 * (high - low)]
    top = float(np.percentile(bright, 99.5)) if bright.size else high
    return low, top if top > low else low + 1.0


def grey(image: np.ndarray, low: float, high: float) -> NDArray[np.uint8]:
    """uint8 of an image through a window."""
    return (np.clip((image - low) / (high - low), 0, 1) * 255).astype(np.uint8)
