"""How well two masks in patient space agree: overlap, distance and volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.images import bounding_box
from core.metrics.statistics import dice


@dataclass(frozen=True)
class MaskAgreement:
    """A mask against a reference.

    Attributes:
        dice, iou: Overlap, 1 where both are empty.
        hd95_mm: 95th percentile of surface distances; NaN where one mask is empty.
        volume_ml, reference_ml: Volumes.
    """

    dice: float
    iou: float
    hd95_mm: float
    volume_ml: float
    reference_ml: float

    @property
    def volume_difference_ml(self) -> float:
        """Positive where the mask is larger than the reference."""
        return self.volume_ml - self.reference_ml


def compare_masks(
    mask: ArrayLike, reference: ArrayLike, spacing_mm: tuple[float, float, float]
) -> MaskAgreement:
    """Measure two masks of one grid.

    Raises:
        ValueError: If the shapes differ.
    """
    a, b = np.asarray(mask, bool), np.asarray(reference, bool)
    overlap = dice(a, b)
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    return MaskAgreement(
        overlap,
        overlap / (2.0 - overlap),
        hausdorff_95(a, b, spacing_mm),
        int(a.sum()) * voxel_ml,
        int(b.sum()) * voxel_ml,
    )


def iou(mask: ArrayLike, reference: ArrayLike) -> float:
    """Intersection over union (Jaccard 1912), which is Dice / (2 - Dice)."""
    overlap = dice(mask, reference)
    return overlap / (2.0 - overlap)


def hausdorff_95(
    mask: ArrayLike, reference: ArrayLike, spacing_mm: tuple[float, float, float]
) -> float:
    """95th percentile of the distances between two surfaces, both ways pooled, in mm.

    Surfaces are the voxels of a mask that touch its outside by a face, measured from voxel
    centre to voxel centre (Huttenlocher et al. 1993; the percentile as in the BraTS and MICCAI
    challenges). A mask that reaches the edge of the volume ends there.

    Returns:
        The distance; 0 where both masks are empty, NaN where one is.

    Raises:
        ValueError: If the shapes differ.
    """
    from scipy import ndimage

    a, b = np.asarray(mask, bool), np.asarray(reference, bool)
    if a.shape != b.shape:
        raise ValueError(f"masks differ in shape: {a.shape} and {b.shape}")
    if not a.any() or not b.any():
        return 0.0 if not a.any() and not b.any() else float("nan")
    box = bounding_box(a | b)
    surface_a, surface_b = surface(a[box]), surface(b[box])
    to_a = ndimage.distance_transform_edt(~surface_a, sampling=spacing_mm)
    to_b = ndimage.distance_transform_edt(~surface_b, sampling=spacing_mm)
    return float(np.percentile(np.concatenate([to_b[surface_a], to_a[surface_b]]), 95))


def surface(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels of a mask with a face towards its outside, the volume's edge included."""
    from scipy.ndimage import binary_erosion

    return np.asarray(mask & ~binary_erosion(mask))


def disagreement(mask: ArrayLike, reference: ArrayLike) -> NDArray[np.uint8]:
    """Map of two masks: 0 both empty, 1 both, 2 only the mask, 3 only the reference."""
    a, b = np.asarray(mask, bool), np.asarray(reference, bool)
    if a.shape != b.shape:
        raise ValueError(f"masks differ in shape: {a.shape} and {b.shape}")
    return (a & b) * np.uint8(1) + (a & ~b) * np.uint8(2) + (~a & b) * np.uint8(3)
