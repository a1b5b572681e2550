"""The bone-age page's cached models and runs; a result is kept once per session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.bone_age.result import BoneAge
from core.images import FloatArray, Radiograph, digest_of
from core.stages import Progress, Step, run_stages
from models.bone_age.pipelines import stages_of
from models.bone_age.predict import pipelines_of
from models.bone_age.worker import Apart
from models.cards import ModelCard, load_card, task_cards
from pages.shared import caching
from pages.shared.inputs import Case

PAGE = "bone_age"
Answer = TypeVar("Answer")
Changed = tuple[tuple[str, Any], ...]


@st.cache_resource(show_spinner=False)
def _network() -> Apart:
    """The process that holds the networks, for all users."""
    return Apart()


@caching.answer(max_entries=40)
def _estimate(
    card: ModelCard, image: Radiograph, sex: str | None, skip: tuple[str, ...], changed: Changed
) -> BoneAge:
    return _network().estimate(card, image, sex, skip, dict(changed))


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
    parameters = tuple(sorted((changed or {}).items()))
    left_out = tuple(sorted(skip))
    return _estimate(card, image, sex, left_out, parameters)


@st.cache_data(max_entries=24, scope="session", show_spinner=False)
def _heat(
    digest: str, name: str, sha256: str, sex: str | None, what: str, _image: Radiograph
) -> FloatArray | None:
    return getattr(_network(), what)(load_card(PAGE, name), _image, sex)


def grad_cam(card: ModelCard, image: Radiograph, sex: str | None) -> FloatArray | None:
    """Grad-CAM of the answer, (H, W) in [0, 1] on the film's pixels."""
    return _heat(image.digest, card.name, card.sha256, sex, "grad_cam", image)


def attention(card: ModelCard, image: Radiograph, sex: str | None) -> FloatArray | None:
    """The network's own attention, (H, W) in [0, 1] on the film's pixels; None without one."""
    return _heat(image.digest, card.name, card.sha256, sex, "attention", image)


def occlusion(
    card: ModelCard, image: Radiograph, sex: str | None, progress: Progress
) -> FloatArray:
    """Change of the answer in months where a patch is hidden, (H, W) on the film's pixels.

    The last map is kept for the session.
    """
    return kept(
        "occlusion",
        (image.digest, card.sha256, sex),
        lambda: _network().occlusion(load_card(PAGE, card.name), image, sex, progress),
    )


def kept(name: str, key: tuple[Any, ...], make: Callable[[], Answer]) -> Answer:
    """What `make` returns, made again only when the key changes; the last one stays.

    A cached function of Streamlit's cannot do it: it replays what was drawn while it ran, and
    fails where that was a progress bar from outside.
    """
    state = f"{PAGE}_kept_{name}"
    if state not in st.session_state or st.session_state[state][0] != key:
        st.session_state[state] = (key, make())
    found: Answer = st.session_state[state][1]
    return found


@st.cache_data(max_entries=24, scope="session", show_spinner="Running the steps …")
def _pipeline_steps(
    digest: str,
    pipeline: str,
    changed: Changed,
    skip: tuple[str, ...],
    _image: Radiograph,
) -> list[Step]:
    return run_stages(_image.pixels, stages_of(pipeline, **dict(changed)), skip=skip)


def pipeline_steps(
    pipeline: str, image: Radiograph, changed: Mapping[str, Any], skip: Sequence[str]
) -> list[Step]:
    """A published pipeline on a film; after a stage that failed the list ends.

    Raises:
        WeightsError: If the hand finder's weights are missing or not those of the card.
    """
    parameters = tuple(sorted(changed.items()))
    return _pipeline_steps(image.digest, pipeline, parameters, tuple(sorted(skip)), image)


def trained_on(pipeline: str) -> ModelCard | None:
    """The card of a network that was trained on a pipeline's pictures, or None."""
    cards = (card for card in task_cards(PAGE) if "months" in card.labels)
    return next((card for card in cards if pipelines_of(card)[0] == pipeline), None)


def of_picture(card: ModelCard, picture: NDArray[Any], sex: str | None) -> BoneAge:
    """A model's answer to a pipeline's picture, uint8 or in [0, 1], through its own steps."""
    scale = np.float32(255 if picture.dtype == np.uint8 else 1)
    pixels = np.clip(picture.astype(np.float32) / scale, 0, 1)
    return estimate(card, Radiograph(pixels, digest_of(pixels)), sex)


def known_months(case: Case) -> float | None:
    """The case's known bone age, or None."""
    months: Any = case.truth.get("age_months")
    return None if months is None else float(months)
