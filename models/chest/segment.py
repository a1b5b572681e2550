"""Outline the lungs and the heart on a chest film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.chest.ctr import clean
from core.errors import UnsuitableInputError
from core.images import Radiograph
from core.stages import Step, run_stages
from models.cards import ModelCard
from models.chest.preprocess import input_stages, to_original
from models.chest.settings import outlines_settings
from models.chest.weights import Answering
from models.onnx_runtime import open_network


@dataclass(frozen=True, eq=False)
class SegmentModel:
    """A network that outlines, ready to run; several threads may share it.

    Attributes:
        network: From films (N, 1, S, S) to logits (N, 4, S, S).
        labels: Names of its outputs in order, "background" first.
        side_px: Side of the square that it receives.
        mirrored: Whether the answer is the mean over the film and its mirror image.
    """

    network: Answering
    labels: tuple[str, ...]
    side_px: int
    mirrored: bool = True


def load_model(card: ModelCard) -> SegmentModel:
    """Load the network of a card.

    Raises:
        WeightsError: If the weights are missing, not those of the card (found before the file
            is opened), or hold no network that can be run.
    """
    mirrored = outlines_settings(card).mirrored
    return SegmentModel(open_network(card), card.labels, int(card.input_shape[-1]), mirrored)


def steps(model: SegmentModel, image: Radiograph) -> list[Step]:
    """The stages from the film to what the network receives, for display."""
    return run_stages(image.pixels, input_stages(model.side_px))


def segment(model: SegmentModel, image: Radiograph) -> dict[str, NDArray[np.bool_]]:
    """Masks bool (H, W) of the film under "left_lung", "right_lung" and "heart".

    Each is one piece without holes; one that the network does not find is empty.

    Raises:
        UnsuitableInputError: If the film is of one grey.
    """
    made = steps(model, image)
    if made[-1].error is not None:
        raise UnsuitableInputError(made[-1].error)
    shares = _shares(model, np.asarray(made[-1].image, np.float32))
    grown = np.stack([to_original(share, image.shape) for share in shares])
    winner = grown.argmax(axis=0)
    return clean({name: winner == i for i, name in enumerate(model.labels) if i})


def _shares(model: SegmentModel, seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of each class (4, S, S) at every pixel of the network's input."""
    shares = _softmax(model.network(seen[None, None])[0])
    if model.mirrored:
        other = _softmax(model.network(seen[None, None, :, ::-1])[0])[..., ::-1]
        swapped = [_other_side(name) for name in model.labels]
        other = other[:, [model.labels.index(name) for name in swapped]]
        return np.asarray((shares + other)[0] / 2, np.float32)
    return shares[0]


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Over axis 1."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def _other_side(name: str) -> str:
    """What a structure is called on the mirror image."""
    return {"left_lung": "right_lung", "right_lung": "left_lung"}.get(name, name)
