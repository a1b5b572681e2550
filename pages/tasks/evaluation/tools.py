"""Time against accuracy of skull stripping, beside other tools on the same heads."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.metrics.paired import Paired, means
from core.plots.draw import PREDICTION, TRUTH, hex_colour
from core.plots.layout import laid_out
from pages.tasks.evaluation import shared, side_by_side
from pages.tasks.evaluation.shared import OpenCase

TITLE = "Time against accuracy, beside other tools"
OURS = "ours"
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
SYMBOLS = ("circle", "square", "diamond", "x", "cross")
NOTE = (
    "Measured by `python -m tests.benchmarks.skull_strip` on the same heads and one computer. "
    "Seconds are those of all threads together on the processor, which other work does not "
    "lengthen as it does the clock’s; one run a head, after one that loads. The second reference "
    "(DLMUSE) counts, because deepbet made the first. “ours” is without the bias correction N4, "
    "as the other tools are."
)


def show(rows: pd.DataFrame, open_case: OpenCase) -> tuple[go.Figure, pd.DataFrame]:
    """A mark a tool and head, its mean larger, and each tool against ours on the same heads."""
    st.markdown(f"##### {TITLE}")
    figure = scatter(rows)
    shared.chart("skull_strip_tools", figure, _alt(rows), open_case)
    table = against_ours(rows)
    st.dataframe(table, hide_index=True, alt="Each tool against ours on the same heads.")
    st.caption(NOTE)
    return figure, table


def scatter(rows: pd.DataFrame) -> go.Figure:
    """Seconds on a scale of powers of ten against Dice."""
    figure = go.Figure()
    for number, (tool, own) in enumerate(rows.groupby("tool", sort=False)):
        colour = hex_colour(PREDICTION if str(tool).startswith(OURS) else TRUTH)
        symbol = SYMBOLS[number % len(SYMBOLS)]
        figure.add_scatter(
            x=own["processor_seconds"],
            y=own["dice_mask2"],
            customdata=own["file"],
            mode="markers",
            name=str(tool),
            legendgroup=str(tool),
            marker={"color": colour, "symbol": symbol, "size": 7, "opacity": 0.45},
            hovertemplate="%{customdata}: %{x:.1f} s, Dice %{y:.3f}<extra></extra>",
        )
        figure.add_scatter(
            x=[own["processor_seconds"].mean()],
            y=[own["dice_mask2"].mean()],
            mode="markers+text",
            name=f"{tool}, mean",
            text=[str(tool)],
            textposition="top center",
            showlegend=False,
            marker={"color": colour, "symbol": symbol, "size": 14},
            hovertemplate=f"{tool}: mean %{{x:.1f}} s, Dice %{{y:.3f}}<extra></extra>",
        )
    titles = "processor seconds a head", "Dice against the second reference"
    laid_out(figure, 380, *titles, legend=None)
    return figure.update_xaxes(type="log", tickvals=TICKS, ticktext=[*map(str, TICKS)])


def against_ours(rows: pd.DataFrame) -> pd.DataFrame:
    """Means of each tool, and its Dice against ours with the paired interval."""
    heads = rows.pivot_table(index="file", columns="tool", values="dice_mask2")
    found = []
    for tool in dict.fromkeys(rows["tool"]):
        own = rows[rows["tool"] == tool]
        pair = None if tool == OURS else means("Dice", heads[OURS], heads[tool], more=True)
        found.append(
            {
                "tool": tool,
                "Dice": f"{own['dice_mask2'].mean():.4f}",
                "surface distance, 95th percentile (mm)": f"{own['hd95_mask2_mm'].mean():.2f}",
                "processor seconds a head": f"{own['processor_seconds'].mean():.1f}",
                "heads": len(own),
                **_difference(pair),
            }
        )
    return pd.DataFrame(found)


def _difference(pair: Paired | None) -> dict[str, str]:
    if pair is None:
        return {"Dice against ours": "", "95 % interval": "", "verdict": ""}
    one = pair.difference
    words = {"1 is better": "ours is better", "2 is better": "better than ours"}
    said = side_by_side.verdict(pair)
    return {
        "Dice against ours": f"{one.value:+.4f}",
        "95 % interval": f"{one.low:+.4f} to {one.high:+.4f}",
        "verdict": words.get(said, said),
    }


def _alt(rows: pd.DataFrame) -> str:
    parts = [
        f"{tool} {own['processor_seconds'].mean():.1f} s, Dice {own['dice_mask2'].mean():.3f}"
        for tool, own in rows.groupby("tool", sort=False)
    ]
    return f"Time against accuracy, means: {'; '.join(parts)}."
