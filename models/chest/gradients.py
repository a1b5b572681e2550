"""Heat maps that need gradients or hooks, and feature maps of inner layers: PyTorch.

The page runs this in a worker process, where it is imported when somebody first asks. The
methods hook the network while they run: one thread at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from core.images import FloatArray, Radiograph
from core.stages import Progress
from models.cards import ModelCard
from models.chest.heatmaps import METHODS, FeatureMaps, HeatMap, placed, strongest
from models.chest.network import ChestNet
from models.chest.predict import members
from models.chest.preprocess import network_film
from models.chest.settings import findings_settings
from models.chest.weights import filled_classifier

SCORE_MAPS = 96
"""How many feature maps Score-CAM tries; the network's last layer has over a thousand."""
SCORE_CAM = "Score-CAM"


@dataclass(frozen=True, eq=False)
class Explained:
    """A classifier as PyTorch networks, to look into.

    Attributes:
        networks: All members, in evaluation mode.
        labels: Findings in the order of the outputs.
        side_px: Side of the square that they receive.
        mirrored: Whether the answer, and so the map, is the mean over film and mirror image.
    """

    networks: tuple[ChestNet, ...]
    labels: tuple[str, ...]
    side_px: int
    mirrored: bool


def load_model(card: ModelCard) -> Explained:
    """The networks of a card and its members, filled from the files that also answer.

    Raises:
        WeightsError: As `weights.filled_classifier`.
    """
    networks = tuple(filled_classifier(member) for member in members(card))
    mirrored = findings_settings(card).mirrored
    return Explained(networks, card.labels, int(card.input_shape[-1]), mirrored)


@lru_cache(maxsize=4)
def _kept(name: str, sha256: str) -> Explained:
    from models.cards import load_card

    return load_model(load_card("chest", name))


def explain(
    card: ModelCard,
    image: Radiograph,
    finding: str,
    method: str,
    layer: str,
    progress: Progress | None = None,
) -> HeatMap:
    """`heat_map` of a card's model, which is kept: what the page asks the worker for."""
    model = _kept(card.name, card.sha256)
    return heat_map(model, image, finding, method=method, layer=layer, progress=progress)


def features(card: ModelCard, image: Radiograph, layer: str, count: int) -> FeatureMaps:
    """`feature_maps` of a card's model, which is kept: what the page asks the worker for."""
    return feature_maps(_kept(card.name, card.sha256), image, layer=layer, count=count)


def heat_map(
    model: Explained,
    image: Radiograph,
    finding: str,
    *,
    method: str = "Grad-CAM",
    layer: str = "last",
    progress: Progress | None = None,
) -> HeatMap:
    """Heat map of a finding on the pixels of the film.

    The mean over all members, and over the film and its mirror image where the answer is one.

    Args:
        model: What to explain.
        finding: One of `model.labels`.
        method: One of `heatmaps.METHODS`.
        layer: One of `heatmaps.LAYERS`.
        progress: Told how far a slow method is.

    Raises:
        ValueError: If the finding, the method or the layer is unknown.
        UnsuitableInputError: If the film cannot be classified.
    """
    known = finding in model.labels and method in METHODS
    if not known or layer not in model.networks[0].layers:
        raise ValueError(f"unknown finding, method or layer: {finding}, {method}, {layer}")
    seen = network_film(image, model.side_px)
    target = model.labels.index(finding)
    views = [False, True] if model.mirrored else [False]
    found: list[FloatArray] = []
    parts = len(model.networks) * len(views)
    for network in model.networks:
        for mirrored in views:
            view = np.ascontiguousarray(seen[:, ::-1]) if mirrored else seen
            told = _part(progress, len(found), parts)
            cells = cells_of(network, view, target, method, layer, told)
            found.append(cells[:, ::-1] if mirrored else cells)
    cells = np.asarray(np.mean(found, axis=0), np.float32)
    return placed(cells, image, finding, method, layer)


def _part(progress: Progress | None, number: int, parts: int) -> Progress | None:
    """Progress of one part among equal ones."""
    if progress is None:
        return None
    return lambda share, what: progress((number + share) / parts, what)


def cells_of(
    network: Any,
    seen: FloatArray,
    target: int,
    method: str,
    layer: str,
    progress: Progress | None = None,
) -> FloatArray:
    """The map of one output on the cells of a layer, (h, w), at least 0, not yet scaled."""
    module = network.layer(layer)
    if method == SCORE_CAM:
        return _score_cam(network, seen, target, module, progress)
    import pytorch_grad_cam
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
                progress(first / len(masks), SCORE_CAM)
            scores.append(network(batch * masks[first : first + 16])[:, target])
        nothing = network(torch.zeros_like(batch))[0, target]
        weights = torch.softmax(torch.cat(scores) - nothing, dim=0)
        heat = (maps * weights[:, None, None]).sum(dim=0).clamp(min=0)
    if progress is not None:
        progress(1.0, SCORE_CAM)
    return np.asarray(heat.numpy(), np.float32)


def _activations(network: Any, batch: Any, module: Any) -> Any:
    """What a layer says about a batch, (B, C, h, w)."""
    kept: list[Any] = []
    hook = module.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    try:
        with torch.inference_mode():
            network(batch)
    finally:
        hook.remove()
    return kept[0].clone()


def feature_maps(
    model: Explained, image: Radiograph, *, layer: str = "last", count: int = 16
) -> FeatureMaps:
    """The `count` channels of a layer that respond most to the film; of the first member.

    Raises:
        ValueError: If the layer is unknown.
        UnsuitableInputError: If the film cannot be classified.
    """
    network = model.networks[0]
    if layer not in network.layers:
        raise ValueError(f"unknown layer: {layer}")
    batch = torch.from_numpy(network_film(image, model.side_px))[None, None]
    found = _activations(network, batch, network.layer(layer))[0].numpy()
    return strongest(found, layer, count)
