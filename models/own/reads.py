"""What a person's own network takes and gives: the table [reads] on its card."""

from __future__ import annotations

from dataclasses import dataclass

from models.card_settings import read_settings
from models.cards import ModelCard

LOGITS, PROBABILITIES = "log odds", "probabilities"
CLASSES, OBJECTNESS, FINAL = "a score a class", "objectness and classes", "final boxes"
"""How a detector's rows are built: box and class scores; the same after an objectness; or corner,
corner, score, class after the network's own suppression."""
SEXES = ("none", "girl, boy", "boy is 1", "girl is 1")


@dataclass(frozen=True)
class Reads:
    """What a network takes and gives.

    Attributes:
        shape: Sides of what it receives, (H, W) or (I, J, K).
        channels: 1 or 3; a grey image is repeated.
        channels_last: Whether they are its last axis.
        top: What a white pixel is: 1 or 255. Mean and scale act afterwards.
        mean, scale: Subtracted, then divided by, one for each channel or one for all.
        blue_first: Whether mean and scale come in the order red, green, blue but the channels
            blue first.
        unit_range: Of a volume: whether it is brought to [0, 1] instead of mean 0 and deviation 1.
        answer: `LOGITS` or `PROBABILITIES`; of a detector one of `CLASSES`, `OBJECTNESS`, `FINAL`.
        exclusive: Whether the outputs exclude each other (softmax).
        outputs: How many it gives.
        names: What each means.
        counted: Numbers of the outputs that count: classes that are a fracture, labels that are
            brain, findings in the order of the card's labels.
        image_input: Number of the input that takes the image; the other takes the sex.
        output: Number of the output that is the answer.
        unit_boxes: Whether boxes are in shares of the input's sides.
        sex: One of `SEXES`.
        factor, offset: The answer times the first plus the second is in months.
    """

    shape: tuple[int, ...]
    channels: int = 3
    channels_last: bool = False
    top: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    scale: tuple[float, ...] = (1.0,)
    blue_first: bool = False
    unit_range: bool = False
    answer: str = LOGITS
    exclusive: bool = False
    outputs: int = 1
    names: tuple[str, ...] = ()
    counted: tuple[int, ...] = (0,)
    image_input: int = 0
    output: int = 0
    unit_boxes: bool = False
    sex: str = SEXES[0]
    factor: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if len(self.shape) not in (2, 3) or min(self.shape) < 1:
            raise ValueError("shape is (H, W) or (I, J, K)")
        if any(len(some) not in (1, self.channels) for some in (self.mean, self.scale)):
            raise ValueError("mean and scale are one number, or one for each channel")
        if 0 in self.scale:
            raise ValueError("the scale must not be 0")
        if not self.counted or not all(0 <= one < self.outputs for one in self.counted):
            raise ValueError("what counts is not among the outputs")


def reads_of(card: ModelCard) -> Reads:
    """The table of a card.

    Raises:
        WeightsError: If it does not fit.
    """
    return read_settings(card, Reads, "reads")
