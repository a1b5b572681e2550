"""Plotly figures of a chest film: probabilities, the ratio's lines, changes and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.chest.ctr import CardiothoracicRatio
from core.draw import PREDICTION, TRUTH, Rgb, hex_colour

QUIET = "#8a9197"
HEART: Rgb = (240, 228, 66)
CHEST: Rgb = (0, 158, 115)
"""Colours of both lines (Okabe & Ito); each also has its own dash and its name in words."""
STRUCTURES: dict[str, tuple[str, Rgb, str]] = {
    "heart": ("heart (dotted)", HEART, "dot"),
    "left_lung": ("lungs (dash-dot)", CHEST, "dashdot"),
    "right_lung": ("lungs (dash-dot)", CHEST, "dashdot"),
}
LEAST = 1e-3  # where the logarithmic axis of the probabilities begins


@dataclass(frozen=True)
class FindingRow:
    """One finding of one film.

    Attributes:
        name: As the screen calls it.
        probability: Calibrated, in [0, 1].
        operating_point: From where on the finding is called.
        mark: What is known of it besides ("labelled", "true"), or nothing.
    """

    name: str
    probability: float
    operating_point: float
    mark: str = ""

    @property
    def above(self) -> bool:
        return self.probability >= self.operating_point

    @property
    def words(self) -> str:
        """The row without its name, as it stands beside the bar."""
        side = "above" if self.above else "below"
        mark = f", {self.mark}" if self.mark else ""
        return f"{percent(self.probability)}, {side} its {percent(self.operating_point)}{mark}"


def percent(share: float) -> str:
    """A probability for the screen: whole percents, tenths below ten."""
    if share < 0.0005:
        return "< 0.1%"
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"


def finding_bars(rows: Sequence[FindingRow], chosen: str | None = None) -> go.Figure:
    """Calibrated probabilities as bars, each with its operating point as a diamond.

    The axis is logarithmic: some findings are so rare that their operating points lie below 1 %.

    Args:
        rows: In the order from top to bottom; what is above is filled, what is below hatched.
        chosen: Name of the finding that is drawn with a bright rim.
    """
    names = [row.name for row in rows]
    figure = go.Figure()
    figure.add_bar(
        x=[max(row.probability, LEAST * 1.05) for row in rows],
        y=names,
        orientation="h",
        name="calibrated probability",
        customdata=[row.words for row in rows],
        marker={
            "color": [hex_colour(PREDICTION) if row.above else QUIET for row in rows],
            "pattern": {
                "shape": ["" if row.above else "/" for row in rows],
                "fillmode": "replace",
                "size": 5,
            },
            "line": {
                "width": [3 if row.name == chosen else 0 for row in rows],
                "color": hex_colour(TRUTH),
            },
        },
        hovertemplate="%{y}: %{customdata}<br>Click for its heat map.<extra></extra>",
        # A click chooses; it must not fade the others.
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )
    figure.add_scatter(
        x=[max(row.operating_point, LEAST * 1.05) for row in rows],
        y=names,
        mode="markers",
        name="operating point",
        marker={
            "symbol": "diamond-tall-open",
            "size": 12,
            "color": hex_colour(TRUTH),
            "line": {"width": 2},
        },
        hovertemplate="%{y}: called from %{x:.1%} on<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )
    figure.add_scatter(
        x=[1.2] * len(rows),
        y=names,
        mode="text",
        text=[f"<b>{row.words}</b>" if row.above else row.words for row in rows],
        textposition="middle right",
        cliponaxis=False,
        showlegend=False,
        hoverinfo="skip",
    )
    figure.update_layout(
        height=70 + 27 * len(rows),
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        bargap=0.3,
        dragmode=False,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        clickmode="event+select",
    )
    figure.update_xaxes(
        type="log",
        range=[np.log10(LEAST), 2.1],  # room on the right for the words
        tickvals=[0.001, 0.01, 0.1, 0.5, 1],
        ticktext=["0.1%", "1%", "10%", "50%", "100%"],
        title="calibrated probability",
        fixedrange=True,
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix="  ")
    return figure


def add_ratio_lines(
    figure: go.Figure,
    ratio: CardiothoracicRatio,
    *,
    column: int = 1,
    name: str = "",
    dashed: bool = False,
) -> None:
    """Draw the two lines of a cardiothoracic ratio on a panel of a viewer; changes the figure.

    Args:
        figure: From `core.figures.viewer`.
        ratio: Whose lines.
        column: The panel, from 1.
        name: Of the legend's entry, before "heart" and "chest".
        dashed: The line style of truth.
    """
    x, y = _axes(column)
    for line, colour in (("heart", HEART), ("chest", CHEST)):
        x0, y0, x1, y1 = ratio.lines[line]
        for rim in (True, False):
            figure.add_scatter(
                x=[x0, x1],
                y=[y0, y1],
                xaxis=x,
                yaxis=y,
                mode="lines+markers",
                line={
                    "color": "rgba(0,0,0,0.65)" if rim else hex_colour(colour),
                    "width": 5 if rim else 2.5,
                    "dash": "dash" if dashed and not rim else "solid",
                },
                marker={"symbol": "line-ns", "size": 14, "line": {"width": 0 if rim else 2.5}}
                | ({} if rim else {"line": {"width": 2.5, "color": hex_colour(colour)}}),
                showlegend=False,
                hoverinfo="skip" if rim else "text",
                text=f"{name}{line} {x1 - x0:.0f} px",
            )
        figure.add_annotation(
            text=f"{name}{line} {x1 - x0:.0f} px",
            xref=x,
            yref=y,
            x=(x0 + x1) / 2,
            y=y0,
            yshift=4 if line == "heart" else -4,  # the lines may lie on each other
            yanchor="bottom" if line == "heart" else "top",
            showarrow=False,
            font={"color": hex_colour(colour), "size": 12},
            bgcolor="rgba(0,0,0,0.6)",
            borderpad=1,
        )


def add_outlines(
    figure: go.Figure, masks: Mapping[str, NDArray[np.bool_]], *, column: int = 1
) -> None:
    """Draw the outlines of heart and lungs on a panel of a viewer; changes the figure."""
    x, y = _axes(column)
    named: set[str] = set()
    for structure, (name, colour, dash) in STRUCTURES.items():
        if structure not in masks:
            continue
        for outline in outlines(masks[structure]):
            figure.add_scatter(
                x=outline[:, 0],
                y=outline[:, 1],
                xaxis=x,
                yaxis=y,
                mode="lines",
                line={"color": hex_colour(colour), "width": 2, "dash": dash},
                name=name,
                legendgroup=name,
                showlegend=name not in named,
                hoverinfo="skip",
            )
            named.add(name)


def outlines(mask: NDArray[np.bool_]) -> list[NDArray[np.float32]]:
    """The closed outer borders of a mask, each (N, 2) as x and y in pixels."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    lines = []
    for contour in found:
        points = contour[:, 0].astype(np.float32) + 0.5
        lines.append(np.concatenate([points, points[:1]]))
    return lines


def _axes(column: int) -> tuple[str, str]:
    return (f"x{column}", f"y{column}") if column > 1 else ("x", "y")


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
        marker={"symbol": "circle-open", "size": 11, "color": hex_colour(TRUTH)},
        hovertemplate="%{y} before: %{x:.1%}<extra></extra>",
    )
    figure.add_scatter(
        x=new,
        y=names,
        mode="markers+text",
        name="after",
        text=[f"{(end - start) * 100:+.1f} points" for start, end in zip(old, new, strict=True)],
        textposition="middle right",
        marker={"symbol": "circle", "size": 11, "color": hex_colour(PREDICTION)},
        hovertemplate="%{y} after: %{x:.1%}<extra></extra>",
    )
    figure.update_layout(
        height=70 + 27 * len(rows),
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        dragmode=False,
    )
    most = max([0.3, *old, *new])
    figure.update_xaxes(
        range=[0, most * 1.35], tickformat=".0%", title="calibrated probability", fixedrange=True
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix="  ")
    return figure


def reliability(bins: Sequence[tuple[float, float, int]]) -> go.Figure:
    """Said against seen: mean predicted probability and share of positives, bin by bin.

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
        x=[said for said, _, _ in bins],
        y=[seen for _, seen, _ in bins],
        mode="lines+markers",
        name="this model",
        customdata=[count for _, _, count in bins],
        line={"color": hex_colour(PREDICTION), "width": 2.5},
        marker={"size": 9},
        hovertemplate="said %{x:.0%}, seen %{y:.0%}<br>%{customdata} answers<extra></extra>",
    )
    figure.update_layout(
        height=380,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(title="predicted probability", tickformat=".0%", range=[0, 1])
    figure.update_yaxes(title="share that was labelled", tickformat=".0%", range=[0, 1])
    return figure


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
    figure.update_layout(
        height=80 + 28 * len(rows),
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(title=x_title)
    figure.update_yaxes(autorange="reversed", ticksuffix="  ")
    return figure
