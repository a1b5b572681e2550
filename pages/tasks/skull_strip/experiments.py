"""What was measured on sources of heads that a network has not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.metrics.experiments import BETTER, OPEN, WORSE
from core.metrics.paired import Paired
from core.metrics.statistics import bootstrap_interval
from core.plots.draw import PREDICTION, TRUTH, hex_colour
from core.plots.layout import QUIET, laid_out
from models.cards import load_card
from models.skull_strip import unseen
from models.skull_strip.unseen import EVERY, IXI_ONLY, SHIPS, SOURCES, UNSEEN
from pages.shared import charts

TITLE = "Sources that a network has not seen"
FIGURES = {
    "Dice": ("dice", "dice_mask2", True, ".3f", ".4f"),
    "IoU": ("iou", "iou_mask2", True, ".3f", ".4f"),
    "Surface distance, 95th percentile (mm)": ("hd95_mm", "hd95_mask2_mm", False, ".1f", ".2f"),
}
MARKS = {
    IXI_ONLY: ("x", QUIET),
    UNSEEN: ("diamond", hex_colour(TRUTH)),
    EVERY: ("square", "#b07cc6"),
    SHIPS: ("circle", hex_colour(PREDICTION)),
}


def appendix() -> None:
    """The study behind a click, where its table is there."""
    if unseen.FILE.is_file():
        with st.expander(f"Appendix: {TITLE[0].lower()}{TITLE[1:]}"):
            show("skull_strip")


def show(key: str) -> pd.DataFrame:
    """Each source by networks that have and have not seen it, and what it costs.

    Args:
        key: Begins the widget keys.

    Returns:
        The figure by source, for a report.
    """
    rows, about = unseen.read()
    st.write(said(rows, about))
    name = st.segmented_control(
        "Figure", list(FIGURES), default="Dice", required=True, key=f"{key}_unseen_figure"
    )
    first, second, more, style, finer = FIGURES[name]
    st.markdown(level(rows, name, first, style))
    charts.chart(heads(rows, name, first), key=f"{key}_unseen", alt=alt(rows, name, first))
    found = table(rows, first, style)
    st.dataframe(
        found,
        hide_index=True,
        height="content",
        alt=f"{name} by source and by what the weights have seen, means over heads.",
    )
    st.dataframe(
        cost(unseen.changes(rows, first, more=more, style=finer)),
        hide_index=True,
        height="content",
        alt=f"{name}: networks against each other, head by head.",
    )
    st.caption(
        "Against the first reference (deepbet). IXI’s rows are its test heads, on which no network "
        "trained. Intervals: heads drawn anew; one training each, so they leave out how much "
        "another training would differ. Six heads of five sources decide little."
    )
    with st.popover("Against the second reference", icon=":material/table:"):
        st.dataframe(
            table(rows, second, style),
            hide_index=True,
            height="content",
            alt=f"{name} by source against the second reference.",
        )
        st.caption(
            "Of another kind in each source: DLMUSE for IXI, masks that come with the two "
            "templates, for OpenMS the data set’s own, brought over from another space."
        )
    return found


def said(rows: pd.DataFrame, about: dict[str, Any]) -> str:
    """What was done, in sentences."""
    others = rows.loc[rows["source"] != unseen.IXI, "file"].nunique()
    told = (
        "The networks of this page have seen heads of every source below. After the first part of "
        f"its training the network “{load_card('skull_strip', 'unet').title}” had seen IXI and "
        f"head phantoms alone (“{IXI_ONLY}”): for it the {others} heads of five other sources "
        "were as those of a new scanner."
    )
    if about["steps"]:
        told += (
            f" From there a last part of {about['steps']} steps on the other sources was trained, "
            f"once on all five (“{EVERY}”) and once without each of them (“{UNSEEN}”)."
        )
    return (
        f"{told} A network without IXI was not trained: it would have {others} heads to learn from."
    )


def level(rows: pd.DataFrame, name: str, figure: str, style: str) -> str:
    """The mean of the weights that have seen IXI alone, on other sources and on IXI."""
    own = rows[rows["trained on"] == IXI_ONLY].dropna(subset=[figure])
    parts = []
    for words, some in (
        ("sources that they had not seen", own[own["source"] != unseen.IXI]),
        ("new heads of IXI", own[own["source"] == unseen.IXI]),
    ):
        values = some[figure].to_numpy(float)
        if len(values) > 1:
            low, high = bootstrap_interval(lambda few: float(few.mean()), values)
            parts.append(
                f"{values.mean():{style}} ({low:{style}} to {high:{style}}, n = {len(values)}) on "
                f"{words}"
            )
    return f"**{name} of the weights that had seen IXI alone: {', '.join(parts)}.**"


def table(rows: pd.DataFrame, figure: str, style: str) -> pd.DataFrame:
    """A row a source: what it is, how many heads, the mean of each network."""
    known = rows.dropna(subset=[figure])
    if known.empty:
        return pd.DataFrame()
    count = known.groupby("source")["file"].nunique()
    means = unseen.by_source(known, figure)
    return pd.DataFrame(
        {
            "source": [SOURCES[name] for name in means.index],
            "heads": [int(count[name]) for name in means.index],
            **{name: [_number(one, style) for one in means[name]] for name in means},
        }
    )


def cost(changes: Sequence[Paired]) -> pd.DataFrame:
    """The paired changes with intervals, and what they decide."""
    return pd.DataFrame(
        [
            {
                "compared": one.name,
                "change": format(one.difference.value, f"+{one.style}"),
                "95 % interval": _span(one),
                "heads": one.difference.n,
                "result": (OPEN, WORSE, BETTER)[one.better],
            }
            for one in changes
        ]
    )


def heads(rows: pd.DataFrame, name: str, figure: str) -> go.Figure:
    """Every head by source, a mark a network."""
    drawn = go.Figure()
    order = [source for source in SOURCES if source in set(rows["source"])]
    for network, (symbol, colour) in MARKS.items():
        own = rows[rows["trained on"] == network]
        if own.empty:
            continue
        drawn.add_scatter(
            x=[SOURCES[source].split(":")[0] for source in own["source"]],
            y=own[figure],
            customdata=own["file"],
            mode="markers",
            name=network,
            marker={"symbol": symbol, "color": colour, "size": 9, "opacity": 0.8},
            hovertemplate="%{customdata}: %{y:.3g}<extra></extra>",
        )
    legend = {"orientation": "h", "y": 1.14, "title": {"text": "weights"}}
    laid_out(drawn, 340, y_title=name, legend=legend)
    drawn.update_xaxes(
        categoryorder="array", categoryarray=[SOURCES[one].split(":")[0] for one in order]
    )
    return drawn


def alt(rows: pd.DataFrame, name: str, figure: str) -> str:
    """The chart in words."""
    means = [
        f"{network} {rows.loc[rows['trained on'] == network, figure].mean():.3g}"
        for network in MARKS
        if network in set(rows["trained on"])
    ]
    return f"{name} of every head by source, a mark a network; means: {'; '.join(means)}."


def _number(value: float, style: str) -> str:
    return "–" if math.isnan(value) else format(value, style)


def _span(one: Paired) -> str:
    if math.isnan(one.difference.low):
        return "no interval"
    return f"{one.difference.low:+{one.style}} to {one.difference.high:+{one.style}}"
