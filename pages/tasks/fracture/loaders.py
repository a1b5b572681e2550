"""Cached models and runs. A model is loaded once for all users; a result once per session."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

from core.detections import Detections
from core.errors import ImagingError
from core.images import Radiograph
from core.stages import Step
from models.cards import ModelCard, load_card

Answer = TypeVar("Answer")


@dataclass(frozen=True, eq=False)
class Guarded:
    """A loaded model with the lock that lets one session at a time run it."""

    model: Any
    lock: threading.Lock = field(default_factory=threading.Lock)


def or_sentence(task: Callable[[], Answer]) -> Answer | None:
    """Run a task; None where a person's input or installation broke it, which a sentence says."""
    try:
        return task()
    except ImagingError as err:
        st.error(str(err), icon=":material/error:")
        return None


@st.cache_resource(max_entries=3, show_spinner="Loading the detector …")
def _fracture_detector(name: str, sha256: str) -> Guarded:
    from models.fracture import predict

    return Guarded(predict.load_model(load_card("fracture", name)))


@st.cache_resource(max_entries=2, show_spinner="Loading the classifier …")
def _fracture_classifier(name: str, sha256: str) -> Guarded:
    from models.fracture import classify

    return Guarded(classify.load_classifier(load_card("fracture", name)))


def fracture_models(detector: ModelCard, classifier: ModelCard) -> tuple[Guarded, Guarded]:
    """Both models, for work in the background.

    Raises:
        WeightsError: If weights are missing or not those of the cards.
    """
    return (
        _fracture_detector(detector.name, detector.sha256),
        _fracture_classifier(classifier.name, classifier.sha256),
    )


@st.cache_data(max_entries=1000, scope="session", show_spinner=False)
def _fracture_candidates(digest: str, name: str, sha256: str, _image: Radiograph) -> Detections:
    from models.fracture import predict

    guarded = _fracture_detector(name, sha256)
    with guarded.lock:
        return predict.candidates(guarded.model, _image)


def fracture_candidates(card: ModelCard, image: Radiograph) -> Detections:
    """All candidates of a film, before threshold and suppression; run once per film and model.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    return _fracture_candidates(image.digest, card.name, card.sha256, image)


def fracture_steps(card: ModelCard, image: Radiograph) -> list[Step]:
    """The stages from the film to what the detector receives."""
    from models.fracture import predict

    return predict.steps(_fracture_detector(card.name, card.sha256).model, image)


@st.cache_data(max_entries=1000, scope="session", show_spinner=False)
def _fracture_probability(digest: str, name: str, sha256: str, _image: Radiograph) -> float:
    from models.fracture import classify

    guarded = _fracture_classifier(name, sha256)
    with guarded.lock:
        return float(classify.probability(guarded.model, _image))


def fracture_probability(card: ModelCard, image: Radiograph) -> float:
    """The classifier's probability for a film, without the heat map; once per film and model.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    return _fracture_probability(image.digest, card.name, card.sha256, image)


@st.cache_data(max_entries=16, scope="session", show_spinner="Making the heat map …")
def _fracture_opinion(digest: str, name: str, sha256: str, _image: Radiograph) -> Any:
    from models.fracture import classify

    guarded = _fracture_classifier(name, sha256)
    with guarded.lock:  # Grad-CAM keeps its hooks' state on the model
        return classify.classify(guarded.model, _image)


def fracture_opinion(card: ModelCard, image: Radiograph) -> Any:
    """The classifier's answer to a film, with its Grad-CAM; run once per film and model.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    return _fracture_opinion(image.digest, card.name, card.sha256, image)
