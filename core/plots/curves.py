"""Plotly figures of numbers over an axis: scores of a sweep, losses of a training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from core.percent import percent
from core.plots.draw import PREDICTION, TRUTH, hex_colour
from core.plots.layout import ABOVE, QUIET, laid_out


def curve(
    x: Sequence[float],
    lines: dict[str, Sequence[float]],
    *,
    x_title: str,
    y_title: str,
    threshold: float | None = None,
    threshold_name: str = "threshold",
) -> go.Figure:
    """Scores in [0, 1] over one axis, each line in its own dash and marker.

    Args:
        x: In the order in which they are read; falling values make the axis run backwards.
        lines: Values by name; at most five.
        x_title, y_title: With unit.
        threshold: Drawn as a level line if given.
        threshold_name: Its text.
    """
    figure = go.Figure()
    styles = (
        ("solid", "circle", PREDICTION),
        ("dash", "diamond", TRUTH),
        ("dot", "x", PREDICTION),
        ("dashdot", "square", TRUTH),
        ("longdash", "triangle-up", PREDICTION),
    )
    for (name, values), (dash, symbol, colour) in zip(lines.items(), styles, strict=False):
        figure.add_scatter(
            x=list(x),
            y=list(values),
            name=name,
            mode="lines+markers",
            line={"dash": dash, "color": hex_colour(colour), "width": 2.5},
            marker={"symbol": symbol, "size": 9},
        )
    if threshold is not None:
        figure.add_hline(
            y=threshold,
            line={"dash": "longdash", "width": 1.5, "color": QUIET},
            annotation_text=threshold_name,
            annotation_position="top left",
        )
    laid_out(figure, 360, x_title, y_title, top=40, hovermode="x unified")
    # The axis runs in the order of the values: what gets worse goes to the right.
    figure.update_xaxes(autorange="reversed" if x[0] > x[-1] else True)
    return figure.update_yaxes(range=[0, 1.03])


# Plotly's own percent has no space before its sign.
TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1)
PERCENT = {"tickvals": TICKS, "ticktext": [percent(share) for share in TICKS]}


def froc(
    alarms: NDArray[np.float64],
    sensitivity: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    *chosen: float,
) -> go.Figure:
    """Sensitivity against false boxes per film, with the thresholds in use marked.

    Args:
        alarms, sensitivity, thresholds: As `core.metrics.detection.froc` returns them.
        chosen: The threshold in use, and others to compare it with.
    """
    hover = "threshold %{customdata:.2f}: sensitivity %{text} at %{x:.2f} false boxes per film"
    figure = _by_threshold(alarms, sensitivity, thresholds, chosen, hover, "hv")
    figure.update_xaxes(title="false boxes per film", rangemode="tozero")
    figure.update_yaxes(title="sensitivity (fractures found)", range=[0, 1.03], **PERCENT)
    return figure


def precision_recall(
    recall: NDArray[np.float64],
    precision: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    *chosen: float,
) -> go.Figure:
    """Precision against recall of boxes, with the thresholds in use marked.

    Args:
        recall, precision, thresholds: As `core.metrics.detection.precision_recall_curve` returns
            them.
        chosen: The threshold in use, and others to compare it with.
    """
    hover = "threshold %{customdata:.2f}: precision %{text} at recall %{x:.2f}"
    figure = _by_threshold(recall, precision, thresholds, chosen, hover, "linear")
    figure.update_xaxes(title="recall (fractures found)", range=[0, 1.03], **PERCENT)
    figure.update_yaxes(title="precision (boxes that are right)", range=[0, 1.03], **PERCENT)
    return figure


def _by_threshold(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    chosen: Sequence[float],
    hover: str,
    shape: str,
) -> go.Figure:
    """A curve over falling thresholds, and a mark at each chosen one."""
    figure = go.Figure()
    figure.add_scatter(
        x=list(x),
        y=list(y),
        customdata=list(thresholds),
        text=[percent(share) for share in y],
        name="all thresholds",
        mode="lines",
        line={"color": hex_colour(PREDICTION), "width": 2.5, "shape": shape},
        hovertemplate=f"{hover}<extra></extra>",
    )
    for number, threshold in enumerate(chosen):
        kept = [place for place, value in enumerate(thresholds) if value >= threshold]
        here = (x[kept[-1]], y[kept[-1]]) if kept else (0.0, 0.0)
        figure.add_scatter(
            x=[here[0]],
            y=[here[1]],
            name=f"threshold {threshold:.2f}",
            mode="markers",
            marker={
                "symbol": ("diamond", "square")[number > 0],
                "size": 13,
                "color": hex_colour(TRUTH),
            },
        )
    return laid_out(figure, 320)


def learning_curves(
    runs: dict[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
    measure: str = "loss",
) -> go.Figure:
    """Training loss (solid) and validation loss (dashed) of several runs on one scale.

    Args:
        runs: Epochs, training loss and validation loss by the run's title.
        measure: What the values are, if not losses.
    """
    figure = make_subplots(rows=1, cols=len(runs), subplot_titles=list(runs), shared_yaxes=True)
    for column, (epochs, training, validation) in enumerate(runs.values(), start=1):
        for name, values, dash, colour in (
            (f"training {measure}", training, "solid", PREDICTION),
            (f"validation {measure}", validation, "dash", TRUTH),
        ):
            figure.add_scatter(
                x=list(epochs),
                y=list(values),
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                mode="lines+markers",
                line={"dash": dash, "color": hex_colour(colour)},
                row=1,
                col=column,
            )
    laid_out(figure, 320, "epoch", top=56, legend={"orientation": "h", "y": -0.22, "x": 0})
    figure.update_annotations(font_size=12)
    return figure.update_yaxes(title=measure, col=1)


def seeds_chart(rows: Sequence[tuple[str, Sequence[float]]], x_title: str) -> go.Figure:
    """One line a variant, one circle a seed, a bar at the mean: is a difference beyond the seeds?

    Args:
        rows: Name and values of each variant, from top to bottom.
        x_title: Of the values.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[value for _, values in rows for value in values],
        y=[name for name, values in rows for _ in values],
        mode="markers",
        name="one seed",
        marker={"symbol": "circle-open", "size": 10, "color": hex_colour(PREDICTION)},
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
    )
    figure.add_scatter(
        x=[float(np.mean(values)) for _, values in rows],
        y=[name for name, _ in rows],
        mode="markers",
        name="mean of the seeds",
        marker={
            "symbol": "line-ns",
            "size": 20,
            "line": {"width": 3, "color": hex_colour(TRUTH)},
        },
        hovertemplate="%{y}: mean %{x:.3f}<extra></extra>",
    )
    laid_out(figure, 80 + 28 * len(rows), x_title, top=8, legend={**ABOVE, "y": 1.0})
    return figure.update_yaxes(autorange="reversed", ticksuffix="  ", type="category")
