"""What a card of this task sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.card_settings import read_settings
from models.cards import ModelCard


@dataclass(frozen=True)
class FindingsSettings:
    """Of a classifier.

    Attributes:
        mirrored: Whether the answer is the mean over the film and its mirror image.
        truth: What its probabilities are about: "report", or a measured "ratio".
        members, member_title: Cards that answer with it, and its own name among them.
        partners: By finding, the card of one finding whose log odds are added to its own.
        sensitivity, specificity, positives: What the operating points mean on the test films.
        calibration: Slope and offset of the log odds by finding (Platt 1999).
    """

    mirrored: bool = False
    truth: str = "report"
    members: tuple[str, ...] = ()
    member_title: str = ""
    partners: Mapping[str, str] = field(default_factory=dict)
    sensitivity: Mapping[str, float] = field(default_factory=dict)
    specificity: Mapping[str, float] = field(default_factory=dict)
    positives: Mapping[str, int] = field(default_factory=dict)
    calibration: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def judged(self, labels: tuple[str, ...], least: int) -> set[str]:
        """Labels with at least `least` test films that show them; all, where none were counted."""
        return {label for label in labels if self.positives.get(label, least) >= least}


@dataclass(frozen=True)
class OutlinesSettings:
    """Of a network that outlines heart and lungs."""

    mirrored: bool = True


def findings_settings(card: ModelCard) -> FindingsSettings:
    """Settings of a classifier's card.

    Raises:
        WeightsError: If they do not fit.
    """
    return read_settings(card, FindingsSettings)


def outlines_settings(card: ModelCard) -> OutlinesSettings:
    """Settings of the card of a network that outlines.

    Raises:
        WeightsError: If they do not fit.
    """
    return read_settings(card, OutlinesSettings)
