"""Say what a film is: one small network, a few milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.film_kind import KINDS, ORIENTATIONS, FilmKind, refusal, reoriented, turned
from core.images import FloatArray, Radiograph
from models.cards import ModelCard
from models.onnx_runtime import Network, open_network

__all__ = ["Model", "load_model", "network_input", "recognise", "refusal", "reoriented", "turned"]

Forward = Callable[[FloatArray], NDArray[np.float32]]
"""(B, 1, S, S) in [0, 1] to logits (B, 11): kinds, orientations, inverted."""


@dataclass(frozen=True, eq=False)
class Model:
    """A network ready to run, in any thread.

    Attributes:
        forward: Runs the network.
        side_px: Side of the square it receives.
        operating_points: See `FilmKind`.
    """

    forward: Forward
    side_px: int
    operating_points: Mapping[str, float]


def load_model(card: ModelCard) -> Model:
    """Load the network of a card.

    Raises:
        WeightsError: If the weights are missing, not those of the card (found before the file
            is opened), or cannot be run.
    """
    network = open_network(card, threads=1)  # too small for sharing the work to pay
    return Model(onnx_forward(network), int(card.input_shape[-1]), card.operating_points)


def onnx_forward(network: Network) -> Forward:
    """Run an exported network."""

    def forward(films: FloatArray) -> NDArray[np.float32]:
        (logits,) = network(films)
        return logits

    return forward


def recognise(model: Model, image: Radiograph) -> FilmKind:
    """Say what a film is."""
    small = shrink(image.pixels, model.side_px)
    logits = model.forward(stretch(small)[None, None])
    return film_kinds(logits, [contrast(small)], model.operating_points)[0]


def film_kinds(
    logits: NDArray[np.float32], contrasts: list[float], operating_points: Mapping[str, float]
) -> list[FilmKind]:
    """Name the outputs of the network for a number of films."""
    middle, end = len(KINDS), len(KINDS) + len(ORIENTATIONS)
    kinds, orientations = _softmax(logits[:, :middle]), _softmax(logits[:, middle:end])
    inverted = 1 / (1 + np.exp(-logits[:, end]))
    return [
        FilmKind(
            dict(zip(KINDS, kinds[i].tolist(), strict=True)),
            dict(zip(ORIENTATIONS, orientations[i].tolist(), strict=True)),
            float(inverted[i]),
            contrasts[i],
            operating_points,
        )
        for i in range(len(logits))
    ]


def network_input(pixels: FloatArray, side_px: int) -> FloatArray:
    """What the network receives, float32 (side, side) in [0, 1]."""
    return stretch(shrink(pixels, side_px))


def shrink(pixels: FloatArray, side_px: int) -> FloatArray:
    """The film squeezed into a square: neither its size nor its shape may tell what it is."""
    import cv2

    area = cv2.INTER_AREA if min(pixels.shape) > side_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (side_px, side_px), interpolation=area), np.float32)


def stretch(small: FloatArray) -> FloatArray:
    """Map the first and last hundredth of the grey values to 0 and 1: exposures differ."""
    low, high = np.percentile(small, [1, 99])
    return np.clip((small - low) / max(high - low, 1e-3), 0, 1).astype(np.float32)


def contrast(small: FloatArray) -> float:
    """Range of the grey values that `stretch` widens."""
    low, high = np.percentile(small, [1, 99])
    return float(high - low)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)
