"""Measurements with values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.metrics.statistics import auroc, bootstrap_interval, dice


@pytest.mark.parametrize(
    ("truth", "score", "area"),
    [
        ([], [], np.nan),
        ([1, 1], [0.1, 0.9], np.nan),
        ([0, 0], [0.1, 0.9], np.nan),
        ([0, 1], [0.1, 0.9], 1.0),
        ([1, 0], [0.1, 0.9], 0.0),
        ([0, 1], [0.5, 0.5], 0.5),
        ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 0.75),
        ([0, 1, 0, 1], [1, 1, 0, 2], 0.875),  # one of four pairs is tied
        ([False, True, True], [-5.0, np.inf, 3.0], 1.0),
    ],
)
def test_auroc_counts_ordered_pairs_and_half_of_ties(
    truth: list[int], score: list[float], area: float
) -> None:
    assert auroc(truth, score) == pytest.approx(area, nan_ok=True)


def test_auroc_is_the_share_of_ordered_pairs() -> None:
    rng = np.random.default_rng(0)
    truth, score = rng.random(60) < 0.3, rng.integers(0, 8, 60)
    pairs = score[truth][:, None] - score[~truth][None]
    expected = ((pairs > 0) + 0.5 * (pairs == 0)).mean()
    assert auroc(truth, score) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("mask", "reference", "value"),
    [
        ([0, 0], [0, 0], 1.0),
        ([1, 0], [0, 0], 0.0),
        ([1, 0], [0, 1], 0.0),
        ([1, 1, 0], [1, 0, 0], 2 / 3),
        ([[1, 1], [0, 1]], [[1, 1], [0, 1]], 1.0),
    ],
)
def test_dice_is_twice_the_shared_part(mask: list, reference: list, value: float) -> None:
    assert dice(mask, reference) == pytest.approx(value)
    assert dice(reference, mask) == pytest.approx(value)


def test_dice_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match="shape"):
        dice(np.zeros((2, 3)), np.zeros((3, 2)))


def test_interval_of_a_mean_has_the_known_width() -> None:
    values = np.random.default_rng(1).normal(5, 2, 400)
    low, high = bootstrap_interval(np.mean, values, draws=2000)
    error = values.std() / 20
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for seed in range(200):
        low, high = bootstrap_interval(np.mean, rng.normal(0, 1, 40), draws=300, seed=seed)
        hits += low <= 0 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_cases_are_drawn_together() -> None:
    truth = np.array([0, 0, 1, 1, 0, 1])
    assert bootstrap_interval(lambda a, b: float(np.mean(a == b)), truth, truth) == (1.0, 1.0)


def test_draws_without_a_number_are_left_out() -> None:
    truth, score = np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.3, 0.9])
    assert bootstrap_interval(auroc, truth, score) == (1.0, 1.0)
    low, high = bootstrap_interval(auroc, np.ones(4), score)
    assert np.isnan(low)
    assert np.isnan(high)


def test_seed_repeats_the_interval() -> None:
    values = np.arange(20.0)
    first = bootstrap_interval(np.mean, values, seed=4)
    assert first == bootstrap_interval(np.mean, values, seed=4)
    assert first != bootstrap_interval(np.mean, values, seed=5)


def test_higher_level_is_wider() -> None:
    values = np.arange(20.0)
    narrow = bootstrap_interval(np.mean, values, level=0.5)
    wide = bootstrap_interval(np.mean, values, level=0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@pytest.mark.parametrize("samples", [(), ([],), ([1, 2], [1])])
def test_interval_refuses_unequal_or_no_cases(samples: tuple) -> None:
    with pytest.raises(ValueError, match="length"):
        bootstrap_interval(np.mean, *samples)
