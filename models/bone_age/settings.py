"""What a card of this task sets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from models.card_settings import read_settings
from models.cards import ModelCard


@dataclass(frozen=True)
class AgeSettings:
    """Of a model that tells an age: one network, or other cards whose answers are averaged.

    Attributes:
        half_width_months, half_width_months_sex_unknown: Half-widths of the 90 % interval; NaN
            where they were not measured.
        network: Name in `models.bone_age.network.NETWORKS`.
        pipeline: Name in `models.bone_age.pipelines.PIPELINES`: what prepares its films.
        members: Weight by card name, for an average.
        scales: The film as each network sees it is asked about at these sizes and the answers
            are averaged; the first is its own size, 1.
    """

    half_width_months: float = math.nan
    half_width_months_sex_unknown: float = math.nan
    network: str = ""
    pipeline: str = ""
    members: Mapping[str, float] = field(default_factory=dict)
    scales: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if bool(self.members) == bool(self.pipeline):
            raise ValueError("either a pipeline or members are needed")
        if not self.scales or self.scales[0] != 1 or min(self.scales) <= 0:
            raise ValueError("scales are above 0, and the first is 1")


def age_settings(card: ModelCard) -> AgeSettings:
    """Settings of a card.

    Raises:
        WeightsError: If they do not fit.
    """
    return read_settings(card, AgeSettings)
