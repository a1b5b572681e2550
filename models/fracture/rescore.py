"""The second look: each candidate of the detector again, alone and at full detail.

The detector's own score and the second reader's log odds become one score by logistic regression
(Platt 1999): how often such a box overlaps a true one by half. `models.fracture.weigh` chose how
much each counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.detections import Boxes, Detections, iou_matrix
from core.fracture.fusion import Fusion
from core.images import FloatArray, Radiograph
from core.stages import run_stages
from models.cards import ModelCard, load_card
from models.fracture.crops import SIDE_PX, crop, crops, moved
from models.fracture.preprocess import contrast_stages
from models.fracture.settings import rescorer_settings
from models.onnx_runtime import open_network

LOGIT, OFFSETS = "logit", "offsets"
"""Outputs of the file: (N,) and (N, 4), see `models.fracture.crops.offsets`."""
LEAST_SCORE, MOST_PLACES = 0.005, 15
"""What is looked at again: the detector's score of a candidate, and how many of a film at most."""
Read = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""Crops (N, 2, S, S) to log odds (N,) that their box overlaps a fracture by half, and offsets."""


@dataclass(frozen=True, eq=False)
class Rescorer:
    """A second reader ready to run.

    Attributes:
        read: Its network.
        fusion: What makes one score of the detector's and of its own.
        share: Of the way to where it sees a box, that the box is moved.
        iou: Overlap from which candidates are of one place: the best of them is looked at.
    """

    read: Read
    fusion: Fusion
    share: float
    iou: float


@dataclass(frozen=True, eq=False)
class Looks:
    """Both looks at the candidates of a film, by the detector's score.

    Attributes:
        first: What the detector proposed: box and score of each place.
        boxes_xyxy: (N, 4), where the second reader sees them.
        own: (N,) in [0, 1], the second reader's own score.
        scores: (N,) of both looks together.
    """

    first: Detections
    boxes_xyxy: Boxes
    own: NDArray[np.float64]
    scores: NDArray[np.float64]


def load_rescorer(name: str, iou: float) -> Rescorer:
    """Load the second reader of a card.

    Args:
        name: Of the card.
        iou: The detector's overlap from which two boxes count as one.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    card = load_card("fracture", name)
    settings = rescorer_settings(card)
    kept = settings.fusion
    fusion = Fusion(kept.bias, kept.detector, kept.classifier)
    return Rescorer(onnx_read(card), fusion, settings.share, iou)


def onnx_read(card: ModelCard) -> Read:
    """Run the network of a card: what the page answers with."""
    network = open_network(card)

    def read(seen: FloatArray) -> tuple[FloatArray, FloatArray]:
        log_odds, by = network(seen)
        return log_odds, by

    return read


def places(found: Detections, iou: float) -> Detections:
    """The candidates that are looked at again: the best of each place."""
    apart = found.above(LEAST_SCORE).suppressed(iou)
    return Detections(apart.boxes_xyxy[:MOST_PLACES], apart.scores[:MOST_PLACES])


def second_look(
    read: Read, film: FloatArray, boxes_xyxy: Boxes, share: float
) -> tuple[Boxes, NDArray[np.float64]]:
    """Boxes moved to where the second reader sees them, and its own score of each in [0, 1].

    Each crop is read with its mirror image; where boxes were moved, once more around the new box,
    and the log odds of both are averaged.

    Args:
        read: Its network.
        film: (H, W) after `contrast_stages`.
        boxes_xyxy: (N, 4), N > 0, in pixels of the film.
        share: Of the way that boxes go; 0 leaves them.

    Returns:
        (N, 4) within the film, and (N,).
    """
    log_odds, by = _read_both(read, film, boxes_xyxy)
    if share:
        height, width = film.shape
        new = moved(boxes_xyxy, share * by).clip(0, [width, height, width, height])
        proper = np.all(new[:, 2:] > new[:, :2] + 1, axis=1, keepdims=True)
        boxes_xyxy = np.where(proper, new, boxes_xyxy).astype(np.float32)
        log_odds = (log_odds + _read_both(read, film, boxes_xyxy)[0]) / 2
    return boxes_xyxy, 1 / (1 + np.exp(-log_odds))


def _read_both(
    read: Read, film: FloatArray, boxes_xyxy: Boxes
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log odds (N,) and offsets (N, 4), the mean of each crop and its mirror image."""
    seen = crops(film, boxes_xyxy)
    log_odds, by = read(np.concatenate([seen, seen[..., ::-1]]))
    straight, mirrored = np.split(by.astype(float), 2)
    mirrored = mirrored * [-1, 1, 1, 1]
    return log_odds.reshape(2, -1).mean(axis=0, dtype=float), (straight + mirrored) / 2


def looked_again(rescorer: Rescorer, image: Radiograph, found: Detections) -> Looks:
    """The second look at the detector's candidates on a film."""
    first = places(found, rescorer.iou)
    if not len(first):
        return Looks(first, first.boxes_xyxy, np.zeros(0), np.zeros(0))
    film = run_stages(image.pixels, contrast_stages())[-1].image
    boxes, own = second_look(rescorer.read, film, first.boxes_xyxy, rescorer.share)
    return Looks(first, boxes, own, rescorer.fusion.probabilities(first.scores, own))


def enlarged(image: Radiograph, looks: Looks) -> FloatArray:
    """What the second reader saw of each candidate, float32 (N, 2, S, S): grey, and its box."""
    film = run_stages(image.pixels, contrast_stages())[-1].image
    some = [crop(film, box) for box in looks.boxes_xyxy]
    return np.stack(some) if some else np.zeros((0, 2, SIDE_PX, SIDE_PX), np.float32)


def rescored(rescorer: Rescorer, image: Radiograph, found: Detections, looks: Looks) -> Detections:
    """Candidates with the place and score of both looks.

    A candidate that overlaps a better one shares that one's second look, so that any suppression
    can follow. One of a place that was not looked at is left out.

    Args:
        found: What `looks` were made of (`looked_again`).
    """
    first = looks.first
    if not len(first):
        return first
    overlap = iou_matrix(found.boxes_xyxy, first.boxes_xyxy)
    # Two boxes of one place overlap by more than the suppression allows, each box with itself.
    inside = overlap.max(axis=1) > rescorer.iou
    place = overlap.argmax(axis=1)[inside]
    height, width = image.shape
    boxes = found.boxes_xyxy[inside] + (looks.boxes_xyxy - first.boxes_xyxy)[place]
    boxes = boxes.clip(0, [width, height, width, height])
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
    scores = rescorer.fusion.probabilities(found.scores[inside], looks.own[place])
    return Detections(boxes.astype(np.float32), scores.astype(np.float32))
