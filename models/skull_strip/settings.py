"""What a card of this task sets."""

from __future__ import annotations

from dataclasses import dataclass

from models.card_settings import read_settings
from models.cards import ModelCard


@dataclass(frozen=True)
class BrainSettings:
    """Of a network that finds the brain.

    Attributes:
        filters: Channels of its first level.
    """

    filters: int = 16


def brain_settings(card: ModelCard) -> BrainSettings:
    """Settings of a card.

    Raises:
        WeightsError: If they do not fit.
    """
    return read_settings(card, BrainSettings)
