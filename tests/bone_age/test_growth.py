"""Bone age against the calendar: the published table, differences and their words."""

from __future__ import annotations

import pytest

from core.bone_age.growth import BRUSH, age_between, compare, short, signed, years_and_months
from core.errors import UnsuitableInputError


@pytest.mark.parametrize("sex", ["F", "M"])
def test_table_is_whole_and_rises(sex: str) -> None:
    table = BRUSH[sex]
    assert len(table.age_months) == len(table.mean_months) == len(table.sd_months)
    assert list(table.age_months) == sorted(set(table.age_months))
    assert list(table.mean_months) == sorted(table.mean_months)
    for age, mean in zip(table.age_months, table.mean_months, strict=True):
        assert abs(age - mean) < 7.5


@pytest.mark.parametrize(
    ("sex", "age", "sd"),
    [("M", 3, 0.69), ("M", 60, 8.79), ("M", 204, 13.05), ("F", 36, 5.97), ("F", 192, 7.31)],
)
def test_lines_of_the_table(sex: str, age: float, sd: float) -> None:
    assert BRUSH[sex].sd(age) == pytest.approx(sd)


def test_between_two_lines_the_deviation_lies_between_theirs() -> None:
    assert BRUSH["M"].sd(66) == pytest.approx((8.79 + 9.17) / 2)


def test_deviations_are_counted_from_the_mean_that_the_chart_shows() -> None:
    found = compare(120 + 9.79 * 2, 120, "M")
    assert found.months == pytest.approx(19.58)
    assert found.deviations == pytest.approx((139.58 - 125.68) / 9.79)
    assert compare(125.68, 120, "M").deviations == pytest.approx(0)


@pytest.mark.parametrize(("age", "sex"), [(120, None), (2, "F"), (193, "F"), (205, "M")])
def test_no_deviation_where_none_is_published(age: float, sex: str | None) -> None:
    found = compare(130, age, sex)
    assert found.months == 130 - age
    assert found.deviations is None
    assert "No normal variation is published" in found.words


@pytest.mark.parametrize(
    ("bone_age", "words"),
    [
        (119.8, "equal to the chronological age; two of three"),
        (126, "advanced by 6 months; two of three"),
        (108, "delayed by 1 y 0 m; 19 of 20"),
        (150, "says nothing of illness"),
        (160, "fewer than 3 of 1,000"),
    ],
)
def test_words_say_the_difference_and_no_diagnosis(bone_age: float, words: str) -> None:
    assert words in compare(bone_age, 120, "M").words


def test_age_between_two_months() -> None:
    assert age_between((2015, 11), (2020, 2)) == 51
    assert age_between((2020, 2), (2020, 2)) == 0


@pytest.mark.parametrize("birth", [(2020, 3), (1999, 1)])
def test_impossible_months_are_a_sentence(birth: tuple[int, int]) -> None:
    with pytest.raises(UnsuitableInputError, match="correct one of them"):
        age_between(birth, (2020, 2))


@pytest.mark.parametrize(
    ("months", "long", "brief"),
    [
        (0, "0 months", "0 y 0 m"),
        (1, "1 month", "0 y 1 m"),
        (11.8, "1 year", "1 y 0 m"),
        (100, "8 years 4 months", "8 y 4 m"),
        (-14, "-1 year 2 months", "-1 y 2 m"),
    ],
)
def test_ages_in_words(months: float, long: str, brief: str) -> None:
    assert years_and_months(months) == long
    assert short(months) == brief


@pytest.mark.parametrize(
    ("months", "words"),
    [(4.2, "+4 months"), (-1.0, "-1 month"), (-0.3, "0 months"), (0.4, "0 months")],
)
def test_differences_never_are_minus_zero(months: float, words: str) -> None:
    assert signed(months) == words
