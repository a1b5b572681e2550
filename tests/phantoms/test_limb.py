"""Limb phantoms: the truth is where it is said to be, and each parameter does what it says."""

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from core.phantoms.limb.fractures import FRACTURES
from core.phantoms.limb.phantom import KINDS, LimbPhantom, limb_phantom, random_limb

SHAPE = (160, 132)


def quiet(**more) -> LimbPhantom:
    return LimbPhantom(**{"shape": SHAPE, "noise": 0.0, **more})


def within(boxes: np.ndarray, shape: tuple[int, int], margin: int = 0) -> np.ndarray:
    """Mask of the boxes, each grown by a margin."""
    mask = np.zeros(shape, bool)
    for x0, y0, x1, y1 in boxes:
        rows = slice(max(int(y0) - margin, 0), int(np.ceil(y1)) + margin)
        mask[rows, max(int(x0) - margin, 0) : int(np.ceil(x1)) + margin] = True
    return mask


@pytest.mark.parametrize("kind", KINDS)
def test_sound_limb_has_no_box(kind):
    image, boxes = limb_phantom(quiet(kind=kind))
    assert boxes.shape == (0, 4) and boxes.dtype == np.float32
    assert image.shape == SHAPE and image.pixels.dtype == np.float32
    assert image.spacing_mm is not None and 0.2 < image.spacing_mm[0] < 6
    assert image.spacing_mm[0] == image.spacing_mm[1]


@pytest.mark.parametrize("fracture", FRACTURES)
@pytest.mark.parametrize("kind", KINDS)
def test_fracture_lies_in_its_box_which_lies_on_the_film(kind, fracture):
    image, boxes = limb_phantom(quiet(seed=11, kind=kind, fracture=fracture))
    sound, _ = limb_phantom(quiet(seed=11, kind=kind))
    assert boxes.shape == (1, 4)
    x0, y0, x1, y1 = boxes[0]
    assert 0 <= x0 < x1 <= SHAPE[1] and 0 <= y0 < y1 <= SHAPE[0]
    change = np.abs(image.pixels - sound.pixels)
    inside = within(boxes, SHAPE)
    assert change[inside].max() > 0.02
    assert change[inside].mean() > 3 * change[~inside].mean()


@pytest.mark.parametrize("kind", KINDS)
def test_undisplaced_fracture_changes_nothing_outside_its_box(kind):
    for seed in range(2):
        image, boxes = limb_phantom(LimbPhantom(seed, kind, "hairline"))
        sound, _ = limb_phantom(LimbPhantom(seed, kind))
        outside = ~within(boxes, image.shape, margin=3)
        assert np.abs(image.pixels - sound.pixels)[outside].max() < 0.02


def test_displaced_fracture_moves_its_own_bone_only():
    image, _ = limb_phantom(quiet(seed=5, kind="forearm", fracture="displaced"))
    sound, _ = limb_phantom(quiet(seed=5, kind="forearm"))
    changed = np.abs(image.pixels - sound.pixels) > 0.02
    assert 0.0005 < changed.mean() < 0.1


def test_two_breaks_are_of_two_bones_and_keep_the_first():
    one, two = (
        limb_phantom(quiet(seed=9, kind="forearm", fracture="transverse", breaks=n))[1]
        for n in (1, 2)
    )
    assert len(two) == 2
    np.testing.assert_array_equal(one[0], two[0])
    assert np.abs(two[0] - two[1]).max() > 3


def test_same_parameters_give_the_same_film_and_digest():
    parameters = random_limb(42, True)
    first, boxes = limb_phantom(parameters)
    again, same = limb_phantom(parameters)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(boxes, same)
    assert first.digest == again.digest
    assert limb_phantom(replace(parameters, seed=43))[0].digest != first.digest


def test_random_limb_differs_only_by_the_fracture():
    for seed in range(20):
        broken, sound = random_limb(seed, True), random_limb(seed, False)
        assert broken.fracture in FRACTURES and sound.fracture is None
        assert replace(broken, fracture=None) == sound
        assert random_limb(seed) in (broken, sound)


def test_random_limbs_cover_all_kinds_fractures_and_both_outcomes():
    drawn = [random_limb(seed) for seed in range(150)]
    assert {one.kind for one in drawn} == set(KINDS)
    assert {one.fracture for one in drawn} == {None, *FRACTURES}
    assert 0.35 < np.mean([one.fracture is not None for one in drawn]) < 0.65


def test_every_random_broken_limb_shows_a_fracture():
    for seed in range(30):
        parameters = replace(random_limb(seed, True), shape=(227, 186))
        image, boxes = limb_phantom(parameters)
        assert 1 <= len(boxes) <= parameters.breaks
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        assert (boxes[:, 2:] <= image.shape[::-1]).all() and (boxes >= 0).all()


def test_boxes_are_as_large_as_those_of_real_annotators():
    sides = []
    for seed in range(24):
        image, boxes = limb_phantom(random_limb(seed, True))
        sides += list((boxes[:, 2:] - boxes[:, :2]).ravel() * 454 / max(image.shape))
    assert 18 < np.median(sides) < 36  # FracAtlas: about 27 px on a film of 454


def test_fracture_contrast_falls_with_bone_density_and_the_geometry_stays():
    contrasts = []
    for density in (1.2, 1.0, 0.7, 0.4, 0.2):
        broken = quiet(seed=7, kind="lower leg", fracture="transverse", bone_density=density)
        image, boxes = limb_phantom(broken)
        sound, _ = limb_phantom(replace(broken, fracture=None))
        inside = within(boxes, SHAPE)
        contrasts.append(np.abs(image.pixels - sound.pixels)[inside].mean())
        if density == 1.2:
            first = boxes
        np.testing.assert_array_equal(boxes, first)
    assert all(more > less for more, less in pairwise(contrasts))
    assert contrasts[0] > 3 * contrasts[-1]


def test_bone_is_brighter_than_soft_tissue_and_soft_tissue_than_background():
    dense, _ = limb_phantom(quiet(seed=3, bone_density=1.0))
    faded, _ = limb_phantom(quiet(seed=3, bone_density=0.1))
    bone = dense.pixels - faded.pixels > 0.1
    assert 0.01 < bone.mean() < 0.3
    assert dense.pixels[bone].mean() > 1.3 * faded.pixels[bone].mean()
    assert np.median(dense.pixels) < 0.35 < np.quantile(dense.pixels, 0.999)


@pytest.mark.parametrize("kind", KINDS)
def test_worn_joints_are_denser_and_leave_the_shafts_alone(kind):
    sound, _ = limb_phantom(quiet(seed=4, kind=kind))
    worn, _ = limb_phantom(quiet(seed=4, kind=kind, joint_degeneration=1.0))
    change = worn.pixels - sound.pixels
    assert change.max() > 0.05
    assert (np.abs(change) > 0.02).mean() < 0.15


def test_noise_is_that_of_quanta():
    quietest, loud = (
        limb_phantom(LimbPhantom(seed=2, noise=noise))[0].pixels for noise in (0.0, 3.0)
    )
    error = loud - quietest
    limb = quietest > np.quantile(quietest, 0.8)
    empty = quietest < np.quantile(quietest, 0.3)
    assert error[limb].std() > 2 * error[empty].std() > 0


def test_laterality_mirrors_the_limb_and_is_said():
    left, left_boxes = limb_phantom(quiet(seed=6, laterality="L", fracture="oblique"))
    right, right_boxes = limb_phantom(quiet(seed=6, laterality="R", fracture="oblique"))
    assert (left.laterality, right.laterality) == ("L", "R")
    assert np.abs(left.pixels - right.pixels).mean() > 0.01
    assert np.abs(left_boxes - right_boxes).max() > 3


def test_tilt_turns_the_limb_and_its_box():
    _, upright = limb_phantom(quiet(seed=8, fracture="transverse"))
    _, tilted = limb_phantom(quiet(seed=8, fracture="transverse", tilt_deg=12.0))
    assert np.abs(upright - tilted).max() > 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "tail"},
        {"fracture": "greenstick"},
        {"breaks": 3},
        {"bone_density": 0.0},
        {"joint_degeneration": 1.5},
        {"noise": -1.0},
        {"shape": (10, 400)},
        {"laterality": "left"},
    ],
)
def test_impossible_parameters_are_loud(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LimbPhantom(**wrong)


def test_a_film_is_made_in_time():
    best = min(_seconds(LimbPhantom(seed, shape=(454, 373))) for seed in range(4))
    assert best < 0.5  # 0.07 s on one quiet core; the bound leaves room for a busy one


def _seconds(parameters: LimbPhantom) -> float:
    start = time.perf_counter()
    limb_phantom(parameters)
    return time.perf_counter() - start
