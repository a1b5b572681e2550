"""A case that another page opened here: from a data set, a batch, or a plot of results."""

from __future__ import annotations

from typing import Any

import streamlit as st

OPENED = "Opened case"
PAGES = {
    "fracture": "pages/fracture.py",
    "bone_age": "pages/bone_age.py",
    "chest": "pages/chest.py",
    "skull_strip": "pages/skull_strip.py",
}


def open_on_page(task: str, case: Any) -> None:
    """Show a case on its task's page, now; call it outside a callback.

    Args:
        task: Whose page.
        case: The page's own kind of case, with its truth; it stays in this session.
    """
    st.session_state[f"{task}_opened"] = case
    st.session_state[f"{task}_source"] = OPENED
    st.session_state[f"{task}_mode"] = "One head" if task == "skull_strip" else "One radiograph"
    switch(PAGES[task])


def switch(page: str) -> None:
    """Go to another page, now; call it outside a callback.

    What the address says of this one is left behind. Streamlit would clear it itself, but refuses
    to where a widget is bound to it (`bind="query-params"`), unless it is told what comes instead.
    """
    st.switch_page(page, query_params={})


def opened_case(task: str) -> Any:
    """The case that was opened on a task's page, or None."""
    return st.session_state.get(f"{task}_opened")


def may_be_opened(task: str) -> bool:
    """Whether the sidebar offers an opened case: there is one, or the address asks for it."""
    name = f"{task}_source"
    return opened_case(task) is not None or OPENED in (
        st.session_state.get(name),
        st.query_params.get(name),
    )


def open_again() -> tuple[str, str]:
    """What to say where the address asks for a case that this session has not opened."""
    return "info", (
        "This address shows a case that was opened from a data set, a batch or a plot. Such a case "
        "stays in the session it was opened in: open it there again, or choose another source."
    )
