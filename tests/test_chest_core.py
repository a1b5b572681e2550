"""The cardiothoracic ratio and the scores of heat maps, on shapes whose truth is by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.chest import ctr
from core.errors import UnsuitableInputError

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


def test_caveats_name_view_and_cut_off_chest() -> None:
    found = ctr.measure(_chest())
    assert ctr.caveats(found, SHAPE, "PA") == ()
    assert "magnified" in ctr.caveats(found, SHAPE, "AP")[0]
    assert "not known" in ctr.caveats(found, SHAPE)[0]
    cut = ctr.measure({**_chest(), "right_lung": _box(0, 5, 24, 40)})
    assert "edge of the film" in ctr.caveats(cut, SHAPE, "PA")[0]
    out = ctr.measure({**_chest(), "heart": _box(1, 20, 30, 36)})
    assert "beyond" in ctr.caveats(out, SHAPE, "PA")[0]
