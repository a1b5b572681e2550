"""Read: one case after the other; the answer is kept first and the truth shown after."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import streamlit as st

from core.errors import ImagingError
from core.practice.answers import Answer
from core.practice.cases import Case
from core.practice.series import Series
from core.practice.store import Turn
from pages.shared import views
from pages.tasks.practice import kept, model_answers, reveal
from pages.tasks.practice.questions import OF_TASK
from pages.tasks.practice.questions.shared import Choice, Seat

SHOWN = "practice_shown"
"""Session state: (series, reader, index) of the case whose truth is on the screen."""


def show(series: Series) -> None:
    """The case to read now, the truth of the one just kept, or the end."""
    reader = kept.nickname()
    shown = st.session_state.get(SHOWN)
    if shown is not None and shown[:2] == (series.key, reader):
        _show_truth(series, reader, shown[2])
        return
    turn = _turn(series, reader)
    if turn is None:
        _finished(series)
        return
    case = kept.case(series.task, series.cases[turn.index])
    _ask(series, reader, turn, case)


def _turn(series: Series, reader: str) -> Turn | None:
    """What is read next; before a nickname is given, any case, and this one stays."""
    state = f"practice_first_{series.key}"
    if not reader:
        if state not in st.session_state:
            drawn = int(np.random.default_rng().integers(len(series.cases)))
            st.session_state[state] = drawn if series.order == "shuffled" else 0
        return Turn(st.session_state[state], 1, 0)
    turn = kept.store().next_turn(reader, series)
    first = st.session_state.get(state)
    if turn is None or first is None or turn.done or turn.round > 1:
        st.session_state.pop(state, None)
        return turn
    return Turn(first, 1, 0)  # the case on the screen when the nickname was given


def _seat(series: Series, index: int, done: int, left: Any, right: Any, **more: Any) -> Seat:
    # A reader who takes another's place in this session does not find their drawings.
    sitting = st.session_state.get("practice_sitting", 0)
    name = f"practice_{series.key}_{index}_{sitting}"
    return Seat(name, f"Case {done + 1} of {len(series.cases)}", left, right, **more)


def _ask(series: Series, reader: str, turn: Turn, case: Case) -> None:
    """The film and the question, and the buttons that keep an answer."""
    left, right = st.columns([2, 1], gap="medium")
    first, model = None, None
    if turn.round == 2:
        readings = kept.store().readings(series.key, reader)
        first = next(one.answer for one in readings if one.case == case.key)
        model = _model_answer(case, right)
    seat = _seat(series, turn.index, turn.done, left, right, start=first, model=model)
    with right:
        st.progress(turn.done / len(series.cases), seat.title)
        if turn.round == 2:
            st.markdown("Your first answer is kept. **Change it, or keep it as it is.**")
    choices = OF_TASK[series.task].ask(case, seat)
    began = st.session_state.setdefault(f"{seat.name}_began_{turn.round}", time.monotonic())
    with right:
        pressed = _buttons(seat, choices, turn.round, reader)
        if case.credit:
            st.caption(case.credit)
    if pressed is not None:
        with right:
            _keep(series, reader, turn, case, pressed, time.monotonic() - began, model)


def _buttons(seat: Seat, choices: list[Choice], round: int, reader: str) -> Answer | None:
    """The answer that was pressed to be kept, or None."""
    pressed = None
    if not reader:
        entered = st.text_input(
            "Nickname",
            key="practice_nickname",
            max_chars=40,
            placeholder="any word that names nobody",
            help="Your answers are kept under it on this computer. No e-mail address, no name.",
        )
        if entered:
            kept.name_reader(entered)
            if "practice_refused" not in st.session_state:
                st.rerun()
            st.error(st.session_state.pop("practice_refused"))
        st.caption("Enter a nickname, then your answer can be kept.")
    with st.container(horizontal=True):
        for choice in choices:
            word = choice.label if round == 1 else f"{choice.label} (final)"
            if st.button(
                word,
                key=f"{seat.name}_keep_{choice.key}",
                type="primary" if choice.answer is not None and reader else "secondary",
                shortcut=choice.key,
                disabled=choice.answer is None or not reader,
            ):
                pressed = choice.answer
    return pressed


def _keep(
    series: Series,
    reader: str,
    turn: Turn,
    case: Case,
    answer: Answer,
    seconds: float,
    model: Answer | None,
) -> None:
    """Keep the answer; only then say so, and go on."""
    name = "" if model is None else model_answers.card_of(case.task).name
    try:
        kept.store().keep(
            reader,
            series,
            case,
            answer,
            seconds=max(seconds, 0.0),
            round=turn.round,
            model=name,
            model_answer=model,
        )
    except ImagingError as err:
        st.error(f"Not kept. {err}", icon=":material/error:")
        return
    st.session_state.pop(f"practice_first_{series.key}", None)
    st.toast(f"Kept: your answer to case {turn.done + 1}.", icon=":material/check:")
    last_round = 2 if series.mode == "aided" else 1
    if series.reveal == "each" and turn.round == last_round:
        st.session_state[SHOWN] = (series.key, reader, turn.index)
    st.rerun()


def _model_answer(case: Case, place: Any) -> Answer | None:
    """The model's answer to a case, kept for the results; None where a sentence says why."""
    with place, st.spinner("The model is reading …"):
        return views.show_error(lambda: model_answers.kept_answer(case))


def _show_truth(series: Series, reader: str, index: int) -> None:
    """All three answers to the case just kept."""
    case = kept.case(series.task, series.cases[index])
    left, right = st.columns([2, 1], gap="medium")
    turn = kept.store().next_turn(reader, series)
    done = len(series.cases) if turn is None else turn.done
    seat = _seat(series, index, done - 1, left, right)
    with right:
        st.progress(done / len(series.cases), f"{seat.title}: kept")
        st.button(
            "Next case" if turn is not None else "Finish",
            key=f"{seat.name}_next",
            shortcut="Enter",
            type="primary",
            on_click=lambda: st.session_state.pop(SHOWN, None),
        )
    readings = [one for one in kept.store().readings(series.key, reader) if one.case == case.key]
    reveal.show(case, seat, readings, _model_answer(case, right))


def _finished(series: Series) -> None:
    """What is said when all cases are read."""
    st.success(
        f"All {len(series.cases)} cases of this series are read. Results shows what you got "
        "right, beside the model, and opens every case again.",
        icon=":material/task_alt:",
    )
