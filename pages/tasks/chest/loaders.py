"""The chest page's cached models and runs: one run per film, model and question."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Any

import numpy as np

from core.chest.result import Findings
from core.errors import ImagingError
from core.images import Radiograph
from core.stages import Cancelled, Progress, Step
from models.cards import ModelCard
from models.chest import heatmaps, predict, segment
from models.chest import percentiles as stored
from models.chest.heatmaps import FeatureMaps, HeatMap
from models.worker import Worker
from pages.shared import caching

Masks = dict[str, np.ndarray]


@caching.model(max_entries=8, spinner="Loading the network …")
def classifier(card: ModelCard) -> predict.Model:
    """A classifier, loaded once for all users.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    return predict.load_model(card)


@caching.model(max_entries=2, spinner="Loading the network for heart and lungs …")
def segmenter(card: ModelCard) -> segment.SegmentModel:
    """The network for outlines, loaded once for all users.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    return segment.load_model(card)


def models(
    classified: ModelCard, outlined: ModelCard
) -> tuple[predict.Model, segment.SegmentModel]:
    """A classifier and the network for outlines, for work in the background.

    Raises:
        WeightsError: If weights are missing or not those of the cards.
    """
    return classifier(classified), segmenter(outlined)


@caching.answer(max_entries=1000)
def findings(card: ModelCard, image: Radiograph) -> Findings:
    """A classifier's calibrated answer to a film; run once per film and model.

    Raises:
        ImagingError: If the weights are missing or not those of the card, or the film cannot
            be classified.
    """
    return predict.classify(classifier(card), image)


def steps(card: ModelCard, image: Radiograph) -> list[Step]:
    """The stages from the film to what the classifier receives."""
    return predict.steps(classifier(card), image)


@caching.answer(max_entries=32)
def heat(card: ModelCard, image: Radiograph, label: str) -> HeatMap:
    """The opening heat map of one finding on a film's pixels: no gradients, no PyTorch.

    Raises:
        ImagingError: If the weights are missing or not those of the card, or the film cannot
            be classified.
    """
    return heatmaps.class_map(classifier(card), image, label)


@caching.model(max_entries=1)
def _explainer() -> Worker:
    """The process that holds PyTorch, started when somebody first asks for what needs it."""
    return Worker("models.chest.gradients")


def gradient_heat(
    card: ModelCard, image: Radiograph, label: str, method: str, layer: str, progress: Progress
) -> HeatMap:
    """The heat map of any method on any layer, not kept: for `pages.shared.background`.

    Raises:
        ImagingError: As `heat`, and where PyTorch is not installed.
    """
    found: HeatMap = _explained(progress, method, "explain", card, image, label, method, layer)
    return found


def inner_features(
    card: ModelCard, image: Radiograph, layer: str, count: int, progress: Progress
) -> FeatureMaps:
    """The channels of any layer that respond most to a film: for `pages.shared.background`.

    Raises:
        ImagingError: As `heat`, and where PyTorch is not installed.
    """
    words = f"Feature maps of layer {layer}"
    found: FeatureMaps = _explained(progress, words, "features", card, image, layer, count)
    return found


def _explained(progress: Progress, words: str, function: str, *arguments: Any) -> Any:
    """What a function of `models.chest.gradients` returns in the worker process.

    Raises:
        Cancelled: As soon as `progress` says so.
        ImagingError: As the function, and where PyTorch is not installed.
    """
    if find_spec("torch") is None or find_spec("pytorch_grad_cam") is None:
        raise ImagingError(
            "This heat map needs gradients, hence PyTorch, which is not installed. "
            "Run `pip install -r requirements.txt`, then open it again."
        )
    start = time.monotonic()

    def cancelled() -> bool:
        try:
            progress(0.0, f"{words}: {time.monotonic() - start:.0f} s")
        except Cancelled:
            return True
        return False

    return _explainer().call(f"models.chest.gradients:{function}", *arguments, cancelled=cancelled)


@caching.answer(max_entries=16)
def last_features(card: ModelCard, image: Radiograph, count: int = 16) -> FeatureMaps:
    """The channels of the last layer that respond most to a film."""
    return heatmaps.last_features(classifier(card), image, count)


@caching.answer(max_entries=4)
def percentiles(card: ModelCard) -> dict[str, np.ndarray]:
    """Probabilities of validation films without each finding; empty where none are stored."""
    return stored.read(card.name)


@caching.answer(max_entries=32)
def masks(card: ModelCard, image: Radiograph) -> Masks:
    """Heart and lungs of a film, bool (H, W) each; run once per film.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    return dict(segment.segment(segmenter(card), image))
