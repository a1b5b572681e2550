"""Plotly figures of volumes: the strip of stages, the montage, histograms and disagreement."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import lru_cache
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.plots.draw import PREDICTION, TRUTH, hex_colour
from core.plots.layout import laid_out
from core.plots.slices import SIDES, Layer, Slice, display_range, grey, montage, slice_at

BLACK = "#000000"
# Both maps are safe for colour-blind readers; the field's is white where nothing is changed.
SCALES = {"grey": "gray", "field": "RdBu_r", "probability": "viridis"}
DISAGREEMENT = ("#1a1d20", "#56b4e9", "#d55e00", "#f0e442")

HIDDEN = {"visible": False}
SQUARE = {"scaleanchor": "x", "scaleratio": 1}
FILM: dict[str, Any] = {
    "plot_bgcolor": BLACK,
    "margin": {"l": 0, "r": 0, "t": 28, "b": 4},
    "showlegend": False,
    "dragmode": "zoom",
}


def strip(
    layers: Sequence[Layer],
    plane: str,
    position_mm: float,
    outlines: Sequence[tuple[str, Layer]] = (),
    columns: int = 4,
) -> go.Figure:
    """The same slice through every stage, side by side, with one shared zoom.

    Args:
        layers: One panel each.
        plane: "axial", "coronal" or "sagittal".
        position_mm: Where, along the input volume's axis.
        outlines: ("prediction" or "truth", mask layer) drawn on every panel.
        columns: Panels a row.
    """
    columns = min(columns, len(layers))
    rows = -(-len(layers) // columns)
    # One figure from plain dictionaries, checked once: Plotly's update_* and add_* check the
    # whole figure each time.
    layout = deepcopy(_grid(rows, columns))
    traces: list[dict[str, Any]] = []
    for number, layer in enumerate(layers):
        tail = str(number + 1) if number else ""
        cut = slice_at(layer, plane, position_mm)
        domains = layout[f"xaxis{tail}"]["domain"], layout[f"yaxis{tail}"]["domain"]
        found = [_picture(layer, cut, *domains)]
        if layer.scale == "field":
            found.append(_contours(cut))
        found += [_outline(slice_at(mask, plane, position_mm), kind) for kind, mask in outlines]
        traces += [{**trace, "xaxis": f"x{tail}", "yaxis": f"y{tail}"} for trace in found]
    for name, axis in layout.items():
        if name.startswith(("xaxis", "yaxis")):
            axis |= HIDDEN if name.startswith("x") else HIDDEN | SQUARE
    layout |= FILM | {"height": 10 + (240 if rows > 1 else 285) * rows}
    layout["margin"] = FILM["margin"] | {"t": 4}
    layout["annotations"] = _letters(plane, len(layers)) + _titles([one.title for one in layers])
    return go.Figure(traces, layout)


@lru_cache(maxsize=16)
def _grid(rows: int, columns: int) -> dict[str, Any]:
    """Axes of panels that share one zoom; the caller copies them."""
    figure = make_subplots(
        rows,
        columns,
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.012,
        vertical_spacing=0.02,
    )
    axes: dict[str, Any] = figure.layout.to_plotly_json()
    del axes["template"]  # every figure has it, and would check it again
    return axes


def _titles(titles: Sequence[str]) -> list[dict[str, Any]]:
    """Names inside the black panels: legible in both themes, and never over a neighbour."""
    return [
        {
            "text": title, "x": 0.02, "y": 0.985, "xanchor": "left", "yanchor": "top",
            "showarrow": False, "bgcolor": "rgba(0,0,0,0.6)",
            "font": {"size": 12, "color": "#ffffff"}, **_domain(number),
        }
        for number, title in enumerate(titles, start=1)
    ]  # fmt: skip


def _domain(panel: int) -> dict[str, str]:
    name = "" if panel == 1 else str(panel)
    return {"xref": f"x{name} domain", "yref": f"y{name} domain"}


def _contours(cut: Slice) -> dict[str, Any]:
    """Lines of equal bias, a twentieth apart, with their values."""
    return {
        "type": "contour",
        "z": cut.image.astype(np.float32),
        "x0": cut.x_mm,
        "dx": cut.step_mm[0],
        "y0": cut.y_mm,
        "dy": cut.step_mm[1],
        "contours": {
            "start": 0.2,
            "end": 3.0,
            "size": 0.05,
            "coloring": "none",
            "showlabels": True,
            "labelfont": {"size": 9, "color": "#202020"},
            "labelformat": ".2f",
        },
        "line": {"color": "#303030", "width": 0.8},
        "showscale": False,
        "hoverinfo": "skip",
    }


def _picture(
    layer: Layer, cut: Slice, x_domain: Sequence[float], y_domain: Sequence[float]
) -> dict[str, Any]:
    trace: dict[str, Any] = {
        "type": "heatmap",
        "hoverinfo": "skip",
        "name": layer.title,
        "zsmooth": "fast",
    }
    trace |= {"x0": cut.x_mm, "dx": cut.step_mm[0], "y0": cut.y_mm, "dy": cut.step_mm[1]}
    if layer.scale == "grey":
        picture = grey(cut.image, *display_range(layer.voxels))
        return trace | {"z": picture, "colorscale": "gray", "zmin": 0, "zmax": 255,
                        "showscale": False}  # fmt: skip
    low, high = 0.0, 1.0
    if layer.scale == "field":
        away = float(np.abs(layer.voxels[::4, ::4, ::4] - 1).max())
        low, high = 1 - away, 1 + away
    bar = {
        "len": 0.9 * (y_domain[1] - y_domain[0]),
        "y": sum(y_domain) / 2,
        "x": x_domain[1],
        "xanchor": "right",
        "thickness": 7,
        "xpad": 2,
        "ypad": 0,
        "tickfont": {"color": "#dddddd", "size": 10},
        "ticklabelposition": "outside",
        "outlinewidth": 0,
    }
    return trace | {
        "z": cut.image.astype(np.float32),
        "colorscale": SCALES[layer.scale],
        "zmin": low,
        "zmax": high,
        "colorbar": bar,
    }


def _outline(cut: Slice, kind: str) -> dict[str, Any]:
    colour = hex_colour(PREDICTION if kind == "prediction" else TRUTH)
    return {
        "type": "contour",
        "z": cut.image.astype(np.uint8),
        "x0": cut.x_mm,
        "dx": cut.step_mm[0],
        "y0": cut.y_mm,
        "dy": cut.step_mm[1],
        "contours": {"start": 0.5, "end": 0.5, "size": 1, "coloring": "lines"},
        "colorscale": [[0, colour], [1, colour]],
        "line": {"width": 1.6, "dash": "solid" if kind == "prediction" else "dash"},
        "showscale": False,
        "hoverinfo": "skip",
    }


def _letters(plane: str, panels: int) -> list[dict[str, Any]]:
    """The sides of the patient at the edges of every panel, the upper one below its title."""
    spots = ((0.01, 0.5, "left", "middle"), (0.99, 0.5, "right", "middle"),
             (0.5, 0.01, "center", "bottom"), (0.5, 0.99, "center", "top"))  # fmt: skip
    return [
        {
            "text": letter, "x": x, "y": y, "xanchor": xanchor, "yanchor": yanchor,
            "showarrow": False, "font": {"size": 12, "color": "#c9ced3"}, **_domain(panel),
            "yshift": -18 if yanchor == "top" else 0,
        }
        for panel in range(1, panels + 1)
        for letter, (x, y, xanchor, yanchor) in zip(SIDES[plane], spots, strict=True)
    ]  # fmt: skip


def _as_film(figure: go.Figure) -> None:
    """Black panels without axes, one millimetre the same in both directions."""
    figure.update_xaxes(HIDDEN)
    figure.update_yaxes(HIDDEN | SQUARE)
    figure.update_layout(FILM)


def sheet(
    layer: Layer, mask: Layer | None, plane: str, indices: Sequence[int], columns: int = 6
) -> go.Figure:
    """A montage of slices with the outline of the mask."""
    a, b = {"axial": (0, 1), "coronal": (0, 2), "sagittal": (1, 2)}[plane]
    step = layer.step_mm[a], layer.step_mm[b]
    picture = montage(layer, plane, indices, columns)[::-1]
    figure = go.Figure()
    cut = Slice(picture, 0.0, 0.0, step)
    figure.add_trace(
        go.Heatmap(
            z=grey(picture, *display_range(layer.voxels)),
            dx=step[0],
            dy=step[1],
            colorscale="gray",
            zmin=0,
            zmax=255,
            showscale=False,
            hoverinfo="skip",
        )
    )
    if mask is not None:
        outline = montage(mask, plane, indices, columns)[::-1]
        figure.add_trace(_outline(Slice(outline, 0.0, 0.0, cut.step_mm), "prediction"))
    _as_film(figure)
    rows = -(-len(indices) // columns)
    ratio = picture.shape[0] * step[1] / (picture.shape[1] * step[0])
    figure.update_layout(height=int(min(160 + 180 * rows, 40 + 1100 * ratio)), margin={"t": 4})
    return figure


def histogram(
    curves: Sequence[tuple[str, np.ndarray, str]], title: str, bins: int = 120
) -> go.Figure:
    """Intensities as curves over shared bins; each curve has an area of 1.

    Args:
        curves: (name, values, line style "solid" or "dash").
        title: Of the horizontal axis.
        bins: Their number, from the lowest value to the 99.8th percentile.
    """
    together = np.concatenate(
        [values[:: max(1, values.size // 200_000)] for _, values, _ in curves]
    )
    low, high = float(together.min()), float(np.percentile(together, 99.8))
    edges = np.linspace(low, high, bins + 1)
    if any(_whole_numbers(values) for _, values, _ in curves):
        # Bins that hold unequal counts of whole numbers would draw a comb.
        width = max(1, int(np.ceil((high - low) / bins)))
        edges = np.arange(np.floor(low) - 0.5, np.ceil(high) + width, width)
    figure = go.Figure()
    colours = (hex_colour(PREDICTION), hex_colour(TRUTH), "#9aa0a6")
    for (name, values, dash), colour in zip(curves, colours, strict=False):
        counts, _ = np.histogram(values, edges, density=True)
        figure.add_trace(
            go.Scatter(
                x=(edges[:-1] + edges[1:]) / 2,
                y=counts,
                name=name,
                mode="lines",
                line={"color": colour, "dash": dash, "width": 2},
            )
        )
    legend, titles = {"orientation": "h", "y": 1.08}, (title, "share of voxels")
    laid_out(figure, 330, *titles, top=10, legend=legend, hovermode="x unified")
    return figure.update_yaxes(showticklabels=False)


def _whole_numbers(values: np.ndarray) -> bool:
    sample = values[:: max(1, values.size // 5000)]
    return bool(sample.size) and bool(np.array_equal(sample, np.round(sample)))


def disagreement_strip(head: Layer, difference: Layer, positions_mm: dict[str, float]) -> go.Figure:
    """Three planes with the voxels that only one of two masks holds."""
    figure = make_subplots(1, 3, horizontal_spacing=0.012)
    colours = [[n / 3, colour] for n, colour in enumerate(DISAGREEMENT)]
    for column, (plane, position) in enumerate(positions_mm.items(), start=1):
        place = {"row": 1, "col": column}
        cut = slice_at(difference, plane, position)
        under = slice_at(head, plane, position)
        axes = {"x0": cut.x_mm, "dx": cut.step_mm[0], "y0": cut.y_mm, "dy": cut.step_mm[1]}
        figure.add_trace(
            go.Heatmap(z=grey(under.image, *display_range(head.voxels)), **axes, zmin=0, zmax=255,
                       colorscale="gray", showscale=False, hoverinfo="skip"),
            **place,
        )  # fmt: skip
        only_one = np.where(cut.image >= 2, cut.image.astype(np.float32), np.nan)
        figure.add_trace(
            go.Heatmap(z=only_one, **axes, zmin=0, zmax=3, colorscale=colours, showscale=False,
                       hoverinfo="skip", opacity=0.9),
            **place,
        )  # fmt: skip
        name = "" if column == 1 else str(column)
        figure.update_yaxes(scaleanchor=f"x{name}", row=1, col=column)
    figure.update_layout(annotations=_titles(list(positions_mm)))
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, constrain="domain")
    figure.update_layout(
        plot_bgcolor=BLACK, height=400, margin={"l": 0, "r": 0, "t": 4, "b": 4}, showlegend=False
    )
    return figure
