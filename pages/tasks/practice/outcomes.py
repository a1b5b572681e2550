"""From kept readings to the screen: what may be shown, the model's answers, a case again."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.practice import tables
from core.practice.answers import Answer
from core.practice.cases import Case
from core.practice.readings import Reading
from core.practice.results import Answers, Results, figures, results_of
from core.practice.series import Series
from core.practice.sources import Source, case_key
from pages.shared import views
from pages.tasks.practice import kept, model_answers, reveal
from pages.tasks.practice.questions.shared import Seat


def may_be_shown(series: Series, readings: Sequence[Reading]) -> list[Reading]:
    """The readings of one reader whose truth may be on the screen: those that are final."""
    last = 2 if series.mode == "aided" else 1
    final = {one.case for one in readings if one.round == last}
    if series.reveal == "end" and len(final) < len(series.cases):
        return []
    return [one for one in readings if one.case in final]


def with_model(series: Series, readings: list[Reading]) -> Results:
    """The results with the model's answers; those that are not kept yet are asked for now."""
    card = model_answers.card_of(series.task)
    known = kept.store().model_answers(series, card.name)
    sources = {case_key(series.task, source): source for source in series.cases}
    missing = [key for key in {one.case: None for one in readings} if key not in known]
    if missing:
        bar = st.progress(0.0, "The model is reading …")
        for number, key in enumerate(missing, start=1):
            answer = views.show_error(_ask_model, series, sources[key])
            if answer is None:
                break  # the same weights or folder would be missing for all
            known[key] = answer
            bar.progress(number / len(missing), f"The model is reading: {number} of {len(missing)}")
        bar.empty()
    return results_of(series, readings, known, card.title)


def _ask_model(series: Series, source: Source) -> Answer:
    return model_answers.kept_answer(kept.case(series.task, source))


def figures_beside(everyone: Sequence[Answers]) -> None:
    """All figures, a column a reader or model."""
    columns = {
        one.label: {name: tables.worded(name, value) for name, value in figures(one).items()}
        for one in everyone
    }
    st.table(pd.DataFrame(columns).fillna("–"))


def latest(key: str, *chosen: str | None) -> str | None:
    """Of several ways to choose a case, the choice that changed last; it stays until another."""
    before = st.session_state.get(f"{key}_choices", (None,) * len(chosen))
    st.session_state[f"{key}_choices"] = chosen
    for now, then in zip(chosen, before, strict=True):
        if now is not None and now != then:
            st.session_state[f"{key}_case"] = now
    found: str | None = st.session_state.get(f"{key}_case")
    return found if any(chosen) else None


def case_again(
    series: Series, key: str | None, readings: Sequence[Reading], reader: str | None = None
) -> None:
    """A case with all three answers, below the plot."""
    source = {case_key(series.task, one): one for one in series.cases}.get(key or "")
    if source is None:
        return
    case = views.show_error(lambda: kept.case(series.task, source))
    if case is None:
        return
    number = series.cases.index(source) + 1
    st.subheader(f"Case {number} of the series", anchor=False)
    own = [one for one in readings if one.case == key and reader in (None, one.reader)]
    left, right = st.columns([2, 1], gap="medium")
    seat = Seat(f"practice_again_{series.key}_{number}_{reader}", f"Case {number}", left, right)
    reveal.show(case, seat, own, model_of(case))


def model_of(case: Case) -> Answer | None:
    """The model's answer to a case; None where a sentence says why."""
    return views.show_error(lambda: model_answers.kept_answer(case))
