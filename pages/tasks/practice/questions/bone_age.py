"""Bone age: years and months, with the sex given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import streamlit as st

from core.bone_age.growth import years_and_months as age_in_words
from core.practice.answers import Answer, BoneAgeAnswer
from core.practice.cases import Case
from core.practice.judging import BONE_AGE_MONTHS
from core.practice.truths import BoneAgeTruth
from pages.tasks.practice import film as films
from pages.tasks.practice.questions import shared
from pages.tasks.practice.questions.shared import Choice, Seat

SEXES = {"F": "girl", "M": "boy", None: "sex unknown"}


def ask(case: Case, seat: Seat) -> list[Choice]:
    """Draw the film and the question; the answers that can be kept now."""
    start = cast(BoneAgeAnswer | None, seat.start)
    with seat.left:
        films.look(shared.film_of(case, seat), key=f"{seat.name}_film")
    with seat.right:
        st.markdown(f"**How old are these bones?** The hand of a **{SEXES[case.sex]}**.")
        whole = round(start.months) if start else None
        left, right = st.columns(2)
        years = left.number_input(
            "Years", 0, 24, None if whole is None else whole // 12, key=f"{seat.name}_years"
        )
        months = right.number_input(
            "Months", 0, 11, 0 if whole is None else whole % 12, key=f"{seat.name}_months"
        )
        shared.the_model_says(seat, in_words)
        sure = shared.confidence(
            seat, f"How sure are you to be within {BONE_AGE_MONTHS:.0f} months?"
        )
    kept = None if years is None else BoneAgeAnswer(float(12 * years + months), sure)
    return [Choice("Keep my answer", "K", kept)]


def reveal(case: Case, seat: Seat, answers: Mapping[str, Answer]) -> None:
    """The film; the ages stand beside it."""
    with seat.left:
        films.look(shared.film_of(case, seat, locked=True), key=f"{seat.name}_film")


def in_words(answer: Answer) -> str:
    """An answer as a table has it."""
    found = cast(BoneAgeAnswer, answer)
    return f"{age_in_words(found.months)}, {found.confidence:.0f} % sure"


def truth_in_words(case: Case) -> str:
    """The truth as a table has it."""
    return age_in_words(cast(BoneAgeTruth, case.truth).months)
