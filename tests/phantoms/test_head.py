"""The head phantom: repeatable, honest geometry, a mask that is the brain."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from core.metrics.statistics import dice
from core.phantoms.head.phantom import random_head


def test_same_seed_gives_the_same_head_and_another_seed_another() -> None:
    first, again, other = (random_head(seed, 4.0) for seed in (3, 3, 4))
    assert first.volume.digest == again.volume.digest
    assert np.array_equal(first.mask, again.mask)
    assert first.volume.digest != other.volume.digest


@pytest.mark.parametrize("seed", range(6))
def test_mask_is_one_brain_of_human_size(seed: int) -> None:
    head = random_head(seed, 2.5)
    millilitres = head.mask.sum() * np.prod(head.volume.spacing_mm) / 1000
    assert 900 < millilitres < 2000
    assert label(head.mask)[1] <= 3  # thick voxels may cut off a crumb
    assert not head.mask[[0, -1]].any() and not head.mask[:, [0, -1]].any()


def test_white_matter_is_brighter_than_fluid_and_bone_darker_than_scalp() -> None:
    head = random_head(1, 2.0, noise=0.0, bias=0.0)
    inside = head.volume.voxels[head.mask == 1]
    assert np.percentile(inside, 90) > 2.5 * np.percentile(inside, 2)
    # From a point in the brain straight to the left: brain, dark bone, bright scalp, air.
    i, j, k = np.argwhere(head.mask).mean(axis=0).astype(int)
    line = head.volume.voxels[:i, j, k][::-1]
    edge = int(np.argmin(head.mask[:i, j, k][::-1]))
    beyond = line[edge:]
    scalp = edge + int(beyond.argmax())
    assert line[edge:scalp].min() < 0.35 * line[:edge].mean()
    assert beyond.max() > 0.5 * line[:edge].mean()
    assert line[-1] < 0.1 * line[:edge].mean()


def test_affine_puts_the_same_head_at_the_same_place_at_any_spacing() -> None:
    fine, coarse = random_head(2, 2.0), random_head(2, (2.0, 4.0, 3.0))
    centres = []
    for head in (fine, coarse):
        ijk = np.argwhere(head.mask).mean(axis=0)
        centres.append(head.volume.affine[:3, :3] @ ijk + head.volume.affine[:3, 3])
    assert np.allclose(centres[0], centres[1], atol=0.6)
    volumes = [h.mask.sum() * np.prod(h.volume.spacing_mm) for h in (fine, coarse)]
    assert volumes[0] == pytest.approx(volumes[1], rel=0.02)
    assert coarse.volume.spacing_mm == pytest.approx((2.0, 4.0, 3.0))


def test_bias_and_noise_follow_the_arguments() -> None:
    flat = random_head(5, 2.5, noise=0.0, bias=0.0)
    assert np.allclose(flat.bias, 1.0)
    shaded = random_head(5, 2.5, noise=0.0, bias=0.4)
    inside = shaded.mask == 1
    ratio = shaded.volume.voxels[inside] / flat.volume.voxels[inside]
    assert np.allclose(ratio, shaded.bias[inside] * (ratio / shaded.bias[inside]).mean(), rtol=1e-3)
    noisy = random_head(5, 2.5, noise=0.05, bias=0.0)
    air = noisy.volume.voxels[:4, :4, -4:]
    assert air.mean() > 3 * flat.volume.voxels[:4, :4, -4:].mean()


def test_the_field_of_view_can_be_cut_above_the_neck() -> None:
    long, short = random_head(1, 4.0, neck_mm=128), random_head(1, 4.0, neck_mm=72)
    assert long.volume.voxels.shape[2] - short.volume.voxels.shape[2] == 14
    assert dice(short.mask, long.mask[:, :, 14:]) > 0.98


def test_a_spacing_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        random_head(0, (2.0, 0.0, 2.0))
