"""Draw the lungs and the heart on a chest film."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.chest.ctr import clean
from core.errors import UnsuitableInputError
from core.images import Radiograph
from core.stages import Step, run_stages
from models.cards import ModelCard
from models.chest.packing import load_into
from models.chest.preprocess import input_stages, to_original

if TYPE_CHECKING:
    from models.chest.segment_network import UNet


@dataclass(frozen=True, eq=False)
class SegmentModel:
    """A network that draws, ready to run; several threads may share it.

    Attributes:
        network: In evaluation mode.
        labels: Names of its outputs in order, "background" first.
        side_px: Side of the square that it receives.
        mirrored: Whether the answer is the mean over the film and its mirror image.
    """

    network: UNet
    labels: tuple[str, ...]
    side_px: int
    mirrored: bool = True


def load_model(card: ModelCard) -> SegmentModel:
    """Load the network of a card.

    Raises:
        WeightsError: If the weights are missing, not those of the card (found before the file
            is opened), or do not fit the network.
    """
    from models.chest.segment_network import UNet

    network = UNet()
    load_into(network, card)
    mirrored = bool(card.extra.get("mirrored", True))
    return SegmentModel(network, card.labels, int(card.input_shape[-1]), mirrored)


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
    import torch

    batch = torch.from_numpy(seen)[None, None]
    with torch.inference_mode():
        shares = torch.softmax(model.network(batch), dim=1)
        if model.mirrored:
            other = torch.softmax(model.network(batch.flip(3)), dim=1).flip(3)
            swapped = [_other_side(name) for name in model.labels]
            shares = (shares + other[:, [model.labels.index(name) for name in swapped]]) / 2
    return np.asarray(shares[0].numpy(), np.float32)


def _other_side(name: str) -> str:
    """What a structure is called on the mirror image."""
    return {"left_lung": "right_lung", "right_lung": "left_lung"}.get(name, name)
