"""The frame around every page (navigation, layout, disclaimer), which app.py draws."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from pages.shared import address, warm


def require() -> None:
    """Start over from app.py where Streamlit opened a page without it; check the address.

    Until `st.navigation` has run once in the server's life, Streamlit 1.67 takes a folder named
    pages/ for its older kind of multipage app: a bookmark opened first runs the page alone.
    """
    warm.visits().note()
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    address.readable()
