"""One calibrated probability from the detector's best box and the classifier's answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST = 1e-3
"""Scores are kept this far from 0 and 1: the detector's candidates start here."""


@dataclass(frozen=True)
class Fusion:
    """Logistic regression on two logits (Platt 1999).

    Attributes:
        bias, detector, classifier: Its coefficients.
    """

    bias: float
    detector: float
    classifier: float

    def probability(self, best_score: float, probability: float) -> float:
        """That a film shows a fracture, in [0, 1], among films as those it was fitted on.

        Args:
            best_score: Highest score of the detector on the film, 0 where it found nothing.
            probability: The classifier's.
        """
        return float(self.probabilities([best_score], [probability])[0])

    def probabilities(self, best: ArrayLike, probability: ArrayLike) -> NDArray[np.float64]:
        """As `probability`, (N,) for N films."""
        total = self.bias + self.detector * logit(best) + self.classifier * logit(probability)
        return 1 / (1 + np.exp(-total))


def logit(scores: ArrayLike) -> NDArray[np.float64]:
    """Log odds of scores in [0, 1], kept `LEAST` away from both ends."""
    kept = np.clip(np.asarray(scores, float), LEAST, 1 - LEAST)
    return np.log(kept / (1 - kept))


def fit(best: ArrayLike, probability: ArrayLike, fractured: ArrayLike) -> Fusion:
    """The fusion of highest likelihood, by Newton's method.

    Args:
        best: (N,) highest detector score of each film.
        probability: (N,) of the classifier.
        fractured: (N,) truth, 0 or 1.

    Raises:
        ValueError: If not both kinds of film are there.
    """
    truth = np.asarray(fractured, float)
    if not 0 < truth.sum() < len(truth):
        raise ValueError("fractured and normal films are needed")
    inputs = np.stack([np.ones(len(truth)), logit(best), logit(probability)], axis=1)
    weights = np.zeros(3)
    for _ in range(50):
        expected = 1 / (1 + np.exp(-inputs @ weights))
        curvature = inputs.T @ (inputs * (expected * (1 - expected))[:, None])
        step = np.linalg.solve(curvature + 1e-6 * np.eye(3), inputs.T @ (truth - expected))
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
    return Fusion(*(float(value) for value in weights))
