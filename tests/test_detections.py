"""Boxes: overlap, suppression and comparison with the truth, on cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.detections import Detections, compare, iou_matrix

NONE = np.zeros((0, 4), np.float32)
A = (10, 20, 30, 60)  # 20 wide, 40 high
HALF = (10, 20, 20, 60)  # its left half
SHIFTED = (20, 20, 40, 60)  # a third of the union with A
FAR = (50, 5, 60, 9)
POINT = (15, 30, 15, 30)


def found(*rows: tuple[tuple[float, ...], float]) -> Detections:
    """Detections from boxes and scores."""
    return Detections(
        np.array([box for box, _ in rows], np.float32).reshape(-1, 4),
        np.array([score for _, score in rows], np.float32),
    )


def boxes(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def test_no_boxes_are_normal() -> None:
    nothing = Detections(NONE, np.zeros(0, np.float32))
    assert len(nothing) == 0
    assert len(nothing.above(0.5)) == 0
    assert len(nothing.suppressed(0.5)) == 0
    assert nothing.boxes_xyxy.shape == (0, 4)
    assert iou_matrix(NONE, boxes(A)).shape == (0, 1)
    assert iou_matrix(boxes(A, FAR), NONE).shape == (2, 0)


@pytest.mark.parametrize(
    ("detections", "truth", "counts"),
    [
        (found(), NONE, (0, 0, 0)),
        (found(), boxes(A), (0, 0, 1)),
        (found((A, 0.9)), NONE, (0, 1, 0)),
        (found((A, 0.9)), boxes(A), (1, 0, 0)),
        (found((HALF, 0.9)), boxes(A), (1, 0, 0)),  # exactly one half counts
        (found((SHIFTED, 0.9)), boxes(A), (0, 1, 1)),
        (found((A, 0.9), (A, 0.8)), boxes(A), (1, 1, 0)),
        (found((A, 0.9), (FAR, 0.8)), boxes(FAR, A), (2, 0, 0)),
        (found((FAR, 0.9)), boxes(A, FAR), (1, 0, 1)),
    ],
    ids=["empty", "miss", "alarm", "hit", "half", "third", "twice", "both", "one of two"],
)
def test_comparison_counts_hits_alarms_and_misses(
    detections: Detections, truth: np.ndarray, counts: tuple[int, int, int]
) -> None:
    result = compare(detections, truth)
    assert (result.true_positives, result.false_positives, result.misses) == counts
    assert len(result.hit) == len(detections)
    assert len(result.found) == len(truth)


def test_better_score_takes_the_box_though_the_other_fits_better() -> None:
    result = compare(found((A, 0.3), (HALF, 0.9)), boxes(A))
    assert result.hit.tolist() == [True, False]  # best first: the half has 0.9


def test_found_says_which_true_box() -> None:
    assert compare(found((FAR, 0.9)), boxes(A, FAR)).found.tolist() == [False, True]


def test_comparison_obeys_the_overlap_asked_for() -> None:
    assert compare(found((SHIFTED, 0.9)), boxes(A), iou=0.3).true_positives == 1
    assert compare(found((HALF, 0.9)), boxes(A), iou=0.51).true_positives == 0


def test_overlap_of_known_boxes() -> None:
    expected = [
        [1, 0.5, 1 / 3, 0, 0],
        [0.5, 1, 0, 0, 0],
        [1 / 3, 0, 1, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0],
    ]
    every = boxes(A, HALF, SHIFTED, FAR, POINT)
    assert iou_matrix(every, every) == pytest.approx(np.array(expected))


def test_detections_are_put_in_order() -> None:
    detections = found((A, 0.2), (FAR, 0.9), (HALF, 0.5))
    assert detections.scores.tolist() == pytest.approx([0.9, 0.5, 0.2])
    assert detections.boxes_xyxy.tolist() == [list(FAR), list(HALF), list(A)]


def test_threshold_keeps_the_score_itself() -> None:
    detections = found((A, 0.25), (FAR, 0.75), (HALF, 0.125))
    assert detections.above(0.25).boxes_xyxy.tolist() == [list(FAR), list(A)]
    assert len(detections.above(0.76)) == 0


@pytest.mark.parametrize(
    ("iou", "kept"),
    [(1.0, [A, HALF, SHIFTED, FAR]), (0.4, [A, SHIFTED, FAR]), (0.3, [A, FAR]), (0.0, [A, FAR])],
)
def test_suppression_drops_what_a_better_box_overlaps_more(iou: float, kept: list) -> None:
    detections = found((A, 0.9), (HALF, 0.8), (SHIFTED, 0.7), (FAR, 0.6))
    assert [tuple(box) for box in detections.suppressed(iou).boxes_xyxy.tolist()] == kept


def test_suppressed_box_suppresses_nothing() -> None:
    left, middle, right = (0, 0, 10, 10), (4, 0, 14, 10), (8, 0, 18, 10)
    kept = found((left, 0.9), (middle, 0.8), (right, 0.7)).suppressed(0.3)
    assert [tuple(box) for box in kept.boxes_xyxy.tolist()] == [left, right]


@pytest.mark.parametrize(
    ("rows", "scores", "words"),
    [
        (boxes(A), [0.1, 0.2], "1 boxes but 2 scores"),
        (boxes((30, 20, 10, 60)), [0.1], "before it begins"),
        (boxes((10, 60, 30, 20)), [0.1], "before it begins"),
    ],
)
def test_wrong_arrays_are_loud(rows: np.ndarray, scores: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Detections(rows, np.array(scores, np.float32))
