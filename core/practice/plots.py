"""Plotly figures of a reader study. Marks carry their case's key as `customdata`, so that a click
opens the case again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.metrics.estimates import CalibrationBin
from core.metrics.estimates import bland_altman as agreement_of
from core.metrics.roc import Band, Roc
from core.percent import percent
from core.plots.draw import PREDICTION, hex_colour
from core.plots.layout import QUIET, laid_out
from core.practice.free_response import Froc
from core.practice.results import Answers, bone_age_pairs

MOST_MARKS = 40
"""Points of a curve up to which each gets a mark; more would hide the curve."""
NO_BANDS: Mapping[str, Band] = MappingProxyType({})
# Okabe & Ito's palette without the two that mean prediction and truth everywhere.
READERS = ("#009e73", "#cc79a7", "#d55e00", "#0072b2", "#b8a800", "#7f7f7f")
_DASHES = ("dash", "dot", "dashdot", "longdash", "longdashdot")
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "cross")


def style(number: int) -> dict[str, str]:
    """Colour, dash and symbol of reader `number`: none of the three repeats with another."""
    return {
        "color": READERS[number % len(READERS)],
        "dash": _DASHES[number % len(_DASHES)],
        "symbol": _SYMBOLS[(number + number // len(_SYMBOLS)) % len(_SYMBOLS)],
    }


def _curve_styles(names: Iterable[str], model: str | None) -> dict[str, tuple[dict, str]]:
    """Line and mark of each curve: the model's solid, each reader's its own."""
    styles: dict[str, tuple[dict, str]] = {}
    readers = [name for name in names if name != model]
    if model is not None:
        line = {"color": hex_colour(PREDICTION), "dash": "solid", "width": 3}
        styles[model] = line, "circle"
    for number, name in enumerate(readers):
        own = style(number)
        line = {"color": own["color"], "dash": own["dash"], "width": 2.5}
        styles[name] = line, own["symbol"]
    return styles


def roc_plot(
    curves: Mapping[str, Roc], model: str | None = None, bands: Mapping[str, Band] = NO_BANDS
) -> go.Figure:
    """ROC curves of readers, dashed, and of the model, solid.

    Args:
        curves: By name for the legend, in which the area stands.
        model: Name of the model's among them.
        bands: Of some of the curves, drawn behind them.
    """
    figure = go.Figure()
    styles = _curve_styles(curves, model)
    for name, band in bands.items():
        figure.add_scatter(
            x=np.concatenate([band.false_positive_rate, band.false_positive_rate[::-1]]),
            y=np.concatenate([band.high, band.low[::-1]]),
            fill="toself",
            fillcolor=styles[name][0]["color"],
            opacity=0.18,
            line={"width": 0},
            mode="lines",
            name=f"{name}: 95 % band",
            showlegend=False,
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": QUIET, "width": 1, "dash": "dot"},
        name="chance",
        hoverinfo="skip",
    )
    for name, curve in curves.items():
        line, symbol = styles[name]
        area = curve.area
        figure.add_scatter(
            x=curve.false_positive_rate,
            y=curve.true_positive_rate,
            mode="lines+markers" if len(curve.thresholds) <= MOST_MARKS else "lines",
            line=line,
            marker={"symbol": symbol, "size": 8},
            name=f"{name}: AUC {area.value:.2f} ({area.low:.2f}–{area.high:.2f})",
            hovertemplate="1 − specificity %{x:.2f}, sensitivity %{y:.2f}<extra></extra>",
        )
    laid_out(figure, 340, "1 − specificity", "sensitivity", top=40)
    figure.update_xaxes(range=[-0.02, 1.02], constrain="domain")
    figure.update_yaxes(range=[-0.02, 1.02], scaleanchor="x", constrain="domain")
    return figure


def froc_plot(curves: Mapping[str, Froc], model: str | None = None) -> go.Figure:
    """Share of fractures hit over false boxes a film, as the least score falls."""
    figure = go.Figure()
    styles = _curve_styles(curves, model)
    for name, curve in curves.items():
        line, symbol = styles[name]
        figure.add_scatter(
            x=curve.curve[0],
            y=curve.curve[1],
            text=[percent(share) for share in curve.curve[1]],
            mode="lines+markers",
            line=line,
            marker={"symbol": symbol, "size": 8},
            name=name,
            hovertemplate="%{x:.2f} false boxes per film, %{text} hit<extra></extra>",
        )
    laid_out(figure, 360, "false boxes per film", "share of fractures hit", top=40)
    figure.update_yaxes(range=[-0.02, 1.02])
    figure.update_xaxes(rangemode="tozero")
    return figure


def calibration_plot(readers: Mapping[str, Sequence[CalibrationBin]]) -> go.Figure:
    """Share of right answers over stated confidence; on the diagonal both are equal."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 100],
        y=[0, 1],
        mode="lines",
        line={"color": QUIET, "width": 1, "dash": "dot"},
        name="perfectly calibrated",
        hoverinfo="skip",
    )
    for number, (name, bins) in enumerate(readers.items()):
        own = style(number)
        value = [one.right.value for one in bins]
        figure.add_scatter(
            x=[one.confidence for one in bins],
            y=value,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [one.right.high - one.right.value for one in bins],
                "arrayminus": [one.right.value - one.right.low for one in bins],
                "thickness": 1.2,
            },
            mode="lines+markers",
            line={"color": own["color"], "dash": own["dash"], "width": 2},
            marker={"symbol": own["symbol"], "size": 9},
            text=[f"right {percent(one.right.value)}, {one.right.n} answers" for one in bins],
            name=name,
            hovertemplate="sure %{x:.0f}\u00a0%, %{text}<extra></extra>",
        )
    laid_out(figure, 360, "stated confidence (%)", "share right", top=40)
    figure.update_xaxes(range=[-2, 102])
    figure.update_yaxes(range=[-0.02, 1.02])
    return figure


def bland_altman_plot(given: Answers) -> go.Figure:
    """Bone age: answer minus truth over the mean of both, with bias and limits of agreement."""
    pairs = bone_age_pairs(given)
    said = np.array([pair[0] for pair in pairs.values()])
    true = np.array([pair[1] for pair in pairs.values()])
    figure = go.Figure()
    figure.add_scatter(
        x=(said + true) / 2 / 12,
        y=said - true,
        customdata=[[key] for key in pairs],
        mode="markers",
        marker={"color": READERS[0], "size": 9},
        name=given.label,
        hovertemplate="mean %{x:.1f} years, difference %{y:+.1f} months<extra></extra>",
    )
    found = agreement_of(said - true)
    for value, name, dash in (
        (found.bias.value, f"bias {found.bias.value:+.1f}", "solid"),
        (found.low, f"−1.96 SD {found.low:+.1f}", "dash"),
        (found.high, f"+1.96 SD {found.high:+.1f}", "dash"),
    ):
        if np.isfinite(value):
            figure.add_hline(
                value,
                line={"color": QUIET, "dash": dash, "width": 2},
                annotation_text=name,
                annotation_position="top right",
            )
    titles = "mean of answer and truth (years)", "answer minus truth (months)"
    laid_out(figure, 360, *titles, top=40)
    return figure


def learning_plot(table: pd.DataFrame, window: int = 10) -> go.Figure:
    """Share right (bone age: mean error) of the last readings, over their number.

    Args:
        table: `core.practice.tables.learning_table`.
        window: What it was made with.
    """
    by_error = not table.empty and bool(table["error"].notna().any())
    column = "running_error" if by_error else "running"
    figure = go.Figure()
    for number, (name, rows) in enumerate(
        table.groupby("reader", sort=False) if len(table) else ()
    ):
        own = style(number)
        figure.add_scatter(
            x=rows["n"],
            y=rows[column],
            customdata=rows[["case"]].to_numpy(),
            mode="lines+markers",
            line={"color": own["color"], "dash": own["dash"], "width": 2.5},
            marker={"symbol": own["symbol"], "size": 7},
            name=str(name),
        )
    what = "mean error (months)" if by_error else "share right"
    laid_out(figure, 360, "cases read", f"{what}, last {window} cases", top=40)
    figure.update_yaxes(rangemode="tozero")
    if not by_error:
        figure.update_yaxes(range=[0, 1.03])
    return figure


def wrong_plot(table: pd.DataFrame) -> go.Figure:
    """How many readers got each case wrong; a mark where the model was wrong too.

    Args:
        table: `core.practice.tables.cases_table`.
    """
    figure = go.Figure()
    if table.empty:
        return laid_out(figure, 360, "case", "readers", top=40)
    names = [f"case {number}" for number in table["number"]]
    keys = table[["case"]].to_numpy()
    for column, name, colour, pattern in (
        (table["wrong"], "wrong", READERS[2], "/"),
        (table["readers"] - table["wrong"], "right", READERS[0], ""),
    ):
        figure.add_bar(
            x=names,
            y=column,
            customdata=keys,
            name=name,
            marker={"color": colour, "pattern": {"shape": pattern}},
        )
    missed = (table["model_right"] == False).to_numpy()  # noqa: E712 - None is neither
    if missed.any():
        figure.add_scatter(
            x=[name for name, one in zip(names, missed, strict=True) if one],
            y=(table["readers"] + 0.25)[missed],
            customdata=keys[missed],
            mode="markers",
            marker={"symbol": "x", "size": 9, "color": hex_colour(PREDICTION)},
            name="model wrong",
        )
    figure.update_layout(barmode="stack")
    laid_out(figure, 360, y_title="readers", top=40)
    figure.update_yaxes(dtick=max(1, int(table["readers"].max()) // 6))
    return figure


def change_plot(table: pd.DataFrame) -> go.Figure:
    """Cases by what seeing the model changed, a bar a reader.

    Args:
        table: `core.practice.tables.change_table`.
    """
    figure = go.Figure()
    parts = (
        ("still_right", "right both times", READERS[0], ""),
        ("better", "wrong, then right", READERS[3], "."),
        ("worse", "right, then wrong", READERS[2], "/"),
        ("still_wrong", "wrong both times", QUIET, "x"),
    )
    for column, name, colour, pattern in parts if len(table) else ():
        figure.add_bar(
            y=table["reader"],
            x=table[column],
            customdata=table.reindex(columns=[f"{column}_case"]).to_numpy(),
            orientation="h",
            name=name,
            marker={"color": colour, "pattern": {"shape": pattern}},
        )
    figure.update_layout(barmode="stack")
    return laid_out(figure, 140 + 40 * len(table), "cases", top=40)


def time_plot(table: pd.DataFrame) -> go.Figure:
    """Seconds a case, right and wrong answers apart.

    Args:
        table: `core.practice.tables.learning_table`.
    """
    figure = go.Figure()
    for right, name, symbol, colour in (
        (True, "right", "circle", READERS[0]),
        (False, "wrong", "x", READERS[2]),
    ):
        rows = table[table["right"] == right] if len(table) else table
        figure.add_scatter(
            x=rows["n"] if len(rows) else [],
            y=rows["seconds"] if len(rows) else [],
            customdata=rows[["case"]].to_numpy() if len(rows) else None,
            text=rows["reader"] if len(rows) else None,
            mode="markers",
            marker={"symbol": symbol, "color": colour, "size": 8},
            name=name,
            hovertemplate="%{text}, case %{x}: %{y:.0f} s<extra></extra>",
        )
    laid_out(figure, 360, "cases read", "seconds", top=40)
    figure.update_yaxes(rangemode="tozero")
    return figure
