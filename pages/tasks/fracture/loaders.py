"""The fracture page's cached models and answers."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from core.detections import Detections
from core.errors import ImagingError
from core.images import FloatArray, Radiograph
from core.stages import Progress, Step
from models.cards import ModelCard
from models.worker import Worker
from pages.shared import caching, input_check

if TYPE_CHECKING:
    from models.fracture.classify import Classification, Classifier
    from models.fracture.predict import Model
    from models.fracture.rescore import Looks


@caching.model(max_entries=3, spinner="Loading the detector …")
def detector(card: ModelCard) -> Model:
    """A detector, loaded once for all users.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.fracture import predict

    return predict.load_model(card)


@caching.model(max_entries=2, spinner="Loading the classifier …")
def classifier(card: ModelCard) -> Classifier:
    """A classifier, loaded once for all users.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.fracture import classify

    return classify.load_classifier(card)


@caching.answer(max_entries=1000)
def _both_looks(card: ModelCard, image: Radiograph) -> tuple[Detections, Looks | None]:
    """What `candidates` and `looks` share: the networks run once per film and model."""
    from models.fracture import predict

    return predict.both_looks(detector(card), image)


def candidates(card: ModelCard, image: Radiograph) -> Detections:
    """All candidates of a film, before threshold and suppression.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    return _both_looks(card, image)[0]


def refused(image: Radiograph) -> str | None:
    """Why this film is no limb radiograph, in a sentence; None where it may be read.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    return input_check.problem(image, "limb")[0] or None


@caching.answer(max_entries=16)
def steps(card: ModelCard, image: Radiograph) -> list[Step]:
    """The stages from the film to what the detector receives."""
    from models.fracture import predict

    return predict.steps(detector(card), image)


@caching.answer(max_entries=16)
def looks(card: ModelCard, image: Radiograph) -> tuple[Looks, FloatArray] | None:
    """Both looks at a film's candidates, and what the second reader was shown of each.

    None where the detector of the card has no second look.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.fracture import rescore

    found = _both_looks(card, image)[1]
    return None if found is None else (found, rescore.enlarged(image, found))


@caching.answer(max_entries=1000)
def probability(card: ModelCard, image: Radiograph) -> float:
    """The classifier's probability for a film, without the heat map; once per film and model.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.fracture import classify

    return float(classify.probability(classifier(card), image))


@caching.answer(max_entries=32)
def opinion(card: ModelCard, image: Radiograph) -> Classification:
    """The classifier's answer to a film, with the heat map that needs no gradients.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.fracture import classify

    return classify.classify(classifier(card), image)


@caching.model(max_entries=1)
def _explainer() -> Worker:
    """The process that holds PyTorch, started when somebody first asks for what needs it."""
    return Worker("models.fracture.explain")


def gradient_heat(
    card: ModelCard, image: Radiograph, method: str, progress: Progress
) -> FloatArray:
    """A heat map that needs gradients, not kept: for `pages.shared.background`.

    Raises:
        ImagingError: If the weights are missing or not those of the card, or PyTorch is not
            installed.
    """
    if find_spec("torch") is None or find_spec("pytorch_grad_cam") is None:
        raise ImagingError(
            f"{method} needs gradients, hence PyTorch, which is not installed. Run "
            "`pip install -r requirements.txt`, then open it again."
        )
    progress(0.1, f"{method}: starting PyTorch in a process of its own …")
    heat: FloatArray = _explainer().call("models.fracture.explain:heat_map", card, image, method)
    return heat
