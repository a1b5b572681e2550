"""One ONNX file a chest model: it answers, and fills the PyTorch network for heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from core.errors import WeightsError
from core.images import FloatArray
from models.cards import WEIGHTS, ModelCard, verified_weights
from models.onnx_file import export_torch, initialisers

if TYPE_CHECKING:
    import torch

    from models.chest.network import ChestNet
    from models.chest.segment_network import UNet

FILM = "film"
LOGITS, MAPS, LAST = "logits", "maps", "last"
"""Outputs of a classifier: (N, L), (N, L, h, w), (N, C, h, w). The U-Net has the first only."""
BITS = 8


class Answering(Protocol):
    """What answers: a `Network` of ONNX Runtime, or one in training (`InTraining`)."""

    def __call__(self, *arrays: FloatArray, only: Sequence[str] = ()) -> tuple[FloatArray, ...]: ...


@dataclass(frozen=True, eq=False)
class InTraining:
    """A PyTorch network that answers as its file will.

    Attributes:
        module: In evaluation mode; gives one array or several.
        outputs: Their names.
    """

    module: torch.nn.Module
    outputs: tuple[str, ...] = (LOGITS,)

    def __call__(self, *arrays: FloatArray, only: Sequence[str] = ()) -> tuple[FloatArray, ...]:
        import torch

        with torch.inference_mode():
            found = self.module(*(torch.from_numpy(np.ascontiguousarray(one)) for one in arrays))
        many = found if isinstance(found, tuple) else (found,)
        named = {n: np.asarray(one.numpy()) for n, one in zip(self.outputs, many, strict=True)}
        return tuple(named[name] for name in only or self.outputs)


def write_classifier(state: Mapping[str, torch.Tensor], card: ModelCard, path: Path) -> str:
    """Write a classifier's weights as the file that its card names; returns the SHA-256 (hex)."""
    from models.chest.network import ChestNetWithMaps

    network = ChestNetWithMaps(card.architecture, len(card.labels))
    return _written(network, state, card, path, (LOGITS, MAPS, LAST))


def write_segmenter(state: Mapping[str, torch.Tensor], card: ModelCard, path: Path) -> str:
    """The same for the network that outlines heart and lungs."""
    from models.chest.segment_network import UNet

    return _written(UNet(), state, card, path, (LOGITS,))


def _written(
    network: torch.nn.Module,
    state: Mapping[str, torch.Tensor],
    card: ModelCard,
    path: Path,
    outputs: tuple[str, ...],
) -> str:
    import torch

    _fill(network, state)
    side = card.input_shape[-1]
    return export_torch(
        network,
        [torch.zeros(1, 1, side, side)],
        path,
        inputs=[FILM],
        outputs=list(outputs),
        free_axes={name: {0: "N"} for name in (FILM, *outputs)},
        bits=BITS,
    )


def filled_classifier(card: ModelCard, folder: Path = WEIGHTS) -> ChestNet:
    """The PyTorch network of a card, in evaluation mode, from the file that also answers.

    Raises:
        WeightsError: If the file is missing, is not the card's (found before it is opened), or
            does not fit the network.
    """
    from models.chest.network import ChestNet

    network = ChestNet(card.architecture, len(card.labels))
    _fill_from(network, card, folder)
    return network


def filled_segmenter(card: ModelCard, folder: Path = WEIGHTS) -> UNet:
    """The same for the network that outlines heart and lungs, to train it further."""
    from models.chest.segment_network import UNet

    network = UNet()
    _fill_from(network, card, folder)
    return network


def _fill_from(network: torch.nn.Module, card: ModelCard, folder: Path) -> None:
    import torch

    path = verified_weights(card, folder)
    own = network.state_dict()
    found = initialisers(path)
    state = {name: torch.from_numpy(values) for name, values in found.items() if name in own}
    try:
        _fill(network, state)
    except RuntimeError as err:
        raise WeightsError(f"The weights {card.file} do not fit “{card.title}”.") from err


def _fill(network: torch.nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """All weights; only the counters of batches, of no use to an answer, may be missing."""
    own = network.state_dict()
    counters = {name: t for name, t in own.items() if not t.is_floating_point()}
    network.load_state_dict({**counters, **state})
    network.eval()
