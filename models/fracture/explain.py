"""Heat maps of the classifier that need gradients: in PyTorch, run by a worker process.

The opening map (`models.fracture.classify`) needs none of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.errors import WeightsError
from core.images import FloatArray, Radiograph
from core.stages import run_stages
from models.cards import ModelCard, verified_weights
from models.fracture.classify import on_film
from models.fracture.preprocess import input_stages

if TYPE_CHECKING:
    from models.fracture.classifier_network import YoloClassifier

METHODS = {
    "Grad-CAM": "Grad-CAM (Selvaraju et al. 2017)",
    "Grad-CAM++": "Grad-CAM++ (Chattopadhay et al. 2018)",
    "Layer-CAM": "Layer-CAM (Jiang et al. 2021)",
}
"""Name to name with source."""


def torch_network(card: ModelCard) -> YoloClassifier:
    """The classifier in PyTorch, filled from the file that also answers.

    Raises:
        WeightsError: If the weights are missing, not those of the card (found before the file
            is opened), or do not fit the network.
    """
    path = verified_weights(card)
    import torch

    from models.fracture.classifier_network import YoloClassifier
    from models.onnx_file import initialisers

    network = YoloClassifier()
    found = {name: torch.from_numpy(values) for name, values in initialisers(path).items()}
    own = network.state_dict()
    lacking = [name for name in own if name not in found and "num_batches" not in name]
    if lacking:
        raise WeightsError(f"The weights {card.file} do not fit “{card.title}”: no {lacking[0]}.")
    network.load_state_dict({**own, **{name: found[name] for name in own if name in found}})
    return network.eval()


def heat_map(card: ModelCard, image: Radiograph, method: str) -> FloatArray:
    """A heat map by a method of `METHODS`, the mean of both views.

    Returns:
        float32 (H, W) of the film in [0, 1].

    Raises:
        WeightsError: See `torch_network`.
        ValueError: If there is no such method.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {list(METHODS)}, got {method!r}")
    import pytorch_grad_cam
    import torch

    make = {
        "Grad-CAM": pytorch_grad_cam.GradCAM,
        "Grad-CAM++": pytorch_grad_cam.GradCAMPlusPlus,
        "Layer-CAM": pytorch_grad_cam.LayerCAM,
    }[method]
    network = torch_network(card)
    long_side_px = int(card.input_shape[-1])
    seen = run_stages(image.pixels, input_stages(long_side_px))[-1].image
    both = torch.from_numpy(np.stack([seen, seen[:, ::-1]])[:, None])
    target = [lambda output: output[0]] * 2
    with make(model=network, target_layers=[network.features.layers[-1]]) as cam:
        heats = cam(input_tensor=both, targets=target)
    mean = (heats[0] + heats[1][:, ::-1]) / 2
    return on_film(mean, image.shape, seen.shape, long_side_px)
