"""Bone age against the calendar: published normal variation, differences and their words.

How far bone ages of healthy children of one age lie apart was measured in the Brush Foundation
study (Cleveland, Ohio, 1931 to 1942) and tabulated by age and sex in W. W. Greulich, S. I. Pyle:
Radiographic Atlas of Skeletal Development of the Hand and Wrist, 2nd edition, Stanford University
Press, 1959. The figures below are that table's, as a public growth chart gives them; the atlas
itself was not at hand when they were entered.

Sources do not agree on what is normal. The children of the atlas came from well-off families of
one city, and most populations measured since are behind them: healthy Dutch children by 0.28
(boys) and 0.20 years (girls) on average (R. R. van Rijn et al., Pediatric Radiology
2009;39:591-597). Hispanic and Asian children in Los Angeles older than 12 were about one year
ahead (H. H. Thodberg, L. Sävendahl, Academic Radiology 2010;17:1425-1432).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.errors import UnsuitableInputError

SEXES = {"F": "girl", "M": "boy"}
OLDEST_MONTHS = 240
CITATION = (
    "Normal variation: Brush Foundation study, in Greulich and Pyle, Radiographic Atlas of "
    "Skeletal Development of the Hand and Wrist, 2nd edition, Stanford 1959."
)
DISAGREEMENT = (
    "Sources differ: that study followed well-off children of one American city before 1942. "
    "Healthy Dutch children were behind the atlas by 0.28 years (boys) and 0.20 years (girls) on "
    "average (van Rijn et al., Pediatric Radiology 2009;39:591); Hispanic and Asian children in "
    "Los Angeles older than 12 were about a year ahead of it (Thodberg and Sävendahl, Academic "
    "Radiology 2010;17:1425)."
)


@dataclass(frozen=True)
class Reference:
    """Bone ages of healthy children of one sex, in months, by chronological age.

    Attributes:
        age_months: Chronological ages at which children were examined, rising.
        mean_months: Mean bone age at each.
        sd_months: Standard deviation of the bone ages at each.
    """

    age_months: tuple[float, ...]
    mean_months: tuple[float, ...]
    sd_months: tuple[float, ...]

    def covers(self, age_months: float) -> bool:
        """Whether an age lies within the table."""
        return self.age_months[0] <= age_months <= self.age_months[-1]

    def sd(self, age_months: float) -> float:
        """Standard deviation at an age within the table, linear between its lines."""
        return float(np.interp(age_months, self.age_months, self.sd_months))

    def mean(self, age_months: float) -> float:
        """Mean bone age at an age within the table, linear between its lines."""
        return float(np.interp(age_months, self.age_months, self.mean_months))


_TABLE: tuple[tuple[float, ...], ...] = (
    # age, boys' mean and standard deviation, girls' mean and standard deviation; all in months
    (3, 3.01, 0.69, 3.02, 0.72),
    (6, 6.09, 1.13, 6.04, 1.16),
    (9, 9.56, 1.43, 9.05, 1.36),
    (12, 12.74, 1.97, 12.04, 1.77),
    (18, 19.36, 3.52, 18.22, 3.49),
    (24, 25.97, 3.92, 24.16, 4.64),
    (30, 32.40, 4.52, 30.96, 5.37),
    (36, 38.21, 5.08, 36.63, 5.97),
    (42, 43.89, 5.40, 43.50, 7.48),
    (48, 49.04, 6.66, 50.14, 8.98),
    (54, 56.00, 8.36, 60.06, 10.73),
    (60, 62.43, 8.79, 66.21, 11.65),
    (72, 75.46, 9.17, 78.50, 10.23),
    (84, 88.20, 8.91, 89.30, 9.64),
    (96, 101.38, 9.10, 100.66, 10.23),
    (108, 113.90, 9.00, 113.86, 10.74),
    (120, 125.68, 9.79, 125.66, 11.73),
    (132, 137.32, 10.09, 137.86, 11.94),
    (144, 148.82, 10.38, 149.62, 10.24),
    (156, 158.39, 10.44, 162.28, 10.67),
    (168, 170.02, 10.72, 174.25, 11.30),
    (180, 182.72, 11.32, 183.62, 9.23),
    (192, 195.32, 12.86, 189.44, 7.31),
    (204, 206.21, 13.05),
)
BRUSH: dict[str, Reference] = {
    sex: Reference(
        tuple(line[0] for line in _TABLE if len(line) > column),
        tuple(line[column] for line in _TABLE if len(line) > column),
        tuple(line[column + 1] for line in _TABLE if len(line) > column),
    )
    for sex, column in (("M", 1), ("F", 3))
}
"""By sex; see the module's docstring for the source."""


@dataclass(frozen=True)
class Difference:
    """A bone age against a chronological age.

    Attributes:
        age_months: Chronological age.
        months: Bone age minus chronological age: above 0 the bones are ahead.
        sd_months: Standard deviation at that age and sex; None where none is published.
        mean_months: Mean bone age of the study's children of that age and sex, or None.
    """

    age_months: float
    months: float
    sd_months: float | None = None
    mean_months: float | None = None

    @property
    def deviations(self) -> float | None:
        """Standard deviations of the bone age from the study's mean at that age, or None.

        The mean, not the chronological age: the study's children were not exactly as far as the
        atlas says, and the growth chart shows their mean and deviations.
        """
        if self.sd_months is None or self.mean_months is None:
            return None
        return (self.months + self.age_months - self.mean_months) / self.sd_months

    @property
    def against_calendar(self) -> str:
        """Which way the bones differ from the calendar: "advanced by 1 y 10 m"."""
        if round(self.months) == 0:
            return "equal to the chronological age"
        return f"{'advanced' if self.months > 0 else 'delayed'} by {span(abs(self.months))}"

    @property
    def words(self) -> str:
        """What the difference means, in one or two sentences; never a diagnosis."""
        against = f"Bone age is {self.against_calendar}"
        deviations = self.deviations
        if deviations is None:
            return f"{against}. No normal variation is published for this age and sex."
        size = abs(deviations)
        if size <= 1:
            where = "two of three healthy children lie within one standard deviation, as here"
        elif size <= 2:
            where = "19 of 20 healthy children lie within two standard deviations, as here"
        elif size <= 3:
            where = (
                "about one healthy child in twenty lies beyond two standard deviations, as here: "
                "by itself that says nothing of illness"
            )
        else:
            where = (
                "fewer than 3 of 1,000 healthy children lie beyond three standard deviations, as "
                "here: check the sex, the age and the film that were entered first"
            )
        return f"{against}; {where}."


def compare(bone_age_months: float, age_months: float, sex: str | None) -> Difference:
    """A bone age against a chronological age and its normal variation.

    Args:
        bone_age_months: What the model or a reader says.
        age_months: Chronological age.
        sex: "F", "M", or None where unknown: then there is no normal variation to compare with.
    """
    reference = BRUSH.get(sex or "")
    months = bone_age_months - age_months
    if reference is None or not reference.covers(age_months):
        return Difference(age_months, months)
    return Difference(age_months, months, reference.sd(age_months), reference.mean(age_months))


def age_between(birth: tuple[int, int], exam: tuple[int, int]) -> int:
    """Age in whole months from (year, month) of birth to (year, month) of the examination.

    Raises:
        UnsuitableInputError: If the child was not born yet, or is older than 20 years.
    """
    months = (exam[0] - birth[0]) * 12 + exam[1] - birth[1]
    if months < 0:
        raise UnsuitableInputError(
            "The month of birth lies after the month of the examination; correct one of them in "
            "the sidebar."
        )
    if months > OLDEST_MONTHS:
        raise UnsuitableInputError(
            f"The months given are {months // 12} years apart, and bone age is a matter of the "
            "first 20 years; correct one of them in the sidebar."
        )
    return months


def years_and_months(months: float) -> str:
    """An age or a span in words: 100 → "8 years 4 months", 11.8 → "1 year"."""
    years, rest = divmod(round(abs(months)), 12)
    parts = [f"{years} year{'' if years == 1 else 's'}"] if years else []
    if rest or not years:
        parts.append(f"{rest} month{'' if rest == 1 else 's'}")
    return ("-" if round(months) < 0 else "") + " ".join(parts)


def short(months: float) -> str:
    """The same for a narrow place: 100 → "8 y 4 m"; NaN, what was not measured, is a dash."""
    if math.isnan(months):
        return "–"
    years, rest = divmod(round(abs(months)), 12)
    return ("-" if round(months) < 0 else "") + f"{years} y {rest} m"


def span(months: float) -> str:
    """A span for a narrow place: 22 → "1 y 10 m", 5 → "5 months"."""
    whole = round(abs(months))
    if whole >= 12:
        return short(months)
    return f"{'-' if round(months) < 0 else ''}{whole} month{'' if whole == 1 else 's'}"


def signed(months: float) -> str:
    """A difference with its sign: 4.2 → "+4 months", -0.3 → "0 months"."""
    whole = round(months)
    return f"{whole:+d} month{'' if abs(whole) == 1 else 's'}" if whole else "0 months"
