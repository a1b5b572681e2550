"""Two models on the same cases: each one's figure, and the difference with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.metrics.detection import (
    MatchedImage,
    at_first_overlap,
    first_precision,
    found_and_false,
    precision_recall,
    threshold_difference,
)
from core.metrics.estimates import Estimate, mean_of
from core.metrics.roc import paired_difference
from core.metrics.statistics import bootstrap_interval

DRAWS = 400
"""Resamples of an average precision, which takes milliseconds each."""


@dataclass(frozen=True)
class Paired:
    """One figure of two models.

    Attributes:
        name: The figure's, with its unit.
        first, second: Of each model.
        difference: Second minus first, on the same cases.
        more: Whether more is better; None where neither is.
        style: Format of the numbers.
    """

    name: str
    first: float
    second: float
    difference: Estimate
    more: bool | None = True
    style: str = ".3f"

    @property
    def is_decided(self) -> bool:
        """Whether the interval leaves out no difference."""
        return self.difference.low > 0 or self.difference.high < 0

    @property
    def better(self) -> int:
        """1 or 2 where the interval says which model is better; 0 where it leaves it open."""
        if self.more is None or not self.is_decided:
            return 0
        return 2 if (self.difference.low > 0) == self.more else 1


def areas(name: str, truth: ArrayLike, first: ArrayLike, second: ArrayLike) -> Paired | None:
    """Areas under two ROC curves (DeLong); None where there is one class only."""
    positive = np.asarray(truth, bool)
    if positive.all() or not positive.any():
        return None
    found = paired_difference(positive, second, first)
    return Paired(name, found.second, found.first, found.difference)


def means(
    name: str, first: ArrayLike, second: ArrayLike, *, more: bool | None, style: str = ".3f"
) -> Paired | None:
    """Means of a value of each case; cases where either has none are left out."""
    one, two = np.asarray(first, float), np.asarray(second, float)
    known = np.isfinite(one) & np.isfinite(two)
    one, two = one[known], two[known]
    if not len(one):
        return None
    return Paired(name, float(one.mean()), float(two.mean()), mean_of(two - one), more, style)


def precisions(
    name: str, first: Sequence[MatchedImage], second: Sequence[MatchedImage]
) -> Paired | None:
    """Average precision at the first overlap; None where there is no true box."""
    if not sum(image.truths for image in first):
        return None

    def gain(one: NDArray[np.object_], two: NDArray[np.object_]) -> float:
        return first_precision(two) - first_precision(one)

    one, two = at_first_overlap(first), at_first_overlap(second)
    bounds = bootstrap_interval(gain, one, two, draws=DRAWS)
    before, after = first_precision(one), first_precision(two)
    return Paired(name, before, after, Estimate(after - before, *bounds, len(one)))


def boxes_at(
    first: Sequence[MatchedImage],
    second: Sequence[MatchedImage],
    thresholds: tuple[float, float],
    names: tuple[str, str],
) -> list[Paired]:
    """True boxes found, and images with a false box, in percent, each model at its threshold.

    Args:
        first, second: The same images matched with each model's boxes.
        thresholds: Of each model.
        names: Of both figures.
    """
    found, false = threshold_difference(first, *thresholds, other=second)
    pairs = list(zip((first, second), thresholds, strict=True))
    recall = [precision_recall(images, threshold)[1] for images, threshold in pairs]
    wrong = [float(found_and_false(*pair)[1].mean()) for pair in pairs]
    rows = [_percent(names[1], wrong, false, more=False)]
    return [_percent(names[0], recall, found, more=True), *rows] if found.n else rows


def _percent(name: str, shares: Sequence[float], one: Estimate, *, more: bool) -> Paired:
    first, second = (100 * share for share in shares)
    change = Estimate(100 * one.value, 100 * one.low, 100 * one.high, one.n)
    return Paired(name, first, second, change, more, ".1f")


def is_same(one: Paired) -> bool:
    """Whether both models gave the same on every case."""
    return one.difference.value == 0 and (
        math.isnan(one.difference.low) or one.difference.low == one.difference.high == 0
    )
