"""Plotly figures of volumes: the strip of stages, the montage, histograms and disagreement."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import lru_cache
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import convert_colors_to_same_type, get_colorscale, unlabel_rgb
from plotly.subplots import make_subplots

from core.plots.draw import PREDICTION, TRUTH, Picture, hex_colour
from core.plots.layout import laid_out
from core.plots.level_lines import joined, level_lines
from core.plots.slices import SIDES, Layer, Slice, display_range, grey, montage, slice_at
from core.plots.viewer import data_uri

BLACK = "#000000"
# Both maps are safe for colour-blind readers; the field's is white where nothing is changed.
SCALES = {"grey": "gray", "field": "RdBu_r", "probability": "viridis"}
DISAGREEMENT = ("#1a1d20", "#56b4e9", "#d55e00", "#f0e442")

FIELD_STEP = 0.05
LINE: dict[str, Any] = {
    "type": "scatter",
    "mode": "lines",
    "showlegend": False,
    "hoverinfo": "skip",
}

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

    Slices are pictures and lines are points, made here: as heat maps and contours they took the
    browser most of a second, while everything else on the page waited.

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
    around = [outline(slice_at(mask, plane, position_mm), kind) for kind, mask in outlines]
    cuts = [slice_at(layer, plane, position_mm) for layer in layers]
    traces: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    notes = _letters(plane, len(layers)) + _titles([one.title for one in layers])
    for number, (layer, cut) in enumerate(zip(layers, cuts, strict=True), start=1):
        low, high = shown_range(layer)
        images.append(_picture(layer, cut, low, high) | _axes(number, "xref", "yref"))
        lines = list(around)
        if layer.scale == "field":
            lines += field_lines(cut)
        # A panel is drawn where it has a trace.
        traces += [line | _axes(number, "xaxis", "yaxis") for line in lines or [outline(None)]]
        if layer.scale != "grey":
            images.append(_bar(layer.scale, number))
            notes += _bar_ends(low, high, number)
    x, y = _reach(cuts)
    for name, axis in layout.items():
        if name.startswith(("xaxis", "yaxis")):
            axis |= HIDDEN | ({"range": x} if name.startswith("x") else {"range": y} | SQUARE)
    layout |= FILM | {"height": 10 + (240 if rows > 1 else 285) * rows}
    layout["margin"] = FILM["margin"] | {"t": 4}
    layout |= {"images": images, "annotations": notes}
    return go.Figure(traces, layout)


def _axes(panel: int, x_name: str, y_name: str) -> dict[str, str]:
    tail = "" if panel == 1 else str(panel)
    return {x_name: f"x{tail}", y_name: f"y{tail}"}


def _reach(cuts: Sequence[Slice]) -> tuple[list[float], list[float]]:
    """From where to where the largest of some slices reach, in mm along x and y."""
    boxes = np.array([_box(cut) for cut in cuts])
    (left, low), (right, high) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return [float(left), float(right)], [float(low), float(high)]


def _box(cut: Slice) -> tuple[float, float, float, float]:
    """Left, lower, right and upper edge of a slice's outermost pixels, in mm."""
    (dx, dy), (height, width) = cut.step_mm, cut.image.shape
    left, low = cut.x_mm - dx / 2, cut.y_mm - dy / 2
    return left, low, left + dx * width, low + dy * height


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


def shown_range(layer: Layer) -> tuple[float, float]:
    """The values of the darkest and the brightest colour of a layer's scale."""
    if layer.scale == "grey":
        return display_range(layer.voxels)
    if layer.scale == "field":
        away = float(np.abs(layer.voxels[::4, ::4, ::4] - 1).max())
        return 1 - away, 1 + away
    return 0.0, 1.0


@lru_cache(maxsize=4)
def _palette(scale: str) -> Picture:
    """256 colours of a Plotly scale, uint8 (256, 3)."""
    stops = get_colorscale(SCALES[scale])
    colours = [unlabel_rgb(convert_colors_to_same_type(colour)[0][0]) for _, colour in stops]
    places = np.linspace(0, 1, 256)
    found = [
        np.interp(places, [stop for stop, _ in stops], part) for part in zip(*colours, strict=True)
    ]
    return np.rint(np.stack(found, axis=1)).astype(np.uint8)


def _picture(layer: Layer, cut: Slice, low: float, high: float) -> dict[str, Any]:
    """A slice as one of the layout's images, where it lies in mm."""
    picture = grey(cut.image, low, high)[::-1]
    left, bottom, right, top = _box(cut)
    return {
        "source": data_uri(picture if layer.scale == "grey" else _palette(layer.scale)[picture]),
        "x": left, "y": bottom, "sizex": right - left, "sizey": top - bottom,
        "xanchor": "left", "yanchor": "bottom", "sizing": "stretch", "layer": "below",
    }  # fmt: skip


BAR_LOW, BAR_HIGH = 0.58, 0.95  # above the letter of the side


def _bar(scale: str, panel: int) -> dict[str, Any]:
    """The colours of a scale, at the right edge of a panel; its ends are `_bar_ends`."""
    return {
        "source": data_uri(np.ascontiguousarray(_palette(scale)[::-4, None])),
        "x": 0.9, "y": BAR_LOW, "sizex": 0.025, "sizey": BAR_HIGH - BAR_LOW,
        "xanchor": "left", "yanchor": "bottom", "sizing": "stretch", "layer": "above",
        **_domain(panel),
    }  # fmt: skip


def _bar_ends(low: float, high: float, panel: int) -> list[dict[str, Any]]:
    """The values at the ends and in the middle of a panel's bar of colours."""
    return [
        {
            "text": f"{low + share * (high - low):.2g}", "x": 0.93,
            "y": BAR_LOW + share * (BAR_HIGH - BAR_LOW), "xanchor": "left", "yanchor": "middle",
            "showarrow": False, "font": {"size": 10, "color": "#ffffff"},
            "bgcolor": "rgba(0,0,0,0.5)", "borderpad": 0, **_domain(panel),
        }
        for share in (0.0, 0.5, 1.0)
    ]  # fmt: skip


def field_lines(cut: Slice) -> list[dict[str, Any]]:
    """Lines of equal bias, a twentieth apart, and their values."""
    first, last = np.ceil(cut.image.min() / FIELD_STEP), np.floor(cut.image.max() / FIELD_STEP)
    levels = np.arange(first, last + 1) * FIELD_STEP
    by_level = {float(level): level_lines(cut, float(level), finer=2) for level in levels}
    x, y = joined([line for lines in by_level.values() for line in lines])
    longest = {level: max(lines, key=len) for level, lines in by_level.items() if lines}
    places = [line[len(line) // 2] for line in longest.values()]
    return [
        LINE | {"x": x, "y": y, "line": {"color": "#303030", "width": 0.8}},
        LINE
        | {
            "mode": "text",
            "x": [float(place[0]) for place in places],
            "y": [float(place[1]) for place in places],
            "text": [f"{level:.2f}" for level in longest],
            "textfont": {"size": 9, "color": "#202020"},
        },
    ]


def outline(cut: Slice | None, kind: str = "prediction") -> dict[str, Any]:
    """Where a mask ends in a slice; without a slice a trace that shows nothing."""
    colour = hex_colour(PREDICTION if kind == "prediction" else TRUTH)
    x, y = joined(level_lines(cut, 0.5, closed=True) if cut else [])
    dash = "solid" if kind == "prediction" else "dash"
    return LINE | {"x": x, "y": y, "line": {"color": colour, "width": 1.6, "dash": dash}}


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
        around = montage(mask, plane, indices, columns)[::-1]
        figure.add_trace(outline(Slice(around, 0.0, 0.0, cut.step_mm)))
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
