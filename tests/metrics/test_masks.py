"""Agreement of masks: distances and volumes known by construction, anisotropic voxels."""

from __future__ import annotations

import numpy as np
import pytest

from core.metrics.masks import compare_masks, disagreement, hausdorff_95, iou, surface

SHAPE, SPACING = (20, 24, 16), (1.0, 1.5, 3.0)


def slab(axis: int, first: int, last: int) -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    index = [slice(4, 12)] * 3
    index[axis] = slice(first, last)
    mask[tuple(index)] = 1
    return mask


def test_two_empty_masks_agree() -> None:
    found = compare_masks(np.zeros(SHAPE), np.zeros(SHAPE), SPACING)
    assert (found.dice, found.iou, found.hd95_mm, found.volume_ml) == (1.0, 1.0, 0.0, 0.0)


def test_one_empty_mask_has_no_distance() -> None:
    assert np.isnan(hausdorff_95(slab(0, 4, 12), np.zeros(SHAPE), SPACING))


def test_masks_of_different_grids_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        hausdorff_95(np.zeros(SHAPE), np.zeros(SHAPE[::-1]), SPACING)


def test_volume_is_in_millilitres() -> None:
    found = compare_masks(slab(0, 4, 12), slab(0, 4, 8), SPACING)
    assert found.volume_ml == pytest.approx(8**3 * 4.5 / 1000)
    assert found.volume_difference_ml == pytest.approx(4 * 64 * 4.5 / 1000)


def test_dice_and_iou_of_half_an_overlap() -> None:
    found = compare_masks(slab(0, 4, 8), slab(0, 6, 10), SPACING)
    assert found.dice == pytest.approx(0.5)
    assert found.iou == pytest.approx(1 / 3)
    assert iou(slab(0, 4, 8), slab(0, 6, 10)) == pytest.approx(1 / 3)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_distance_is_measured_in_mm_along_each_axis(axis: int) -> None:
    thin, shifted = slab(axis, 4, 5), slab(axis, 7, 8)
    assert hausdorff_95(thin, shifted, SPACING) == pytest.approx(3 * SPACING[axis])


def test_surface_of_a_block_is_its_shell() -> None:
    block = slab(0, 4, 12).astype(bool)
    assert surface(block).sum() == 8**3 - 6**3


def test_disagreement_names_who_marked_a_voxel() -> None:
    found = disagreement(slab(0, 4, 8), slab(0, 6, 10))
    assert [int(found[i, 5, 5]) for i in (2, 4, 6, 9)] == [0, 2, 1, 3]
