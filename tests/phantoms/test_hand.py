"""Hand phantoms: the truth is where it is said to be, and age does to a hand what it does."""

import time
from itertools import pairwise

import numpy as np
import pytest

from core.phantoms.hand import growth
from core.phantoms.hand.anatomy import build
from core.phantoms.hand.phantom import HandPhantom, hand_phantom

SHAPE = (200, 152)
PLAIN = {"shape": SHAPE, "noise": 0.0, "collimation": "none", "exposure": 1.0, "tilt_degrees": 0.0}
AGES = (24, 60, 100, 130, 150, 165, 180, 195, 210, 228)


def plain(seed: int = 3, **more) -> HandPhantom:
    return hand_phantom(seed, **{**PLAIN, "age_months": 120.0, "sex": "F", **more})


def at(mask: np.ndarray, point: tuple[float, float]) -> bool:
    return bool(mask[round(point[1]), round(point[0])])


def inside(box, point, margin: float = 0.0) -> bool:
    x0, y0, x1, y1 = box
    return x0 - margin <= point[0] <= x1 + margin and y0 - margin <= point[1] <= y1 + margin


def named(phantom: HandPhantom, suffix: str) -> list[tuple[float, float]]:
    return [at for name, at in phantom.landmarks.items() if name.endswith(suffix)]


@pytest.mark.parametrize("seed", range(6))
def test_drawn_films_hold_their_landmarks_in_the_mask(seed):
    phantom = hand_phantom(seed, shape=SHAPE)
    assert phantom.image.shape == phantom.mask.shape == SHAPE
    assert phantom.image.pixels.dtype == np.float32 and phantom.mask.dtype == bool
    assert 0.1 < phantom.mask.mean() < 0.7
    assert len(phantom.landmarks) == 3 + 4 + 4 * 5
    for name, point in phantom.landmarks.items():
        assert at(phantom.mask, point), name


@pytest.mark.parametrize("age", [30.0, 120.0, 210.0])
def test_bones_cast_their_shadow_inside_the_mask(age):
    dense = plain(age_months=age, marker=False)
    thin = plain(age_months=age, marker=False, density=0.2)
    change = np.abs(dense.image.pixels - thin.image.pixels)
    np.testing.assert_array_equal(dense.mask, thin.mask)
    strong = change > 0.08
    assert strong.mean() > 0.03
    assert not (strong & ~dense.mask).any()


def test_soft_tissue_is_brighter_than_air_and_bone_than_soft_tissue():
    phantom = plain(marker=False)
    pixels, mask = phantom.image.pixels, phantom.mask
    shaft = np.add(phantom.landmarks["middle_base"], phantom.landmarks["middle_mcp"]) / 2
    between = (
        shaft + np.add(phantom.landmarks["ring_base"], phantom.landmarks["ring_mcp"]) / 2
    ) / 2
    bone = pixels[round(shaft[1]), round(shaft[0])]
    soft_tissue = pixels[round(between[1]), round(between[0])]
    assert np.median(pixels[~mask]) + 0.05 < soft_tissue < bone


def test_fingers_point_up_and_the_thumb_to_the_right():
    places = plain().landmarks
    for finger in ("index", "middle", "ring", "little"):
        heights = [places[f"{finger}_{n}"][1] for n in ("tip", "dip", "pip", "mcp", "base")]
        assert all(a < b for a, b in pairwise(heights))
        assert heights[-1] < places["wrist"][1]
    columns = [places[f"{f}_tip"][0] for f in ("little", "ring", "middle", "index", "thumb")]
    assert all(a < b for a, b in pairwise(columns))
    assert places["radius"][0] > places["ulna"][0]
    assert min(places, key=lambda name: places[name][1]) == "middle_tip"


def test_regions_and_joint_boxes_hold_their_landmarks():
    for seed in range(4):
        phantom = hand_phantom(seed, shape=SHAPE)
        regions, places = phantom.regions, phantom.landmarks
        assert inside(regions["wrist"], places["wrist"])
        assert all(inside(regions["mcp"], places[f"{f}_mcp"]) for f in ("index", "ring", "little"))
        for name in ("mcp", "pip", "dip", "tip"):
            assert inside(regions["middle_finger"], places[f"middle_{name}"])
        for name in ("base", "mcp", "pip", "tip"):
            assert inside(regions["thumb"], places[f"thumb_{name}"])
        counts = {kind: sum(k == kind for k, _ in phantom.joints) for kind, _ in phantom.joints}
        assert counts == {"DIP": 4, "PIP": 5, "MCP": 5, "Radius": 1, "Ulna": 1, "Wrist": 1}
        for kind in ("DIP", "PIP", "MCP", "Radius", "Ulna"):
            boxes = [box for k, box in phantom.joints if k == kind]
            for place in named(phantom, kind.lower()):
                assert any(inside(box, place, 0.01) for box in boxes), (seed, kind)
        height, width = SHAPE
        for x0, y0, x1, y1 in (*regions.values(), *(box for _, box in phantom.joints)):
            assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height


@pytest.mark.parametrize("sex", ["F", "M"])
def test_growth_plates_only_ever_close(sex):
    plates = [build(np.random.default_rng(2), age / 12, sex, 1.0).plates for age in AGES]
    assert set(plates[0]) == set(growth.PLATES)
    for name in growth.PLATES:
        shares = [one[name] for one in plates]
        assert all(0 <= b <= a <= 1 for a, b in pairwise(shares))
        assert shares[0] == 1 and shares[-1] == 0


def test_film_tells_how_open_its_growth_plates_are():
    child, adult = plain(age_months=100), plain(age_months=225)
    assert set(child.growth_plates) == set(growth.PLATES)
    assert all(share == 1 for share in child.growth_plates.values())
    assert all(share == 0 for share in adult.growth_plates.values())


def test_girls_close_before_boys_and_the_radius_last():
    for age in np.arange(150, 228, 6.0):
        girl, boy = (
            {name: growth.epiphysis(name, age / 12, sex).open for name in growth.PLATES}
            for sex in "FM"
        )
        assert all(girl[name] <= boy[name] for name in growth.PLATES)
        for one in (girl, boy):
            assert one["radius"] == max(one.values())
            assert one["middle distal"] <= one["middle proximal"] <= one["middle middle"]
    assert sum(growth.epiphysis(n, 14.5, "F").open for n in growth.PLATES) + 5 < sum(
        growth.epiphysis(n, 14.5, "M").open for n in growth.PLATES
    )


def test_carpals_appear_in_their_order_and_in_girls_first():
    order = ("capitate", "hamate", "triquetrum", "lunate", "scaphoid", "pisiform")
    for sex in "FM":
        seen = [
            [growth.carpal(name, years, sex) > 0 for name in order]
            for years in np.arange(0.1, 14, 0.1)
        ]
        assert all(sorted(row, reverse=True) == row for row in seen)
        assert not any(seen[0]) and all(seen[-1])
    for name in growth.CARPALS:
        for years in np.arange(0.1, 19, 0.3):
            assert growth.carpal(name, years, "F") >= growth.carpal(name, years, "M")


@pytest.mark.parametrize(("sex", "boy", "grown"), [("F", 0, 13.2), ("M", 1, 15.2)])
def test_ossified_area_of_the_wrist_rises_as_measured(sex, boy, grown):
    def area(years):
        outlines = [
            np.array(plate.outline_mm) @ (1, 1j)
            for name, plate in build(np.random.default_rng(1), years, sex, 1.0).carpals.items()
            if name not in ("pisiform", "hook", "sesamoid")
        ]
        doubled = sum(abs((o.conj() * np.roll(o, -1)).imag.sum()) for o in outlines)
        return doubled / growth.scale(years, sex) ** 2

    def measured(years):  # Matar et al. 2021: age = -0.972 + 1.403 boy + 21.758 ratio
        return years + 0.972 - 1.403 * boy

    for years in (5, 6, 8, 10, 12):
        share = area(years) / area(grown + 2.5)
        assert share == pytest.approx(measured(years) / measured(grown), abs=0.07)


def test_older_hands_have_more_bones():
    counts = [
        len(build(np.random.default_rng(1), years, "M", 1.0).carpals) for years in (2, 5, 8, 14)
    ]
    assert counts[0] < counts[1] < counts[2] < counts[3] == len(growth.CARPALS)


@pytest.mark.parametrize("name", ["radius", "middle proximal", "index metacarpal"])
def test_epiphysis_widens_caps_and_fuses(name):
    states = [growth.epiphysis(name, years, "F") for years in (0.5, 2, 6, 10, 12.5, 18)]
    widths = [state.width for state in states[:5]]
    assert widths[0] == 0 and all(a < b for a, b in pairwise(widths))
    assert widths[2] < 1 < widths[4]
    assert states[4].open == 1 and states[5].open == 0


def plate_dip(phantom: HandPhantom, sex: str) -> float:
    """How far the grey falls between epiphysis and shaft of a proximal phalanx."""
    knuckle, joint = (np.array(phantom.landmarks[f"middle_{name}"]) for name in ("mcp", "pip"))
    along = (joint - knuckle) / np.hypot(*(joint - knuckle))
    k = growth.scale(phantom.age_months / 12, sex) / phantom.image.spacing_mm[0]
    steps = np.arange(2.8 * k, 10 * k, 0.5)
    columns, rows = np.round(knuckle[:, None] + along[:, None] * steps).astype(int)
    line = phantom.image.pixels[rows, columns]
    shoulders = np.minimum(np.maximum.accumulate(line), np.maximum.accumulate(line[::-1])[::-1])
    return float((shoulders - line).max())


@pytest.mark.parametrize(("sex", "open_at", "closed_at"), [("F", 130, 190), ("M", 150, 215)])
def test_open_plate_is_a_dark_gap_that_fills(sex, open_at, closed_at):
    child, adult = (
        plain(age_months=age, sex=sex, shape=(640, 500), marker=False)
        for age in (open_at, closed_at)
    )
    dip = plate_dip(child, sex)
    assert dip > 0.06 and dip > 3 * plate_dip(adult, sex)


def test_same_seed_is_the_same_child_at_another_age():
    young, old = plain(age_months=60), plain(age_months=150)
    for phantom in (young, old):
        origin = np.array(phantom.landmarks["wrist"])
        assert phantom.image.shape == SHAPE
        assert np.hypot(*(np.array(phantom.landmarks["middle_tip"]) - origin)) > 60

    def angles(phantom):
        places = phantom.landmarks
        return [
            np.arctan2(*np.subtract(places[f"{f}_tip"], places[f"{f}_mcp"]))
            for f in ("thumb", "index", "middle", "ring", "little")
        ]

    np.testing.assert_allclose(angles(young), angles(old), atol=0.03)
    assert abs(angles(young)[0] - angles(plain(seed=4, age_months=60))[0]) > 0.01

    def length(phantom):
        spacing = phantom.image.spacing_mm[0]
        ends = phantom.landmarks["middle_tip"], phantom.landmarks["wrist"]
        return spacing * np.hypot(*np.subtract(*ends))

    assert length(old) / length(young) == pytest.approx(153.5 / 107.7, rel=0.02)


def test_same_arguments_give_the_same_film_and_digest():
    first, second = hand_phantom(9, shape=SHAPE), hand_phantom(9, shape=SHAPE)
    np.testing.assert_array_equal(first.image.pixels, second.image.pixels)
    assert first.image.digest == second.image.digest
    assert first.image.digest != hand_phantom(10, shape=SHAPE).image.digest


@pytest.mark.parametrize("tilt", [-30.0, 20.0])
def test_tilt_turns_every_landmark_by_its_angle(tilt):
    straight, tilted = plain(), plain(tilt_degrees=tilt)
    c, s = np.cos(np.deg2rad(tilt)), np.sin(np.deg2rad(tilt))
    clockwise = np.array([[c, -s], [s, c]])  # columns to the right, rows down
    ratio = straight.image.spacing_mm[0] / tilted.image.spacing_mm[0]
    for name, place in straight.landmarks.items():
        before = np.subtract(place, straight.landmarks["wrist"])
        after = np.subtract(tilted.landmarks[name], tilted.landmarks["wrist"])
        np.testing.assert_allclose(after, ratio * clockwise @ before, atol=0.05)
        assert at(tilted.mask, tilted.landmarks[name]), name


def test_marker_lies_beside_the_hand():
    with_, without = plain(marker=True), plain(marker=False)
    lead = np.abs(with_.image.pixels - without.image.pixels) > 0.3
    assert lead.sum() > 20
    assert not (lead & with_.mask).any()


@pytest.mark.parametrize(("frame", "low", "high"), [("white", 0.5, 1.0), ("black", 0.0, 0.02)])
def test_collimator_frames_the_film_and_cuts_the_mask_not_the_fingers(frame, low, high):
    phantom, free = plain(collimation=frame), plain()
    left = phantom.image.pixels[:, 0]
    assert low <= np.median(left) <= high
    assert not phantom.mask[left.shape[0] - 1].any() or frame == "none"
    assert not (phantom.mask & ~free.mask).any()
    for finger in ("thumb", "index", "middle", "ring", "little"):
        assert at(phantom.mask, phantom.landmarks[f"{finger}_tip"])


def test_dark_exposure_dims_the_hand_alone():
    bright, dark = plain(marker=False), plain(marker=False, exposure=0.2)
    np.testing.assert_allclose(dark.image.pixels, 0.2 * bright.image.pixels, atol=1e-3)
    np.testing.assert_array_equal(dark.mask, bright.mask)


def test_noise_is_the_only_thing_that_noise_changes():
    silent, noisy = plain(), plain(noise=3.0)
    np.testing.assert_array_equal(silent.mask, noisy.mask)
    change = noisy.image.pixels - silent.image.pixels
    assert 0 < change.std() < 0.1 and abs(change.mean()) < 0.01


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"age_months": 3.0}, "age_months"),
        ({"sex": "X"}, "sex"),
        ({"tilt_degrees": 400.0}, "tilt_degrees"),
        ({"collimation": "red"}, "collimation"),
        ({"shape": (8, 9)}, "shape"),
        ({"density": 0.0}, "density"),
        ({"noise": -1.0}, "noise"),
        ({"exposure": 0.0}, "exposure"),
    ],
)
def test_values_out_of_range_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        hand_phantom(0, **{"shape": SHAPE, **wrong})


def test_a_film_is_drawn_in_a_quarter_of_a_second():
    hand_phantom(0)
    took = []
    for seed in range(5):
        start = time.process_time()
        hand_phantom(seed, age_months=100.0)
        took.append(time.process_time() - start)
    assert min(took) < 0.25
