"""Plotly plots of a chest film: findings, outlines, and the lines of the ratio."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.chest.ctr import CardiothoracicRatio
from core.percent import percent
from core.plots.draw import PREDICTION, TRUTH, Rgb, hex_colour
from core.plots.layout import QUIET

HEART: Rgb = (240, 228, 66)
CHEST: Rgb = (80, 214, 168)
"""Colours of both lines, yellow and green of Okabe & Ito (the green lighter, to show on a lung);
each line also has its name in words."""
STRUCTURES: dict[str, tuple[str, Rgb, str]] = {
    "heart": ("heart (dotted)", HEART, "dot"),
    "left_lung": ("lungs (dash-dot)", CHEST, "dashdot"),
    "right_lung": ("lungs (dash-dot)", CHEST, "dashdot"),
}
STRONG = 0.98
"""Share of the films without a finding that are given less, from which a call is a strong one:
one clear film in fifty gets one for each finding, where one in ten gets a call at all."""


@dataclass(frozen=True)
class FindingRow:
    """One finding of one film.

    Attributes:
        name: As the screen calls it.
        probability: Calibrated, in [0, 1].
        operating_point: From where on the finding is called.
        mark: What is known of it besides ("labelled", "drawn in"), or nothing.
        judged: Whether there were films enough to measure how good this answer is.
        share_below: Share of validation films without it that are given less; NaN if unknown.
    """

    name: str
    probability: float
    operating_point: float
    mark: str = ""
    judged: bool = True
    share_below: float = math.nan

    @property
    def above(self) -> bool:
        """Whether the finding is called: never where nobody knows how good the answer is."""
        return self.judged and self.probability >= self.operating_point

    @property
    def strong(self) -> bool:
        """Whether it is called so clearly that few clear films get as much."""
        return self.above and self.share_below >= STRONG

    @property
    def times(self) -> float:
        """Probability over operating point."""
        return self.probability / self.operating_point if self.operating_point > 0 else math.inf

    @property
    def verdict(self) -> str:
        """ "above" or "below" the threshold, or "not judged"."""
        return ("above" if self.above else "below") if self.judged else "not judged"

    @property
    def words(self) -> str:
        """The row without its name, as it stands beside the bar."""
        mark = f", {self.mark}" if self.mark else ""
        if not self.judged:
            return f"{percent(self.probability)}, not judged{mark}"
        digits = 2 if 0.95 <= self.times < 1.05 else 1  # 0.98 must not read as 1.0
        return f"{percent(self.probability)}, {self.times:.{digits}f} × its threshold{mark}"

    @property
    def standing(self) -> str:
        """How the answer stands among films without the finding, in words; empty if unknown."""
        if not math.isfinite(self.share_below):
            return ""
        return f"higher than {percent(min(self.share_below, 0.999))} of films without it"


def finding_bars(rows: Sequence[FindingRow], chosen: str | None = None) -> go.Figure:
    """How high each finding stands among films without it, as bars.

    Args:
        rows: In the order from top to bottom. A strong call is filled, a weak one hatched, what
            is below its threshold grey. Without stored films the bar is the probability.
        chosen: Name of the finding that is drawn with a bright rim.
    """
    names = [row.name for row in rows]
    known = all(math.isfinite(row.share_below) for row in rows)
    figure = go.Figure()
    figure.add_bar(
        x=[row.share_below if known else row.probability for row in rows],
        y=names,
        orientation="h",
        customdata=[", ".join(filter(None, (row.words, row.standing))) for row in rows],
        marker={
            "color": [hex_colour(PREDICTION) if row.above else QUIET for row in rows],
            "pattern": {
                "shape": ["/" if row.above and not row.strong else "" for row in rows],
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
        showlegend=False,
    )
    figure.add_scatter(
        x=[1.02] * len(rows),
        y=names,
        mode="text",
        text=[f"<b>{row.words}</b>" if row.above else row.words for row in rows],
        textposition="middle right",
        cliponaxis=False,
        showlegend=False,
        hoverinfo="skip",
    )
    figure.update_layout(
        height=60 + 22 * len(rows),
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        bargap=0.3,
        dragmode=False,
        clickmode="event+select",
    )
    figure.update_xaxes(
        range=[0, 2.4],  # room on the right for the words
        tickvals=[0, 0.25, 0.5, 0.75, 1],
        ticktext=["0", "25", "50", "75", "100\u00a0%"],
        title={
            "text": "films without the finding that score lower" if known else "probability",
            "standoff": 4,
        },
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
    mm_per_px: float | None = None,
) -> None:
    """Draw the two lines of a cardiothoracic ratio on a panel of a viewer; changes the figure.

    Args:
        figure: From `core.plots.viewer.viewer`.
        ratio: Whose lines.
        column: The panel, from 1.
        name: Of the legend's entry, before "heart" and "chest".
        dashed: The line style of truth.
        mm_per_px: Width of a pixel, where known: lengths are given in mm then.
    """
    x, y = _axes(column)
    # The upper line's label stands above it and the lower one's below: they cannot meet.
    upper = "heart" if ratio.heart_y <= ratio.chest_y else "chest"
    for line, colour in (("heart", HEART), ("chest", CHEST)):
        x0, y0, x1, y1 = ratio.lines[line]
        words = f"{name}{line} {length(x1 - x0, mm_per_px)}"
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
                text=words,
            )
        figure.add_annotation(
            name="overlay",
            text=words,
            xref=x,
            yref=y,
            x=(x0 + x1) / 2,
            y=y0,
            yshift=4 if line == upper else -4,
            yanchor="bottom" if line == upper else "top",
            showarrow=False,
            font={"color": hex_colour(colour), "size": 12},
            bgcolor="rgba(0,0,0,0.6)",
            borderpad=1,
        )


def length(px: float, mm_per_px: float | None) -> str:
    """A length on a film, in mm where the size of a pixel is known."""
    return f"{px:.0f} px" if mm_per_px is None else f"{px * mm_per_px:.0f} mm"


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
