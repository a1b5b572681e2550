"""Chest: findings with a confidence each, and the lines of the cardiothoracic ratio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import streamlit as st

from core.percent import percent
from core.practice.answers import Answer, ChestAnswer
from core.practice.cases import Case
from core.practice.truths import Box, ChestTruth
from pages.tasks.practice import film as films
from pages.tasks.practice.film import Layer, Line, Shape, Style
from pages.tasks.practice.questions import shared
from pages.tasks.practice.questions.shared import Choice, Seat


def ask(case: Case, seat: Seat) -> list[Choice]:
    """Draw the film and the question; the answers that can be kept now."""
    start = cast(ChestAnswer | None, seat.start)
    layers = () if seat.model is None else layers_of("model", seat.model)
    with seat.left:
        placed = films.lines(
            shared.film_of(case, seat, layers),
            key=f"{seat.name}_film",
            fresh=_fresh(case),
            placed=_placed(start.lines) if start and start.lines else None,
        )
    with seat.right:
        st.markdown("**Which findings are there?** Tick each, and say how sure you are of it.")
        shared.the_model_says(seat, in_words)
        ticked = _findings(case, seat, start)
        lines = _lines(placed)
        st.caption(
            "Cardiothoracic ratio (optional): move the ends of both lines on the film, by "
            "pointer or arrow keys. "
            + ("Both lines are placed." if lines else "Not placed: it is not kept.")
        )
        sure = shared.confidence(seat, "How sure are you of the whole answer?")
    named = ChestAnswer(ticked, lines, confidence=sure) if ticked else None
    none = None if ticked else ChestAnswer({}, lines, confidence=sure)
    count = f"{len(ticked)} finding{'s' if len(ticked) != 1 else ''}"
    return [Choice(f"Keep {count}", "K", named), Choice("No finding", "N", none)]


def _findings(case: Case, seat: Seat, start: ChestAnswer | None) -> dict[str, float]:
    """What is ticked, with its confidence."""
    known = start.findings if start else {}
    ticked = st.pills(
        "Findings",
        case.findings,
        selection_mode="multi",
        default=list(known),
        format_func=spelled,
        key=f"{seat.name}_findings",
        label_visibility="collapsed",
        wrap=True,
    )
    return {
        name: float(
            st.slider(
                spelled(name),
                0,
                100,
                round(known.get(name, 50)),
                format="%d %%",
                key=f"{seat.name}_finding_{name}",
            )
        )
        for name in case.findings
        if name in ticked
    }


def spelled(finding: str) -> str:
    """A label as the screen has it."""
    return finding.replace("_", " ").capitalize()


def _fresh(case: Case) -> list[Line]:
    """Where the lines wait: the same place on every film."""
    height, width = case.film.shape
    return [
        {"name": "heart", "x0": 0.4 * width, "x1": 0.6 * width, "y": 0.9 * height},
        {"name": "chest", "x0": 0.3 * width, "x1": 0.7 * width, "y": 0.95 * height},
    ]


def _placed(lines: Mapping[str, Box]) -> list[Line]:
    return [
        {"name": name, "x0": x0, "x1": x1, "y": y, "placed": True}
        for name, (x0, y, x1, _) in lines.items()
    ]


def _lines(placed: list[Line]) -> dict[str, Box] | None:
    """The lines once both were moved."""
    if not all(line.get("placed") for line in placed):
        return None
    return {
        str(line["name"]): (
            float(line["x0"]),
            float(line["y"]),
            float(line["x1"]),
            float(line["y"]),
        )
        for line in placed
    }


def layers_of(style: Style, answer: Answer) -> tuple[Layer, ...]:
    """An answer's lines on the film."""
    lines = cast(ChestAnswer, answer).lines
    return (Layer(style, _shapes(style, lines)),) if lines else ()


def _shapes(style: Style, lines: Mapping[str, Box]) -> tuple[Shape, ...]:
    return tuple(
        Shape(f"{name}, {style}", line=(x0, x1, y)) for name, (x0, y, x1, _) in lines.items()
    )


def reveal(case: Case, seat: Seat, answers: Mapping[str, Answer]) -> None:
    """The film with the lines of all three."""
    truth = cast(ChestTruth, case.truth)
    lines = (Layer("truth", _shapes("truth", truth.lines)),) if truth.lines else ()
    layers = shared.revealed(lines, answers, layers_of)
    with seat.left:
        films.look(shared.film_of(case, seat, layers, locked=True), key=f"{seat.name}_film")


def in_words(answer: Answer) -> str:
    """An answer as a table has it."""
    found = cast(ChestAnswer, answer)
    chances = found.probabilities or {n: sure / 100 for n, sure in found.findings.items()}
    named = [f"{spelled(name)} {percent(chances.get(name, 0))}" for name in found.findings]
    ratio = found.ctr
    return (", ".join(named) or "no finding") + (f"; CTR {ratio:.2f}" if ratio else "")


def truth_in_words(case: Case) -> str:
    """The truth as a table has it."""
    truth = cast(ChestTruth, case.truth)
    named = ", ".join(spelled(name) for name in truth.present) or "no finding"
    return named + (f"; CTR {truth.ctr:.2f}" if truth.ctr is not None else "")
