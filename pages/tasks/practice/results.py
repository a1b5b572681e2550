"""Results: a reader's own figures and plots, every case again, and all readers compared."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from core.practice import tables, transfer
from core.practice.judging import RULES
from core.practice.results import Results, figures
from core.practice.series import Series
from pages.shared import charts, views
from pages.shared.views import Download, Figure
from pages.tasks.practice import data, kept, outcomes, plots, teacher

VIEWS = ("My results", "Compare readers", "Kept data")


def show(series: Series | None) -> None:
    """One of the three views."""
    view = views.segments("Results of", VIEWS, "practice_view")
    if view == VIEWS[2]:
        data.show()
    elif series is None:
        return
    elif view == VIEWS[0]:
        _own(series, kept.nickname())
    else:
        teacher.show(series)


def _own(series: Series, reader: str) -> None:
    """What one reader has done, as far as the truth may be shown."""
    if not reader:
        st.info("Read a case first, or enter your nickname in Read: results are kept under it.")
        return
    readings = kept.store().readings(series.key, reader)
    shown = outcomes.may_be_shown(series, readings)
    if not shown:
        if readings and series.reveal == "end":
            count = len({one.case for one in readings})
            st.info(
                f"The truth of this series is shown when all are read: {count} of "
                f"{len(series.cases)} so far."
            )
        else:
            st.info(f"{reader} has finished no case of “{series.title}” yet.")
        return
    found = outcomes.with_model(series, shown)
    _figures(found)
    names = plots.offered(found)
    name = st.segmented_control(
        "Plot", names, default=names[0], required=True, key=f"practice_plot_{series.task}"
    )
    left, right = views.pair("results", [3, 2])
    with left:
        chosen = plots.show("practice_own", name, found)
    with right:
        st.markdown("**Your cases.** Choose one to open it again.")
        picked = _cases(found)
        cases = {one.case for one in shown}
        table = partial(transfer.export_csv, kept.store(), series.key, reader, cases)
        file = Download("Every reading (CSV)", f"readings_{series.key}.csv", table)
        views.download("practice_csv", file)
    outcomes.case_again(series, outcomes.latest("practice_own", chosen, picked), shown)


def _figures(results: Results) -> None:
    """The figures of the reader in a row, then beside the model's."""
    first = figures(results.readers[0])
    views.metric_strip(
        [
            Figure(name[:1].upper() + name[1:], *_apart(tables.worded(name, estimate)))
            for name, estimate in list(first.items())[:5]
        ]
    )
    st.caption(
        f"{RULES[results.series.task]} Below each figure: its 95 % interval, exact for shares."
    )
    if len(results.everyone) > 1:
        with st.expander("Beside the model"):
            outcomes.figures_beside(results.everyone)


def _apart(words: str) -> tuple[str, str, str]:
    """Value, glossary term and note of a figure with its interval."""
    value, _, interval = words.partition(" (")
    return value, "", interval.rstrip(")")


def _cases(results: Results) -> str | None:
    """The cases in a table; the key of the chosen one."""
    first = results.readers[0]
    rows = [
        {
            "case": number,
            "right": "✓" if verdict.right else "✗",
            "answer": tables.answer_words(first.answers[key]),
            "seconds": round(first.seconds[key]),
        }
        for number, (key, verdict) in enumerate(first.verdicts.items(), start=1)
    ]
    alt = "Table of the cases that were read, in the order of reading."
    chosen = charts.chosen_row(pd.DataFrame(rows), "practice_own_cases", alt)
    return None if chosen is None else list(first.verdicts)[chosen]
