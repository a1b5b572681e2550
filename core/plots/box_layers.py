"""Boxes and outlines of one kind, as they are drawn on a panel of the viewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.plots.draw import PREDICTION, TRUTH, Rgb, hex_colour


@dataclass(frozen=True, eq=False)
class BoxLayer:
    """Boxes of one kind, as they are drawn on a panel.

    Attributes:
        name: What the legend calls them, line style included.
        boxes_xyxy: (N, 4) in pixels of the original image.
        labels: One short text a box, on the image.
        hovers: One longer text a box, under the pointer.
        colour: Of line and text.
        dashed: The line style of truth; predictions are solid.
        chosen: Index of a box to draw thicker, or None.
        polygons: Corners (K, 2) of outlines within the boxes, where they are known.
    """

    name: str
    boxes_xyxy: NDArray[np.float32]
    labels: tuple[str, ...]
    hovers: tuple[str, ...]
    colour: Rgb = PREDICTION
    dashed: bool = False
    chosen: int | None = None
    polygons: tuple[NDArray[np.float64], ...] = ()


def truth_layer(
    boxes_xyxy: NDArray[np.float32],
    found: Sequence[bool] | NDArray[np.bool_] = (),
    polygons: Sequence[NDArray[np.float64]] = (),
) -> BoxLayer:
    """The true boxes and outlines, dashed; `found` says whether a prediction hit each box."""
    words = ["found" if hit else "missed" for hit in found] or [""] * len(boxes_xyxy)
    return BoxLayer(
        name="truth (dashed)",
        boxes_xyxy=boxes_xyxy,
        labels=tuple(f"truth, {word}" if word == "missed" else "truth" for word in words),
        hovers=tuple(f"Truth {word}".strip() for word in words),
        colour=TRUTH,
        dashed=True,
        polygons=tuple(polygons),
    )


def outline(layer: BoxLayer, points: NDArray[np.float64], x: str, y: str) -> dict[str, Any]:
    """A polygon as a closed line; the box around it answers the pointer."""
    closed = np.concatenate([points, points[:1]]).round(1)
    return {
        "type": "scatter",
        "x": closed[:, 0].tolist(),
        "y": closed[:, 1].tolist(),
        "xaxis": x,
        "yaxis": y,
        "mode": "lines",
        "line": {
            "color": hex_colour(layer.colour),
            "width": 2,
            "dash": "dot" if layer.dashed else "solid",
        },
        "name": f"{layer.name}, outline",
        "legendgroup": layer.name,
        "showlegend": False,
        "hoverinfo": "skip",
    }


def boxes(layer: BoxLayer, x: str, y: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A layer's boxes, as traces (a dark rim, a line, a hover inside) and labels.

    The label stands above its box, below for truth.
    """
    traces, labels = [], []
    for index, (x0, y0, x1, y1) in enumerate(np.asarray(layer.boxes_xyxy, float).tolist()):
        outline = {
            "type": "scatter",
            "x": [x0, x1, x1, x0, x0],
            "y": [y0, y0, y1, y1, y0],
            "xaxis": x,
            "yaxis": y,
            "mode": "lines",
            "legendgroup": layer.name,
        }
        width = 5 if index == layer.chosen else 2
        rim = {"color": "rgba(0,0,0,0.65)", "width": width + 3}
        traces.append({**outline, "line": rim, "showlegend": False, "hoverinfo": "skip"})
        colour = hex_colour(layer.colour)
        dash = "dash" if layer.dashed else "solid"
        traces.append(
            {
                **outline,
                "line": {"color": colour, "width": width, "dash": dash},
                "fill": "toself",
                "fillcolor": "rgba(255,255,255,0.01)",  # a fill catches the pointer in the box
                "hoveron": "fills",
                "hoverinfo": "text",
                "text": layer.hovers[index],
                "name": layer.name,
                "showlegend": index == 0,
            }
        )
        labels.append(
            {
                "name": "overlay",
                "text": layer.labels[index],
                "xref": x,
                "yref": y,
                "x": x0,
                "y": y1 if layer.dashed else y0,
                "xanchor": "left",
                "yanchor": "top" if layer.dashed else "bottom",
                "yshift": -3 if layer.dashed else 3,
                "showarrow": False,
                "font": {"color": colour, "size": 13},
                "bgcolor": "rgba(0,0,0,0.6)",
                "borderpad": 1,
            }
        )
    return traces, labels
