"""Boxes as free responses: any number of marks on a film (Bunch et al., J Appl Photogr Eng
1978;4:166-172; Chakraborty, Med Phys 1989;16:561-568)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.metrics.estimates import Estimate, proportion
from core.practice.answers import FractureAnswer
from core.practice.judging import match_boxes
from core.practice.truths import FractureTruth


@dataclass(frozen=True, eq=False)
class Froc:
    """What a reader's boxes hit, by `judging.HIT_RULE`.

    Attributes:
        found: Share of true boxes that were hit, with interval. Fractures of one film are
            counted as independent.
        false_boxes: Mean number of false boxes a film.
        films: Number of films.
        curve: (2, K) false boxes a film and share found, as the least score falls.
        least: (K,) that score at each point; infinite at the first, which counts no box.
    """

    found: Estimate
    false_boxes: float
    films: int
    curve: NDArray[np.float64]
    least: NDArray[np.float64]


def froc(answers: Sequence[FractureAnswer], truths: Sequence[FractureTruth]) -> Froc:
    """Free-response figures of answers to the same films as the truths.

    Raises:
        ValueError: If the numbers differ or there are no films.
    """
    if len(answers) != len(truths) or not answers:
        raise ValueError(f"{len(answers)} answers for {len(truths)} films")
    scores: list[float] = []
    hits: list[bool] = []
    for answer, truth in zip(answers, truths, strict=True):
        hit, _ = match_boxes(answer.boxes, truth.boxes, answer.ratings)
        hits += [bool(one) for one in hit]
        scores += answer.ratings
    fractures = sum(len(truth.boxes_xyxy) for truth in truths)
    order = np.argsort(-np.asarray(scores, float), kind="stable")
    ordered, hit = np.asarray(scores, float)[order], np.asarray(hits, bool)[order]
    last = np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]  # equal scores go together
    share = hit.cumsum() / fractures if fractures else np.full(len(hit), np.nan)
    curve = np.stack([(~hit).cumsum() / len(truths), share])[:, last]
    curve = np.concatenate([np.zeros((2, 1)), curve], axis=1)
    return Froc(
        proportion(int(hit.sum()), fractures),
        float((~hit).sum() / len(truths)),
        len(truths),
        curve,
        np.append(np.inf, ordered[last]),
    )
