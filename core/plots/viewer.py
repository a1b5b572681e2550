"""Plotly figures from arrays and results: the viewer, the heat map and curves."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import plotly.graph_objects as go

from core.images import FloatArray
from core.plots.box_layers import BoxLayer, boxes, outline
from core.plots.draw import HEAT_SCALE, PREDICTION, Picture, hex_colour

PNG_PIXELS = 1_500_000  # above it a PNG makes the page slow; JPEG at 92 shows no difference
GAP = 0.012  # between panels, as a share of the figure
VIEWING_BOX = "#000000"
INK = "#f2f2f2"
CONFIG = {"displaylogo": False, "displayModeBar": True, "scrollZoom": True}
"""Plotly's own settings for every viewer: the wheel zooms, as in viewers of the field."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of the viewer: uint8 (H, W) or (H, W, 3), with what lies on it.

    Attributes:
        laterality: Its own side mark instead of the viewer's, where it was mirrored.
        magnified: Factor of lengths against the viewer's spacing, for its scale bar.
    """

    title: str
    picture: Picture
    layers: tuple[BoxLayer, ...] = ()
    heat: FloatArray | None = None
    laterality: str | None = None
    magnified: float = 1.0


def data_uri(picture: Picture) -> str:
    """A picture as a data address: PNG, or JPEG where it is large."""
    kind, options = ("png", [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if picture.shape[0] * picture.shape[1] > PNG_PIXELS:
        kind, options = ("jpeg", [cv2.IMWRITE_JPEG_QUALITY, 92])
    bgr = picture[..., ::-1] if picture.ndim == 3 else picture
    _, encoded = cv2.imencode("." + kind, np.ascontiguousarray(bgr), options)
    return f"data:image/{kind};base64,{base64.b64encode(encoded.tobytes()).decode()}"


def viewer(
    panels: Sequence[Panel],
    *,
    spacing_mm: tuple[float, float] | None = None,
    laterality: str | None = None,
    revision: str = "",
) -> go.Figure:
    """Panels side by side whose zoom and pan are linked.

    Every panel is marked with the side of the body, where it is known. The page draws the scale
    bar in the browser, so that it follows the zoom.

    Args:
        panels: At least one; all of one (H, W).
        spacing_mm: Pixel spacing (row, column), for the scale bar.
        laterality: Letter of the side: "L", "R", "A" on a sagittal slice, or None.
        revision: While it stays the same, the user's zoom survives a new figure: the digest.

    Raises:
        ValueError: If the panels have different shapes.
    """
    shape = panels[0].picture.shape[:2]
    if any(panel.picture.shape[:2] != shape for panel in panels):
        raise ValueError("all panels need one (H, W): their zoom is linked")
    # Built as plain dictionaries and checked once: Plotly's own update_* and add_* check the whole
    # figure each time, which is half of what a moved slider costs.
    sources: dict[int, str] = {}  # the same picture in two panels is encoded once
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "margin": {"l": 0, "r": 0, "t": 30, "b": 30},
        "paper_bgcolor": VIEWING_BOX,
        "plot_bgcolor": VIEWING_BOX,
        "font": {"color": INK},
        "dragmode": "pan",
        "hovermode": "closest",
        "uirevision": revision,
        # For the page's script, which hides it: calls Plotly to set the zoom again.
        "updatemenus": [
            {
                "type": "buttons",
                "x": 0.5,
                "y": 0.5,
                "buttons": [{"label": "", "method": "relayout", "args": [{}]}],
            }
        ],
        "meta": {  # for the scale bars
            "film": {
                "spacing_mm": spacing_mm[1] if spacing_mm else None,
                "magnified": [panel.magnified for panel in panels],
            }
        },
        "legend": {
            "orientation": "h",
            "x": 1,
            "xanchor": "right",
            "y": -0.005,
            "yanchor": "top",
            "bgcolor": "rgba(0,0,0,0)",
            "font": {"color": INK},
        },
        "modebar": {
            "bgcolor": "rgba(0,0,0,0)",
            "color": "#8a9197",
            "activecolor": hex_colour(PREDICTION),
            "remove": ["select2d", "lasso2d", "autoScale2d"],
        },
    }
    wide = (1 - GAP * (len(panels) - 1)) / len(panels)
    for number, panel in enumerate(panels):
        source = sources.get(id(panel.picture)) or data_uri(panel.picture)
        sources[id(panel.picture)] = source
        left = number * (wide + GAP)
        domain = (left, min(left + wide, 1.0))
        side = panel.laterality or laterality
        traces += _panel(layout, number, domain, panel, source, side)
    return go.Figure(traces, layout)


def _panel(
    layout: dict[str, Any],
    number: int,
    domain: tuple[float, float],
    panel: Panel,
    source: str,
    laterality: str | None,
) -> list[dict[str, Any]]:
    """The traces of one picture with its boxes; its axes, picture and marks go into the layout."""
    height, width = panel.picture.shape[:2]
    tail = str(number + 1) if number else ""
    x, y = f"x{tail}", f"y{tail}"
    # By its domain, an axis keeps its range when the window changes its size.
    hidden = {"visible": False, "zeroline": False, "constrain": "domain"}
    linked = number > 0
    layout[f"xaxis{tail}"] = {
        "anchor": y,
        "domain": domain,
        "range": [0, width],
        **({"matches": "x"} if linked else {}),
        **hidden,
    }
    layout[f"yaxis{tail}"] = {
        "anchor": x,
        "domain": (0.0, 1.0),
        "range": [height, 0],
        **({"matches": "y"} if linked else {}),
        "scaleanchor": x,
        **hidden,
    }
    layout["images"].append(
        {
            "source": source,
            "xref": x,
            "yref": y,
            "x": 0,
            "y": 0,
            "sizex": width,
            "sizey": height,
            "sizing": "stretch",
            "layer": "below",
        }
    )
    # An empty trace gives a panel without boxes its axes.
    empty = {"type": "scatter", "x": [None], "y": [None], "xaxis": x, "yaxis": y}
    traces: list[dict[str, Any]] = [{**empty, "showlegend": False, "hoverinfo": "skip"}]
    if panel.heat is not None:
        traces.append(_heat_trace(panel.heat, width, height, x, y))
    for layer in panel.layers:
        drawn, labels = boxes(layer, x, y)
        traces += drawn + [outline(layer, points, x, y) for points in layer.polygons]
        layout["annotations"] += labels
    mark = {"xref": f"{x} domain", "yref": f"{y} domain", "x": 0.01, "xanchor": "left"}
    mark |= {"showarrow": False, "bgcolor": "rgba(0,0,0,0.45)"}
    layout["annotations"].append(
        {
            **mark,
            "text": panel.title,
            "y": 0.01,
            "yanchor": "bottom",
            "font": {"color": INK, "size": 13},
        }
    )
    if laterality:
        layout["annotations"].append(
            {
                **mark,
                "text": f"<b>{laterality}</b>",
                "y": 0.99,
                "yanchor": "top",
                "font": {"color": INK, "size": 22},
            }
        )
    return traces


def _heat_trace(heat: FloatArray, width: int, height: int, x: str, y: str) -> dict[str, Any]:
    """A heat map in the image's pixels, clear where it is 0."""
    grid = np.clip(heat, 0, 1)
    if max(grid.shape) > 160:  # a Grad-CAM has far fewer cells: nothing is lost
        side = 160 / max(grid.shape)
        size = (max(2, round(grid.shape[1] * side)), max(2, round(grid.shape[0] * side)))
        grid = cv2.resize(grid, size, interpolation=cv2.INTER_AREA)
    rows, columns = grid.shape
    stops = np.linspace(0, 1, len(HEAT_SCALE))
    return {
        "type": "heatmap",
        "z": np.round(grid, 3),
        "x0": width / columns / 2,
        "dx": width / columns,
        "y0": height / rows / 2,
        "dy": height / rows,
        "xaxis": x,
        "yaxis": y,
        "zmin": 0,
        "zmax": 1,
        "zsmooth": "best",
        "opacity": 0.7,
        "colorscale": [
            (float(stop), f"rgba({r},{g},{b},{stop:.2f})")
            for stop, (r, g, b) in zip(stops, HEAT_SCALE, strict=True)
        ],
        "colorbar": {
            "title": {"text": "heat", "font": {"color": INK}},
            "tickfont": {"color": INK},
            "thickness": 12,
            "len": 0.9,
        },
        "hovertemplate": "heat %{z:.2f}<extra></extra>",
    }


def heat_viewer(
    picture: Picture,
    heat: FloatArray,
    layers: tuple[BoxLayer, ...] = (),
    *,
    spacing_mm: tuple[float, float] | None = None,
    laterality: str | None = None,
    revision: str = "",
    titles: tuple[str, str] = ("Original", "Heat map"),
) -> go.Figure:
    """The picture beside its heat map, with an opacity slider that works in the browser.

    Args:
        picture: uint8 (H, W).
        heat: (H, W) in [0, 1].
        layers: Boxes to draw over the heat map.
        spacing_mm, laterality, revision: As for `viewer`.
        titles: Of both panels.
    """
    figure = viewer(
        [Panel(titles[0], picture), Panel(titles[1], picture, layers, heat)],
        spacing_mm=spacing_mm,
        laterality=laterality,
        revision=revision,
    )
    index = next(i for i, trace in enumerate(figure.data) if trace.type == "heatmap")
    levels = [step / 10 for step in range(11)]
    figure.update_layout(
        margin={"b": 100},
        sliders=[
            {
                "active": levels.index(0.7),
                "currentvalue": {"prefix": "Opacity of the heat map: ", "suffix": " %"},
                "font": {"color": INK},
                "bgcolor": "#8a9197",
                "pad": {"t": 24},  # below the legend
                "len": 0.5,
                "x": 0.5,
                "steps": [
                    {
                        "method": "restyle",
                        "label": f"{100 * level:.0f}",
                        "args": [{"opacity": level}, [index]],
                    }
                    for level in levels
                ],
            }
        ],
    )
    return figure
