"""What a classifier says about a chest film."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

NIH_FINDINGS = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
"""The labels of ChestX-ray14 (Wang et al., CVPR 2017), in the order of its tables."""


@dataclass(frozen=True, eq=False)
class Findings:
    """Probability of each finding on one film.

    Attributes:
        probabilities: Calibrated probability in [0, 1] by finding.
        operating_points: Probability from which a finding counts as present, by finding.
        model: Title of the model.
        px: Side of the square that the network saw, in pixels.
        by_member: The same probabilities of each network that has a say, by its title; empty
            where there is only one.
    """

    probabilities: Mapping[str, float]
    operating_points: Mapping[str, float]
    model: str
    px: int
    by_member: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.probabilities) != set(self.operating_points):
            raise ValueError("every finding needs a probability and an operating point")
        for name, value in self.probabilities.items():
            if not 0.0 <= value <= 1.0:  # also catches NaN
                raise ValueError(f"the probability of {name} must lie in [0, 1], got {value}")

    def is_above(self, finding: str) -> bool:
        """Whether the finding reaches its operating point."""
        return self.probabilities[finding] >= self.operating_points[finding]

    @property
    def above(self) -> tuple[str, ...]:
        """The findings that reach their operating points, as `ranked`."""
        return tuple(name for name in self.ranked if self.is_above(name))

    @property
    def ranked(self) -> tuple[str, ...]:
        """All findings, those farthest above their operating points first.

        The distance is one of odds: rare findings have low operating points, and a plain
        difference would always leave them last.
        """
        return tuple(sorted(self.probabilities, key=self.excess, reverse=True))

    def excess(self, finding: str) -> float:
        """Log odds of the finding above (positive) or below its operating point."""
        return _log_odds(self.probabilities[finding]) - _log_odds(self.operating_points[finding])


def _log_odds(probability: float) -> float:
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(kept / (1 - kept))
