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
    st.switch_page(PAGES[task])


def opened_case(task: str) -> Any:
    """The case that was opened on a task's page, or None."""
    return st.session_state.get(f"{task}_opened")
