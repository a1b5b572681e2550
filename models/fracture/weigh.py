"""How the detector's score of a candidate and the second reader's become one, and what it gains.

Two numbers are chosen by mAP50: how much the second reader's log odds count beside the detector's,
and how far boxes go to where it sees them. The score is then how often such a box overlaps a true
one by half (Platt 1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.detections import Detections, iou_matrix
from core.fracture.fusion import Fusion, fit, logit
from core.metrics.detection import MatchedImage, average_precision, match_image, precision_recall
from models.fracture.candidate_films import Film
from models.fracture.rescore import Read, second_look

THRESHOLDS = np.arange(0.02, 0.8, 0.01)
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
SHARES = (0.0, 0.5, 1.0)
IOU = 0.6
Scores = Sequence[NDArray[np.floating]]
"""One array (N,) a film, of its candidates."""


@dataclass(frozen=True)
class Choice:
    """How much the second reader counts, how far boxes go, and what makes one score of both."""

    weight: float
    share: float
    fusion: Fusion


def looked_at(
    read: Read, films: Sequence[Film], share: float
) -> tuple[list[Film], list[NDArray[np.float64]]]:
    """Films with their candidates moved, and the second reader's own scores of them."""
    seen, own = [], []
    for film in films:
        scores = np.zeros(0)
        if len(film.found):
            grey = film.grey[0].astype(np.float32) / np.float32(255)
            boxes, scores = second_look(read, grey, film.found.boxes_xyxy, share)
            film = replace(film, found=Detections(boxes, film.found.scores))
        seen.append(film)
        own.append(scores)
    return seen, own


def choose(
    looks: dict[float, tuple[list[Film], list[NDArray[np.float64]]]], chosen: NDArray[np.integer]
) -> Choice:
    """The choice of highest mAP50 on some films, by `looked_at` for each share."""
    best, found = -1.0, (0.0, 0.0)
    for share, (films, own) in looks.items():
        some, seen = [films[i] for i in chosen], [own[i] for i in chosen]
        for weight in WEIGHTS:
            value = map50(some, added(some, seen, weight))
            if value > best:
                best, found = value, (weight, share)
    weight, share = found
    films, own = looks[share]
    return Choice(
        weight, share, calibrated([films[i] for i in chosen], [own[i] for i in chosen], weight)
    )


def added(films: Sequence[Film], own: Scores, weight: float) -> list[NDArray[np.float64]]:
    """Weighted log odds of both."""
    return [logit(f.found.scores) + weight * logit(one) for f, one in zip(films, own, strict=True)]


def calibrated(films: Sequence[Film], own: Scores, weight: float) -> Fusion:
    """The score of both in the same order, as the share of boxes that overlap by half."""
    right = [
        iou_matrix(f.found.boxes_xyxy, f.truth_xyxy).max(axis=1, initial=0) >= 0.5 for f in films
    ]
    # Both log odds in one: the fit has two, of which the second is told nothing.
    sums = 1 / (1 + np.exp(-np.concatenate(added(films, own, weight))))
    line = fit(sums, np.full(len(sums), 0.5), np.concatenate(right))
    return Fusion(line.bias, line.detector, line.detector * weight)


def scores_apart(
    looks: dict[float, tuple[list[Film], list[NDArray[np.float64]]]], folds: int = 5, seed: int = 0
) -> tuple[list[Film], list[NDArray[np.float64]]]:
    """Each film's candidates by what was chosen on the other folds of films."""
    count = len(looks[0.0][0])
    fold = np.random.default_rng(seed).permutation(count) % folds
    films, scores = list(looks[0.0][0]), [np.zeros(0)] * count
    for number in range(folds):
        choice = choose(looks, np.flatnonzero(fold != number))
        seen, own = looks[choice.share]
        for i in np.flatnonzero(fold == number):
            films[i] = seen[i]
            scores[i] = choice.fusion.probabilities(seen[i].found.scores, own[i])
    return films, scores


def matched(films: Sequence[Film], scores: Scores) -> list[MatchedImage]:
    """The candidates in the order of other scores, against the truth at an overlap of 0.5."""
    return [
        match_image(Detections(film.found.boxes_xyxy, one).suppressed(IOU), film.truth_xyxy, (0.5,))
        for film, one in zip(films, scores, strict=True)
    ]


def map50(films: Sequence[Film], scores: Scores) -> float:
    """mAP50 of the candidates in the order of other scores."""
    return float(average_precision(matched(films, scores))[0])


def best_threshold(images: Sequence[MatchedImage]) -> tuple[float, float]:
    """The score with the largest F1 of boxes, and that F1."""

    def f1(score: float) -> float:
        precision, recall = precision_recall(images, score)
        total = precision + recall
        return 2 * precision * recall / total if total > 0 else 0.0  # NaN too is not above

    best = max(THRESHOLDS, key=f1)
    return round(float(best), 2), round(f1(best), 4)
