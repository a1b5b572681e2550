"""The teaching set: films sorted into hits, misses and false alarms, to be opened on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from core.detections import Boxes, Detections
from core.files import write as exports
from core.fracture.agreement import OUTCOMES, Outcome, outcome
from core.plots import draw
from core.samples import is_cached, samples
from pages.shared import inputs, views
from pages.shared.address import KEPT
from pages.shared.inputs import Case
from pages.tasks.fracture import loaders, sidebar
from pages.tasks.fracture.sidebar import Settings
from pages.tasks.fracture.views import true_boxes

FIRST_SEED = 900  # away from the phantoms of training


@dataclass(frozen=True, eq=False)
class Lesson:
    """A film with known truth, and what opens it on the page."""

    case: Case
    candidates: Detections
    truth_xyxy: Boxes
    open: Callable[[], None]


def count_of_phantoms() -> int:
    """The sidebar's first part: how many phantoms are sorted."""
    with st.sidebar:
        return st.slider(
            "Phantoms",
            8,
            40,
            16,
            4,
            key="fracture_lessons",
            **KEPT,
            help="Every other one is broken; bone density goes from normal to very low. Real "
            "samples that were downloaded are sorted in, too.",
        )


def show(settings: Settings, count: int) -> None:
    """Sort the films by outcome at the current threshold; a button under each opens it."""
    lessons = _lessons(settings, count)
    piles: dict[Outcome, list[Lesson]] = {name: [] for name in OUTCOMES}
    for lesson in lessons:
        piles[outcome(settings.shown(lesson.candidates), lesson.truth_xyxy)].append(lesson)
    pile = views.segments(
        "Show",
        tuple(piles),
        "fracture_pile",
        "miss",
        has_label=True,
        format_func=lambda name: f"{name} ({len(piles[name])})",
    )
    st.markdown(
        f"**{OUTCOMES[pile]}**, at a threshold of {settings.threshold:.2f}. Move the threshold "
        "in the sidebar and see which films change group: no threshold empties misses and false "
        "alarms at once."
    )
    if not piles[pile]:
        st.info("No film is in this pile at this threshold.")
    with st.container(horizontal=True):
        for number, lesson in enumerate(piles[pile]):
            with st.container(width=views.TILE_WIDTH):
                _tile(number, lesson, settings)


def _tile(number: int, lesson: Lesson, settings: Settings) -> None:
    found = settings.shown(lesson.candidates)
    factor = 800 / max(lesson.case.image.shape)  # lines and figures stay readable
    large = draw.scaled(draw.windowed(lesson.case.image.pixels), factor)
    drawn = exports.overlay(large, found, lesson.truth_xyxy, factor=factor)
    st.image(draw.tile(drawn, 600, 720), width="stretch", alt=lesson.case.words)
    st.caption(lesson.case.words)
    st.button("Open", key=f"fracture_open_{number}", on_click=lesson.open, width="stretch")


def _lessons(settings: Settings, count: int) -> list[Lesson]:
    """Phantoms and the real samples on this computer, each with its candidates."""
    bar = st.progress(0.0, "Running the detector …")
    lessons = []
    for number in range(count):
        bar.progress(number / count, f"Running the detector: phantom {number + 1} of {count}")
        parameters = sidebar.teaching_phantom(FIRST_SEED + number)
        case = sidebar.made(parameters)
        lessons.append(_lesson(case, settings, partial(sidebar.open_phantom, parameters)))
    for index, sample in enumerate(samples("fracture")):
        real = inputs.opened(sample) if is_cached(sample) else None
        if isinstance(real, Case):
            lessons.append(_lesson(real, settings, partial(inputs.open_sample, "fracture", index)))
    bar.empty()
    return lessons


def _lesson(case: Case, settings: Settings, callback: Callable[[], None]) -> Lesson:
    boxes = true_boxes(case)
    if boxes is None:
        raise ValueError(f"a film of the teaching set needs a truth: {case.words}")
    found = loaders.candidates(settings.detector, case.image)
    return Lesson(case, found, boxes, callback)
