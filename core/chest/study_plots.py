"""Plotly plots of what was measured: changes, calibration, runs with several seeds, scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from core.chest.plots import FindingRow
from core.percent import percent
from core.plots.curves import PERCENT
from core.plots.draw import PREDICTION, TRUTH, hex_colour
from core.plots.layout import ABOVE, QUIET, laid_out

BLANK = "\u00a0"  # a plain one before a label is dropped by Plotly


def in_points(change: float) -> str:
    """A change of a probability as "-3.1 points"; what rounds to nothing has no sign."""
    shown = round(100 * change, 1)
    return f"{shown:+.1f} points".replace("-", "−") if shown else "0.0 points"


def delta_chart(before: Sequence[FindingRow], after: Sequence[FindingRow]) -> go.Figure:
    """How each probability moved: an open circle before, a filled one after, a line between.

    Args:
        before, after: The same findings; drawn with the largest move on top.
    """
    later = {row.name: row for row in after}
    rows = sorted(before, key=lambda row: -abs(later[row.name].probability - row.probability))
    names = [row.name for row in rows]
    old = [row.probability for row in rows]
    new = [later[name].probability for name in names]
    figure = go.Figure()
    for name, start, end in zip(names, old, new, strict=True):
        figure.add_scatter(
            x=[start, end],
            y=[name, name],
            mode="lines",
            line={"color": QUIET, "width": 3},
            showlegend=False,
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=old,
        y=names,
        mode="markers",
        name="before",
        text=[percent(share) for share in old],
        marker={"symbol": "circle-open", "size": 11, "color": hex_colour(TRUTH)},
        hovertemplate="%{y} before: %{text}<extra></extra>",
    )
    figure.add_scatter(
        x=new,
        y=names,
        mode="markers",
        name="after",
        text=[percent(share) for share in new],
        marker={"symbol": "circle", "size": 11, "color": hex_colour(PREDICTION)},
        hovertemplate="%{y} after: %{text}<extra></extra>",
    )
    figure.add_scatter(  # the words stand right of both marks, or they would cover one
        x=[max(pair) for pair in zip(old, new, strict=True)],
        y=names,
        mode="text",
        text=[3 * BLANK + in_points(end - start) for start, end in zip(old, new, strict=True)],
        textposition="middle right",
        showlegend=False,
        hoverinfo="skip",
    )
    height, legend = 70 + 20 * len(rows), {**ABOVE, "y": 1.0}
    laid_out(figure, height, "calibrated probability", top=8, legend=legend, dragmode=False)
    most = max([0.3, *old, *new])
    figure.update_xaxes(range=[0, most * 1.35], fixedrange=True, **PERCENT)
    return figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix="  ")


def reliability(bins: Sequence[tuple[float, float, int]]) -> go.Figure:
    """Predicted against observed: mean predicted probability and share of positives, bin by bin.

    Args:
        bins: (mean probability, share of positives, number of answers) of each bin with any.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="perfectly calibrated",
        line={"color": QUIET, "dash": "dash"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[predicted for predicted, _, _ in bins],
        y=[observed for _, observed, _ in bins],
        mode="lines+markers",
        name="this model",
        text=[
            f"predicted {percent(predicted)}, observed {percent(observed)}<br>{count} answers"
            for predicted, observed, count in bins
        ],
        line={"color": hex_colour(PREDICTION), "width": 2.5},
        marker={"size": 9},
        hovertemplate="%{text}<extra></extra>",
    )
    titles = "predicted probability", "observed: share that was labelled"
    laid_out(figure, 380, *titles, top=8).update_xaxes(range=[0, 1], **PERCENT)
    return figure.update_yaxes(range=[0, 1], **PERCENT)


def interval_chart(
    rows: Sequence[tuple[str, float, float, float]],
    levels: Mapping[str, float],
    x_title: str,
) -> go.Figure:
    """Values with their intervals, from top to bottom, and levels to compare them with.

    Args:
        rows: (name, value, low, high) each.
        levels: Vertical lines by name.
        x_title: Of the values.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[value for _, value, _, _ in rows],
        y=[name for name, *_ in rows],
        mode="markers",
        name="mean with 95 % interval",
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - value for _, value, _, high in rows],
            "arrayminus": [value - low for _, value, low, _ in rows],
            "thickness": 2,
        },
        marker={"size": 10, "color": hex_colour(PREDICTION)},
        hovertemplate="%{y}: %{x:.2f}<extra></extra>",
    )
    for (name, level), dash in zip(levels.items(), ("dash", "dot"), strict=False):
        figure.add_scatter(
            x=[level, level],
            y=[rows[0][0], rows[-1][0]],
            mode="lines",
            name=name,
            line={"dash": dash, "width": 2, "color": hex_colour(TRUTH)},
            hovertemplate=f"{name}: {level:.2f}<extra></extra>",
        )
    laid_out(figure, 90 + 26 * len(rows), x_title, top=8, legend={**ABOVE, "y": 1.0})
    figure.update_xaxes(rangemode="tozero")
    return figure.update_yaxes(autorange="reversed", ticksuffix="  ")
