"""What the tasks' questions have in common: the film's frame, confidence and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.plots import draw
from core.practice.answers import Answer
from core.practice.cases import Case
from core.practice.sources import PhantomSource
from pages.tasks.practice.film import Film, Layer, Style

NAMES = {"first": "You", "final": "You, after the model", "model": "Model"}


@dataclass(frozen=True, eq=False)
class Choice:
    """A button that keeps an answer: its words, its key, and the answer; None cannot be kept."""

    label: str
    key: str
    answer: Answer | None


@dataclass(frozen=True, eq=False)
class Seat:
    """Where and under which name a case is read.

    Attributes:
        name: Begins the keys of its widgets; says nothing of the case.
        title: "Case 3 of 20".
        left, right: Containers for the film and for the question.
        start: The answer to begin with: the first one, where it may be changed.
        model: The model's answer where it may be seen.
    """

    name: str
    title: str
    left: Any
    right: Any
    start: Answer | None = None
    model: Answer | None = None


def film_of(case: Case, seat: Seat, layers: tuple[Layer, ...] = (), locked: bool = False) -> Film:
    """The case's film as the browser gets it."""
    film = case.film
    return Film(
        name=seat.name,
        picture=draw.windowed(film.pixels),
        alt=f"{seat.title}: the film to read",
        spacing_mm=film.spacing_mm,
        side=None if isinstance(case.source, PhantomSource) else film.laterality,  # has its letter
        layers=layers,
        locked=locked,
    )


def revealed(
    truth: tuple[Layer, ...],
    answers: Mapping[str, Answer],
    layers_of: Callable[[Style, Answer], tuple[Layer, ...]],
) -> tuple[Layer, ...]:
    """Truth, model and the reader's last answer on one film."""
    model = layers_of("model", answers["model"]) if "model" in answers else ()
    own = answers.get("final", answers.get("first"))
    return truth + model + (layers_of("you", own) if own is not None else ())


def the_model_says(seat: Seat, in_words: Callable[[Answer], str]) -> None:
    """The model's answer, where it may be seen."""
    if seat.model is not None:
        st.info(f"The model says: {in_words(seat.model)}.", icon=":material/smart_toy:")


def confidence(
    seat: Seat, label: str = "How sure are you of this answer?", part: str = ""
) -> float:
    """The reader's confidence, 0 to 100."""
    start = seat.start.confidence if seat.start is not None else 50.0
    return float(
        st.slider(
            label,
            0,
            100,
            round(start),
            format="%d %%",
            key=f"{seat.name}_confidence{part}",
            help="0: guessed, 100: certain. It makes your ROC curve and your calibration.",
        )
    )


def answered(answers: Mapping[str, Answer]) -> list[tuple[str, Answer]]:
    """Whose answers there are, in words, in the order of their giving."""
    return [(NAMES[who], answers[who]) for who in NAMES if who in answers]
