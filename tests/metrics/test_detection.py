"""Average precision and its kin against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.detections import Detections
from core.metrics.detection import (
    MatchedImage,
    average_precision,
    match_image,
    precision_recall,
    precision_recall_curve,
    sensitivity_at,
    threshold_difference,
)

TRUTH = np.array([[10, 10, 30, 40], [60, 20, 90, 50]], np.float32)
ELSEWHERE = [100.0, 100.0, 120.0, 130.0]


def found(*rows: tuple[list[float], float]) -> Detections:
    return Detections(
        np.array([box for box, _ in rows], np.float32).reshape(-1, 4),
        np.array([score for _, score in rows], np.float32),
    )


def at_50(detections: Detections, truth: np.ndarray = TRUTH) -> MatchedImage:
    return match_image(detections, truth, (0.5,))


def test_no_image_with_a_fracture_has_no_average_precision() -> None:
    normal = at_50(found((ELSEWHERE, 0.9)), np.zeros((0, 4), np.float32))
    assert np.isnan(average_precision([normal])).all()
    assert np.isnan(sensitivity_at([normal], 0.5))


def test_no_detection_scores_zero() -> None:
    assert average_precision([at_50(found())])[0] == 0.0
    assert sensitivity_at([at_50(found())], 0.5) == 0.0


def test_lower_threshold_finds_more_and_has_more_films_with_a_false_box() -> None:
    both = at_50(found((TRUTH[0].tolist(), 0.9), (TRUTH[1].tolist(), 0.3)))
    wrong = at_50(found((ELSEWHERE, 0.4), (ELSEWHERE, 0.2)), np.zeros((0, 4), np.float32))
    films = [both] * 20 + [wrong] * 30 + [at_50(found())] * 10
    more, false = threshold_difference(films, 0.5, 0.1)
    assert (more.value, more.n) == (pytest.approx(20 / 60), 60)
    assert (false.value, false.n) == (0.5, 60)
    assert 0 < more.low < 20 / 60 < more.high and 0 < false.low < 0.5 < false.high
    back, _ = threshold_difference(films, 0.1, 0.5)
    assert (back.value, back.low) == (
        pytest.approx(-more.value),
        pytest.approx(-more.high, abs=0.05),
    )
    normal, same = threshold_difference([wrong, wrong], 0.1, 0.1)
    assert np.isnan(normal.value) and (same.value, same.low, same.high) == (0, 0, 0)


def test_perfect_detections_score_one() -> None:
    both = at_50(found((TRUTH[0].tolist(), 0.9), (TRUTH[1].tolist(), 0.8)))
    assert average_precision([both])[0] == pytest.approx(1.0, abs=0.01)
    assert precision_recall([both], 0.5) == (1.0, 1.0)


def test_a_false_alarm_below_every_hit_costs_nothing() -> None:
    rows = [(TRUTH[0].tolist(), 0.9), (TRUTH[1].tolist(), 0.8)]
    clean, with_alarm = at_50(found(*rows)), at_50(found(*rows, (ELSEWHERE, 0.1)))
    assert average_precision([with_alarm])[0] == pytest.approx(average_precision([clean])[0])


def test_a_false_alarm_above_the_only_hit_halves_precision() -> None:
    image = at_50(found((ELSEWHERE, 0.9), (TRUTH[0].tolist(), 0.8)), TRUTH[:1])
    # precision is 1/2 at every recall up to 1
    assert average_precision([image])[0] == pytest.approx(0.5, abs=0.01)


def test_half_of_the_boxes_found_scores_half() -> None:
    image = at_50(found((TRUTH[0].tolist(), 0.9)))
    assert average_precision([image])[0] == pytest.approx(0.5, abs=0.01)
    assert precision_recall([image], 0.5) == (1.0, 0.5)


def test_a_second_box_on_one_fracture_is_a_false_alarm() -> None:
    twice = at_50(found((TRUTH[0].tolist(), 0.9), (TRUTH[0].tolist(), 0.8)))
    assert twice.hits[:, 0].tolist() == [True, False]


def test_images_without_fracture_lower_precision() -> None:
    hit = at_50(found((TRUTH[0].tolist(), 0.6)), TRUTH[:1])
    alarm = at_50(found((ELSEWHERE, 0.9)), np.zeros((0, 4), np.float32))
    assert average_precision([hit, alarm])[0] == pytest.approx(0.5, abs=0.01)
    assert precision_recall([hit, alarm], 0.5) == (0.5, 1.0)
    assert precision_recall([hit, alarm], 0.95)[1] == 0.0
    assert np.isnan(precision_recall([hit, alarm], 0.95)[0])


def test_stricter_overlap_scores_lower() -> None:
    shifted = (TRUTH[0] + np.array([0, 6, 0, 6], np.float32)).tolist()  # overlap 24 / 36
    image = match_image(found((shifted, 0.9)), TRUTH[:1])
    assert image.hits[0].tolist() == [True] * 4 + [False] * 6
    assert average_precision([image]).mean() == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize(("rate", "share"), [(0.0, 0.5), (0.4, 0.5), (0.5, 1.0), (3.0, 1.0)])
def test_sensitivity_at_a_rate_of_false_alarms(rate: float, share: float) -> None:
    first = at_50(found((TRUTH[0].tolist(), 0.9), (ELSEWHERE, 0.5), (TRUTH[1].tolist(), 0.4)))
    second = at_50(found(), np.zeros((0, 4), np.float32))
    assert sensitivity_at([first, second], rate) == share


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_agrees_with_ultralytics(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YOLO_OFFLINE", "true")
    from ultralytics.utils.metrics import compute_ap

    rng = np.random.default_rng(seed)
    scores = np.sort(rng.random(60).astype(np.float32))[::-1]
    hits = rng.random(60) < scores
    truths = int(hits.sum()) + 7
    recall = hits.cumsum() / truths
    precision = hits.cumsum() / np.arange(1, 61)
    ours = average_precision([MatchedImage(scores, hits[:, None], truths)])[0]
    assert ours == pytest.approx(compute_ap(recall, precision)[0], abs=0.01)


def test_precision_and_recall_at_every_threshold() -> None:
    images = [
        at_50(found((TRUTH[0].tolist(), 0.9), (ELSEWHERE, 0.6))),
        at_50(found((TRUTH[1].tolist(), 0.6))),
    ]
    recall, precision, thresholds = precision_recall_curve(images)
    assert thresholds.tolist() == pytest.approx([0.9, 0.6])
    assert recall.tolist() == [0.25, 0.5]
    assert precision.tolist() == pytest.approx([1, 2 / 3])
    for place, threshold in enumerate((0.9, 0.6)):
        assert precision_recall(images, threshold - 1e-4) == pytest.approx(
            (precision[place], recall[place])
        )
    nothing = precision_recall_curve([at_50(found())])
    assert all(len(values) == 0 for values in nothing)
