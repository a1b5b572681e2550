"""Published experiments repeated: every run, the mean of its setting, and what they decide."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.glossary import GLOSSARY
from core.metrics.experiments import (
    NAMES,
    Claim,
    beside_published,
    conclusion,
    order_repeats,
    summed,
)
from core.plots import curves
from pages.shared import charts


def show(key: str, table: pd.DataFrame, factor: str = "", claims: Sequence[Claim] = ()) -> None:
    """One factor, or all of a table.

    Args:
        key: Begins the widget keys.
        table: A row a run, as `core.metrics.experiments.summed` reads it.
        factor: What was changed; empty for all.
        claims: What was published of two settings, to stand beside the chart.
    """
    rows = table[table["factor"] == factor] if factor else table
    found, title = summed(table, factor)
    figure = next(name for name in NAMES if NAMES[name] == title)
    runs = [
        (str(name), group[figure].tolist()) for name, group in rows.groupby("setting", sort=False)
    ]
    means = [f"{name} {sum(values) / len(values):.3g}" for name, values in runs]
    left, right = st.columns([3, 2], gap="large")
    with left:
        charts.chart(
            curves.seeds_chart(runs, title),
            key=f"{key}_seeds_{factor}",
            alt=f"{title} by setting, one mark a run; means: {'; '.join(means)}.",
        )
    with right:
        st.write(conclusion(found))
        for claim in claims:
            if said := claim.against(rows):
                st.markdown(f"{claim.words} **{said}**")
    with st.expander("Every setting as a table", icon=":material/table:"):
        st.dataframe(
            summary(found),
            hide_index=True,
            height="content",
            alt="Each setting with its change from the plain one and a 95 % interval.",
            column_config={
                name: st.column_config.NumberColumn(help=GLOSSARY["interval"])
                for name in ("95 % from", "95 % to")
            },
        )


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """A table of `summed` as the screen has it."""
    return found.rename(columns={"low": "95 % from", "high": "95 % to", "says": "result"})


def published(table: pd.DataFrame, claims: Sequence[Claim], noun: str = "claims") -> None:
    """What was published beside what was found here, and first whether the order repeats.

    Args:
        table: As for `show`.
        claims: What was published.
        noun: What to call it.
    """
    st.markdown(f"**{order_repeats(table, claims, noun)}**")
    st.dataframe(
        beside_published(table, claims),
        hide_index=True,
        height="content",
        alt="Each published claim, the change measured here with its 95 % interval, the verdict.",
    )
