"""Where a chest network looked: class activation maps by several methods, and feature maps.

The methods hook the network while they run: hold a lock around every call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.images import FloatArray, Radiograph
from core.stages import Progress
from models.chest.predict import Model, network_input
from models.chest.preprocess import to_original

METHODS = {
    "Grad-CAM": "Weighs each feature map by its mean gradient (Selvaraju et al. 2017).",
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
GRADIENT_FREE = ("Eigen-CAM", "Score-CAM")
SLOW = ("Score-CAM",)
SCORE_MAPS = 96
"""How many feature maps Score-CAM tries; the network's last layer has over a thousand."""


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


def layers(model: Model) -> tuple[str, ...]:
    """Names of the layers that can be looked at, from the finest to the last."""
    return tuple(model.network.layers)


def heat_map(
    model: Model,
    image: Radiograph,
    finding: str,
    *,
    method: str = "Grad-CAM",
    layer: str = "last",
    progress: Progress | None = None,
) -> HeatMap:
    """Heat map of a finding on the pixels of the film.

    Args:
        model: Its first network is explained.
        finding: One of `model.labels`.
        method: One of `METHODS`.
        layer: One of `layers(model)`.
        progress: Told how far a slow method is.

    Raises:
        ValueError: If the finding, the method or the layer is unknown.
        UnsuitableInputError: If the film cannot be classified.
    """
    if finding not in model.labels or method not in METHODS or layer not in model.network.layers:
        raise ValueError(f"unknown finding, method or layer: {finding}, {method}, {layer}")
    seen = network_input(model, image)
    target = model.labels.index(finding)
    cells = raw_map(model.network, seen, target, method, layer, progress)
    return HeatMap(
        scaled(to_original(cells, image.shape)), finding, method, layer, (len(cells), len(cells[0]))
    )


def raw_map(
    network: Any,
    seen: FloatArray,
    target: int,
    method: str,
    layer: str,
    progress: Progress | None = None,
) -> FloatArray:
    """The map of one output on the cells of a layer, (h, w), at least 0, not yet scaled."""
    module = network.features[network.layers[layer]]
    if method == "Score-CAM":
        return _score_cam(network, seen, target, module, progress)
    import pytorch_grad_cam
    import torch
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    kinds: dict[str, Callable[..., Any]] = {
        "Grad-CAM": pytorch_grad_cam.GradCAM,
        "Grad-CAM++": pytorch_grad_cam.GradCAMPlusPlus,
        "Layer-CAM": pytorch_grad_cam.LayerCAM,
        "Eigen-CAM": pytorch_grad_cam.EigenCAM,
    }
    batch = torch.from_numpy(seen)[None, None]
    targets = [ClassifierOutputTarget(target)]
    with kinds[method](model=network, target_layers=[module]) as cam:
        cam(input_tensor=batch, targets=targets)
        activations = cam.activations_and_grads.activations[0].cpu().numpy()
        gradients = cam.activations_and_grads.gradients
        gradient = gradients[0].cpu().numpy() if gradients else np.zeros_like(activations)
        # The package enlarges its map to the input; the cells are wanted as they are.
        found = cam.get_cam_image(batch, module, targets, activations, gradient, False)[0]
    network.zero_grad(set_to_none=True)
    return np.maximum(np.nan_to_num(found), 0).astype(np.float32)


def _score_cam(
    network: Any, seen: FloatArray, target: int, module: Any, progress: Progress | None
) -> FloatArray:
    """Score-CAM over the strongest maps of a layer.

    The package's own takes all channels and tells nobody how far it is.
    """
    import torch
    from torch.nn.functional import interpolate

    batch = torch.from_numpy(seen)[None, None]
    found = _activations(network, batch, module)[0]
    order = found.mean(dim=(1, 2)).argsort(descending=True)[:SCORE_MAPS]
    maps = found[order]
    large = interpolate(maps[:, None], size=batch.shape[2:], mode="bilinear", align_corners=False)
    low, high = large.amin(dim=(1, 2, 3), keepdim=True), large.amax(dim=(1, 2, 3), keepdim=True)
    masks = (large - low) / (high - low).clamp(min=1e-6)
    scores = []
    with torch.inference_mode():
        for first in range(0, len(masks), 16):
            if progress is not None:
                progress(first / len(masks), "Score-CAM")
            scores.append(network(batch * masks[first : first + 16])[:, target])
        nothing = network(torch.zeros_like(batch))[0, target]
        weights = torch.softmax(torch.cat(scores) - nothing, dim=0)
        heat = (maps * weights[:, None, None]).sum(dim=0).clamp(min=0)
    if progress is not None:
        progress(1.0, "Score-CAM")
    return np.asarray(heat.numpy(), np.float32)


def _activations(network: Any, batch: Any, module: Any) -> Any:
    """What a layer says about a batch, (B, C, h, w)."""
    import torch

    kept: list[Any] = []
    hook = module.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    try:
        with torch.inference_mode():
            network(batch)
    finally:
        hook.remove()
    return kept[0].clone()


def feature_maps(
    model: Model, image: Radiograph, *, layer: str = "last", count: int = 16
) -> FeatureMaps:
    """The `count` channels of a layer that respond most to the film.

    Raises:
        ValueError: If the layer is unknown.
        UnsuitableInputError: If the film cannot be classified.
    """
    import torch

    if layer not in model.network.layers:
        raise ValueError(f"unknown layer: {layer}")
    batch = torch.from_numpy(network_input(model, image))[None, None]
    module = model.network.features[model.network.layers[layer]]
    found = _activations(model.network, batch, module)[0].numpy()
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
