"""Find fractures: candidates before suppression, and the detections that a threshold leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.detections import Boxes, Detections
from core.images import FloatArray, Radiograph
from core.stages import Progress, Stage, Step, run_stages
from models.cards import ModelCard
from models.fracture.preprocess import input_stages, letterbox_geometry
from models.fracture.rescore import Looks, Rescorer, load_rescorer, looked_again, rescored
from models.fracture.settings import detector_settings
from models.onnx_runtime import open_network

if TYPE_CHECKING:
    from torch import nn

    from models.onnx_runtime import Network

Forward = Callable[[FloatArray], tuple[Boxes, FloatArray]]
"""Network input (1, 1, H, W) → boxes (A, 4) in pixels of the input and scores (A,)."""

LEAST_SCORE = 0.001
MOST_CANDIDATES = 1000


@dataclass(frozen=True, eq=False)
class Model:
    """A detector ready to run.

    Attributes:
        forward: Runs the network on one input.
        long_sides_px: Scales at which the image is looked at; the first is the shown one.
        mirrored: Whether each scale is also looked at mirrored, and the answers averaged.
        square, plain, padding: See `models.fracture.preprocess.input_stages`.
        rescorer: Looks at each candidate again; None where the network's own scores stay.
    """

    forward: Forward
    long_sides_px: tuple[int, ...] = (640,)
    mirrored: bool = False
    square: bool = False
    plain: bool = False
    padding: float = 0.0
    rescorer: Rescorer | None = None

    def stages(self, long_side_px: int) -> list[Stage]:
        """From a radiograph's pixels to what the network receives at a scale."""
        return input_stages(
            long_side_px, square=self.square, plain=self.plain, padding=self.padding
        )


def load_model(card: ModelCard) -> Model:
    """Load the detector of a card.

    Raises:
        WeightsError: If the weights are missing or not those of the card; found before the
            file is opened.
    """
    settings = detector_settings(card)
    return Model(
        forward=onnx_forward(open_network(card)),
        long_sides_px=settings.long_sides_px,
        mirrored=settings.mirrored,
        square=settings.square,
        plain=settings.plain,
        padding=settings.padding,
        rescorer=load_rescorer(settings.rescorer, settings.iou) if settings.rescorer else None,
    )


def load_first(card: ModelCard) -> Model:
    """The detector of a card without its second look.

    Raises:
        WeightsError: As `load_model`.
    """
    return load_model(replace(card, settings={**card.settings, "rescorer": ""}))


def steps(model: Model, image: Radiograph, progress: Progress | None = None) -> list[Step]:
    """The stages from the radiograph to what the network receives, for display."""
    return run_stages(image.pixels, model.stages(model.long_sides_px[0]), progress=progress)


def candidates(model: Model, image: Radiograph) -> Detections:
    """All candidates after both looks, before suppression, at most 1000.

    Returns:
        Boxes in pixels of the original image, best first; threshold and suppression act on
        these without running a network again.
    """
    return both_looks(model, image)[0]


def both_looks(model: Model, image: Radiograph) -> tuple[Detections, Looks | None]:
    """As `candidates`, and what each look made of the film; None without a second look."""
    return after_second_look(model, image, proposals(model, image))


def after_second_look(
    model: Model, image: Radiograph, found: Detections
) -> tuple[Detections, Looks | None]:
    """As `both_looks`, from the detector's `proposals`."""
    if model.rescorer is None:
        return found, None
    looks = looked_again(model.rescorer, image, found)
    return rescored(model.rescorer, image, found, looks), looks


def proposals(model: Model, image: Radiograph) -> Detections:
    """The detector's own candidates with a score of at least 0.001, as `candidates`."""
    found_boxes, found_scores = [], []
    for long_side_px in model.long_sides_px:
        stages = model.stages(long_side_px)
        network_input = run_stages(image.pixels, stages)[-1].image[None, None]
        boxes, scores = model.forward(np.ascontiguousarray(network_input, np.float32))
        if model.mirrored:
            boxes, scores = _with_mirror(model.forward, network_input, boxes, scores)
        scale, left, top, _ = letterbox_geometry(image.shape, long_side_px, model.square)
        keep = scores >= LEAST_SCORE
        found_boxes.append((boxes[keep] - np.array([left, top, left, top])) / scale)
        found_scores.append(scores[keep])
    boxes, scores = np.concatenate(found_boxes), np.concatenate(found_scores)
    height, width = image.shape
    boxes = np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)
    # Early in training the network's distances can be negative: such a box is turned inside out.
    proper = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))
    best = proper[np.argsort(-scores[proper], kind="stable")[:MOST_CANDIDATES]]
    return Detections(boxes[best], scores[best])


def detect(model: Model, image: Radiograph, *, threshold: float, iou: float) -> Detections:
    """The boxes that stay above a score and after suppression at an overlap."""
    return candidates(model, image).above(threshold).suppressed(iou)


def _with_mirror(
    forward: Forward, network_input: FloatArray, boxes: Boxes, scores: FloatArray
) -> tuple[Boxes, FloatArray]:
    """Mean answer of an input and its mirror image, cell by cell of the network's grid."""
    width = network_input.shape[3]
    mirror_boxes, mirror_scores = forward(np.ascontiguousarray(network_input[..., ::-1]))
    cells = _mirrored_cells(network_input.shape[2], width)
    back = mirror_boxes[cells][:, [2, 1, 0, 3]].copy()
    back[:, [0, 2]] = width - back[:, [0, 2]]
    mean_scores = (scores + mirror_scores[cells]) / 2
    share = (scores / np.maximum(2 * mean_scores, 1e-9))[:, None]
    return boxes * share + back * (1 - share), mean_scores


def _mirrored_cells(height: int, width: int) -> np.ndarray:
    """For each grid cell, rows first, strides 8, 16, 32, the index of its mirror image."""
    parts, start = [], 0
    for stride in (8, 16, 32):
        rows, columns = height // stride, width // stride
        grid = start + np.arange(rows * columns).reshape(rows, columns)
        parts.append(grid[:, ::-1].reshape(-1))
        start += rows * columns
    return np.concatenate(parts)


def torch_forward(network: nn.Module) -> Forward:
    """Run a PyTorch network in evaluation mode: what training measures itself with."""
    import torch

    from models.fracture.network import decode

    def forward(network_input: FloatArray) -> tuple[Boxes, FloatArray]:
        with torch.inference_mode():
            boxes, scores = decode(network, torch.from_numpy(network_input))
        return boxes[0].float().numpy(), scores[0].float().numpy()

    return forward


def onnx_forward(network: Network) -> Forward:
    """Run an exported network: what the page answers with."""

    def forward(network_input: FloatArray) -> tuple[Boxes, FloatArray]:
        (found,) = network(network_input)
        return found[0, :, :4], found[0, :, 4]

    return forward
