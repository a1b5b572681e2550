"""Cleaning a mask: one component, no holes. Only the box around it is worked on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.images import bounding_box

COARSE_ENOUGH_MM = 2.0


def largest_component(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Keep the largest set of voxels joined by their faces; an empty mask stays empty."""
    from scipy import ndimage

    box = bounding_box(mask)
    kept = np.zeros_like(mask)
    if box is None:
        return kept
    labels, count = ndimage.label(mask[box])
    if count <= 1:
        return mask.copy()
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    kept[box] = labels == int(sizes.argmax())
    return kept


def fill_holes(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fill what no path along faces joins to the outside."""
    from scipy import ndimage

    box = bounding_box(mask)
    filled = mask.copy()
    if box is None:
        return filled
    # A rim of one voxel joins all of the outside into the component of the first corner.
    outside, count = ndimage.label(np.pad(mask[box], 1) == 0)
    if count > 1:
        filled[box] = (outside != outside[0, 0, 0])[1:-1, 1:-1, 1:-1]
    return filled


def close_deep_cavities(
    mask: NDArray[np.uint8], spacing_mm: tuple[float, float, float]
) -> NDArray[np.uint8]:
    """Fill what lies deep in a mask even where a narrow way leads out of it, as from ventricles.

    The mask is closed with a ball of 6 mm and its holes are filled; whatever is more than 10 mm
    inside that shape becomes mask. Its surface stays as it is. All these lengths are large, so
    that every second voxel is enough where voxels are small: three distance maps take an eighth
    of the time.
    """
    from scipy import ndimage

    box = bounding_box(mask)
    if box is None:
        return mask.copy()
    by = [2 if mm <= COARSE_ENOUGH_MM else 1 for mm in spacing_mm]
    mm = [edge * n for edge, n in zip(spacing_mm, by, strict=True)]
    part = mask[box]
    rim = [int(np.ceil(6.0 / edge)) + 2 for edge in mm]
    inside = np.pad(part[tuple(slice(None, None, n) for n in by)] > 0, [(r, r) for r in rim])
    near = ndimage.distance_transform_edt(~inside, sampling=mm) <= 6.0
    closed = ndimage.distance_transform_edt(near, sampling=mm) > 6.0
    solid = fill_holes((closed | inside).astype(np.uint8)) > 0
    deep = ndimage.distance_transform_edt(solid, sampling=mm) > 10.0
    deep = deep[tuple(slice(r, -r) for r in rim)]
    for axis, n in enumerate(by):
        deep = np.repeat(deep, n, axis=axis)
    filled = mask.copy()
    filled[box] |= deep[tuple(slice(0, side) for side in part.shape)]
    return filled
