"""Measure on a radiograph: points set with the pointer or the keyboard, answers in mm or px."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.glossary import GLOSSARY
from core.images import Radiograph
from core.plots import draw
from core.plots import viewer as figures
from core.plots.measure import Point, angle, distance, scale_bar
from pages.shared import views
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


def measure(key: str, image: Radiograph, display: Display) -> None:
    """Up to three points on the film; the distances between them and the angle at the middle."""
    left, right = st.columns([3, 2], gap="large")
    shown = draw.windowed(image.pixels, display.level, display.width, invert=display.invert)
    height, width = image.shape
    bar, bar_label = scale_bar(width, image.spacing_mm[1] if image.spacing_mm else None)
    with left:
        state = _film(
            key=f"{key}_measure",
            data={
                "digest": f"{image.digest}{display}",
                "picture": figures.data_uri(shown),
                "width": width,
                "height": height,
                "bar": bar,
                "barLabel": bar_label,
                "side": image.laterality or "",
                "alt": f"{image.title}: set points to measure between",
            },
            default={"points": []},
            on_points_change=lambda: None,
        )
    points: list[Point] = [(float(x), float(y)) for x, y in (state.points or [])]
    with right:
        _answer(points, image)


def _answer(points: list[Point], image: Radiograph) -> None:
    spacing = image.spacing_mm
    st.markdown(
        "Click on the film to set points A, B and C; drag them to move. By keyboard: press "
        "*Add point*, then the arrow keys (with Shift ten pixels), Delete takes a point away."
    )
    answers = []
    for first, last in ((0, 1), (1, 2)):
        if len(points) > last:
            length = distance(points[first], points[last], spacing)
            answers.append(Figure(f"{'ABC'[first]} to {'ABC'[last]}", str(length), "pixel spacing"))
    if len(points) == 3 and len(set(points)) == 3:
        answers.append(Figure("Angle at B", str(angle(*points, spacing)), "angle"))
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
