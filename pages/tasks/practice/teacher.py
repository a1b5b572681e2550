"""Readers of a series compared: ROC curves together, the cases most got wrong, agreement."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.practice import tables
from core.practice.series import Series
from pages.shared import charts, views
from pages.tasks.practice import kept, outcomes, plots
from pages.tasks.practice.questions import OF_TASK


def show(series: Series) -> None:
    """The teacher's view; it tells what is true of every case, so it is asked for."""
    st.warning(
        "For teachers: this shows what is true of the cases, also of those that you have not "
        "read. Neither this page nor a nickname is protected by a password.",
        icon=":material/school:",
    )
    if not st.toggle("Show the comparison", key=f"practice_teacher_{series.key}"):
        return
    names = kept.store().readers(series.key)
    if not names:
        st.info(f"Nobody has read “{series.title}” yet.")
        return
    chosen = st.multiselect(
        "Readers", names, default=names[:6], key=f"practice_readers_{series.key}_{len(names)}"
    )
    readings = [one for one in kept.store().readings(series.key) if one.reader in chosen]
    if not readings:
        return
    found = outcomes.with_model(series, readings)
    offered = ["Wrong answers", *plots.offered(found)]
    if "ROC" in offered:
        offered = ["ROC", *[name for name in offered if name != "ROC"]]
    name = st.segmented_control(
        "Plot", offered, default=offered[0], required=True, key=f"practice_compare_{series.task}"
    )
    left, right = views.pair("readers", [3, 2])
    with left:
        point = plots.show("practice_compare", name, found)
    with right:
        picked = _cases(tables.cases_table(found))
    with st.expander("Figures of all readers"):
        outcomes.figures_beside(found.everyone)
    with st.expander("Agreement between readers"):
        _agreement(tables.agreement_table(found))
    case = outcomes.latest("practice_compare", point, picked)
    if case is not None:
        readers = [
            one for one in chosen if any((r.case, r.reader) == (case, one) for r in readings)
        ]
        reader = st.selectbox("Marks of", readers, key=f"practice_marks_{case}")
        outcomes.case_again(series, case, readings, reader)
        question = OF_TASK[series.task]
        rows = [
            (one.reader, one.round, question.in_words(one.answer), one.verdict.right)
            for one in readings
            if one.case == case
        ]
        st.dataframe(
            pd.DataFrame(rows, columns=["reader", "round", "answer", "right"]),
            hide_index=True,
            alt="What every reader answered to this case.",
        )


def _cases(table: pd.DataFrame) -> str | None:
    """The cases, those that most got wrong first; the key of the chosen one."""
    st.markdown("**Cases by how many got them wrong.** Choose one to open it.")
    shown = table.rename(columns={"number": "case no.", "median_seconds": "median s"})
    shown["wrong"] = [f"{w} of {n}" for w, n in zip(table["wrong"], table["readers"], strict=True)]
    shown["median s"] = shown["median s"].round(1)
    shown["model"] = [{True: "right", False: "wrong"}.get(one, "–") for one in table["model_right"]]
    alt = "Cases with how many readers got them wrong and whether the model was right."
    columns = ["case no.", "wrong", "model", "median s"]
    chosen = charts.chosen_row(shown[columns], "practice_compare_cases", alt)
    return None if chosen is None else str(table["case"].iloc[chosen])


def _agreement(table: pd.DataFrame) -> None:
    """Kappas in a table."""
    if table.empty:
        st.caption("Needs two readers who read the same cases; bone ages have no kappa.")
        return
    st.dataframe(
        table.rename(columns={"what": "finding"})
        if table["what"].any()
        else table.drop(columns="what"),
        hide_index=True,
        column_config={"kappa": st.column_config.NumberColumn(format="%.2f")},
        alt="Agreement of every two readers and of all.",
    )
    st.caption(
        "Kappa is agreement beyond chance: 0 is what chance gives, 1 is complete. Cohen's for two "
        "readers, Fleiss' for all; both on the cases that all of them read."
    )
