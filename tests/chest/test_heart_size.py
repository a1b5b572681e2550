"""The cardiothoracic ratio and the scores of heat maps, on shapes whose truth is by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.chest import ctr, heart_size
from core.errors import UnsuitableInputError
from core.metrics import heat_maps as heat

SHAPE = (48, 64)


def _box(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def _chest(heart: tuple[int, int] = (25, 45)) -> dict[str, np.ndarray]:
    """The patient's left lung on the viewer's right; the chest spans columns 4 to 60."""
    return {
        "right_lung": _box(4, 5, 24, 40),
        "left_lung": _box(46, 5, 60, 38),
        "heart": _box(heart[0], 20, heart[1], 36),
    }


def test_ratio_counts_pixel_edges() -> None:
    found = ctr.measure(_chest())
    assert (found.heart_left_x, found.heart_right_x) == (25, 45)
    assert (found.chest_left_x, found.chest_right_x) == (4, 60)
    assert found.heart_y == 28
    assert found.chest_y == pytest.approx((22.5 + 21.5) / 2)
    assert found.ratio == pytest.approx(20 / 56)
    assert not found.enlarged
    assert ctr.measure(_chest((20, 50))).enlarged


def test_ends_of_the_heart_may_lie_at_different_heights() -> None:
    masks = _chest()
    masks["heart"] = _box(20, 12, 30, 20) | _box(28, 20, 50, 40)
    found = ctr.measure(masks)
    assert found.heart_width_px == 30
    assert found.heart_y == pytest.approx((16 + 30) / 2)


@pytest.mark.parametrize("empty", ["heart", "left_lung", "right_lung"])
def test_empty_mask_is_told_by_name(empty: str) -> None:
    masks = {**_chest(), empty: np.zeros(SHAPE, bool)}
    with pytest.raises(UnsuitableInputError, match=empty.replace("_", " ")):
        ctr.measure(masks)


def test_missing_and_misshapen_masks_are_faults() -> None:
    masks = _chest()
    with pytest.raises(ValueError, match="lack heart"):
        ctr.measure({name: mask for name, mask in masks.items() if name != "heart"})
    with pytest.raises(ValueError, match="shape"):
        ctr.measure({**masks, "heart": masks["heart"].T})


def test_lines_give_back_the_ratio_they_came_from() -> None:
    found = ctr.measure(_chest())
    assert ctr.ratio_from_lines(found.lines) == found


def test_moved_lines_count_horizontally_and_in_either_order() -> None:
    found = ctr.ratio_from_lines({"heart": (40, 30, 20, 26), "chest": (5, 10, 55, 30)})
    assert found.ratio == pytest.approx(20 / 50)
    assert (found.heart_left_x, found.heart_right_x, found.heart_y) == (20, 40, 28)


@pytest.mark.parametrize("chest", [(10, 5, 10, 40), (10, 5, 25, 5)])
def test_chest_line_without_room_for_the_heart_is_refused(chest: ctr.Segment) -> None:
    with pytest.raises(UnsuitableInputError, match="chest's line"):
        ctr.ratio_from_lines({"heart": (20, 30, 40, 30), "chest": chest})


def test_missing_line_is_a_fault() -> None:
    with pytest.raises(ValueError, match="lack chest"):
        ctr.ratio_from_lines({"heart": (20, 30, 40, 30)})


@pytest.mark.parametrize(
    "values",
    [(10, 5, 0, 0, 20, 0), (0, 5, 0, 20, 20, 0), (float("nan"), 5, 0, 0, 20, 0)],
)
def test_impossible_ratio_is_a_fault(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="end"):
        ctr.CardiothoracicRatio(*values)


def test_cleaning_drops_islands_and_fills_holes() -> None:
    masks = _chest()
    dirty = {name: mask.copy() for name, mask in masks.items()}
    dirty["left_lung"][0, 63] = True
    dirty["heart"][25:27, 30:33] = False
    assert ctr.measure(dirty).ratio != ctr.measure(masks).ratio
    cleaned = ctr.clean(dirty)
    for name, mask in masks.items():
        np.testing.assert_array_equal(cleaned[name], mask)
    assert dirty["left_lung"][0, 63]  # the argument stays as it was
    assert not ctr.clean({"heart": np.zeros(SHAPE, bool)})["heart"].any()


def test_label_map_round_trip_puts_the_left_lung_on_the_viewers_right() -> None:
    masks = _chest()
    labels = ctr.labels_from_masks(masks)
    assert labels[10, 50] == ctr.LABELS["left_lung"] == 1
    assert labels[10, 10] == ctr.LABELS["right_lung"] == 2
    assert labels[30, 30] == ctr.LABELS["heart"] == 3
    for name, mask in ctr.masks_from_labels(labels).items():
        np.testing.assert_array_equal(mask, masks[name])


@pytest.mark.parametrize(
    ("heart", "said"),
    [
        ((25, 20, 45, 36), ""),
        ((25, 20, 30, 36), "0.3 to 0.8"),  # a sliver
        ((6, 20, 58, 36), "0.3 to 0.8"),  # from wall to wall
        ((22, 34, 52, 46), "below the lungs"),  # across the abdomen
        ((25, 6, 45, 20), "above its place"),
        ((36, 20, 60, 36), "to one side"),
        ((30, 22, 48, 27), "area of the lungs"),
    ],
)
def test_implausible_outlines_are_named(heart: tuple[int, int, int, int], said: str) -> None:
    masks = {**_chest(), "heart": _box(*heart)}
    found = heart_size.judge(ctr.measure(masks), masks, view="PA")
    assert said in found.reason and bool(said) == bool(found.reason)
    assert found.words == ("not judged" if said else "not enlarged")


def test_uneven_lungs_are_implausible() -> None:
    masks = {**_chest(), "left_lung": _box(46, 25, 60, 38)}
    assert "one lung has" in heart_size.judge(ctr.measure(masks), masks).reason


def test_ap_films_and_children_are_not_judged() -> None:
    masks = _chest((20, 50))
    ratio = ctr.measure(masks)
    assert heart_size.judge(ratio, masks, view="PA", age_years=40).enlarged is True
    assert heart_size.judge(ratio, masks).enlarged is True
    for known in ({"view": "AP"}, {"age_years": 12}):
        found = heart_size.judge(ratio, masks, **known)  # type: ignore[arg-type]
        assert found.enlarged is None and "heart not judged" in found.sentence
    by_hand = heart_size.judge(ratio, None)
    assert by_hand.by_hand and "by hand" in by_hand.sentence


def test_mirrored_film_is_noticed() -> None:
    masks = _chest((28, 50))
    mirrored = {
        "left_lung": masks["right_lung"][:, ::-1],
        "right_lung": masks["left_lung"][:, ::-1],
        "heart": masks["heart"][:, ::-1],
    }
    for one, expected in ((masks, False), (mirrored, True)):
        assert heart_size.looks_mirrored(ctr.measure(one), one["heart"]) is expected


def test_caveats_name_view_and_cut_off_chest() -> None:
    found = ctr.measure(_chest())
    assert ctr.caveats(found, SHAPE, "PA") == ()
    assert "magnified" in ctr.caveats(found, SHAPE, "AP")[0]
    assert "not known" in ctr.caveats(found, SHAPE)[0]
    cut = ctr.measure({**_chest(), "right_lung": _box(0, 5, 24, 40)})
    assert "edge of the film" in ctr.caveats(cut, SHAPE, "PA")[0]
    out = ctr.measure({**_chest(), "heart": _box(1, 20, 30, 36)})
    assert "beyond" in ctr.caveats(out, SHAPE, "PA")[0]


def _spot(x: int, y: int) -> np.ndarray:
    spot = np.zeros(SHAPE, np.float32)
    spot[y, x] = 1
    return spot


@pytest.mark.parametrize(
    ("boxes", "share"),
    [
        ([], 0.0),
        ([(10, 5, 30, 15)], 200 / (48 * 64)),
        ([(10, 5, 30, 15), (20, 5, 40, 15)], 300 / (48 * 64)),  # the overlap counts once
        ([(0.25, 0, 0.75, 2)], 1 / (48 * 64)),  # thinner than a pixel
        ([(60, 40, 90, 90)], 32 / (48 * 64)),  # reaches beyond the film
        ([(30, 5, 10, 15)], 0.0),
    ],
)
def test_boxes_cover_their_share_of_the_film(boxes: list, share: float) -> None:
    assert heat.area_share(heat.boxes_region(boxes, SHAPE)) == pytest.approx(share)


@pytest.mark.parametrize(
    ("x", "y", "tolerance", "hit"),
    [(10, 5, 0, 1), (29, 14, 0, 1), (30, 14, 0, 0), (5, 10, 0, 0), (33, 10, 4, 1), (34, 10, 4, 0)],
)
def test_pointing_game_counts_the_hottest_pixel(x: int, y: int, tolerance: int, hit: float) -> None:
    region = heat.boxes_region([(10, 5, 30, 15)], SHAPE)
    assert heat.points_at(_spot(x, y), region, tolerance) == hit


def test_pointing_game_of_equal_maxima_is_their_share() -> None:
    region = heat.boxes_region([(10, 5, 30, 15)], SHAPE)
    assert heat.points_at(_spot(12, 7) + _spot(50, 40), region) == 0.5


def test_box_thinner_than_a_pixel_can_still_be_hit() -> None:
    region = heat.boxes_region([(20.3, 10.3, 20.6, 10.6)], SHAPE)
    assert heat.points_at(_spot(20, 10), region) == 1


def test_flat_map_scores_the_area_and_no_more() -> None:
    region = heat.boxes_region([(10, 5, 30, 15)], SHAPE)
    found = heat.score(np.ones(SHAPE), region)
    assert found.pointing == pytest.approx(found.area)
    assert found.energy == pytest.approx(found.area)
    assert found.lift == pytest.approx(1)


def test_energy_is_the_share_of_heat_inside() -> None:
    region = _box(10, 5, 30, 15)
    assert heat.energy_inside(3 * _spot(12, 7) + _spot(50, 40), region) == pytest.approx(0.75)
    assert np.isnan(heat.energy_inside(np.zeros(SHAPE), region))


def test_empty_region_is_never_hit() -> None:
    found = heat.score(np.ones(SHAPE), np.zeros(SHAPE))
    assert (found.pointing, found.energy, found.area) == (0, 0, 0)
    assert np.isnan(found.lift)


def test_a_rare_finding_does_not_glow_like_a_sure_one() -> None:
    spot = _spot(10, 5)
    assert heat.by_probability(spot, 0.9).max() > 5 * heat.by_probability(spot, 0.03).max()
    assert heat.by_probability(spot, 1.0).max() == 1


def test_centre_map_is_hottest_in_the_middle() -> None:
    bell = heat.centre_map(SHAPE)
    assert heat.points_at(bell, _box(30, 22, 34, 26)) == 1
    assert bell[0, 0] < 0.05


def test_rank_correlation_knows_neither_scale_nor_flat_maps() -> None:
    one = np.random.default_rng(0).random(SHAPE)
    assert heat.rank_correlation(one, 5 * one + 2) == pytest.approx(1)
    assert heat.rank_correlation(_ramp(), _ramp()[::-1, ::-1]) == pytest.approx(-1)
    assert np.isnan(heat.rank_correlation(_ramp(), np.ones(SHAPE)))


def _ramp() -> np.ndarray:
    return np.arange(SHAPE[0] * SHAPE[1], dtype=float).reshape(SHAPE)


@pytest.mark.parametrize(
    ("bad", "said"),
    [(np.ones((3, 4, 5)), "one shape"), (np.ones((64, 48)), "one shape"),
     (np.full(SHAPE, np.nan), "finite"), (-np.ones(SHAPE), "negative")],
)  # fmt: skip
def test_unfit_maps_are_faults(bad: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        heat.energy_inside(bad, np.ones(SHAPE))
