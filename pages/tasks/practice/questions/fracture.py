"""Fracture: boxes on the film, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import streamlit as st

from core.percent import percent
from core.practice.answers import Answer, FractureAnswer
from core.practice.cases import Case
from core.practice.truths import FractureTruth
from pages.tasks.practice import film as films
from pages.tasks.practice.film import Layer, Shape, Style
from pages.tasks.practice.questions import shared
from pages.tasks.practice.questions.shared import Choice, Seat

HELP = (
    "Drag on the film to draw a box; drag it or a corner to change it. By keyboard: *Add box* "
    "(B on the film), Tab between box and corners, arrow keys (with Shift ten pixels), Delete."
)


def ask(case: Case, seat: Seat) -> list[Choice]:
    """Draw the film and the question; the answers that can be kept now."""
    start = cast(FractureAnswer | None, seat.start)
    layers = () if seat.model is None else layers_of("model", seat.model)
    with seat.left:
        drawn = films.boxes(
            shared.film_of(case, seat, layers),
            key=f"{seat.name}_film",
            drawn=start.boxes_xyxy if start else (),
        )
    with seat.right:
        st.markdown("**Is there a fracture?** Box each one, or say that there is none.")
        st.caption(HELP)
        shared.the_model_says(seat, in_words)
        sure = shared.confidence(seat)
        scores: tuple[float, ...] = ()
        if len(drawn) > 1:
            scores = tuple(
                float(
                    st.slider(
                        f"Box {number}",
                        0,
                        100,
                        round(sure),
                        format="%d %%",
                        key=f"{seat.name}_box_{number}",
                        help="How sure you are of this box; it makes the free-response curve.",
                    )
                )
                for number in range(1, len(drawn) + 1)
            )
    boxes = tuple((box[0], box[1], box[2], box[3]) for box in drawn)
    boxed = FractureAnswer(boxes, sure, scores) if boxes else None
    words = f"Keep {len(boxes)} box{'es' if len(boxes) != 1 else ''}"
    return [
        Choice(words, "K", boxed),
        Choice("No fracture", "N", None if boxes else FractureAnswer((), sure)),
    ]


def layers_of(style: Style, answer: Answer) -> tuple[Layer, ...]:
    """An answer's boxes on the film."""
    found = cast(FractureAnswer, answer)
    words = [style] * len(found.boxes_xyxy)
    if style == "model":
        words = [f"model {score:.0f} %" for score in found.ratings]  # type: ignore[misc]
    shapes = (Shape(w, box=box) for w, box in zip(words, found.boxes_xyxy, strict=True))
    return (Layer(style, tuple(shapes)),)


def reveal(case: Case, seat: Seat, answers: Mapping[str, Answer]) -> None:
    """The film with all three answers."""
    truth = cast(FractureTruth, case.truth)
    shapes = [Shape("truth", box=box) for box in truth.boxes_xyxy]
    shapes += [Shape("", outline=corners) for corners in truth.polygons or ()]
    layers = shared.revealed((Layer("truth", tuple(shapes)),), answers, layers_of)
    with seat.left:
        films.boxes(shared.film_of(case, seat, layers, locked=True), key=f"{seat.name}_film")


def in_words(answer: Answer) -> str:
    """An answer as a table has it."""
    found = cast(FractureAnswer, answer)
    count = len(found.boxes_xyxy)
    if found.probability is not None:
        boxes = f"{count} box{'es' if count != 1 else ''}" if count else "no box"
        return f"{boxes}, highest score {percent(found.probability)}"
    said = f"fracture, {count} box{'es' if count != 1 else ''}" if count else "no fracture"
    return f"{said}, {found.confidence:.0f} % sure"


def truth_in_words(case: Case) -> str:
    """The truth as a table has it."""
    count = len(cast(FractureTruth, case.truth).boxes_xyxy)
    return f"fracture, {count} box{'es' if count != 1 else ''}" if count else "no fracture"
