"""Is there a fracture at all: one probability for the image, and where it came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.images import FloatArray, Radiograph
from core.stages import Progress, Step, run_stages
from models.cards import ModelCard
from models.fracture.preprocess import input_stages, letterbox_geometry
from models.fracture.settings import classifier_settings
from models.onnx_runtime import open_network

METHOD = "HiResCAM (Draelos & Carin 2020)"
OCCLUSION = "Occlusion (Zeiler & Fergus 2014), 8 × 8 cells"
"""What a network of a person's own is asked instead: it gives no evidence of its own."""
LOGIT, EVIDENCE = "logit", "evidence"
"""Outputs of the file: (B, 1), and each cell's share of it (B, H/16, W/16)."""
Answer = Callable[..., tuple[FloatArray, ...]]
"""Film (B, 1, H, W) to the outputs named by `only`: a `models.onnx_runtime.Network`, or PyTorch
while it trains."""


@dataclass(frozen=True, eq=False)
class Classification:
    """The answer for one image.

    Attributes:
        probability: That some fracture is in the image, in [0, 1].
        heat_map: float32 (H, W) of the original image in [0, 1]: what raised the probability,
            relative to its own maximum. It shows where the network looked, not how sure it is.
        method: What made the heat map.
    """

    probability: float
    heat_map: FloatArray
    method: str = METHOD


@dataclass(frozen=True, eq=False)
class Classifier:
    """A classifier ready to run.

    Attributes:
        network: Gives `LOGIT` and `EVIDENCE`.
        long_side_px: Scale at which the image is looked at.
        square, plain: See `models.fracture.preprocess.input_stages`.
        method: What makes the heat map.
    """

    network: Answer
    long_side_px: int
    square: bool = False
    plain: bool = False
    method: str = METHOD


def load_classifier(card: ModelCard) -> Classifier:
    """Load the classifier of a card.

    Raises:
        WeightsError: If the weights are missing, not those of the card (found before the file
            is opened), or cannot be run.
    """
    settings = classifier_settings(card)
    return Classifier(
        open_network(card),
        int(card.input_shape[-1]),
        settings.square,
        settings.plain,
        OCCLUSION if card.is_own else METHOD,
    )


def classifier_steps(
    model: Classifier, image: Radiograph, progress: Progress | None = None
) -> list[Step]:
    """The stages from the radiograph to what the classifier receives, for display."""
    stages = input_stages(model.long_side_px, square=model.square, plain=model.plain)
    return run_stages(image.pixels, stages, progress=progress)


def probability(model: Classifier, image: Radiograph) -> float:
    """Probability of a fracture: the mean over the image and its mirror image."""
    return probabilities(model, [image])[0]


def probabilities(model: Classifier, images: Sequence[Radiograph]) -> list[float]:
    """As `probability` for several images of one shape, in one batch."""
    seen = _both(np.stack([classifier_steps(model, image)[-1].image for image in images]))
    (logits,) = model.network(seen, only=(LOGIT,))
    return [float(one) for one in _mean_probability(logits)]


def classify(model: Classifier, image: Radiograph) -> Classification:
    """Probability of a fracture, and the heat map of both views on the original's pixels."""
    seen = _both(classifier_steps(model, image)[-1].image[None])
    logits, evidence = model.network(seen, only=(LOGIT, EVIDENCE))
    mean = (evidence[0] + evidence[1][:, ::-1]) / 2
    return Classification(
        float(_mean_probability(logits)[0]),
        on_film(
            mean, image.shape, (seen.shape[2], seen.shape[3]), model.long_side_px, model.square
        ),
        model.method,
    )


def on_film(
    evidence: FloatArray,
    shape_hw: tuple[int, int],
    input_hw: tuple[int, int],
    long_side_px: int,
    square: bool = False,
) -> FloatArray:
    """A map over the network's input as a heat map over the film.

    Args:
        evidence: (h, w), of any resolution; what lies below 0 spoke against and is left out.
        shape_hw: Shape of the film.
        input_hw: Shape of what the network received.
        long_side_px: Scale at which it looked.
        square: Whether its input was square.

    Returns:
        float32 `shape_hw` in [0, 1], its maximum 1 (all 0 where nothing spoke for).
    """
    import cv2

    heat = cv2.resize(
        np.maximum(np.nan_to_num(evidence), 0).astype(np.float32),
        (input_hw[1], input_hw[0]),
        interpolation=cv2.INTER_LINEAR,
    )
    scale, left, top, _ = letterbox_geometry(shape_hw, long_side_px, square)
    height, width = shape_hw
    inner_h, inner_w = max(1, round(height * scale)), max(1, round(width * scale))
    inside = heat[top : top + inner_h, left : left + inner_w]
    resized = cv2.resize(inside, (width, height), interpolation=cv2.INTER_LINEAR)
    peak = float(resized.max())
    return np.clip(resized / peak if peak > 0 else resized, 0.0, 1.0).astype(np.float32)


def _both(inputs: FloatArray) -> FloatArray:
    """(N, H, W) as (2N, 1, H, W): all images, then their mirror images."""
    return np.concatenate([inputs, inputs[..., ::-1]])[:, None]


def _mean_probability(logits: FloatArray) -> FloatArray:
    """(N,) from the logits of N images and of their mirror images."""
    each = 1 / (1 + np.exp(-logits.reshape(2, -1)))
    return each.mean(axis=0, dtype=np.float32)
