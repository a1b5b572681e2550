"""Files that were added on a page: kept over its modes and other pages, the newest shown."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

AGAIN = "Files stay in this session alone: after a reload, and behind a link, add them again."


def uploads(page: str, label: str, formats: str, widget: str = "") -> list[UploadedFile]:
    """The files that were added on a page, now and on earlier looks at it.

    Streamlit forgets an uploader's files when it leaves the screen; here they stay until they
    are removed. The film shown is then the first of those added last (`<page>_film`).

    Args:
        page: All its uploaders of films share the files.
        label, formats: Of the uploader.
        widget: Key of the uploader, where it is not the page's first.
    """
    state, name = st.session_state, widget or f"{page}_upload"
    now = f"{name}_now"
    earlier: list[UploadedFile] = state.setdefault(f"{page}_carried", [])

    def added() -> None:
        before = {(file.name, file.size) for file in state.get(now, ())}
        state[now] = list(state[name])
        new = [i for i, file in enumerate(state[now]) if (file.name, file.size) not in before]
        if new:
            state[f"{page}_film"] = len(earlier) + new[0]

    for other in (f"{page}_upload_now", f"{page}_batch_now"):  # of the page's other mode
        if other != now and state.get(other):
            earlier += state.pop(other)
    files = st.file_uploader(
        label, accept_multiple_files=True, key=name, help=formats, on_change=added
    )
    if not files and state.get(now):  # the uploader came back empty from another page
        earlier += state.pop(now)
    if earlier:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Added before: {', '.join(file.name for file in earlier)}", width="stretch")
            st.button("Remove", key=f"{name}_remove", on_click=earlier.clear)
    return [*earlier, *files]


def count(page: str) -> int:
    """Number of files that were added on a page."""
    state = st.session_state
    return len(state.get(f"{page}_carried", ())) + len(state.get(f"{page}_upload_now", ()))
