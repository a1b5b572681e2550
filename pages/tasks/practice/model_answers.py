"""What the models say of a case, in the same words as a reader; run once a case for the server."""

from __future__ import annotations

import math
from contextlib import suppress

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.chest import ctr
from core.errors import StoreError, UnsuitableInputError
from core.fracture.matching import above
from core.images import Radiograph, Volume
from core.practice.answers import (
    Answer,
    BoneAgeAnswer,
    ChestAnswer,
    FractureAnswer,
    HeadAnswer,
)
from core.practice.cases import Case
from core.practice.judging import BONE_AGE_MONTHS
from core.practice.truths import boxes_of
from models.cards import ModelCard, cards_of, load_card
from models.fracture.settings import detector_settings
from pages.shared import caching
from pages.shared.model_choice import choose
from pages.tasks.practice import kept

CARDS = {
    "fracture": "detector",
    "bone_age": "hand_age",
    "chest": "findings",
    "skull_strip": "unet",
}
Z_90 = 1.645  # half width of a 90 % interval in standard deviations


def choose_model(task: str) -> None:
    """The sidebar's choice of the model that answers beside the readers."""
    with st.sidebar:
        st.divider()
        role = card_of(task).role
        choose("Model beside the readers", task, role, f"practice_model_{task}", (CARDS[task],))


def card_of(task: str) -> ModelCard:
    """The model that answers beside the readers: the one that was chosen, else the usual one."""
    chosen = st.session_state.get(f"practice_model_{task}", CARDS[task])
    usual = load_card(task, CARDS[task])
    known = {card.name: card for card in cards_of(task, usual.role)}
    return known.get(chosen, usual)


def answer(case: Case) -> Answer:
    """The model's answer to a case.

    Raises:
        ImagingError: If weights are missing or not those of the card, or the model cannot read
            the image.
    """
    card = card_of(case.task)
    if case.task == "fracture":
        return _fracture(card, case.film)
    if case.task == "bone_age":
        return _bone_age(card, case.film, case.sex)
    if case.task == "chest":
        return _chest(card, case)
    return _head(card, case)


def kept_answer(case: Case) -> Answer:
    """The model's answer, kept for the results.

    Raises:
        ImagingError: As `answer`.
    """
    found = answer(case)
    try:
        kept.store().keep_model_answer(case, card_of(case.task).name, found)
    except StoreError:
        return found  # nothing is lost: the model can be asked again
    return found


def _fracture(card: ModelCard, film: Radiograph) -> FractureAnswer:
    """Boxes above the detector's operating point; the film's score is that of its best box."""
    from pages.tasks.fracture import loaders

    found = loaders.candidates(card, film).suppressed(detector_settings(card).iou)
    best = float(found.scores[0]) if len(found) else 0.0
    shown = above(found, card.operating_points["fracture"])
    return FractureAnswer(
        boxes_of(shown.boxes_xyxy),
        confidence=100 * max(best, 1 - best),
        box_scores=tuple(100 * float(score) for score in shown.scores),
        probability=best,
    )


def _bone_age(card: ModelCard, film: Radiograph, sex: str | None) -> BoneAgeAnswer:
    """The estimate; its confidence is the chance of a right answer under its interval."""
    from pages.tasks.bone_age import loaders

    found = loaders.estimate(card, film, sex)
    chance = 0.5  # of a model whose error was not measured
    if not math.isnan(found.low_months):
        deviation = max((found.high_months - found.low_months) / 2 / Z_90, 1e-6)
        chance = math.erf(BONE_AGE_MONTHS / deviation / math.sqrt(2))
    return BoneAgeAnswer(min(max(float(found.months), 0.0), 300.0), 100 * chance)


def _chest(card: ModelCard, case: Case) -> ChestAnswer:
    """Findings above their operating points, and the ratio's lines from the outlined organs."""
    from pages.tasks.chest import loaders

    found = loaders.findings(card, case.film)
    asked = [name for name in case.findings if name in found.probabilities]
    lines = None
    with suppress(UnsuitableInputError):  # an organ that is not found gives no ratio
        lines = ctr.measure(loaders.masks(load_card("chest", "heart_lungs"), case.film)).lines
    return ChestAnswer(
        {name: 100 * found.probabilities[name] for name in asked if found.is_above(name)},
        lines,
        {name: found.probabilities[name] for name in asked},
    )


def _head(card: ModelCard, case: Case) -> HeadAnswer:
    """The mask that the model's own mask agrees with where the two differ.

    The confidence is 0 where it agrees with each in half of these voxels, 100 where with one in
    all of them.
    """
    own = np.asarray(_brain(card, case.volume), bool)
    first, second = (np.asarray(case.masks[side], bool) for side in "AB")
    disputed = first != second
    share = float((own == first)[disputed].mean())
    side = "A" if share >= 0.5 else "B"
    other = second if side == "A" else first
    wrong = np.argwhere(disputed & (own != other))
    spot = None
    if len(wrong):
        i, j, k = wrong.mean(axis=0)
        spot = (float(i), float(j), float(k))
    return HeadAnswer(side, 100 * abs(2 * share - 1), spot)


@caching.answer(max_entries=64)
def _brain(card: ModelCard, volume: Volume) -> NDArray[np.uint8]:
    """The model's own mask of a head."""
    from pages.tasks.skull_strip import loaders

    return loaders.segment(card, volume).voxels
