"""ROC curves, their areas and the paired difference of two, without assuming a distribution.

DeLong, DeLong & Clarke-Pearson, Biometrics 1988;44:837-845, computed by midranks as in Sun & Xu,
IEEE Signal Processing Letters 2014;21:1389-1393.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.metrics.estimates import LEVEL, Estimate, proportion


@dataclass(frozen=True, eq=False)
class Roc:
    """A ROC curve.

    Attributes:
        false_positive_rate, true_positive_rate: From (0, 0) to (1, 1).
        thresholds: Least score that is called abnormal at each point; the first is infinite.
        area: Under the curve, with interval.
    """

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    area: Estimate


def roc(truth: ArrayLike, score: ArrayLike) -> Roc | None:
    """The empirical ROC curve and its area with its interval.

    Args:
        truth: (N,) true where abnormal.
        score: (N,) higher is more abnormal.

    Returns:
        The curve, or None where there is one class only.
    """
    from sklearn.metrics import roc_curve

    positive = np.asarray(truth, bool)
    if positive.all() or not positive.any():
        return None
    wrong, right, thresholds = roc_curve(positive, np.asarray(score, float))
    return Roc(wrong, right, thresholds, area(positive, score))


@dataclass(frozen=True, eq=False)
class Band:
    """Where a ROC curve may lie: at each false-positive rate the bounds of its sensitivity."""

    false_positive_rate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def roc_band(
    truth: ArrayLike, score: ArrayLike, draws: int = 200, level: float = LEVEL, seed: int = 0
) -> Band | None:
    """Pointwise bootstrap band of a ROC curve, averaged vertically (Macskassy & Provost, Confidence
    bands for ROC curves, ROCAI 2004).

    Args:
        truth: (N,) true where abnormal.
        score: (N,) higher is more abnormal.
        draws: Resamples of the cases, within each class.
        level: Share of curves between the bounds at each rate.
        seed: Makes the band repeatable.

    Returns:
        The band, or None where there is one class only.
    """
    positive, value = np.asarray(truth, bool), np.asarray(score, float)
    if positive.all() or not positive.any():
        return None
    rng = np.random.default_rng(seed)
    abnormal, normal = np.sort(value[positive]), np.sort(value[~positive])
    rates = np.linspace(0, 1, 101)
    found = np.empty((draws, len(rates)))
    for row in found:
        some = np.sort(rng.choice(abnormal, len(abnormal)))
        others = np.sort(rng.choice(normal, len(normal)))[::-1]
        # The least threshold whose false-positive rate is no more than each rate.
        place = np.floor(rates * len(others) + 1e-9).astype(int)
        above = np.append(others, -np.inf)[np.minimum(place, len(others))]
        row[:] = 1 - np.searchsorted(some, above, side="right") / len(some)
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Band(rates, low, high)


@dataclass(frozen=True)
class PairedDifference:
    """Two areas on the same cases, and the first minus the second.

    Attributes:
        first, second: Areas.
        difference: With interval; NaN bounds where the variance is zero.
        z: Difference over its standard error.
        p: Two-sided.
    """

    first: float
    second: float
    difference: Estimate
    z: float
    p: float


def area(truth: ArrayLike, score: ArrayLike, level: float = LEVEL) -> Estimate:
    """Area under the ROC curve with its interval.

    The interval is DeLong's on the logit scale, so that it stays within [0, 1] (Pepe, The
    Statistical Evaluation of Medical Tests, 2003, section 5.2). Where every case is ranked
    right, or every one wrong, the variance is zero; then the exact binomial bound for as many
    independent pairs as the smaller class has cases is given, which is wide but valid.

    Args:
        truth: (N,) true where abnormal; both classes must occur.
        score: (N,) higher is more abnormal.
        level: Coverage.

    Raises:
        ValueError: If there is one class only.
    """
    from scipy.stats import norm

    areas, covariance, smaller = _components(truth, [np.asarray(score, float)])
    value, variance = float(areas[0]), float(covariance[0, 0])
    n = len(np.asarray(truth))
    if variance <= 1e-12 or not 0 < value < 1:
        exact = proportion(round(value * smaller), smaller, level)
        return Estimate(value, min(exact.low, value), max(exact.high, value), n)
    half = float(norm.ppf((1 + level) / 2)) * np.sqrt(variance) / (value * (1 - value))
    middle = np.log(value / (1 - value))
    low, high = 1 / (1 + np.exp(-(middle + np.array([-half, half]))))
    return Estimate(value, float(low), float(high), n)


def paired_difference(
    truth: ArrayLike, first: ArrayLike, second: ArrayLike, level: float = LEVEL
) -> PairedDifference:
    """Compare two scores of the same cases by their areas.

    Args:
        truth: (N,) true where abnormal; both classes must occur.
        first, second: (N,) scores.
        level: Coverage of the interval of the difference.

    Raises:
        ValueError: If there is one class only.
    """
    from scipy.stats import norm

    scores = [np.asarray(first, float), np.asarray(second, float)]
    areas, covariance, _ = _components(truth, scores)
    difference = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    n = len(scores[0])
    nan = float("nan")
    if variance <= 1e-12:
        same = Estimate(difference, nan, nan, n)
        return PairedDifference(float(areas[0]), float(areas[1]), same, nan, nan)
    error = float(np.sqrt(variance))
    half = float(norm.ppf((1 + level) / 2)) * error
    z = difference / error
    return PairedDifference(
        float(areas[0]),
        float(areas[1]),
        Estimate(difference, difference - half, difference + half, n),
        z,
        float(2 * norm.sf(abs(z))),
    )


def _components(
    truth: ArrayLike, scores: list[NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Areas (K,), their covariance (K, K), and the size of the smaller class."""
    from scipy.stats import rankdata

    positive = np.asarray(truth, bool)
    n_pos, n_neg = int(positive.sum()), int((~positive).sum())
    if n_pos == 0 or n_neg == 0:
        raise ValueError("an area needs normal and abnormal cases")
    above, below = [], []
    for score in scores:
        if len(score) != len(positive):
            raise ValueError(f"{len(score)} scores for {len(positive)} cases")
        everywhere = rankdata(score)
        above.append((everywhere[positive] - rankdata(score[positive])) / n_neg)
        below.append(1 - (everywhere[~positive] - rankdata(score[~positive])) / n_pos)
    v_pos, v_neg = np.array(above), np.array(below)
    covariance = np.zeros((len(scores), len(scores)))
    if n_pos > 1:
        covariance += np.cov(v_pos).reshape(covariance.shape) / n_pos
    if n_neg > 1:
        covariance += np.cov(v_neg).reshape(covariance.shape) / n_neg
    return v_pos.mean(axis=1), covariance, min(n_pos, n_neg)
