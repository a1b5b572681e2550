"""Hands in the lab: a film with its regions and landmarks, and the months that the model tells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.augment.labels import Labels, Moved
from core.augment.report import Measure
from core.bone_age.growth import years_and_months
from core.images import Radiograph, digest_of
from core.phantoms.hand.phantom import HandPhantom
from core.plots.draw import windowed, with_heat
from models.bone_age.predict import estimate, months_of_films
from pages.shared.inputs import Case
from pages.tasks.augmentation import subjects as augmentation_subjects
from pages.tasks.augmentation.models import Answering, Cards, Figures, Looked, Stopped
from pages.tasks.augmentation.subjects import Subject
from pages.tasks.bone_age import loaders as bone_age_loaders
from pages.tasks.bone_age import sidebar as bone_age_inputs

KEYS = ("augmentation_hand", bone_age_inputs.PAGE)


def hand() -> Subject | None:
    """A hand radiograph; of a phantom with its regions, landmarks and outline."""
    return augmentation_subjects.film("hand", "bone_age", bone_age_inputs.phantom, _hand_of)


def _hand_of(case: Case) -> Subject:
    image, drawn = case.image, _drawn(case)
    labels, words = Labels(), "nothing is known of its regions; the age alone is followed"
    if drawn is not None:
        boxes = np.array(list(drawn.regions.values()), np.float32).reshape(-1, 4)
        names = tuple(name.replace("_", " ") for name in drawn.regions)
        labels = Labels(boxes, names, {"hand": drawn.mask}, drawn.landmarks)
        words = "the phantom’s own regions, landmarks and outline"
    sex = case.truth.get("sex") or _asked_sex()
    known = {"sex": sex, "age_months": case.truth.get("age_months")}
    return Subject(
        "hand", image.pixels, labels, image.digest, case.words or image.title, words,
        image.spacing_mm, image.laterality, known=known, notes=image.notes,
        is_public=image.is_public,
    )  # fmt: skip


def _drawn(case: Case) -> HandPhantom | None:
    """The phantom behind a case, of the sidebar here or on its own page; else None."""
    if case.origin != "Phantom":
        return None
    for key in KEYS:
        found = bone_age_inputs.simulated(bone_age_inputs.current_phantom(key))
        if found.image.digest == case.image.digest:
            return found
    return None


def _asked_sex() -> str | None:
    with st.sidebar:
        names = {"F": "Female", "M": "Male", None: "Unknown"}
        return st.selectbox(
            "Sex given to the model", list(names), 2, format_func=lambda sex: names[sex],
            key="augmentation_hand_sex", persist_state="session",
        )  # fmt: skip


def answering(subject: Subject, cards: Cards) -> Answering:
    """The bone-age model; a batch at a time.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    card = cards["age"]
    model = bone_age_loaders.model(card)
    sex, truth = subject.known["sex"], subject.known["age_months"]

    def answer(many: Sequence[Moved], stopped: Stopped) -> list[Figures]:
        films = [moved.pixels for moved in many]
        months = months_of_films(model, films, [sex] * len(many))
        return [{"months": float(one)} for one in months]

    def look(moved: Moved) -> Looked:
        image = Radiograph(moved.pixels, digest_of(moved.pixels))
        found = estimate(model, image, sex)
        picture, heat = windowed(moved.pixels), found.attention(image.shape)
        if heat is not None:
            picture = with_heat(picture, np.clip(heat, 0, 1), 0.6)
        return Looked(picture, f"bone age {years_and_months(found.months)}")

    level = "" if truth is None else "simulated age"
    better = "same" if truth is None else "level"
    measure = Measure("months", "Bone age", "months", better, None, truth, level, digits=0)
    return Answering((measure,), answer, look, card, batch=12)
