"""The bone-age page's cached models, answers and explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.bone_age.result import BoneAge, to_unit
from core.images import FloatArray, Radiograph, digest_of
from core.stages import Progress, Step, run_stages
from models.bone_age import explain, predict
from models.bone_age.pipelines import stages_of
from models.cards import ModelCard, cards_of
from models.worker import Worker
from pages.shared import caching
from pages.shared.inputs import Case

PAGE = "bone_age"
Changed = tuple[tuple[str, Any], ...]


@caching.model(max_entries=6, spinner="Opening the model …")
def model(card: ModelCard) -> predict.Model:
    """A model, opened once for all users; its networks may be run by many threads.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    return predict.load_model(card)


@caching.model(max_entries=1)
def gradients() -> Worker:
    """The process that computes gradients; it starts when the first person asks for them."""
    return Worker("models.bone_age.network")


def estimate(
    card: ModelCard,
    image: Radiograph,
    sex: str | None,
    skip: Sequence[str] = (),
    changed: Mapping[str, Any] | None = None,
) -> BoneAge:
    """A model's answer to a film; run once per film, model, sex and setting of its stages.

    Args:
        skip: Stages to leave out.
        changed: Parameters of its pipeline that differ from those of training.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    return _estimate(card, image, sex, tuple(sorted(skip)), _sorted(changed))


@caching.answer(max_entries=40)
def _estimate(
    card: ModelCard, image: Radiograph, sex: str | None, skip: tuple[str, ...], changed: Changed
) -> BoneAge:
    return predict.estimate(model(card), image, sex, skip, dict(changed))


def _sorted(changed: Mapping[str, Any] | None) -> Changed:
    return tuple(sorted((changed or {}).items()))


@caching.answer(max_entries=24, spinner="Computing gradients …")
def grad_cam(card: ModelCard, image: Radiograph, sex: str | None) -> dict[str, FloatArray]:
    """Grad-CAM of each of a model's networks by card name, (H, W) in [0, 1] on the film."""
    maps: dict[str, FloatArray] = gradients().call(
        "models.bone_age.gradients:grad_cam", card.name, card.sha256, image, sex
    )
    return maps


def weighted(maps: Mapping[str, FloatArray], found: BoneAge) -> FloatArray:
    """Maps of networks averaged by their shares in an answer, (H, W) in [0, 1]."""
    return to_unit(
        np.sum([found.members[name].weight * heat for name, heat in maps.items()], axis=0)
    )


def occlusion(
    card: ModelCard, image: Radiograph, sex: str | None, progress: Progress
) -> FloatArray:
    """Change of the answer in months where a patch is hidden, (H, W) on the film's pixels."""
    return explain.occlusion(model(card), image, sex, progress)


def pipeline_steps(
    pipeline: str, image: Radiograph, changed: Mapping[str, Any], skip: Sequence[str]
) -> list[Step]:
    """A published pipeline on a film; after a stage that failed the list ends.

    Raises:
        WeightsError: If the hand finder's weights are missing or not those of the card.
    """
    return _pipeline_steps(pipeline, image, _sorted(changed), tuple(sorted(skip)))


@caching.answer(max_entries=12, spinner="Running the steps …")
def _pipeline_steps(
    pipeline: str, image: Radiograph, changed: Changed, skip: tuple[str, ...]
) -> list[Step]:
    return run_stages(image.pixels, stages_of(pipeline, **dict(changed)), skip=skip)


def trained_on(pipeline: str) -> ModelCard | None:
    """The card of a network that was trained on a pipeline's pictures, or None."""
    cards = [card for card in cards_of(PAGE, "age") if not card.is_own]
    return next((card for card in cards if predict.pipelines_of(card)[0] == pipeline), None)


def of_picture(card: ModelCard, picture: NDArray[Any], sex: str | None) -> BoneAge:
    """A model's answer to a pipeline's picture, uint8 or in [0, 1], through its own steps."""
    scale = np.float32(255 if picture.dtype == np.uint8 else 1)
    pixels = np.clip(picture.astype(np.float32) / scale, 0, 1)
    return estimate(card, Radiograph(pixels, digest_of(pixels)), sex)


def known_months(case: Case) -> float | None:
    """The case's known bone age, or None."""
    months: Any = case.truth.get("age_months")
    return None if months is None else float(months)
