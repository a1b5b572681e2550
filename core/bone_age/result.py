"""The answer of a bone-age model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.images import FloatArray
from core.stages import Step


@dataclass(frozen=True, eq=False)
class BoneAge:
    """A bone age with its interval, and how it came about.

    Attributes:
        months: The estimate.
        low_months, high_months: Interval that held the experts' reading in 90 % of the
            validation films.
        sex: "F", "M", or None where it was not given.
        model: Name of the model's card.
        steps: From the film to what the network received.
        seen: float32 (H, W) in [0, 1]: exactly what the network received.
        by_member: Months of each network that was averaged, by card name.
        seen_by: What each of these networks received, by card name; the first one's is `seen`.
    """

    months: float
    low_months: float
    high_months: float
    sex: str | None
    model: str
    steps: list[Step]
    seen: FloatArray
    by_member: Mapping[str, float] = field(default_factory=dict)
    seen_by: Mapping[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.low_months <= self.months <= self.high_months:
            raise ValueError("the interval must hold the estimate")
        if self.seen.ndim != 2 or self.seen.dtype != np.float32:
            raise ValueError(f"seen must be float32 (H, W), got {self.seen.dtype}")


def in_words(months: float) -> str:
    """Months as years and months: "8 y 4 m"."""
    whole = max(0, round(months))
    return f"{whole // 12} y {whole % 12} m"
