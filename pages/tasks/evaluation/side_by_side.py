"""Two models on the same cases: each one's figures, and the paired difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from core.glossary import GLOSSARY
from core.metrics.paired import Paired, is_same
from pages.tasks.evaluation.shared import Answers

TITLE = "Two models on the same cases"


def common(first: Answers, second: Answers) -> tuple[Answers, Answers]:
    """Both models' answers to the cases that both answered, in one order."""
    shared = set(first.rows["file"]) & set(second.rows["file"])
    files = [file for file in first.rows["file"] if file in shared]

    def of(one: Answers) -> Answers:
        rows = one.rows.set_index("file").loc[files].reset_index()
        return replace(one, rows=rows, question=f"{one.question} both")

    return of(first), of(second)


def show(
    rows: Sequence[Paired], titles: tuple[str, str], n: int, cases: str, note: str = ""
) -> pd.DataFrame:
    """The comparison as a table, and as it goes into a report.

    Args:
        rows: Figures; those that are the same for both are left out where others are not.
        titles: Of both models.
        n: Cases that both answered.
        cases: What they are ("films").
        note: What is left out.
    """
    st.markdown(f"##### {TITLE}")
    st.caption(
        f"1: {titles[0]}. 2: {titles[1]}. {n:,} {cases} that both answered. Difference: 2 minus "
        "1 on the same cases, with its 95 % interval (areas by DeLong, all else by bootstrap over "
        f"the cases). {note}"
    )
    found = table([row for row in rows if not is_same(row)] or rows)
    if found.empty:
        st.info("Nothing can be compared: the answers have no figure in common.")
        return found
    st.dataframe(
        found,
        hide_index=True,
        height="content" if len(found) <= 12 else 460,
        alt=f"{titles[0]} against {titles[1]}: figures with paired differences.",
        column_config={"95 % interval": st.column_config.TextColumn(help=GLOSSARY["interval"])},
    )
    return found


def table(rows: Sequence[Paired]) -> pd.DataFrame:
    """Rows as the screen has them."""
    return pd.DataFrame(
        [
            {
                "figure": row.name,
                "1": _number(row.first, row.style),
                "2": _number(row.second, row.style),
                "difference": _number(row.difference.value, f"+{row.style}"),
                "95 % interval": _span(row),
                "n": row.difference.n,
                "verdict": verdict(row),
            }
            for row in rows
        ]
    )


def verdict(row: Paired) -> str:
    """Which model is better, as far as the interval says it."""
    if is_same(row):
        return "the same"
    if row.more is None and row.is_decided:
        return "they differ"
    return ("cannot be decided", "1 is better", "2 is better")[row.better]


def _number(value: float, style: str) -> str:
    return "–" if math.isnan(value) else format(value, style)


def _span(row: Paired) -> str:
    one = row.difference
    if math.isnan(one.low):
        return "no interval"
    return f"{one.low:+{row.style}} to {one.high:+{row.style}}"
