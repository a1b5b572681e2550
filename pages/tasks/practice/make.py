"""Make a series: which cases, how many abnormal, how they are read, and how it is passed on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from core.errors import UnsuitableInputError
from core.practice.cases import samples_on_this_computer
from core.practice.folders import LAYOUTS, draw_from_folder
from core.practice.phantoms import HAS_NORMAL, OPTIONS, draw_phantoms
from core.practice.series import MAX_SEED, MAX_TITLE, Series, from_json, to_json
from core.practice.sources import Source
from pages.shared import views
from pages.shared.views import Download
from pages.tasks.practice import kept

SOURCES = ("Phantoms", "Real samples on this computer", "A folder on this computer")
MODES = {
    "unaided": "Unaided: the reader alone",
    "aided": "Aided: then the model's answer, and one change",
}
REVEALS = {"each": "After each case", "end": "When all are read"}
ORDERS = {"shuffled": "Shuffled for each reader", "fixed": "The same for all"}
ANY = "any"


def show() -> None:
    """The form at the left, what comes of it at the right."""
    left, right = views.pair("series", [3, 2])
    with left:
        series = views.show_error(_form)
    with right:
        if series is not None:
            _made(series)
        st.divider()
        _opened()


def _form() -> Series:
    """The series that the form describes.

    Raises:
        ImagingError: If it describes none, e.g. because a folder has no cases.
    """
    title = st.text_input(
        "Title",
        key="practice_title",
        max_chars=MAX_TITLE,
        placeholder="e.g. Twenty forearms",
        help="Readers see it: it should not tell what the cases show.",
    )
    task = st.segmented_control(
        "Task",
        list(kept.TASKS),
        default="fracture",
        required=True,
        format_func=lambda one: kept.TASKS[one],
        key="practice_task",
    )
    source = st.radio("Cases from", SOURCES, key="practice_source", horizontal=True)
    first, second = st.columns(2)
    seed = int(
        second.number_input(
            "Seed",
            0,
            MAX_SEED,
            1,
            key="practice_seed",
            help="Draws the cases and each reader's order; the same seed gives the same series.",
        )
    )
    prevalence = None
    if task in HAS_NORMAL:
        prevalence = (
            first.slider(
                "Abnormal cases (%)",
                0,
                100,
                50,
                5,
                key="practice_prevalence",
                help="Met to the nearest case. Readers are not told.",
            )
            / 100
        )
    cases = _cases(task, source, seed, prevalence)
    first, second = st.columns(2)
    mode = first.selectbox(
        "Mode", list(MODES), format_func=MODES.__getitem__, key="practice_mode_made"
    )
    reveal = second.selectbox(
        "The truth is shown",
        list(REVEALS),
        format_func=REVEALS.__getitem__,
        key="practice_reveal_made",
    )
    order = first.selectbox(
        "Order", list(ORDERS), format_func=ORDERS.__getitem__, key="practice_order"
    )
    return Series(
        task,
        cases,
        mode=mode,
        reveal=reveal,
        order=order,
        seed=seed,
        prevalence=prevalence,
        title=title.strip() or f"{len(cases)} {kept.TASKS[task].lower()} cases, seed {seed}",
    )


def _cases(task: str, source: str, seed: int, prevalence: float | None) -> tuple[Source, ...]:
    if source == SOURCES[0]:
        count = st.slider("Number of cases", 1, 100, 10, key="practice_count")
        options = _options(task)
        return draw_phantoms(task, count, seed=seed, prevalence=prevalence, options=options)
    if source == SOURCES[1]:
        found = samples_on_this_computer(task)
        if not found:
            raise UnsuitableInputError(
                f"No real sample of {kept.TASKS[task].lower()} with a known truth is on this "
                "computer; open one on the task's page first (it is downloaded once), or use "
                "phantoms."
            )
        st.caption(
            f"{len(found)} samples are on this computer. They are few and public: good for "
            "practice, too few for figures. The stated share of abnormal cases is not met here."
        )
        count = _up_to(len(found))
        order = np.random.default_rng(seed).permutation(len(found))[:count]
        return tuple(found[int(index)] for index in order)
    folder = st.text_input(
        "Folder",
        key="practice_folder",
        placeholder="full path of a data set",
        help=f"On the computer that runs Lightbox. Expected: {LAYOUTS[task]}.",
    )
    if not folder.strip():
        raise UnsuitableInputError(f"Enter the path of a folder. Expected: {LAYOUTS[task]}.")
    count = st.slider("Number of cases", 1, 100, 10, key="practice_count")
    return draw_from_folder(task, Path(folder.strip()), count, seed=seed, prevalence=prevalence)


def _up_to(most: int) -> int:
    if most == 1:
        return 1
    return st.slider("Number of cases", 1, most, most, key=f"practice_count_{most}")


def _options(task: str) -> dict[str, str]:
    """What is the same in all phantoms."""
    chosen = {}
    for place, (name, values) in zip(st.columns(2), OPTIONS[task].items(), strict=False):
        value = place.selectbox(
            f"{name.replace('_', ' ').capitalize()} of the phantoms",
            (ANY, *values),
            format_func=lambda one: one.replace("_", " "),
            key=f"practice_option_{task}_{name}",
        )
        if value != ANY:
            chosen[name] = value
    return chosen


def _made(series: Series) -> None:
    """The series as a link and as a file, and the way to read it."""
    st.subheader(series.title, anchor=False)
    st.write(kept.in_words(series))
    name, value = kept.address(series)
    if name == kept.LINK:
        st.markdown("**Link**: whoever opens it on this server reads the same cases.")
    else:
        st.markdown(
            "**Link**: these cases are files, or too many for a link that stands alone: it "
            "opens the series on this server once you have kept it here."
        )
    st.code(f"{_page()}?{name}={value}", language=None, wrap_lines=True)
    with st.container(horizontal=True):
        if st.button(
            "Keep here and read", key="practice_read_it", type="primary", icon=":material/check:"
        ) and _kept(series):
            kept.choose(series)
            st.session_state[kept.GO] = "Read"
            st.rerun()
        file = Download("Series (JSON)", f"series_{series.key}.json", to_json(series))
        views.download("practice_json", file)
    st.caption(
        "Link and file name the cases and never what is true of them. For another computer: a "
        "link with phantoms works there as it is (replace its first part), images of a folder "
        "must lie at the same place."
    )


def _page() -> str:
    """This page's own address, without its query."""
    return (st.context.url or "practice").split("?")[0]


def _opened() -> None:
    """A series from a file."""
    file = st.file_uploader("Open a series (JSON)", type=["json"], key="practice_upload")
    if file is None:
        return
    series = views.show_error(lambda: from_json(file.getvalue()))
    if series is None:
        return
    st.write(f"“{series.title}”: {kept.in_words(series)}")
    if st.button("Keep here and read this one", key="practice_read_file") and _kept(series):
        kept.choose(series)
        st.session_state[kept.GO] = "Read"
        st.rerun()


def _kept(series: Series) -> bool:
    """Keep a series; False where that failed, with the reason shown."""
    return views.show_error(kept.store().add_series, series) is not None
