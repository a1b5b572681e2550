"""Weights on disk: 8 bits a weight with one scale a filter, a quarter of float32."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import WeightsError
from models.cards import ModelCard, verified_weights

if TYPE_CHECKING:
    import torch

SCALE = "#scale"
"""Ending of the tensor that holds the scales of the tensor of the same name."""


def pack(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Filters as int8 with a float32 scale per output channel; norms and biases as float32."""
    import torch

    packed: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            continue  # counters of batches, of no use to inference
        if tensor.ndim < 2:
            packed[name] = tensor.float().contiguous()
            continue
        rows = tensor.float().reshape(len(tensor), -1)
        scale = rows.abs().amax(dim=1).clamp(min=1e-12) / 127
        packed[name] = torch.round(rows / scale[:, None]).to(torch.int8).reshape(tensor.shape)
        packed[name + SCALE] = scale
    return packed


def unpack(packed: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The float32 weights of a packed state."""
    state = {}
    for name, tensor in packed.items():
        if name.endswith(SCALE):
            continue
        scale = packed.get(name + SCALE)
        shape = (-1, *[1] * (tensor.ndim - 1))
        state[name] = tensor.float() if scale is None else tensor.float() * scale.reshape(shape)
    return state


def save(state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write a packed state as safetensors."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(pack(state), path)


def load_into(network: torch.nn.Module, card: ModelCard) -> None:
    """Fill a network with the weights of its card, and set it to evaluation.

    Raises:
        WeightsError: If the weights are missing, not those of the card (found before the file
            is opened), or do not fit the network.
    """
    path = verified_weights(card)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = unpack(load_file(path))
        own = network.state_dict()
        counters = {name: t for name, t in own.items() if not t.is_floating_point()}
        network.load_state_dict({**counters, **state})
    except (SafetensorError, RuntimeError) as err:
        raise WeightsError(f"The weights {card.file} do not fit “{card.title}”.") from err
    network.eval()
