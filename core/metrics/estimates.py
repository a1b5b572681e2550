"""Figures of reader studies: proportions, errors, calibration, agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.metrics.statistics import bootstrap_interval

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; NaN where it cannot be computed.

    Attributes:
        value, low, high: The figure and its bounds.
        n: Number of cases that it rests on.
    """

    value: float
    low: float
    high: float
    n: int


NONE = Estimate(float("nan"), float("nan"), float("nan"), 0)


def mean_of(values: ArrayLike) -> Estimate:
    """Mean of (N,) with its bootstrap interval, which is NaN for fewer than two."""
    known = np.asarray(values, float)
    if not len(known):
        return NONE
    nan = float("nan")
    bounds = bootstrap_interval(np.mean, known) if len(known) > 1 else (nan, nan)
    return Estimate(float(known.mean()), *bounds, len(known))


def proportion(successes: int, n: int, level: float = LEVEL) -> Estimate:
    """A share with its exact interval (Clopper & Pearson, Biometrika 1934;26:404-413)."""
    from scipy.stats import binomtest

    if n == 0:
        return NONE
    bounds = binomtest(int(successes), int(n)).proportion_ci(level, method="exact")
    return Estimate(successes / n, float(bounds.low), float(bounds.high), int(n))


def sensitivity_specificity(truth: ArrayLike, said: ArrayLike) -> tuple[Estimate, Estimate]:
    """Shares of abnormal cases called abnormal, and of normal ones called normal.

    Args:
        truth: (N,) true where abnormal.
        said: (N,) true where called abnormal.
    """
    positive, called = np.asarray(truth, bool), np.asarray(said, bool)
    return (
        proportion(int((positive & called).sum()), int(positive.sum())),
        proportion(int((~positive & ~called).sum()), int((~positive).sum())),
    )


@dataclass(frozen=True)
class Agreement:
    """How far two measurements differ (Bland & Altman, Lancet 1986;1:307-310).

    Attributes:
        bias: Mean difference with its t interval.
        low, high: 95 % limits of agreement, bias ± 1.96 standard deviations.
        mean_error: Mean absolute difference with a bootstrap interval.
    """

    bias: Estimate
    low: float
    high: float
    mean_error: Estimate


def bland_altman(difference: ArrayLike) -> Agreement:
    """Bias, limits of agreement and mean absolute error of (N,) differences.

    The limits and intervals are NaN for fewer than two.
    """
    from scipy.stats import t

    values = np.asarray(difference, float)
    n = len(values)
    if n == 0:
        return Agreement(NONE, float("nan"), float("nan"), NONE)
    bias, error = float(values.mean()), mean_of(np.abs(values))
    if n == 1:
        nan = float("nan")
        return Agreement(Estimate(bias, nan, nan, 1), nan, nan, error)
    spread = float(values.std(ddof=1))
    half = float(t.ppf((1 + LEVEL) / 2, n - 1) * spread / np.sqrt(n))
    return Agreement(
        Estimate(bias, bias - half, bias + half, n),
        bias - 1.96 * spread,
        bias + 1.96 * spread,
        error,
    )


@dataclass(frozen=True)
class CalibrationBin:
    """Answers of similar confidence: their mean confidence in percent, and the share right."""

    low: float
    high: float
    confidence: float
    right: Estimate

    def holds(self, confidence: float) -> bool:
        """Whether an answer of this confidence (percent) is one of the bin's."""
        return self.low <= confidence < self.high or confidence == self.high == 100


def calibration(
    confidence: ArrayLike, right: ArrayLike, edges: Sequence[float] = (0, 20, 40, 60, 80, 100)
) -> list[CalibrationBin]:
    """Stated confidence against the share of right answers (reliability diagram, Murphy & Winkler,
    Applied Statistics 1977;26:41-47).

    Args:
        confidence: (N,) in percent.
        right: (N,) whether the answer was right.
        edges: Rising bounds of the bins; a value on a bound belongs to the bin above it, the
            last to the last.

    Returns:
        The bins that hold answers.
    """
    sure, hit = np.asarray(confidence, float), np.asarray(right, bool)
    which = np.clip(np.searchsorted(edges, sure, side="right") - 1, 0, len(edges) - 2)
    return [
        CalibrationBin(
            float(edges[index]),
            float(edges[index + 1]),
            float(sure[inside].mean()),
            proportion(int(hit[inside].sum()), int(inside.sum())),
        )
        for index in range(len(edges) - 1)
        if (inside := which == index).any()
    ]


def cohen_kappa(first: Sequence[object], second: Sequence[object]) -> float:
    """Agreement of two readers beyond chance (Cohen, Educ Psychol Meas 1960;20:37-46).

    Returns:
        Kappa; NaN where there are no cases, or both readers used one category only.
    """
    from sklearn.metrics import cohen_kappa_score

    if len(first) == 0 or len({*first, *second}) < 2:
        return float("nan")
    return float(cohen_kappa_score([str(one) for one in first], [str(one) for one in second]))


def fleiss_kappa(counts: ArrayLike) -> float:
    """Agreement of several readers beyond chance (Fleiss, Psychol Bull 1971;76:378-382).

    Args:
        counts: (N, K) how many readers put case n into category k, each row of the same sum.

    Returns:
        Kappa; NaN where there are no cases, one reader, or one category only.

    Raises:
        ValueError: If the rows have different sums.
    """
    table = np.asarray(counts, float)
    if table.size == 0:
        return float("nan")
    readers = table.sum(axis=1)
    if np.any(readers != readers[0]):
        raise ValueError("every case needs the same number of readers")
    n = readers[0]
    share = table.sum(axis=0) / table.sum()
    by_chance = float((share**2).sum())
    if n < 2 or by_chance == 1:
        return float("nan")
    observed = float(((table**2).sum(axis=1) - n).mean() / (n * (n - 1)))
    return (observed - by_chance) / (1 - by_chance)


def mcnemar(better: int, worse: int) -> float:
    """Exact two-sided p that right and wrong changes are equally likely (McNemar, Psychometrika
    1947;12:153-157); NaN without a change."""
    from scipy.stats import binomtest

    if better + worse == 0:
        return float("nan")
    return float(binomtest(better, better + worse, 0.5).pvalue)


def running_mean(values: ArrayLike, window: int) -> NDArray[np.float64]:
    """Mean of each value and up to `window` - 1 before it: (N,) → (N,)."""
    found = np.asarray(values, float)
    total = np.concatenate([[0.0], found.cumsum()])
    ends = np.arange(1, len(found) + 1)
    starts = np.maximum(0, ends - window)
    return (total[ends] - total[starts]) / np.maximum(ends - starts, 1)
