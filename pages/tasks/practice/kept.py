"""Who reads which series: the store, the nickname and the series of the page's address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from core.errors import UnsuitableInputError
from core.practice.cases import Case, open_case
from core.practice.link import from_link, to_link
from core.practice.phantoms import draw_phantoms
from core.practice.readings import checked_nickname
from core.practice.series import Series
from core.practice.sources import Source
from core.practice.store import Store
from pages.shared import views

LINK = "series"
KEY = "kept"
READER = "reader"
TASKS = {
    "fracture": "Fracture",
    "bone_age": "Bone age",
    "chest": "Chest",
    "skull_strip": "Skull stripping",
}
GO = "practice_go"
"""Session state: the mode that a button asks for."""


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """What Practice keeps, for all users of the server."""
    return Store()


@st.cache_resource(max_entries=48, show_spinner="Opening the case …")
def case(task: str, source: Source) -> Case:
    """A case of a series; opened once for all users.

    Raises:
        ImagingError: If its file is missing, changed or unreadable.
    """
    return open_case(task, source)


@st.cache_data(show_spinner=False)
def starters() -> tuple[Series, ...]:
    """A series of phantoms for each task, so that the page opens on something to read."""
    return tuple(
        Series(
            task,
            draw_phantoms(task, 10, seed=1, prevalence=0.5),
            seed=1,
            prevalence=0.5,
            title=f"{name}: ten phantoms",
        )
        for task, name in TASKS.items()
    )


def nickname() -> str:
    """Who reads, or ""."""
    return str(st.session_state.get("practice_reader") or st.query_params.get(READER, ""))


def name_reader(entered: str) -> None:
    """Take a nickname; a sentence where it is none."""
    try:
        name = checked_nickname(entered)
    except UnsuitableInputError as err:
        st.session_state["practice_refused"] = str(err)
        return
    st.session_state.pop("practice_refused", None)
    st.session_state["practice_reader"] = name
    st.query_params[READER] = name


def forget_reader() -> None:
    """Let another reader begin."""
    st.session_state.pop("practice_reader", None)
    st.session_state["practice_sitting"] = st.session_state.get("practice_sitting", 0) + 1
    st.query_params.pop(READER, None)


def chosen() -> Series:
    """The series that the address names, else the first starter.

    Raises:
        ImagingError: If the address names one that cannot be read.
    """
    link, key = st.query_params.get(LINK), st.query_params.get(KEY)
    if link:
        return from_link(link)
    return _found(key) if key else starters()[0]


def _found(key: str) -> Series:
    found = store().find_series(key) or next((one for one in starters() if one.key == key), None)
    if found is None:
        raise UnsuitableInputError(
            "The series of this address is not kept on this computer (any more); choose another "
            "in the sidebar, or open its JSON file in Make a series."
        )
    return found


def address(series: Series) -> tuple[str, str]:
    """The query parameter that opens a series, as (name, value).

    A series of phantoms fits into it; of another one only its key does, which opens it for
    everybody who uses this server.
    """
    try:
        return LINK, to_link(series)
    except UnsuitableInputError:
        return KEY, series.key


def choose(series: Series) -> None:
    """Make this the series that is read, in the address, too."""
    name, value = address(series)
    for other in (LINK, KEY):
        if other != name:
            st.query_params.pop(other, None)
    st.query_params[name] = value
    st.session_state.pop("practice_shown", None)


def sidebar(series: Series | None) -> None:
    """The sidebar: which series is read, and who reads."""
    with st.sidebar:
        listed = {one.key: one for one in starters()}
        listed |= {one.key: one for one in views.show_error(lambda: store().series()) or ()}
        if series is not None:
            listed = {series.key: series} | listed
        keys = list(listed)
        names = named(list(listed.values()))
        picked = st.selectbox(
            "Series",
            keys,
            index=0 if series is not None else None,
            format_func=names.__getitem__,
            key=f"practice_series_{series.key if series else ''}",
            help="Series that were made or read on this computer, and one of each task to begin "
            "with.",
        )
        if picked is not None and (series is None or picked != series.key):
            choose(listed[picked])
            st.rerun()
        if series is not None:
            st.caption(in_words(series))
        st.divider()
        name = nickname()
        if name:
            st.markdown(f"Reader: **{name}**")
            st.button(
                "Another reader",
                key="practice_other",
                icon=":material/switch_account:",
                on_click=forget_reader,
            )
        st.caption(
            "A nickname is no protection: whoever enters it reads on under it and sees its "
            "results. Nothing personal belongs in it."
        )


def named(listed: Sequence[Series]) -> dict[str, str]:
    """A name for each series by key, none twice: a list of choices is told apart by its names."""
    titles = {one.key: one.title or TASKS[one.task] for one in listed}
    count = Counter(titles.values())
    return {
        key: title if count[title] == 1 else f"{title} ({key[:4]})" for key, title in titles.items()
    }


def in_words(series: Series) -> str:
    """What a series is, without what it would tell of its cases."""
    count = len(series.cases)
    mode = (
        "the model's answer is shown after your first reading, and you may change yours once"
        if series.mode == "aided"
        else "read without the model"
    )
    reveal = "after each case" if series.reveal == "each" else "when all are read"
    return (
        f"{TASKS[series.task]}, {count} case{'s' if count != 1 else ''}; {mode}; the truth is "
        f"shown {reveal}."
    )
