"""Figures of reader studies against published worked examples and other programs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.metrics.estimates import (
    bland_altman,
    calibration,
    cohen_kappa,
    fleiss_kappa,
    mcnemar,
    proportion,
    running_mean,
    sensitivity_specificity,
)
from core.metrics.roc import area, paired_difference, roc, roc_band
from core.practice.answers import FractureAnswer
from core.practice.free_response import froc
from core.practice.judging import match_boxes
from core.practice.truths import FractureTruth


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # Newcombe, Stat Med 1998;17:857-872, table I, method 5 (Clopper-Pearson)
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0000, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_proportion_has_the_published_exact_interval(
    successes: int, n: int, low: float, high: float
) -> None:
    found = proportion(successes, n)
    assert found.value == successes / n
    assert round(found.low, 4) == low
    assert round(found.high, 4) == high


def test_proportion_of_nothing_is_no_number() -> None:
    found = proportion(0, 0)
    assert math.isnan(found.value) and found.n == 0


def test_sensitivity_and_specificity_count_their_own_class() -> None:
    sensitivity, specificity = sensitivity_specificity([1, 1, 1, 0], [1, 1, 0, 1])
    assert (sensitivity.value, sensitivity.n) == (pytest.approx(2 / 3), 3)
    assert (specificity.value, specificity.n) == (0, 1)


# Hanley & McNeil, Radiology 1982;143:29-36, table I: 109 CT images rated 1 to 5.
NORMAL, ABNORMAL = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
RATED = np.concatenate([np.repeat(range(1, 6), NORMAL), np.repeat(range(1, 6), ABNORMAL)])
ILL = np.repeat([False, True], [sum(NORMAL), sum(ABNORMAL)])


def test_area_is_the_published_one() -> None:
    curve = roc(ILL, RATED)
    assert curve is not None
    assert round(curve.area.value, 4) == 0.8932  # 0.893 in the paper
    assert (curve.false_positive_rate[0], curve.true_positive_rate[0]) == (0, 0)
    # The trapezoids under the drawn curve are the same area.
    assert np.trapezoid(curve.true_positive_rate, curve.false_positive_rate) == pytest.approx(
        curve.area.value
    )


FIRST = [
    -0.7, 1.0, 1.7, 1.9, -1.6, 1.2, -0.6, 1.3, -1.6, 1.4, 0.2, 2.8,
    0.3, 1.7, -1.5, 3.5, -1.9, 2.3, -0.3, 0.3, -0.7, 0.5, 0.4, 1.1,
]  # fmt: skip
SECOND = [
    1.5, -1.2, 0.0, -0.3, 0.8, -1.5, -0.3, 0.8, -1.5, 1.6, 0.2, 1.6,
    1.0, -0.4, -0.8, 0.4, 0.7, 1.5, -0.7, 0.0, -0.8, 0.0, -0.2, 0.5,
]  # fmt: skip
TRUTH = [0, 1] * 12


def test_paired_difference_is_that_of_another_program() -> None:
    # MLstatkit 0.1.91, Delong_test: areas 0.9375 and 0.58333, z 2.723237, p 0.00646457,
    # variance of the difference 0.01691393.
    found = paired_difference(TRUTH, FIRST, SECOND)
    assert (found.first, found.second) == (pytest.approx(0.9375), pytest.approx(0.583333, abs=1e-6))
    assert found.z == pytest.approx(2.723237, abs=1e-5)
    assert found.p == pytest.approx(0.00646457, abs=1e-7)
    half = (found.difference.high - found.difference.low) / 2
    assert (half / 1.959964) ** 2 == pytest.approx(0.01691393, abs=1e-7)


def test_variances_are_those_of_the_definition() -> None:
    """DeLong's structural components by two loops over pairs, as the paper writes them."""
    positive = np.asarray(TRUTH, bool)
    components = []
    for score in (np.asarray(FIRST), np.asarray(SECOND)):
        pairs = np.sign(score[positive][:, None] - score[~positive][None]) / 2 + 0.5
        components.append((pairs.mean(axis=1), pairs.mean(axis=0)))
    s10 = np.cov([one[0] for one in components]) / positive.sum()
    s01 = np.cov([one[1] for one in components]) / (~positive).sum()
    total = s10 + s01
    error = np.sqrt(total[0, 0] + total[1, 1] - 2 * total[0, 1])
    found = paired_difference(TRUTH, FIRST, SECOND)
    assert found.z == pytest.approx(found.difference.value / error, abs=1e-9)
    swapped = paired_difference(TRUTH, SECOND, FIRST)
    assert swapped.z == pytest.approx(-found.z)
    single = area(TRUTH, FIRST)
    logit_half = 1.959964 * np.sqrt(total[0, 0]) / (0.9375 * 0.0625)
    assert single.high == pytest.approx(1 / (1 + np.exp(-(np.log(15) + logit_half))), abs=1e-6)


def test_perfect_ranking_has_a_bound_below_one() -> None:
    found = area([0, 0, 0, 1, 1, 1, 1], [1, 2, 3, 4, 5, 6, 7])
    assert found.value == found.high == 1
    assert found.low == pytest.approx(proportion(3, 3).low)
    same = paired_difference(TRUTH, FIRST, FIRST)
    assert same.difference.value == 0 and math.isnan(same.p)


@pytest.mark.parametrize("truth", [[1, 1, 1], [0, 0, 0]])
def test_one_class_has_no_curve(truth: list[int]) -> None:
    assert roc(truth, [1, 2, 3]) is None
    with pytest.raises(ValueError, match="normal and abnormal"):
        paired_difference(truth, [1, 2, 3], [3, 2, 1])


def test_bland_altman_is_the_published_one() -> None:
    # Bland & Altman, Lancet 1986;1:307-310: peak flow by two meters, 17 subjects; the mean
    # difference is -2.1 l/min and its standard deviation 38.8 l/min.
    wright = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    found = bland_altman(np.subtract(wright, mini))
    assert round(found.bias.value, 1) == -2.1
    assert round((found.high - found.low) / 2 / 1.96, 1) == 38.8
    assert math.isnan(bland_altman([3.0]).low) and bland_altman([]).bias.n == 0


def test_cohen_kappa_of_a_known_table() -> None:
    # 20 times both say yes, 15 times both no, 5 and 10 times one of them: (0.7 - 0.5) / 0.5.
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)
    assert math.isnan(cohen_kappa(["yes"], ["yes"]))
    assert math.isnan(cohen_kappa([], []))


# 14 raters put 10 subjects into 5 categories (the worked example of the article "Fleiss' kappa"
# of Wikipedia, 0.210); statsmodels 0.15.0, fleiss_kappa: 0.2099307.
FLEISS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


def test_fleiss_kappa_of_a_known_table() -> None:
    assert fleiss_kappa(FLEISS) == pytest.approx(0.2099307, abs=1e-7)
    assert math.isnan(fleiss_kappa([[3, 0], [3, 0]]))
    assert math.isnan(fleiss_kappa([]))
    with pytest.raises(ValueError, match="same number"):
        fleiss_kappa([[2, 1], [2, 0]])


def test_mcnemar_is_the_exact_binomial_test() -> None:
    assert mcnemar(1, 7) == pytest.approx(2 * (1 + 8) / 2**8)
    assert math.isnan(mcnemar(0, 0))


def test_calibration_puts_each_answer_into_one_bin() -> None:
    bins = calibration([0, 19, 20, 100, 95], [0, 1, 1, 1, 0])
    assert [(one.low, one.right.n) for one in bins] == [(0, 2), (20, 1), (80, 2)]
    assert bins[-1].confidence == 97.5
    assert calibration([], []) == []


def test_running_mean_looks_back() -> None:
    assert running_mean([1, 0, 1, 1], 2).tolist() == [1, 0.5, 0.5, 1]


BOX = (10.0, 10, 30, 20)


@pytest.mark.parametrize(
    ("boxes", "truth", "hit", "found"),
    [
        ([], [], [], []),
        ([], [BOX], [], [False]),
        ([BOX], [], [False], []),
        ([(10, 10, 30, 20)], [BOX], [True], [True]),
        ([(18, 12, 22, 16)], [BOX], [True], [True]),  # small, but its centre lies inside
        ([(20, 10, 42, 20)], [BOX], [True], [True]),  # centre outside, IoU 100 / 320
        ([(20, 10, 44, 20)], [BOX], [False], [False]),  # centre outside, IoU 100 / 340
        ([(10, 10, 30, 20), (11, 11, 29, 19)], [BOX], [True, False], [True]),  # one fracture once
    ],
)
def test_hit_rule(boxes: list, truth: list, hit: list, found: list) -> None:
    got = match_boxes(
        np.asarray(boxes, np.float32).reshape(-1, 4), np.asarray(truth, np.float32).reshape(-1, 4)
    )
    assert [one.tolist() for one in got] == [hit, found]


def test_free_response_curve_rises_with_falling_score() -> None:
    truths = [FractureTruth((BOX,)), FractureTruth(), FractureTruth((BOX, (50, 50, 60, 60)))]
    away = (80.0, 80, 90, 90)
    answers = [
        FractureAnswer((BOX, away), box_scores=(90, 40)),
        FractureAnswer((away,), 60),
        FractureAnswer((BOX,), 60),
    ]
    found = froc(answers, truths)
    assert found.curve[0].tolist() == pytest.approx([0, 0, 1 / 3, 2 / 3])
    assert found.curve[1].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3])
    assert (found.found.value, found.found.n) == (pytest.approx(2 / 3), 3)
    assert found.false_boxes == pytest.approx(2 / 3)


def test_band_lies_around_the_curve_and_narrows_with_cases() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for n in (60, 2000):
        truth = np.arange(n) % 2
        score = truth + rng.normal(0, 1, n)
        band, curve = roc_band(truth, score), roc(truth, score)
        assert band is not None and curve is not None
        own = np.interp(
            band.false_positive_rate, curve.false_positive_rate, curve.true_positive_rate
        )
        inside = (band.low - 0.05 <= own) & (own <= band.high + 0.05)
        assert inside.mean() > 0.97
        assert band.high[-1] == band.low[-1] == 1 and (np.diff(band.low) >= 0).all()
        widths.append(float((band.high - band.low).mean()))
    assert widths[1] < widths[0] / 2
    assert roc_band([1, 1], [0.1, 0.2]) is None
