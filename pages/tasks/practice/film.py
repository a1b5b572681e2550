"""The film that a reader works on: boxes, lines or a spot, and after the answer the overlays.

What is sent to the browser before an answer is kept is the picture, its size and a name that says
nothing of the case; overlays are sent only with the reveal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from core.plots import draw, viewer
from core.plots.measure import scale_bar
from core.practice.truths import Outline
from pages.shared import from_browser

Style = Literal["truth", "model", "you"]
Line = dict[str, Any]
HERE = Path(__file__).parent
MAX_SIDE = 1600  # pixels sent to the browser; a larger film only makes the page slow

HTML = """
<div class="film">
  <div class="tools">
    <button class="add">Add box</button>
    <button class="closer">Zoom in</button><button class="wider">Zoom out</button>
    <button class="whole" title="Whole film, window as read (0)">Reset</button>
    <label>Level <input class="level" type="range" min="0" max="100" value="50"></label>
    <label>Width <input class="width" type="range" min="5" max="200" step="5" value="100"></label>
    <label><input class="invert" type="checkbox"> Invert</label>
  </div>
  <svg role="group" tabindex="0"></svg>
</div>
"""
CSS = """
.tools { display: flex; flex-wrap: wrap; gap: .35rem .6rem; margin-bottom: .4rem;
  align-items: center; font-size: .875rem; }
button { font: inherit; color: var(--st-text-color); cursor: pointer; padding: .2rem .5rem;
  background: var(--st-secondary-background-color); border: 1px solid var(--st-border-color);
  border-radius: var(--st-button-radius); }
button:disabled { opacity: .5; cursor: default; }
label { display: flex; gap: .35rem; align-items: center; }
input[type=range] { width: 5rem; accent-color: var(--st-primary-color); }
input[type=checkbox] { accent-color: var(--st-primary-color); }
button:focus-visible, input:focus-visible, svg:focus-visible {
  outline: 2px solid var(--st-primary-color); }
svg { display: block; width: 100%; height: calc(100dvh - 13.5rem); min-height: 18rem;
  background: #000; cursor: crosshair; touch-action: none; user-select: none; }
.locked svg { cursor: grab; }
svg * { vector-effect: non-scaling-stroke; }
text { font-family: sans-serif; stroke: #000; stroke-width: 2.5; paint-order: stroke; }
.marks { pointer-events: none; fill: #f2f2f2; }
.bar { stroke: #f2f2f2; }
.overlays { pointer-events: none; }
.overlays rect, .overlays path { fill: none; }
.marks .rim, .overlays .rim, .drawing .rim {
  stroke: rgba(0, 0, 0, .7); stroke-width: 4.5; fill: none; }
.truth rect:not(.rim), .truth path:not(.rim) { stroke: #e69f00; stroke-dasharray: 9 5; }
.truth text { fill: #e69f00; }
.truth path.outline:not(.rim) { stroke-dasharray: 2 3; }
.model rect:not(.rim), .model path:not(.rim) { stroke: #56b4e9; }
.model text { fill: #56b4e9; }
.you rect:not(.rim), .overlays .you path:not(.rim) { stroke: #50d6a8; stroke-dasharray: 2 4;
  stroke-linecap: round; }
.you text, .line text { fill: #50d6a8; pointer-events: none; }
.handle { outline: none; }
.box { fill: transparent; cursor: move; stroke-width: 2.5; }
.grip { fill: transparent; }
.first, .last { cursor: nwse-resize; }
.you .corner:not(.rim) { fill: #50d6a8; stroke: #000; stroke-dasharray: none; }
.you .box:focus { stroke: #ffffff; stroke-width: 4; }
.you g:focus .corner { fill: #ffffff; }
.line .stroke { stroke: #50d6a8; stroke-dasharray: 2 4; stroke-linecap: round; }
.line:not(.placed) { opacity: .65; }
.line .handle { cursor: ew-resize; }
.tick { stroke: #50d6a8; stroke-width: 4; }
.handle:focus .tick { stroke: #ffffff; stroke-width: 6; }
.spot { cursor: move; }
.ring { fill: none; stroke: #50d6a8; stroke-dasharray: 2 4; stroke-linecap: round;
  stroke-width: 2.5; }
.spot .tick { stroke-width: 2; }
"""


def _script(tool: str) -> str:
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in ("film.js", tool))


_boxes = st.components.v2.component(
    "lightbox_practice_boxes", html=HTML, css=CSS, js=_script("boxes.js")
)
_marks = st.components.v2.component(
    "lightbox_practice_marks", html=HTML, css=CSS, js=_script("marks.js")
)


@dataclass(frozen=True)
class Shape:
    """One thing of an overlay, in pixels of the picture: a box, level line, spot or outline."""

    words: str
    box: tuple[float, float, float, float] | None = None
    line: tuple[float, float, float] | None = None
    spot: tuple[float, float] | None = None
    outline: Outline | None = None


@dataclass(frozen=True)
class Layer:
    """What the truth, the model or the reader says: dashed, solid or dotted."""

    style: Style
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, eq=False)
class Film:
    """What the browser is shown of a case.

    Attributes:
        name: Tells one film from another; must say nothing of the case.
        picture: uint8 (H, W) or (H, W, 3).
        alt: The picture in words that give nothing away.
        spacing_mm: Pixel spacing (row, column), where known.
        side: Letter of the side of the body, where known.
        texts: Further words on the picture: (x, y, anchor, dy, words).
        layers: Overlays, once the answer is kept.
        locked: Whether nothing can be drawn any more.
        has_scale: Whether a scale bar and the side belong on it (a sheet of slices has its own).
    """

    name: str
    picture: draw.Picture
    alt: str
    spacing_mm: tuple[float, float] | None = None
    side: str | None = None
    texts: tuple[tuple[float, float, str, str, str], ...] = ()
    layers: tuple[Layer, ...] = ()
    locked: bool = False
    has_scale: bool = True

    def message(self) -> dict[str, Any]:
        """What is sent to the browser."""
        height, width = self.picture.shape[:2]
        factor = min(1.0, MAX_SIDE / max(height, width))
        picture = draw.scaled(self.picture, factor) if factor < 1 else self.picture
        sent: dict[str, Any] = {
            "id": self.name,
            "picture": viewer.data_uri(picture),
            "width": width,
            "height": height,
            "alt": self.alt,
            "texts": [list(text) for text in self.texts],
            "locked": self.locked,
            "layers": [
                {"style": layer.style, "shapes": [_shape(shape) for shape in layer.shapes]}
                for layer in self.layers
            ],
        }
        if self.has_scale:
            bar, label = scale_bar(width, self.spacing_mm[1] if self.spacing_mm else None)
            sent |= {"bar": bar, "barLabel": label, "side": self.side or ""}
        return sent


def _shape(shape: Shape) -> dict[str, Any]:
    parts = {"box": shape.box, "line": shape.line, "spot": shape.spot}
    sent: dict[str, Any] = {
        name: [float(value) for value in part] for name, part in parts.items() if part is not None
    }
    if shape.outline is not None:
        sent["outline"] = [list(corner) for corner in shape.outline]
    return {"words": shape.words, **sent}


def boxes(film: Film, key: str, drawn: Sequence[Sequence[float]] = ()) -> list[list[float]]:
    """The film with boxes to draw.

    Args:
        drawn: Boxes that are there already (x0, y0, x1, y1).

    Returns:
        The boxes as they are now, in pixels of the film.
    """
    start = [[float(value) for value in box] for box in drawn]
    state = _boxes(
        key=key,
        data=film.message() | {"boxes": start},
        default={"drawn": None},
        on_drawn_change=lambda: None,
    )
    drawn_now = from_browser.fields(state.drawn)
    if drawn_now.get("id") != film.name:
        return start
    height, width = film.picture.shape[:2]
    return from_browser.boxes(drawn_now.get("boxes"), width, height)


def look(film: Film, key: str) -> None:
    """The film alone, to look at."""
    _marks(key=key, data=film.message())


def lines(
    film: Film, key: str, fresh: Sequence[Line], placed: Sequence[Line] | None = None
) -> list[Line]:
    """The film with level lines whose ends can be moved.

    Args:
        fresh: "name", "x0", "x1" and "y" of each line before anybody has moved it.
        placed: The lines as they were left, with "placed" for those that were moved.

    Returns:
        All lines; those that the reader has moved have "placed" set.
    """
    start = [dict(line) for line in (placed or fresh)]
    state = _marks(
        key=key,
        data=film.message() | {"lines": start, "fresh": [dict(line) for line in fresh]},
        default={"placed": None},
        on_placed_change=lambda: None,
    )
    now = from_browser.fields(state.placed)
    lines = now.get("lines")
    if now.get("id") != film.name or not isinstance(lines, list) or len(lines) != len(start):
        return start
    found = []
    for line, before in zip(map(from_browser.fields, lines), start, strict=True):
        ends = from_browser.numbers([line.get(name) for name in ("x0", "x1", "y")], 3)
        if ends is None or line.get("name") != before["name"]:
            return start
        moved = dict(zip(("x0", "x1", "y"), ends, strict=True))
        found.append({**before, **moved, "placed": line.get("placed") is True})
    return found


def spot(
    film: Film, key: str, frame: str = "", placed: tuple[float, float] | None = None
) -> tuple[float, float] | None:
    """The film with one spot to mark.

    Args:
        frame: Which of several pictures the film shows now; a spot belongs to one.
        placed: The spot that is there already, on this frame.

    Returns:
        The spot on this frame as it is now, in pixels of the film.
    """
    state = _marks(
        key=key,
        data=film.message()
        | {"spot": list(placed) if placed else None, "wantsSpot": True, "frame": frame},
        default={"placed": None},
        on_placed_change=lambda: None,
    )
    last = from_browser.fields(state.placed)
    if last.get("id") != film.name or last.get("frame") != frame:
        return placed
    spot = from_browser.numbers(last.get("spot"), 2)
    height, width = film.picture.shape[:2]
    if spot is None or not (0 <= spot[0] <= width and 0 <= spot[1] <= height):
        return None
    return spot[0], spot[1]
