"""Is there a fracture at all: one probability for the image, and where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import WeightsError
from core.images import FloatArray, Radiograph
from core.stages import Progress, Step, run_stages
from models.cards import ModelCard, verified_weights
from models.fracture.preprocess import input_stages, letterbox_geometry

if TYPE_CHECKING:
    from models.fracture.classifier_network import YoloClassifier

METHOD = "Grad-CAM (Selvaraju et al. 2017)"


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
    """A classifier ready to run. Not thread-safe (Grad-CAM hooks it): hold a lock.

    Attributes:
        network: In evaluation mode.
        long_side_px: Scale at which the image is looked at.
    """

    network: YoloClassifier
    long_side_px: int


def load_classifier(card: ModelCard) -> Classifier:
    """Load the classifier of a card.

    Raises:
        WeightsError: If the weights are missing, not those of the card (found before the file
            is opened), or do not fit the network.
    """
    path = verified_weights(card)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from models.fracture.classifier_network import YoloClassifier

    network = YoloClassifier()
    try:
        network.load_state_dict({name: t.float() for name, t in load_file(path).items()})
    except (SafetensorError, RuntimeError) as err:
        raise WeightsError(f"The weights {card.file} do not fit “{card.title}”.") from err
    network.eval()
    return Classifier(network, int(card.input_shape[-1]))


def classifier_steps(
    model: Classifier, image: Radiograph, progress: Progress | None = None
) -> list[Step]:
    """The stages from the radiograph to what the classifier receives, for display."""
    return run_stages(image.pixels, input_stages(model.long_side_px), progress=progress)


def probability(model: Classifier, image: Radiograph) -> float:
    """Probability of a fracture, without the heat map (which costs a backward pass).

    The mean over the image and its mirror image.
    """
    return probabilities(model, [image])[0]


def probabilities(model: Classifier, images: Sequence[Radiograph]) -> list[float]:
    """As `probability` for several images of one shape, in one batch."""
    import torch

    inputs = [classifier_steps(model, image)[-1].image for image in images]
    seen = torch.from_numpy(np.stack(inputs))[:, None]
    both = torch.cat([seen, seen.flip(3)])
    with torch.inference_mode():
        found = torch.sigmoid(model.network(both)).reshape(2, -1).mean(dim=0)
    return [float(value) for value in found]


def classify(model: Classifier, image: Radiograph) -> Classification:
    """Probability of a fracture and a Grad-CAM heat map on the original image's pixels."""
    return Classification(probability(model, image), _heat_map(model, image))


def _heat_map(model: Classifier, image: Radiograph) -> FloatArray:
    import cv2
    import torch
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    seen = torch.from_numpy(classifier_steps(model, image)[-1].image)[None, None]
    with GradCAM(model=model.network, target_layers=[model.network.features.layers[-1]]) as cam:
        heat = cam(input_tensor=seen, targets=[ClassifierOutputTarget(0)])[0]
    scale, left, top, _ = letterbox_geometry(image.shape, model.long_side_px)
    height, width = image.shape
    inner_h, inner_w = max(1, round(height * scale)), max(1, round(width * scale))
    inside = np.asarray(heat, np.float32)[top : top + inner_h, left : left + inner_w]
    resized = cv2.resize(inside, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(np.nan_to_num(resized), 0.0, 1.0).astype(np.float32)
