"""What most charts share: size, margins, a legend above them, titles of their axes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go

QUIET = "#8a9197"
"""Of what the data are compared with."""
ABOVE: Mapping[str, Any] = MappingProxyType(
    {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
)


def laid_out(
    figure: go.Figure,
    height: int,
    x_title: str = "",
    y_title: str = "",
    *,
    top: int = 30,
    legend: Mapping[str, Any] | None = ABOVE,
    **more: Any,
) -> go.Figure:
    """The figure with its frame.

    Args:
        height: On the screen, in pixels.
        x_title, y_title: With unit.
        top: Margin above, in pixels; the chart fills its width, and the axes make their room.
        legend: Where it stands; None leaves it beside the chart.
        more: As `update_layout` takes them.
    """
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": top, "b": 0},
        legend=None if legend is None else dict(legend),
        **more,
    )
    figure.update_xaxes(title=x_title or None)
    figure.update_yaxes(title=y_title or None)
    return figure


def add_equality(figure: go.Figure, low: float, high: float, dash: str = "dot") -> None:
    """The line on which both axes say the same."""
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        name="equal",
        line={"dash": dash, "color": QUIET},
    )
