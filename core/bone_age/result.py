"""The answer of a bone-age model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from core.bone_age.geometry import View, on_film
from core.images import FloatArray
from core.stages import Step


@dataclass(frozen=True, eq=False)
class Member:
    """What one network of a model received and answered.

    Attributes:
        months: Its answer.
        weight: Its share in the model's answer; the shares of all members add up to 1.
        seen: float32 (H, W) in [0, 1]: what it received.
        views: Where that lies on the film.
        attention: float32 (h, w), at the resolution of its last feature maps: how much each place
            weighs in what it pools; None for a network without attention.
    """

    months: float
    weight: float
    seen: FloatArray
    views: tuple[View, ...] = ()
    attention: FloatArray | None = None

    def attention_on_film(self, film_shape: tuple[int, int]) -> FloatArray | None:
        """The attention over the film's pixels, from its own least (0) to its greatest (1)."""
        if self.attention is None or not self.views:
            return None
        size = (self.seen.shape[1], self.seen.shape[0])
        least = self.attention - self.attention.min()
        fine = cv2.resize(least, size, interpolation=cv2.INTER_CUBIC).clip(0)
        return to_unit(on_film(fine, self.views, film_shape))


def to_unit(heat: FloatArray) -> FloatArray:
    """A map divided by its own maximum, as it is where nothing is above zero."""
    top = float(heat.max(initial=0))
    return (heat / top if top > 0 else heat).astype(np.float32)


@dataclass(frozen=True, eq=False)
class BoneAge:
    """A bone age with its interval, and how it came about.

    Attributes:
        months: The estimate.
        low_months, high_months: Interval that held the experts' reading in 90 % of the
            validation films; NaN where nothing was measured.
        sex: "F", "M", or None where it was not given.
        model: Name of the model's card.
        steps: From the film to what the network received.
        seen: float32 (H, W) in [0, 1]: exactly what the network received.
        members: The networks that were averaged, by card name; what the first one received is
            `seen`.
    """

    months: float
    low_months: float
    high_months: float
    sex: str | None
    model: str
    steps: list[Step]
    seen: FloatArray
    members: Mapping[str, Member] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.low_months > self.months or self.months > self.high_months:
            raise ValueError("the interval must hold the estimate")
        if self.seen.ndim != 2 or self.seen.dtype != np.float32:
            raise ValueError(f"seen must be float32 (H, W), got {self.seen.dtype}")

    def attention(self, film_shape: tuple[int, int]) -> FloatArray | None:
        """The attention of all members by their shares in the answer, (H, W) in [0, 1], or None.

        None where no member has attention.
        """
        maps = [
            member.weight * found
            for member in self.members.values()
            if (found := member.attention_on_film(film_shape)) is not None
        ]
        return to_unit(np.sum(maps, axis=0)) if maps else None
