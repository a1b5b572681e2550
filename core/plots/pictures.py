"""A figure as PNG or SVG, drawn by matplotlib.

Plotly's own export needs a browser (Kaleido), which a laptop without a network may not have. Only
what these figures consist of is known: lines, marks, bars, error bars and level lines.
"""

from __future__ import annotations

import io
import re
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

_DASHES = {
    "solid": "-",
    "dot": ":",
    "dash": "--",
    "dashdot": "-.",
    "longdash": (0, (8, 3)),
    "longdashdot": (0, (8, 3, 1, 3)),
}
_MARKS = {
    "circle": "o",
    "diamond": "D",
    "square": "s",
    "triangle-up": "^",
    "x": "X",
    "cross": "P",
}
_DPI = 150


def picture(
    figure: go.Figure, kind: Literal["png", "svg"], title: str = "", width: float = 7.2
) -> bytes:
    """The figure as a file, dark on white.

    Args:
        figure: Scatter and bar traces only.
        kind: "png" or "svg".
        title: Written above it.
        width: In inches; letters keep their size, so that they are the larger the smaller it is.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    layout = figure.layout
    with rc_context({"svg.hashsalt": "lightbox", "svg.fonttype": "none", "hatch.linewidth": 0.6}):
        height = (layout.height or 360) / 75 * width / 7.2
        sheet = Figure(figsize=(width, height), layout="constrained")
        axes = sheet.add_subplot()
        bottoms: dict[Any, float] = {}
        for trace in figure.data:
            if trace.type == "bar":
                _bar(axes, trace, bottoms)
            elif trace.fill == "toself":
                axes.fill(trace.x, trace.y, color=trace.fillcolor, alpha=0.25, linewidth=0)
            else:
                _scatter(axes, trace)
        for shape in layout.shapes:
            line = _DASHES.get(shape.line.dash or "solid", "-")
            upright = str(shape.yref).endswith("domain")
            draw, place = (axes.axvline, shape.x0) if upright else (axes.axhline, shape.y0)
            draw(float(place), color=shape.line.color, linestyle=line, linewidth=1.2)
        for note in layout.annotations:
            place = (1.0, float(note.y))
            axes.annotate(
                _plain(note.text), place, xycoords=("axes fraction", "data"), ha="right",
                va="bottom", fontsize=8,
            )  # fmt: skip
        if layout.xaxis.type == "log":
            axes.set_xscale("log")
            if layout.xaxis.ticktext:
                ends = axes.get_xlim()
                axes.set_xticks(layout.xaxis.tickvals, layout.xaxis.ticktext)
                axes.set_xticks([], minor=True)
                axes.set_xlim(ends)
        axes.set_xlabel(_plain(layout.xaxis.title.text))
        axes.set_ylabel(_plain(layout.yaxis.title.text))
        if layout.xaxis.range:
            axes.set_xlim(*layout.xaxis.range)
        if layout.yaxis.range:
            axes.set_ylim(*layout.yaxis.range)
        if layout.yaxis.ticktext:
            axes.set_yticks(layout.yaxis.tickvals, layout.yaxis.ticktext)
        if layout.yaxis.rangemode == "tozero" and not layout.yaxis.range:
            axes.set_ylim(bottom=0)
        if bottoms:
            counted = axes.xaxis if figure.data[0].orientation == "h" else axes.yaxis
            counted.set_major_locator(MaxNLocator(integer=True))
        if layout.yaxis.scaleanchor:
            axes.set_aspect("equal")
        if any(trace.name for trace in figure.data):
            sheet.legend(
                loc="outside lower center", ncols=1 + (width > 6), fontsize=8, frameon=False
            )
        if title:
            sheet.suptitle(title, fontsize=11)
        if len(axes.get_xticklabels()) > 15:
            axes.tick_params(axis="x", rotation=90, labelsize=7)
        packed = io.BytesIO()
        sheet.savefig(
            packed, format=kind, dpi=_DPI, metadata={"Date": None} if kind == "svg" else None
        )
    return packed.getvalue()


def _scatter(axes: Any, trace: Any) -> None:
    x, y = np.asarray(trace.x), np.asarray(trace.y, float)
    modes = (trace.mode or "lines").split("+")
    line, mark = trace.line, trace.marker
    colour = line.color or mark.color or "#333333"
    axes.plot(
        x,
        y,
        color=colour,
        linestyle=_DASHES.get(line.dash or "solid", "-") if "lines" in modes else "none",
        linewidth=(line.width or 2) * 0.75,
        marker=_MARKS.get(mark.symbol or "circle", "o") if "markers" in modes else "none",
        markersize=(mark.size or 7) * 0.7,
        markerfacecolor=mark.color or colour,
        markeredgecolor="none",
        label=_plain(trace.name),
    )
    error = trace.error_y
    if error.array is not None:
        below = error.array if error.arrayminus is None else error.arrayminus
        axes.errorbar(
            x, y, yerr=np.stack([below, error.array]), fmt="none", ecolor=colour, capsize=2,
            linewidth=0.9,
        )  # fmt: skip


def _bar(axes: Any, trace: Any, bottoms: dict[Any, float]) -> None:
    """A stacked bar trace; `bottoms` holds the heights so far."""
    level = trace.orientation == "h"
    places, heights = (trace.y, trace.x) if level else (trace.x, trace.y)
    start = [bottoms.get(place, 0.0) for place in places]
    drawn = axes.barh if level else axes.bar
    drawn(
        list(places),
        np.asarray(heights, float),
        **{"left" if level else "bottom": start},
        color=trace.marker.color,
        hatch=(trace.marker.pattern.shape or "") * 2,
        edgecolor="#ffffff",
        linewidth=0.5,
        label=_plain(trace.name),
    )
    for place, height in zip(places, heights, strict=True):
        bottoms[place] = bottoms.get(place, 0.0) + float(height)


def _plain(text: str | None) -> str:
    """Text without the tags that Plotly understands, and with "$" as itself."""
    return re.sub(r"<[^>]+>", " ", text or "").replace("$", r"\$")
