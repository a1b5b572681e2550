"""Plotly figures of a chest film: probabilities, the ratio's lines, changes and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.chest.ctr import CardiothoracicRatio
from core.plots.draw import PREDICTION, TRUTH, Rgb, hex_colour

QUIET = "#8a9197"
HEART: Rgb = (240, 228, 66)
CHEST: Rgb = (80, 214, 168)
"""Colours of both lines, yellow and green of Okabe & Ito (the green lighter, to show on a lung);
each line also has its name in words."""
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
        mark: What is known of it besides ("labelled", "drawn in"), or nothing.
        judged: Whether there were films enough to measure how good this answer is.
    """

    name: str
    probability: float
    operating_point: float
    mark: str = ""
    judged: bool = True

    @property
    def above(self) -> bool:
        """Whether the finding is called: never where nobody knows how good the answer is."""
        return self.judged and self.probability >= self.operating_point

    @property
    def verdict(self) -> str:
        """ "above" or "below" the operating point, or "not judged"."""
        return ("above" if self.above else "below") if self.judged else "not judged"

    @property
    def words(self) -> str:
        """The row without its name, as it stands beside the bar."""
        mark = f", {self.mark}" if self.mark else ""
        limit = f" its {percent(self.operating_point)}" if self.judged else ""
        return f"{percent(self.probability)}, {self.verdict}{limit}{mark}"


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
        range=[np.log10(LEAST), 2.4],  # room on the right for the words
        tickvals=[0.001, 0.01, 0.1, 1],
        ticktext=["0.1%", "1%", "10%", "100%"],
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
        figure: From `core.plots.viewer.viewer`.
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
