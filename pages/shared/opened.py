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
