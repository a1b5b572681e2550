"""The first screen of every page: title, verdict, the film with its tools, presentation mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.plots import viewer
from pages.shared.address import KEPT

Given = ParamSpec("Given")
Option = TypeVar("Option", bound=str)
Tone = Literal["neutral", "clear", "attention", "problem"]
TONES: dict[Tone, str] = {
    "neutral": ":material/info:",
    "clear": ":material/check_circle:",
    "attention": ":material/priority_high:",
    "problem": ":material/block:",
}
PRESENT = "present"
HELP = "Wheel: zoom · drag: move · right button: window/level"
KEYS = "Keys: ← → films, + − zoom, 0 reset, O overlays, P presentation, L light or dark."

STYLE = """
<style>
/* Title and padding together stay below 60 px, so that film and answer share a screen. */
.stMainBlockContainer {
  padding-top: calc(var(--header-height, 3.75rem) + .4rem); padding-bottom: 1rem;
}
.st-key-headline h1 { font-size: 1.4rem; padding: 0; white-space: nowrap; }
.st-key-headline { min-height: 2.5rem; }
.st-key-headline [data-testid="stCaptionContainer"] p { margin: 0; }
.stMainBlockContainer > .stVerticalBlock { gap: .55rem; }
[class*="st-key-verdict_"] {
  border-left: 4px solid var(--st-primary-color, #e8a33d); padding: .15rem 0 .15rem .7rem;
}
[class*="st-key-verdict_"] p { font-size: 1.15rem; line-height: 1.35; }
/* Names below pictures are read whole, also long ones in narrow columns. */
[class*="_open_"] button p, [class*="_tile_"] button p {
  white-space: normal; overflow-wrap: anywhere;
}
/* All pages stay in the navigation: beside a sidebar names alone, on a tablet icons alone. */
@media (min-width: 1000px) and (max-width: 1400px) {
  [data-testid="stTopNavLink"] > span:has([data-testid="stIconMaterial"]) { display: none; }
}
@media (max-width: 999px) {
  [data-testid="stSidebar"][data-collapsed="false"] {
    min-width: 15rem !important; max-width: 15rem !important;
  }
  [data-testid="stSidebar"] .stColumn { min-width: 100%; }
  [data-testid="stTopNavLink"] { padding-inline: .3rem; }
  [data-testid="stTopNavLink"] > span[label] { position: absolute; clip-path: inset(50%); }
  .st-key-bone_age_steps .stColumn { min-width: 8.5rem; }
  .st-key-headline { row-gap: .25rem; }
  .st-key-headline [role="radiogroup"] { flex-wrap: wrap; }
  [data-testid="stMetricValue"] { font-size: 1.4rem; }
  [class*="st-key-pair_"] > * > .stHorizontalBlock > .stColumn { min-width: 100%; }
}
/* Said on every page, also where a presentation hides the header, once a run lasts a second. */
@keyframes working { from { opacity: 0; } }
[data-test-script-state="running"] .stMainBlockContainer::after {
  content: "Working …"; position: fixed; right: 1.5rem; bottom: 1rem; z-index: 100;
  padding: .2rem .9rem; border-radius: 4px; background: #e8a33d; color: #101214;
  animation: working 1s step-end;
}
/* Streamlit writes white on the accent, amber in the dark theme: 2.1 to 1. */
button[data-testid^="stBaseButton-primary"]:enabled { color: light-dark(#fbfbfa, #101214); }
.st-key-verdict_clear { border-left-style: double; }
.st-key-verdict_problem { border-left-style: dashed; }
</style>
"""
PRESENTATION = """
<style>
[data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stSidebarCollapsedControl"],
.st-key-headline, .st-key-augmentation_modality, .st-key-skull_strip_intensities,
[data-testid="stMainMenuPopover"] { display: none; }
.stMainBlockContainer { padding: .75rem 1.5rem; }
[class*="st-key-verdict_"] p { font-size: 2rem; font-weight: 600; }
[data-testid="stCaptionContainer"] p { font-size: 1.1rem; }
</style>
"""
TOOLS_HTML = """
<div class="tools" hidden>
  <button class="previous" title="Previous film (←)" aria-label="Previous film">◀</button>
  <button class="next" title="Next film (→)" aria-label="Next film">▶</button>
  <button class="overlays" title="Show or hide boxes, outlines and heat (O)">Overlays</button>
  <button class="reset" title="Whole film, window as read (0)">Reset</button>
  <button class="present" title="Film and verdict alone (P)">Present</button>
  <button class="theme" title="Light or dark theme (L)">Light/dark</button>
  <span class="hint"></span><span class="window" aria-live="polite"></span>
</div>
"""
TOOLS_CSS = """
.tools {
  display: flex; gap: .4rem; align-items: center; overflow: hidden; height: 1.75rem;
  white-space: nowrap; font-size: .8rem; color: var(--st-text-color);
}
.tools[hidden], button[hidden] { display: none; }
button {
  font: inherit; color: inherit; background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
  padding: .1rem .55rem; cursor: pointer;
}
button:hover { border-color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); }
button[aria-pressed=false] { opacity: .6; text-decoration: line-through; }
.hint { opacity: .75; margin-left: .4rem; min-width: 0; overflow: hidden; text-overflow: ellipsis; }
.window { margin-left: auto; }
"""
_tools = st.components.v2.component(
    "lightbox_film_tools",
    html=TOOLS_HTML,
    css=TOOLS_CSS,
    js=(Path(__file__).parent / "film_tools.js").read_text(encoding="utf-8"),
)


def place(
    was_read: bool,
    waiting: Callable[Given, None],
    *given: Given.args,
    **named: Given.kwargs,
) -> DeltaGenerator:
    """Where film and answer go; until there is an answer, what is shown meanwhile.

    An `st.empty()` where the answer is at hand would take the film away for as long as the
    server is busy, and its zoom with it.

    Args:
        was_read: Whether the answer is at hand.
        waiting: Draws what is shown meanwhile, from what follows.
    """
    if was_read:
        return st.container()
    held = st.empty()
    with held.container():
        waiting(*given, **named)
    return held.container()


def pair(key: str, spec: int | Sequence[int] = 2) -> list[DeltaGenerator]:
    """Columns side by side that stand one below the other on a narrow screen."""
    with st.container(key=f"pair_{key}"):
        return st.columns(spec, gap="large")


def is_presenting() -> bool:
    """Whether the address asks for the presentation mode (`?present=1`, or the key P)."""
    return st.query_params.get(PRESENT) == "1"


def headline(title: str, purpose: str, modes: Sequence[str] = (), key: str = "") -> str:
    """The page's title, its purpose, and the switch between its modes, on one line.

    Args:
        purpose: A sentence or two, behind the title's question mark.
        modes: Names of the page's modes, the first the default.
        key: Of the switch.

    Returns:
        The chosen mode, or "" where there are none.
    """
    st.html(STYLE + (PRESENTATION if is_presenting() else ""))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="headline"):
        st.title(title, anchor=False, width="content", help=purpose)
        if not modes:
            return ""
        return segments("What to look at", modes, key)


def segments(
    label: str,
    options: Sequence[Option],
    key: str,
    default: Option | None = None,
    *,
    has_label: bool = False,
    **named: Any,
) -> Option:
    """One of several, side by side, which the address keeps.

    Args:
        label: For a screen reader; for all with `has_label`.
        default: The first unless given.
        named: As `st.segmented_control` takes them.
    """
    chosen: Option = st.segmented_control(
        label,
        options,
        default=default or options[0],
        required=True,
        key=key,
        label_visibility="visible" if has_label else "collapsed",
        **named,
        **KEPT,
    )
    return chosen


def verdict(sentence: str, tone: Tone = "neutral") -> None:
    """The answer in one line, above the film.

    Args:
        sentence: What was found, with its figures; Markdown.
        tone: "clear" where nothing was found, "attention" where something was, "problem" where
            the answer is not to be relied on; told by icon and line, not by colour alone.
    """
    with st.container(key=f"verdict_{tone}"):
        st.markdown(f"{TONES[tone]} {sentence}")


def film(
    figure: go.Figure,
    key: str,
    aspect: float,
    alt: str,
    *,
    stage: bool = False,
    on_step: Callable[[int], None] | None = None,
) -> None:
    """A figure of films that keeps their shape, with the tools of a viewer of the field.

    The wheel zooms, a drag moves all panels together, a drag with the right button changes
    window and level; the scale bar follows. All of it happens in the browser.

    Args:
        figure: From `core.plots.viewer`, without a height of its own.
        key: Of the chart.
        aspect: Width of all panels together over the height of one.
        alt: The figure in words.
        stage: Whether this is the page's main viewer, which fits the first screen and answers
            to the keys; one a page.
        on_step: Called with -1 or 1 for the previous or next film.
    """
    # Plotly knows no aspect ratio of its own and Streamlit no height but in pixels.
    room = "9rem" if is_presenting() else "13.2rem"
    tallest = f"max(18rem, calc(100dvh - {room}))" if stage else "42rem"
    st.html(
        f"<style>.st-key-{key}_frame {{ aspect-ratio: {aspect / 1.12:.3f}; width: 100%; "
        f"min-height: 16rem; max-height: {tallest}; }}"
        f".st-key-{key}_frame .updatemenu-container {{ display: none; }}"
        f".st-key-{key}_frame:focus-visible {{ outline: 2px solid var(--st-primary-color); }}"
        "</style>"
    )
    with st.container(key=f"{key}_frame"):
        st.plotly_chart(figure, key=key, height="stretch", config=viewer.CONFIG, alt=alt)
    tools(key, alt, on_step, str(figure.layout.uirevision or ""), stage=stage)


def tools(
    key: str,
    alt: str,
    on_step: Callable[[int], None] | None = None,
    digest: str = "",
    *,
    stage: bool = True,
    own: bool = False,
) -> None:
    """The buttons and keys of the viewer in the container `<key>_frame`.

    Args:
        alt: What the viewer shows, in words.
        on_step: Called with -1 or 1 for the previous or next film.
        digest: Of what is shown; another one begins with the window as read.
        stage: Whether it is the page's main viewer.
        own: Whether the viewer brings its own zoom, window and overlays.
    """

    def stepped() -> None:
        by = st.session_state[f"{key}_tools"].step
        if by in (-1, 1) and on_step is not None:
            on_step(by)

    def presented() -> None:
        if is_presenting():
            del st.query_params[PRESENT]
        else:
            st.query_params[PRESENT] = "1"

    _tools(
        key=f"{key}_tools",
        data={
            "frame": f"{key}_frame",
            "digest": digest,
            "alt": alt,
            "help": HELP,
            "stage": stage,
            "steps": on_step is not None,
            "own": own,
            "present": is_presenting(),
        },
        on_step_change=stepped,
        on_present_change=presented,
    )


def end_of_presentation() -> None:
    """End the page here in the presentation mode: film and verdict are all that it shows."""
    if is_presenting():
        st.caption(DISCLAIMER)
        st.stop()


DISCLAIMER = "Lightbox is for teaching. It is not a medical device and not for diagnosis."
