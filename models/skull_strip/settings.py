"""What a card of this task sets."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.skull_strip import PIPELINES, Settings
from models.card_settings import read_settings
from models.cards import ModelCard


@dataclass(frozen=True)
class BrainSettings:
    """Of a network that marks the brain.

    Attributes:
        pipeline: Name in `core.skull_strip.PIPELINES`: what its heads were prepared with.
    """

    pipeline: str = "lightbox"

    def __post_init__(self) -> None:
        if self.pipeline not in PIPELINES:
            raise ValueError(f"pipeline is one of {', '.join(PIPELINES)}")


def settings_of(card: ModelCard) -> Settings:
    """The pipeline of a card's network as it was trained, with the card's threshold.

    Raises:
        WeightsError: If the card's settings do not fit.
    """
    own = PIPELINES[read_settings(card, BrainSettings).pipeline]
    return replace(own, threshold=card.operating_points.get("brain", own.threshold))
