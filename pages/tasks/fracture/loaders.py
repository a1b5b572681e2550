"""The fracture page's cached models and answers."""

from __future__ import annotations

from functools import partial
from typing import Any

from core.detections import Detections
from core.images import Radiograph
from core.stages import Step
from models.cards import ModelCard, load_card
from models.score.input_check import FILM_KIND, refused_by
from pages.shared import caching
from pages.shared.caching import Guarded


@caching.model(max_entries=3, spinner="Loading the detector …")
def detector(card: ModelCard) -> Guarded[Any]:
    """A detector, loaded once for all users.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.fracture import predict

    return Guarded(predict.load_model(card))


@caching.model(max_entries=2, spinner="Loading the classifier …")
def classifier(card: ModelCard) -> Guarded[Any]:
    """A classifier, loaded once for all users.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.fracture import classify

    return Guarded(classify.load_classifier(card))


@caching.answer(max_entries=1000)
def candidates(card: ModelCard, image: Radiograph) -> Detections:
    """All candidates of a film, before threshold and suppression; run once per film and model.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.fracture import predict

    guarded = detector(card)
    with guarded.lock:
        return predict.candidates(guarded.model, image)


@caching.model(max_entries=1)
def _film_kinds(card: ModelCard) -> Guarded[Any]:
    from models.film_kind import recognise

    return Guarded(recognise.load_model(card))


def refused(image: Radiograph) -> str | None:
    """Why this film is no limb radiograph, in a sentence; None where it may be read.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.film_kind import recognise

    model = _film_kinds(load_card(*FILM_KIND)).model
    return refused_by(partial(recognise.recognise, model), "limb", image)


@caching.answer(max_entries=16)
def steps(card: ModelCard, image: Radiograph) -> list[Step]:
    """The stages from the film to what the detector receives."""
    from models.fracture import predict

    return predict.steps(detector(card).model, image)


@caching.answer(max_entries=1000)
def probability(card: ModelCard, image: Radiograph) -> float:
    """The classifier's probability for a film, without the heat map; once per film and model.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.fracture import classify

    guarded = classifier(card)
    with guarded.lock:
        return float(classify.probability(guarded.model, image))


@caching.answer(max_entries=16, spinner="Making the heat map …")
def opinion(card: ModelCard, image: Radiograph) -> Any:
    """The classifier's answer to a film, with its Grad-CAM; run once per film and model.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.fracture import classify

    guarded = classifier(card)
    with guarded.lock:  # Grad-CAM keeps its hooks' state on the model
        return classify.classify(guarded.model, image)
