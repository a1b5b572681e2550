"""Where a chest network looked, as its own file tells: class activation maps and feature maps.

Nothing here needs PyTorch. The methods that need gradients or hooks are in `gradients`, which
runs in a worker process.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.images import FloatArray, Radiograph
from models.cards import ModelCard
from models.chest.predict import Model
from models.chest.preprocess import network_film, to_original
from models.chest.weights import LAST, MAPS

OPENING = "Grad-CAM"
LAYERS = ("1/4", "1/8", "1/16", "last")
"""Layers that can be looked at, by their size against the input, from the finest to the last."""
METHODS = {
    OPENING: "Weighs each feature map by its mean gradient (Selvaraju et al. 2017); on the last "
    "layer the same as the class activation map (Zhou et al. 2016).",
    "Grad-CAM++": "Weighs the gradients pixel by pixel, so that several places can count "
    "(Chattopadhay et al. 2018).",
    "Layer-CAM": "Weighs each pixel of a feature map by its own positive gradient; usable on "
    "early, finer layers (Jiang et al. 2021).",
    "Eigen-CAM": "The main component of the feature maps; it does not ask for a finding, so it "
    "is the same for all (Muhammad & Yeasin 2020).",
    "Score-CAM": "No gradients: shows the network the film through each feature map and weighs "
    "the map by the answer (Wang et al. 2020). Slow; only the strongest maps are tried.",
}
"""Sentence for the screen by method."""
OCCLUSION = "Occlusion"
"""What a network of a person's own is asked instead, which gives no class activation map."""


def opening_of(card: ModelCard) -> str:
    """The heat map that comes with the answer of a card's network."""
    return OCCLUSION if card.is_own else OPENING


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Where a network looked for one finding.

    Attributes:
        values: float32 (H, W) of the original film in [0, 1], relative to its own maximum: bright
            somewhere even where the probability is low; all 0 where nothing spoke for the finding.
        finding, method, layer: What was asked, and how.
        cells_hw: Size of the map before it was enlarged: how coarse it really is.
    """

    values: FloatArray
    finding: str
    method: str
    layer: str
    cells_hw: tuple[int, int]


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """What the strongest channels of a layer respond to on one film.

    Attributes:
        maps: float32 (N, h, w), each scaled to its own [0, 1], the strongest channel first.
        channels: Their numbers in the layer.
        strengths: Their mean responses.
        layer: Name of the layer.
        total: How many channels the layer has.
    """

    maps: FloatArray
    channels: tuple[int, ...]
    strengths: tuple[float, ...]
    layer: str
    total: int


def class_map(model: Model, image: Radiograph, finding: str) -> HeatMap:
    """Grad-CAM of the last layer, without gradients (see `network.ChestNetWithMaps`).

    The mean over all members, and over the film and its mirror image where the answer is one.

    Raises:
        ValueError: If the finding is unknown.
        UnsuitableInputError: If the film cannot be classified.
    """
    if finding not in model.labels:
        raise ValueError(f"unknown finding: {finding}")
    cells = class_cells(model, network_film(image, model.side_px), model.labels.index(finding))
    return placed(cells, image, finding, OPENING, LAYERS[-1])


def class_cells(model: Model, seen: FloatArray, target: int) -> FloatArray:
    """The map of one output on the cells of the last layer, (h, w), at least 0, not scaled.

    Args:
        seen: What the networks receive, (S, S).
        target: Number of the output.
    """
    views = [False, True] if model.mirrored else [False]
    found = []
    for network in model.networks.values():
        for mirrored in views:
            view = seen[:, ::-1] if mirrored else seen
            (maps,) = network(view[None, None], only=(MAPS,))
            # Grad-CAM's weights are mean gradients: the linear layer's over the number of cells.
            cells = np.maximum(maps[0, target] / maps[0, target].size, 0)
            found.append(cells[:, ::-1] if mirrored else cells)
    return np.asarray(np.mean(found, axis=0), np.float32)


def placed(cells: FloatArray, image: Radiograph, finding: str, method: str, layer: str) -> HeatMap:
    """A map of a layer's cells on the pixels of the film, over its maximum."""
    height, width = cells.shape
    values = scaled(to_original(cells, image.shape))
    return HeatMap(values, finding, method, layer, (height, width))


def last_features(model: Model, image: Radiograph, count: int = 16) -> FeatureMaps:
    """The `count` channels of the last layer that respond most to the film.

    Raises:
        UnsuitableInputError: If the film cannot be classified.
    """
    network = next(iter(model.networks.values()))
    (found,) = network(network_film(image, model.side_px)[None, None], only=(LAST,))
    return strongest(found[0], LAYERS[-1], count)


def strongest(found: FloatArray, layer: str, count: int) -> FeatureMaps:
    """The channels with the largest mean response among activations (C, h, w)."""
    strengths = np.abs(found).mean(axis=(1, 2))
    order = np.argsort(-strengths)[:count]
    maps = np.stack([scaled(found[channel] - found[channel].min()) for channel in order])
    return FeatureMaps(
        maps,
        tuple(int(channel) for channel in order),
        tuple(float(strengths[channel]) for channel in order),
        layer,
        len(found),
    )


def scaled(values: FloatArray) -> FloatArray:
    """The map over its maximum, in [0, 1]; 0 where it is 0 everywhere."""
    top = float(values.max())
    return np.zeros_like(values) if top <= 0 else np.clip(values / top, 0, 1).astype(np.float32)
