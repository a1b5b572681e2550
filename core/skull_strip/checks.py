"""Does a volume look like the T1-weighted head that the model knows?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.images import Volume, bounding_box
from core.skull_strip.grid import head_extent

BRAIN_ML = (650.0, 2300.0)
"""Total intracranial volumes of children and adults lie inside."""

HEAD_MM = (110.0, 320.0)
"""A head measured along an axis, with or without its neck."""

DEEP_TO_RIM = 0.97
"""White matter lies deep, grey matter and fluid at the rim. The ratio (see `deep_to_rim`) was at
least 1.08 on the heads of the training and validation splits and 0.98 on five phantoms; where
grey matter is the brighter, as in T2 and FLAIR, it falls well below 1."""


def looks_like_t1_head(volume: Volume, mask: NDArray[np.uint8] | None = None) -> str | None:
    """A plain sentence that says why a volume may not be a T1-weighted head, or None.

    Args:
        volume: What came in, or the bias-corrected volume, which is judged more surely.
        mask: The brain found on the same grid; without it only the unit of the intensities
            and the size of what is seen are looked at.
    """
    strides = tuple(max(1, n // 96) for n in volume.voxels.shape)
    every = tuple(slice(None, None, stride) for stride in strides)
    small = volume.voxels[every]
    if float((small < -200).mean()) > 0.05:
        return (
            "This does not look like MR: many values are far below zero, as the Hounsfield units "
            "of CT are. The model knows T1-weighted MR heads only."
        )
    low, high = head_extent(volume)
    sides = [
        (last - first + 1) * mm
        for first, last, mm in zip(low, high, volume.spacing_mm, strict=True)
    ]
    if min(sides) < HEAD_MM[0] or max(sides) > HEAD_MM[1]:
        size = " × ".join(f"{side:.0f}" for side in sides)
        return (
            f"This may not be a whole head: what is seen measures {size} mm. The model knows "
            "T1-weighted MR of whole heads only."
        )
    if mask is None:
        return None
    volume_ml = np.count_nonzero(mask) * abs(float(np.linalg.det(volume.affine[:3, :3]))) / 1000
    if not BRAIN_ML[0] <= volume_ml <= BRAIN_ML[1]:
        return (
            f"What was found measures {volume_ml:.0f} mL; brains with their fluid measure about "
            f"{BRAIN_ML[0]:.0f} to {BRAIN_ML[1]:.0f} mL. This may not be a T1-weighted MR of a "
            "whole head, and the mask is not to be trusted."
        )
    ratio = deep_to_rim(small, mask[every] > 0, volume.spacing_mm, strides)
    if ratio is not None and ratio < DEEP_TO_RIM:
        return (
            "In T1 the deep white matter is brighter than the brain's rim; here it is not "
            f"(ratio {ratio:.2f}). This may be T2 or FLAIR, which the model does not know."
        )
    return None


def deep_to_rim(
    voxels: NDArray[np.float32],
    mask: NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
    strides: tuple[int, ...] = (1, 1, 1),
) -> float | None:
    """Median brightness deeper than 12 mm in a mask over the upper quartile 1 to 6 mm deep.

    The upper quartile is grey matter whether the fluid beside it is dark or bright. None where
    the mask is too small to tell.
    """
    from scipy import ndimage

    box = bounding_box(mask)
    if box is None:
        return None
    sampling = [mm * stride for mm, stride in zip(spacing_mm, strides, strict=True)]
    depth = ndimage.distance_transform_edt(np.pad(mask[box], 1), sampling=sampling)[
        1:-1, 1:-1, 1:-1
    ]
    deep, rim = voxels[box][depth > 12], voxels[box][(depth > 1) & (depth < 6)]
    if deep.size < 10 or rim.size < 10 or float(np.percentile(rim, 75)) <= 0:
        return None
    return float(np.median(deep)) / float(np.percentile(rim, 75))
