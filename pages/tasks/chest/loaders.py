"""The chest page's cached models and runs: one run per film, model and question."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.chest.result import Findings
from core.film_kind import FilmKind
from core.images import Radiograph
from core.stages import Progress, Step
from models.cards import ModelCard, load_card
from models.chest.heatmaps import FeatureMaps, HeatMap
from pages.shared.caching import Guarded

Masks = dict[str, np.ndarray]


@st.cache_resource(max_entries=8, show_spinner="Loading the network …")
def _classifier(name: str, sha256: str) -> Guarded[Any]:
    from models.chest import predict

    return Guarded(predict.load_model(load_card("chest", name)))


@st.cache_resource(max_entries=2, show_spinner="Loading the network for heart and lungs …")
def _segmenter(name: str, sha256: str) -> Guarded[Any]:
    from models.chest import segment

    return Guarded(segment.load_model(load_card("chest", name)))


@st.cache_resource(max_entries=2, show_spinner="Loading the network that knows films …")
def _film_kinds(name: str, sha256: str) -> Guarded[Any]:
    from models.film_kind import recognise

    return Guarded(recognise.load_model(load_card("film_kind", name)))


def models(classifier: ModelCard, segmenter: ModelCard) -> tuple[Guarded[Any], Guarded[Any]]:
    """A classifier and the network for outlines, for work in the background.

    Raises:
        WeightsError: If weights are missing or not those of the cards.
    """
    return (
        _classifier(classifier.name, classifier.sha256),
        _segmenter(segmenter.name, segmenter.sha256),
    )


@st.cache_data(max_entries=1000, scope="session", show_spinner=False)
def _findings(digest: str, name: str, sha256: str, _image: Radiograph) -> Findings:
    from models.chest import predict

    guarded = _classifier(name, sha256)
    with guarded.lock:
        return predict.classify(guarded.model, _image)


def findings(card: ModelCard, image: Radiograph) -> Findings:
    """A classifier's calibrated answer to a film; run once per film and model.

    Raises:
        ImagingError: If the weights are missing or not those of the card, or the film cannot
            be classified.
    """
    return _findings(image.digest, card.name, card.sha256, image)


def steps(card: ModelCard, image: Radiograph) -> list[Step]:
    """The stages from the film to what the classifier receives."""
    from models.chest import predict

    return predict.steps(_classifier(card.name, card.sha256).model, image)


@st.cache_data(max_entries=32, scope="session", show_spinner=False)
def _heat(
    digest: str,
    name: str,
    sha256: str,
    label: str,
    method: str,
    layer: str,
    _image: Radiograph,
    _progress: Progress | None,
) -> HeatMap:
    from models.chest import heatmaps

    guarded = _classifier(name, sha256)
    with guarded.lock:  # the methods hook the network while they run
        return heatmaps.heat_map(
            guarded.model, _image, label, method=method, layer=layer, progress=_progress
        )


def heat(
    card: ModelCard,
    image: Radiograph,
    label: str,
    method: str = "Grad-CAM",
    layer: str = "last",
    progress: Progress | None = None,
) -> HeatMap:
    """The heat map of one finding on a film's pixels; run once for each question.

    Raises:
        ImagingError: If the weights are missing or not those of the card, or the film cannot
            be classified.
    """
    return _heat(image.digest, card.name, card.sha256, label, method, layer, image, progress)


@st.cache_data(max_entries=16, scope="session", show_spinner=False)
def _feature_maps(
    digest: str, name: str, sha256: str, layer: str, count: int, _image: Radiograph
) -> FeatureMaps:
    from models.chest import heatmaps

    guarded = _classifier(name, sha256)
    with guarded.lock:
        return heatmaps.feature_maps(guarded.model, _image, layer=layer, count=count)


def feature_maps(card: ModelCard, image: Radiograph, layer: str, count: int = 16) -> FeatureMaps:
    """The channels of a layer that respond most to a film; run once for each question."""
    return _feature_maps(image.digest, card.name, card.sha256, layer, count, image)


def layers(card: ModelCard) -> tuple[str, ...]:
    """Layers that a heat map can look at, from the finest to the last."""
    from models.chest import heatmaps

    return heatmaps.layers(_classifier(card.name, card.sha256).model)


@st.cache_data(max_entries=32, scope="session", show_spinner=False)
def _masks(digest: str, name: str, sha256: str, _image: Radiograph) -> Masks:
    from models.chest import segment

    guarded = _segmenter(name, sha256)
    with guarded.lock:
        return dict(segment.segment(guarded.model, _image))


def masks(card: ModelCard, image: Radiograph) -> Masks:
    """Heart and lungs of a film, bool (H, W) each; run once per film.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    return _masks(image.digest, card.name, card.sha256, image)


@st.cache_data(max_entries=1000, scope="session", show_spinner=False)
def _film_kind(digest: str, name: str, sha256: str, _image: Radiograph) -> FilmKind:
    from models.film_kind import recognise

    guarded = _film_kinds(name, sha256)
    with guarded.lock:
        return recognise.recognise(guarded.model, _image)


def film_kind(card: ModelCard, image: Radiograph) -> FilmKind:
    """What kind of film this is, and which way up; run once per film.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    return _film_kind(image.digest, card.name, card.sha256, image)
