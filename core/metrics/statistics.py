"""Measurements that several tasks share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike


def bootstrap_interval(
    statistic: Callable[..., float],
    *samples: ArrayLike,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a statistic over cases (Efron & Tibshirani 1993).

    Args:
        statistic: Called with one resampled array per entry of `samples`; a draw for which it
            returns NaN (one class only, say) is left out.
        samples: Arrays whose first axis runs over the same cases.
        draws: Number of resamples.
        level: Coverage, in (0, 1).
        seed: Makes the interval repeatable.

    Returns:
        Lower and upper bound; (NaN, NaN) where no draw gave a number.

    Raises:
        ValueError: If the samples have different lengths or none.
    """
    arrays = [np.asarray(sample) for sample in samples]
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(f"samples need one common length above zero, got {sorted(lengths)}")
    n = lengths.pop()
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        index = rng.integers(0, n, n)
        values.append(statistic(*(array[index] for array in arrays)))
    found = np.asarray(values, float)
    found = found[np.isfinite(found)]
    if found.size == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def auroc(truth: ArrayLike, score: ArrayLike) -> float:
    """Area under the ROC curve by ranks, ties counted half (Hanley & McNeil 1982).

    Args:
        truth: (N,) true where positive.
        score: (N,) higher is more positive.

    Returns:
        The area, or NaN where there is one class only.
    """
    from scipy.stats import rankdata

    positive = np.asarray(truth, bool)
    n_pos, n_neg = int(positive.sum()), int((~positive).sum())
    if n_pos == 0 or n_neg == 0:
        return float("nan")
    ranks = rankdata(np.asarray(score, float))
    return float((ranks[positive].sum() - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg))


def dice(mask: ArrayLike, reference: ArrayLike) -> float:
    """Dice coefficient of two masks of one shape (Dice 1945); 1 where both are empty.

    Raises:
        ValueError: If the shapes differ.
    """
    a, b = np.asarray(mask, bool), np.asarray(reference, bool)
    if a.shape != b.shape:
        raise ValueError(f"masks differ in shape: {a.shape} and {b.shape}")
    total = int(a.sum()) + int(b.sum())
    return 1.0 if total == 0 else 2.0 * int((a & b).sum()) / total
