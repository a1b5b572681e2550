"""Charts with their numbers behind them, and tables to choose from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.plots.table import table_of


def chart(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    beside: Callable[[], None] | None = None,
    **named: Any,
) -> Any:
    """A Plotly chart, and a button below it that opens its numbers as a table.

    Args:
        key: Of the chart.
        alt: The chart in words; the table's too.
        beside: Draws what stands beside that button.
        named: As `st.plotly_chart` takes them.

    Returns:
        What was selected, where `named` asks for it.
    """
    state = st.plotly_chart(figure, key=key, alt=alt, **named)
    table = table_of(figure)
    with st.container(horizontal=True, vertical_alignment="center"):
        if table is not None:
            with st.popover(
                "Show as table", type="tertiary", icon=":material/table:", key=f"{key}_numbers"
            ):
                st.dataframe(table, hide_index=True, alt=f"The numbers of the chart: {alt}")
        if beside is not None:
            beside()
    return state


def chosen_row(table: pd.DataFrame, key: str, alt: str, most: int = 8) -> int | None:
    """A table of which one row may be chosen, which runs the page anew; the chosen one.

    Args:
        most: Rows up to which it shows all of them at once.
    """
    state = st.dataframe(
        table,
        hide_index=True,
        height="content" if len(table) <= most else 360,
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        alt=alt,
    )
    places = state["selection"]["rows"]
    return places[0] if places and places[0] < len(table) else None
