"""Measure on a radiograph: points set with the pointer or the keyboard, answers in mm or px."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import streamlit as st

from core.glossary import GLOSSARY
from core.images import Radiograph
from core.plots import draw, viewer
from core.plots.measure import Point, angle, distance, scale_bar
from pages.shared import from_browser, views
from pages.shared.inputs import Display
from pages.shared.views import Figure

HTML = """
<div class="measure">
  <div class="tools">
    <button class="add">Add point</button><button class="clear">Clear</button>
    <button class="closer">Zoom in</button><button class="wider">Zoom out</button>
  </div>
  <svg role="group"></svg>
</div>
"""
CSS = """
.tools { display: flex; flex-wrap: wrap; gap: .5rem; margin-bottom: .5rem; }
button {
  font: inherit; color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
  padding: .25rem .75rem; cursor: pointer;
}
button:disabled { opacity: .5; cursor: default; }
button:focus-visible { outline: 2px solid var(--st-primary-color); }
svg { width: 100%; max-height: 620px; background: #000; cursor: crosshair; display: block; }
polyline { fill: none; stroke: #56b4e9; paint-order: stroke; }
.marks { pointer-events: none; font-family: sans-serif; fill: #f2f2f2; }
.marks path { stroke: #f2f2f2; }
g[role=button] { cursor: move; outline: none; }
.grip { fill: transparent; }
.rim { fill: none; stroke: #56b4e9; stroke-width: 2; }
g[role=button]:focus .rim { stroke: #e69f00; stroke-width: 4; }
g[role=button] path { stroke: #fff; stroke-width: 1; }
g[role=button] text {
  font: 600 15px sans-serif; fill: #fff; stroke: #000; stroke-width: 3; paint-order: stroke;
}
"""
_film = st.components.v2.component(
    "lightbox_measure",
    html=HTML,
    css=CSS,
    js=(Path(__file__).parent / "measure.js").read_text(encoding="utf-8"),
)


def measure(
    key: str,
    image: Radiograph,
    display: Display,
    picture: draw.Picture | None = None,
    side: str | None = None,
) -> None:
    """Up to three points on the film; the distances between them and the angle at the middle.

    Args:
        key: Prefix of the widget keys.
        image: The film. Where its pixel size is unknown, a known length calibrates it.
        display: The window it is shown through.
        picture: What to show in place of the film alone, such as with boxes on it.
        side: "L" or "R" to mark; None where it is unknown or the film shows its own letter.
    """
    left, right = st.columns([3, 2], gap="large")
    shown = picture
    if shown is None:
        shown = draw.windowed(image.pixels, display.level, display.width, invert=display.invert)
    height, width = image.shape
    calibrated: dict[str, float] = st.session_state.setdefault(f"{key}_mm_per_px", {})
    given = image.spacing_mm
    if given is None and image.digest in calibrated:
        image = replace(image, spacing_mm=(calibrated[image.digest],) * 2)
    bar, bar_label = scale_bar(width, image.spacing_mm[1] if image.spacing_mm else None)
    with left:
        state = _film(
            key=f"{key}_measure",
            data={
                "digest": f"{image.digest}{display}",
                "picture": viewer.data_uri(shown),
                "width": width,
                "height": height,
                "bar": bar,
                "barLabel": bar_label,
                "side": side or "",
                "alt": f"{image.title}: set points to measure between",
            },
            default={"points": []},
            on_points_change=lambda: None,
        )
    points: list[Point] = list(from_browser.points(state.points, 3))
    with right:
        _answer(points, image)
        if given is None:
            _calibrate(key, points, image.digest, calibrated)


def _calibrate(key: str, points: list[Point], digest: str, calibrated: dict[str, float]) -> None:
    """Set the size of a pixel by a length that is known, such as a coin or a ruler on the film."""
    if digest in calibrated:
        st.button(
            f"Undo the calibration ({calibrated[digest]:.3g} mm per pixel)",
            key=f"{key}_uncalibrate",
            on_click=_forget,
            args=(calibrated, digest),
        )
        return
    if len(points) < 2 or points[0] == points[1]:
        st.caption("With A and B at the ends of a known length, the film can be calibrated.")
        return
    known = st.number_input(
        "Known length from A to B (mm)",
        0.1,
        2000.0,
        25.0,
        key=f"{key}_known_mm",
        help="Of something in the plane of the bone: what lies nearer to the tube looks larger.",
    )
    st.button(
        "Calibrate",
        key=f"{key}_calibrate",
        on_click=calibrated.__setitem__,
        args=(digest, known / math.dist(points[0], points[1])),
    )


def _forget(calibrated: dict[str, float], digest: str) -> None:
    calibrated.pop(digest, None)


def _answer(points: list[Point], image: Radiograph) -> None:
    spacing = image.spacing_mm
    st.markdown(
        "Click on the film to set points A, B and C; drag them to move. By keyboard: press "
        "*Add point*, then the arrow keys (with Shift ten pixels), Delete takes a point away."
    )
    answers = []
    for start, end in ((0, 1), (1, 2)):
        if len(points) > end:
            length = distance(points[start], points[end], spacing)
            answers.append(Figure(f"{'ABC'[start]} to {'ABC'[end]}", str(length), "pixel spacing"))
    if len(points) == 3 and len(set(points)) == 3:
        first, corner, last = points
        answers.append(Figure("Angle at B", str(angle(first, corner, last, spacing)), "angle"))
    if answers:
        views.metric_strip(answers)
    else:
        st.info("Two points give a distance, three an angle.")
    if spacing is None:
        st.warning(
            "The size of a pixel is not known for this film: lengths are in pixels, and angles "
            "hold only if the pixels are square.",
            icon=":material/straighten:",
        )
    else:
        st.caption(
            f"{GLOSSARY['pixel spacing']} Here {spacing[1]:.3g} × {spacing[0]:.3g} mm. Projection "
            "magnifies: what lies far from the detector looks longer than it is."
        )
    st.caption(" · ".join(f"{'ABC'[i]} ({x:.0f}, {y:.0f}) px" for i, (x, y) in enumerate(points)))
