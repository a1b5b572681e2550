"""What a card of this task sets."""

from __future__ import annotations

from dataclasses import dataclass

from core.fracture.fusion import Fusion
from models.card_settings import read_settings
from models.cards import ModelCard


@dataclass(frozen=True)
class DetectorSettings:
    """Of a detector.

    Attributes:
        iou: Overlap from which two boxes count as one.
        long_sides_px: Scales at which a film is looked at; the first is the shown one.
        mirrored: Whether each scale is also looked at mirrored, and the answers averaged.
        image_auroc_from: Which score of a whole film the card's figures are of.
        square: Whether both sides of the input are the long side.
        plain: Whether the film goes in without contrast equalisation.
        padding: Grey around the film, 0 is black.
        rescorer: Name of the card that looks at each candidate again; empty for none.
    """

    iou: float = 0.5
    long_sides_px: tuple[int, ...] = (640,)
    mirrored: bool = False
    image_auroc_from: str = "detector"
    square: bool = False
    plain: bool = False
    padding: float = 0.0
    rescorer: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.iou <= 1 or not self.long_sides_px:
            raise ValueError("iou lies in [0, 1], and at least one long side is needed")


@dataclass(frozen=True)
class FittedFusion:
    """Coefficients of `Fusion`, with what they were fitted on.

    Attributes:
        bias, detector, classifier: The coefficients.
        fitted_on, n, share_fractured: The films, their number, and the share with a fracture.
    """

    bias: float
    detector: float
    classifier: float
    fitted_on: str = ""
    n: int = 0
    share_fractured: float = 0.0


@dataclass(frozen=True)
class ClassifierSettings:
    """Of a classifier.

    Attributes:
        fusion: How its answer and the detector's become one probability.
        square, plain: As of a detector.
    """

    fusion: FittedFusion
    square: bool = False
    plain: bool = False


@dataclass(frozen=True)
class RescorerSettings:
    """Of a second reader of candidates.

    Attributes:
        fusion: How the detector's score of a box and its own become one.
        share: Of the way to where it sees a box, that the box is moved.
    """

    fusion: FittedFusion
    share: float = 0.0


def detector_settings(card: ModelCard) -> DetectorSettings:
    """Settings of a detector's card.

    Raises:
        WeightsError: If they do not fit.
    """
    return read_settings(card, DetectorSettings)


def classifier_settings(card: ModelCard) -> ClassifierSettings:
    """Settings of a classifier's card.

    Raises:
        WeightsError: If they do not fit.
    """
    return read_settings(card, ClassifierSettings)


def rescorer_settings(card: ModelCard) -> RescorerSettings:
    """Settings of a second reader's card.

    Raises:
        WeightsError: If they do not fit.
    """
    return read_settings(card, RescorerSettings)


UNFITTED = Fusion(0.0, 0.5, 0.5)
"""The mean of both log odds: for a detector that no classifier's fusion was fitted with."""


def fusion_of(classifier: ModelCard, detector: ModelCard | None = None) -> Fusion:
    """The fusion on a classifier's card; `UNFITTED` with a detector of a person's own.

    Raises:
        WeightsError: If it has none.
    """
    if detector is not None and detector.is_own:
        return UNFITTED
    kept = classifier_settings(classifier).fusion
    return Fusion(kept.bias, kept.detector, kept.classifier)
