"""Average precision, sensitivity at a false-alarm rate, precision and recall of a detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.detections import Boxes, Detections, iou_matrix
from core.metrics.estimates import Estimate
from core.metrics.statistics import bootstrap_interval

COCO_IOUS = tuple(float(v) for v in np.arange(0.5, 0.96, 0.05).round(2))


@dataclass(frozen=True, eq=False)
class MatchedImage:
    """The detections of one image against its truth, at several overlaps.

    Attributes:
        scores: (N,) falling.
        hits: bool (N, T): true positive at each overlap.
        truths: Number of true boxes.
    """

    scores: NDArray[np.float32]
    hits: NDArray[np.bool_]
    truths: int


def match_image(
    found: Detections, truth_xyxy: Boxes, ious: Sequence[float] = COCO_IOUS
) -> MatchedImage:
    """Match best score first, each true box once, as COCO does (Lin et al. 2014)."""
    truth = np.asarray(truth_xyxy, np.float32).reshape(-1, 4)
    overlap = iou_matrix(found.boxes_xyxy, truth)
    hits = np.zeros((len(found), len(ious)), bool)
    for column, least in enumerate(ious):
        free = np.ones(len(truth), bool)
        for row in np.flatnonzero((overlap >= least).any(axis=1)):
            candidates = np.where(free, overlap[row], -1.0)
            best = int(candidates.argmax())
            if candidates[best] >= least:
                hits[row, column] = True
                free[best] = False
    return MatchedImage(found.scores, hits, len(truth))


def average_precision(images: Sequence[MatchedImage]) -> NDArray[np.float64]:
    """AP at each overlap over all images, as COCO defines it; NaN where there is no true box.

    The mean, over 101 recalls from 0 to 1, of the best precision at that recall or a higher one
    (Lin et al. 2014). Our own few lines and not Ultralytics' `compute_ap`, with which a test
    compares them, because importing that takes seconds.
    """
    truths = sum(image.truths for image in images)
    columns = images[0].hits.shape[1] if images else len(COCO_IOUS)
    if truths == 0:
        return np.full(columns, np.nan)
    hits, _ = _pooled(images)
    if len(hits) == 0:
        return np.zeros(columns)
    true_positives = hits.cumsum(axis=0)
    precision = true_positives / np.arange(1, len(hits) + 1)[:, None]
    best_from_here = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    ends_at_zero = np.concatenate([best_from_here, np.zeros((1, columns))])
    recalls = np.linspace(0, 1, 101)
    return np.array(
        [
            ends_at_zero[np.searchsorted(true_positives[:, c] / truths, recalls), c].mean()
            for c in range(columns)
        ]
    )


def at_first_overlap(images: Sequence[MatchedImage]) -> NDArray[np.object_]:
    """Images (N,) with their first overlap alone, as an array that can be drawn from."""
    found = np.empty(len(images), object)
    found[:] = [MatchedImage(one.scores, one.hits[:, :1], one.truths) for one in images]
    return found


def first_precision(images: Sequence[MatchedImage] | NDArray[np.object_]) -> float:
    """AP at the first overlap."""
    return float(average_precision(list(images))[0])


def estimated_precision(images: Sequence[MatchedImage], draws: int = 1000) -> Estimate:
    """AP at the first overlap with its bootstrap interval over images."""
    some = at_first_overlap(images)
    bounds = bootstrap_interval(first_precision, some, draws=draws)
    return Estimate(first_precision(some), *bounds, len(some))


def precision_recall(
    images: Sequence[MatchedImage], threshold: float, column: int = 0
) -> tuple[float, float]:
    """Precision and recall of the boxes with a score of at least `threshold`.

    NaN where there is no such box, or no true box.
    """
    kept = [image.hits[image.scores >= threshold, column] for image in images]
    boxes = sum(len(hits) for hits in kept)
    true_positives = sum(int(hits.sum()) for hits in kept)
    truths = sum(image.truths for image in images)
    return (
        true_positives / boxes if boxes else float("nan"),
        true_positives / truths if truths else float("nan"),
    )


def precision_recall_curve(
    images: Sequence[MatchedImage], column: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Recall, precision and threshold, each (K,), from the highest threshold to the lowest.

    Recall is NaN where there is no true box.
    """
    hits, scores = _pooled(images)
    hit, truths = hits[:, column], sum(image.truths for image in images)
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True)) if len(scores) else np.arange(0)
    right = hit.cumsum()[last]
    recall = right / truths if truths else np.full(len(last), np.nan)
    return np.asarray(recall, float), right / (last + 1), np.asarray(scores[last], float)


def found_and_false(
    images: Sequence[MatchedImage], threshold: float, column: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At a threshold, of each image: true boxes found, and 1 where it has a false box."""
    kept = [image.hits[image.scores >= threshold, column] for image in images]
    return (
        np.array([hits.sum() for hits in kept], float),
        np.array([(~hits).any() for hits in kept], float),
    )


def threshold_difference(
    images: Sequence[MatchedImage],
    first: float,
    second: float,
    column: int = 0,
    other: Sequence[MatchedImage] | None = None,
) -> tuple[Estimate, Estimate]:
    """What changes from threshold `first` to `second` on the same images.

    Args:
        images: Matched with a detector's boxes.
        first, second: Thresholds.
        column: Which overlap.
        other: The same images with the boxes that `second` is for; by default `images`.

    Returns:
        The change of the share of true boxes found (NaN where there is no true box), then of the
        share of images with a false box; each with its bootstrap interval over images.
    """
    truths = np.array([image.truths for image in images], float)
    before = found_and_false(images, first, column)
    after = found_and_false(images if other is None else other, second, column)
    hits, false = after[0] - before[0], after[1] - before[1]

    def share_found(some: NDArray[np.float64], of: NDArray[np.float64]) -> float:
        return float(some.sum() / of.sum()) if of.sum() else float("nan")

    def mean(some: NDArray[np.float64]) -> float:
        return float(some.mean())

    return (
        Estimate(
            share_found(hits, truths),
            *bootstrap_interval(share_found, hits, truths),
            int(truths.sum()),
        ),
        Estimate(mean(false), *bootstrap_interval(mean, false), len(images)),
    )


def sensitivity_at(
    images: Sequence[MatchedImage], false_positives_per_image: float, column: int = 0
) -> float:
    """Share of true boxes found at a mean number of false boxes per image (FROC; Bunch 1978).

    Read off where the threshold falls until the next box would exceed that number.
    """
    truths = sum(image.truths for image in images)
    if truths == 0:
        return float("nan")
    hits, scores = _pooled(images)
    hit = hits[:, column]
    allowed = (~hit).cumsum() <= false_positives_per_image * len(images) + 1e-9
    if len(scores) == 0 or not allowed[0]:
        return 0.0
    last = int(np.flatnonzero(allowed)[-1])
    return float(hit[: last + 1].sum() / truths)


def froc(
    images: Sequence[MatchedImage], column: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Free-response ROC (Bunch 1978): what each threshold finds and falsely calls.

    Returns:
        False boxes per image, share of true boxes found, and the threshold, each (K,), from the
        highest threshold to the lowest; sensitivity is NaN where there is no true box.
    """
    hits, scores = _pooled(images)
    hit = hits[:, column]
    truths = sum(image.truths for image in images)
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True)) if len(scores) else np.arange(0)
    sensitivity = hit.cumsum()[last] / truths if truths else np.full(len(last), np.nan)
    return (
        (~hit).cumsum()[last] / len(images),
        np.asarray(sensitivity, float),
        np.asarray(scores[last], float),
    )


def _pooled(images: Sequence[MatchedImage]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Hits and scores of all images together, best score first."""
    scores = np.concatenate([image.scores for image in images])
    order = np.argsort(-scores, kind="stable")
    return np.concatenate([image.hits for image in images])[order], scores[order]
