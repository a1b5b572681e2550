"""The chest page's cached models and runs: one run per film, model and question."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.chest.result import Findings
from core.film_kind import FilmKind
from core.images import Radiograph
from core.stages import Progress, Step
from models.cards import ModelCard
from models.chest.heatmaps import FeatureMaps, HeatMap
from pages.shared import caching
from pages.shared.caching import Guarded

Masks = dict[str, np.ndarray]


@caching.model(max_entries=8, spinner="Loading the network …")
def classifier(card: ModelCard) -> Guarded[Any]:
    """A classifier, loaded once for all users.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.chest import predict

    return Guarded(predict.load_model(card))


@caching.model(max_entries=2, spinner="Loading the network for heart and lungs …")
def segmenter(card: ModelCard) -> Guarded[Any]:
    """The network for outlines, loaded once for all users.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.chest import segment

    return Guarded(segment.load_model(card))


@caching.model(max_entries=2, spinner="Loading the network that knows films …")
def _film_kinds(card: ModelCard) -> Guarded[Any]:
    from models.film_kind import recognise

    return Guarded(recognise.load_model(card))


def models(classified: ModelCard, outlined: ModelCard) -> tuple[Guarded[Any], Guarded[Any]]:
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
    from models.chest import predict

    guarded = classifier(card)
    with guarded.lock:
        return predict.classify(guarded.model, image)


def steps(card: ModelCard, image: Radiograph) -> list[Step]:
    """The stages from the film to what the classifier receives."""
    from models.chest import predict

    return predict.steps(classifier(card).model, image)


@caching.answer(max_entries=32)
def heat(
    card: ModelCard,
    image: Radiograph,
    label: str,
    method: str = "Grad-CAM",
    layer: str = "last",
) -> HeatMap:
    """The heat map of one finding on a film's pixels; run once for each question.

    Raises:
        ImagingError: If the weights are missing or not those of the card, or the film cannot
            be classified.
    """
    return slow_heat(card, image, label, method, layer, None)


def slow_heat(
    card: ModelCard,
    image: Radiograph,
    label: str,
    method: str,
    layer: str,
    progress: Progress | None,
) -> HeatMap:
    """As `heat`, with progress and not kept: for `pages.shared.background`."""
    from models.chest import heatmaps

    guarded = classifier(card)
    with guarded.lock:  # the methods hook the network while they run
        return heatmaps.heat_map(
            guarded.model, image, label, method=method, layer=layer, progress=progress
        )


@caching.answer(max_entries=16)
def feature_maps(card: ModelCard, image: Radiograph, layer: str, count: int = 16) -> FeatureMaps:
    """The channels of a layer that respond most to a film; run once for each question."""
    from models.chest import heatmaps

    guarded = classifier(card)
    with guarded.lock:
        return heatmaps.feature_maps(guarded.model, image, layer=layer, count=count)


def layers(card: ModelCard) -> tuple[str, ...]:
    """Layers that a heat map can look at, from the finest to the last."""
    from models.chest import heatmaps

    return heatmaps.layers(classifier(card).model)


@caching.answer(max_entries=32)
def masks(card: ModelCard, image: Radiograph) -> Masks:
    """Heart and lungs of a film, bool (H, W) each; run once per film.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.chest import segment

    guarded = segmenter(card)
    with guarded.lock:
        return dict(segment.segment(guarded.model, image))


@caching.answer(max_entries=1000)
def film_kind(card: ModelCard, image: Radiograph) -> FilmKind:
    """What kind of film this is, and which way up; run once per film.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.film_kind import recognise

    guarded = _film_kinds(card)
    with guarded.lock:
        return recognise.recognise(guarded.model, image)
