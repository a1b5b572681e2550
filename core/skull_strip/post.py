"""Cleaning a mask: one component, no holes. Only the box around it is worked on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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


def bounding_box(mask: NDArray[np.generic]) -> tuple[slice, slice, slice] | None:
    """The smallest box around what is not zero, or None where all is."""
    slices = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        found = np.flatnonzero(mask.any(axis=others))
        if found.size == 0:
            return None
        slices.append(slice(int(found[0]), int(found[-1]) + 1))
    return slices[0], slices[1], slices[2]
