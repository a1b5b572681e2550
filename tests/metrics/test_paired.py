"""Two models on the same cases: signs, intervals, and which one is said to be better."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.metrics.detection import MatchedImage
from core.metrics.paired import areas, boxes_at, is_same, means, precisions

RNG = np.random.default_rng(0)
TRUTH = np.arange(60) % 2
GOOD = TRUTH + RNG.normal(0, 0.3, 60)
POOR = RNG.normal(0, 1, 60)


def images(hits: list[list[bool]], truths: int = 1) -> list[MatchedImage]:
    """Images whose boxes have falling scores from 0.9."""
    return [
        MatchedImage(
            np.linspace(0.9, 0.2, len(some), dtype=np.float32), np.array(some)[:, None], truths
        )
        for some in hits
    ]


def test_difference_is_second_minus_first_and_the_better_one_is_named() -> None:
    found = areas("AUROC", TRUTH, POOR, GOOD)
    assert found is not None and found.second > found.first
    assert found.difference.value == pytest.approx(found.second - found.first)
    assert found.difference.low > 0 and found.better == 2
    back = areas("AUROC", TRUTH, GOOD, POOR)
    assert back is not None and back.better == 1
    assert back.difference.value == -found.difference.value


def test_one_class_has_no_area() -> None:
    assert areas("AUROC", np.ones(5), POOR[:5], GOOD[:5]) is None


@pytest.mark.parametrize(("more", "better"), [(True, 2), (False, 1), (None, 0)])
def test_mean_that_rises_is_better_only_where_more_is(more: bool | None, better: int) -> None:
    first = RNG.normal(10, 1, 50)
    found = means("error", first, first + 1 + RNG.normal(0, 0.1, 50), more=more)
    assert found is not None and found.better == better
    assert found.difference.value == pytest.approx(1, abs=0.1)


def test_mean_leaves_out_cases_without_a_value_in_either() -> None:
    found = means("mm", [1.0, math.nan, 3.0, 4.0], [2.0, 2.0, math.nan, 6.0], more=False)
    assert found is not None
    assert (found.first, found.second, found.difference.n) == (2.5, 4.0, 2)
    assert means("mm", [math.nan], [1.0], more=False) is None


def test_small_difference_cannot_be_decided_and_none_is_the_same() -> None:
    first = RNG.normal(0, 1, 40)
    found = means("error", first, first + RNG.normal(0, 1, 40), more=True)
    assert found is not None and found.better == 0 and not is_same(found)
    same = means("error", first, first, more=True)
    assert same is not None and is_same(same)
    area = areas("AUROC", TRUTH, GOOD, GOOD)
    assert area is not None and is_same(area) and area.better == 0


def test_boxes_of_two_detectors_at_their_own_thresholds() -> None:
    first = images([[True], [False], [False]] * 20)
    second = images([[True], [True], [False, True]] * 20)
    found, false = boxes_at(first, second, (0.5, 0.5), ("found", "false"))
    assert (found.first, found.second) == (pytest.approx(100 / 3), pytest.approx(200 / 3))
    assert found.better == 2 and found.difference.low > 0
    assert (false.first, false.second) == (pytest.approx(200 / 3), pytest.approx(100 / 3))
    assert false.better == 2 and false.difference.value < 0
    lower, _ = boxes_at(first, second, (0.5, 0.1), ("found", "false"))
    assert lower.second == 100  # the second detector's threshold moves its own boxes alone
    assert lower.first == found.first


def test_average_precision_of_two_detectors() -> None:
    found = precisions("mAP50", images([[False]] * 30), images([[True]] * 30))
    assert found is not None
    assert (found.first, found.second, found.better) == (0, pytest.approx(1), 2)
    assert precisions("mAP50", images([[False]] * 3, 0), images([[False]] * 3, 0)) is None
