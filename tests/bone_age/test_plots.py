"""Marks, sheets, charts, verdicts and the report of the bone-age page."""

from __future__ import annotations

import numpy as np
import pytest

from core.bone_age.growth import BRUSH
from core.bone_age.overlays import marked, pictures, sheet, shown
from core.bone_age.plots import (
    agreement,
    bland_altman,
    growth_chart,
    occlusion_heat,
    sweep,
)
from core.stages import Step

GREY = np.full((60, 90), 80, np.uint8)


@pytest.mark.parametrize(
    ("name", "value", "at"),
    [
        ("contour", np.array([[10, 10], [70, 10], [70, 50], [10, 50]]), (40, 10)),
        ("hull", [(10, 10), (70, 10), (70, 50)], (10, 10)),
        ("gaps", np.array([[20, 20], [60, 40]]), (64, 40)),
        ("points", {"palm": (30, 40)}, (34, 40)),
        ("boxes", {"wrist": (20, 10, 60, 50)}, (20, 30)),
        ("line", np.array([[10, 30], [80, 30]]), (45, 30)),
    ],
)
def test_marks_are_drawn_where_they_lie(name: str, value: object, at: tuple[int, int]) -> None:
    drawn = marked(GREY, {name: value})
    assert drawn.shape == (60, 90, 3)
    assert (drawn[at[1], at[0]] != 80).any()
    assert (GREY == 80).all()


@pytest.mark.parametrize(
    "overlays",
    [
        {},
        {"angle_degrees": 12.0},
        {"matrix": np.eye(3)},
        {"mask": np.ones((60, 90), bool)},
        {"contour": np.zeros((0, 2))},
        {"crop_xyxy": (1, 2, 30, 40)},
    ],
)
def test_what_is_no_place_is_not_drawn(overlays: dict[str, object]) -> None:
    assert (marked(GREY, overlays) == 80).all()


def test_marks_follow_a_picture_that_was_made_larger() -> None:
    large = np.full((120, 180), 80, np.uint8)
    drawn = marked(large, {"line": np.array([[10, 30], [80, 30]])}, 2.0)
    assert (drawn[60, 90] != 80).any()


@pytest.mark.parametrize(
    ("array", "top"),
    [
        (np.array([[0, 200]], np.uint8), 200),
        (np.array([[0, 1]], np.uint8), 255),
        (np.array([[0, 0.5]], np.float32), 128),
        (np.array([[-3, 5]], np.float32), 255),
        (np.array([[False, True]]), 255),
    ],
)
def test_every_kind_of_step_is_shown(array: np.ndarray, top: int) -> None:
    found = shown(array)
    assert found.dtype == np.uint8
    assert (found[0, 0], found[0, 1]) == (0, top)


def steps() -> list[Step]:
    return [
        Step("Window", np.full((60, 90), 0.4, np.float32), {}),
        Step(
            "Find", np.full((40, 50), 0.4, np.float32), {}, overlays={"crop_xyxy": (20, 10, 70, 50)}
        ),
        Step("CLAHE", np.full((40, 50), 0.4, np.float32), {}, skipped=True),
    ]


def test_crop_is_drawn_on_the_step_before_it() -> None:
    first, second, third = pictures(steps(), side_px=90)
    assert first.shape[:2] == (60, 90)
    assert (first[10:13, 20:24] != first[30, 5]).any()
    assert (second == second[0, 0]).all() and (third == third[0, 0]).all()


def test_sheet_holds_every_step() -> None:
    made = sheet(steps(), columns=2, side_px=100)
    assert made.shape == (2 * 134, 200, 3)
    assert made[134 + 34 :, :100].any()
    assert not made[134:, 100:].any()


@pytest.mark.parametrize("sex", ["F", "M", None])
@pytest.mark.parametrize("age", [96.0, None])
def test_growth_chart_shows_the_answer(sex: str | None, age: float | None) -> None:
    figure = growth_chart(sex, 100, 84, 116, age)
    places = [(trace.x[0], trace.y[0]) for trace in figure.data if trace.mode == "markers"]
    assert places == ([] if age is None else [(8.0, pytest.approx(100 / 12))])
    bands = sum("deviation" in (trace.name or "") for trace in figure.data)
    assert bands == (2 if sex in BRUSH else 0)


def test_agreement_of_bland_and_altman() -> None:
    bias, low, high = agreement(np.array([1.0, 3.0, 5.0]))
    assert bias == pytest.approx(3)
    assert (low, high) == (pytest.approx(3 - 1.96 * 2), pytest.approx(3 + 1.96 * 2))


def test_charts_hold_their_points() -> None:
    read, answer = np.array([60.0, 120.0, 180.0]), np.array([66.0, 118.0, 180.0])
    figure = bland_altman(read, answer, ["F", "M", "M"])
    assert figure.data[0].x.tolist() == [63 / 12] and figure.data[0].y.tolist() == [6.0]
    assert len(figure.data[1].x) == 2
    assert len(sweep([24, 36], [30, 40], [20, 30], [40, 50], 30).data) == 3


@pytest.mark.parametrize(
    ("way", "most", "place"), [("both", 8, (0, 1)), ("Older", 4, (1, 0)), ("Younger", 8, (0, 1))]
)
def test_occlusion_is_scaled_to_what_is_asked(
    way: str, most: float, place: tuple[int, int]
) -> None:
    heat, found = occlusion_heat(np.array([[0, -8], [4, 0]], np.float32), way)
    assert found == most
    assert heat[place] == 1 and heat.min() >= 0


def test_occlusion_without_change_is_dark() -> None:
    heat, found = occlusion_heat(np.zeros((2, 3), np.float32), "Older")
    assert found == 0 and not heat.any()
