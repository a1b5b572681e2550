"""Heart size: the ratio's lines to be moved by hand, and cardiomegaly asked in several ways."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from core.chest import ctr, plots
from core.chest.ctr import CardiothoracicRatio, Segment
from core.errors import UnsuitableInputError
from core.plots import viewer
from pages.shared import from_browser, stage, views
from pages.shared.views import Figure
from pages.tasks.chest.reading import Reading
from pages.tasks.chest.sentences import caveats
from pages.tasks.chest.sidebar import Settings
from pages.tasks.chest.views import picture

INPUTS = "".join(
    f'<label><span>{name}, {side} end</span><input type="number" step="0.1" min="0" '
    f'data-name="{name}" data-end="{end}"> px</label>'
    for name in ("heart", "chest")
    for end, side in enumerate(("left", "right"))
)
HTML = f"""
<div class="ratio">
  <svg role="group"></svg>
  <div class="tools">{INPUTS}<output></output><button class="reset">Reset lines</button></div>
</div>
"""
CSS = """
svg { width: 100%; max-height: max(16rem, calc(100dvh - 16rem)); background: #000; display: block; }
.tools { display: flex; flex-wrap: wrap; gap: .5rem 1rem; margin-top: .5rem; align-items: end; }
label { display: flex; gap: .35rem; align-items: center; font-size: .875rem; }
label span::first-letter { text-transform: uppercase; }
input, button {
  font: inherit; color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
  padding: .25rem .5rem;
}
input { width: 5.5rem; }
button { cursor: pointer; }
output { font-weight: 600; align-self: center; }
input:focus-visible, button:focus-visible { outline: 2px solid var(--st-primary-color); }
g[role=slider] { cursor: ew-resize; outline: none; }
.grip { fill: transparent; }
.rim { stroke: rgba(0, 0, 0, .65); fill: none; }
.heart .line { stroke: #f0e442; }
.chest .line { stroke: #50d6a8; }
.tick { stroke-width: 4; }
.heart .tick { stroke: #f0e442; }
.chest .tick { stroke: #50d6a8; }
g[role=slider]:focus .tick { stroke: #e69f00; stroke-width: 7; }
text { font-family: sans-serif; stroke: #000; paint-order: stroke; pointer-events: none; }
.heart text { fill: #f0e442; }
.chest text { fill: #50d6a8; }
"""
_lines = st.components.v2.component(
    "lightbox_ratio",
    html=HTML,
    css=CSS,
    js=(Path(__file__).parent / "lines.js").read_text(encoding="utf-8"),
)


def is_open() -> bool:
    """Whether the lines are to be moved: their film then takes the viewer's place."""
    asked = st.session_state.get("chest_more", st.query_params.get("chest_more"))
    return asked == "Heart size" and not stage.is_presenting()


def lines(reading: Reading, settings: Settings) -> None:
    """The film with movable lines."""
    shown = picture(reading.image, settings)
    height, width = reading.image.shape
    suggested = reading.ratio or CardiothoracicRatio(
        0.38 * width, 0.62 * width, 0.7 * height, 0.2 * width, 0.8 * width, 0.75 * height
    )
    _lines(
        key="chest_lines",
        data={
            "digest": f"{reading.image.digest}{settings.display}",
            "picture": viewer.data_uri(shown),
            "width": width,
            "height": height,
            "mm": reading.mm_per_px,
            "lines": _flat(suggested),
            "moved": _flat(reading.by_hand) if reading.by_hand else None,
            "alt": f"{reading.case.words}: move the ends of the heart's and the chest's line",
        },
        default={"lines": None},
        on_lines_change=partial(_keep, reading.image.digest),
    )
    if problem := st.session_state.get("chest_lines_problem"):
        st.error(problem, icon=":material/straighten:")


def _keep(digest: str) -> None:
    """Remember the moved lines of this film: verdict, sentences and report speak of them."""
    lines = from_browser.fields(st.session_state["chest_lines"].lines)
    kept = st.session_state.setdefault("chest_moved", {})
    st.session_state.pop("chest_lines_problem", None)
    if not str(lines.get("digest")).startswith(digest):
        return  # not moved yet, or on the film before this one
    if lines.get("reset"):
        kept.pop(digest, None)
        return
    heart, chest = (from_browser.numbers(lines.get(name), 3) for name in ("heart", "chest"))
    if heart is None or chest is None:
        return
    try:
        kept[digest] = ctr.ratio_from_lines({"heart": _segment(heart), "chest": _segment(chest)})
    except UnsuitableInputError as err:
        st.session_state["chest_lines_problem"] = str(err)


def _flat(ratio: CardiothoracicRatio) -> dict[str, list[float]]:
    return {name: [x0, x1, y0] for name, (x0, y0, x1, _) in ratio.lines.items()}


def _segment(line: tuple[float, ...]) -> Segment:
    x0, x1, y = line
    return x0, y, x1, y


def answer(reading: Reading) -> None:
    """What the lines measure, and how to move them."""
    found = []
    for label, ratio in (("By the network", reading.ratio), ("By hand", reading.by_hand)):
        heart = reading.judged_by(ratio)
        if heart is not None:
            value = f"{heart.ratio.ratio:.3f}"
            found.append(Figure(label, value, "cardiothoracic ratio", heart.words))
    if "ctr" in reading.case.truth:
        true = f"{reading.case.truth['ctr']:.3f}"
        found.append(Figure("Truth", true, "truth", "as simulated"))
    views.metric_strip(found)
    st.markdown(
        "In the film above: drag an end of a line, or set it with the arrow keys (Shift: ten "
        "pixels), or type its place. A ruler on the screen does as well: both widths are "
        "measured level, the heart between its outermost borders, the chest between the "
        "inner edges of the ribs."
    )
    now = reading.heart
    if now and reading.mm_per_px is not None:
        across = [
            plots.length(px, reading.mm_per_px)
            for px in (now.ratio.heart_width_px, now.ratio.chest_width_px)
        ]
        st.caption(f"Heart {across[0]}, chest {across[1]} at the detector’s pixel size.")
    if now:
        for sentence in caveats(reading, now.ratio):
            st.caption(sentence)
