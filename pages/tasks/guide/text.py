"""A guide's text with its pictures, from the Markdown file that GitHub shows, too."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parents[2] / "guides"
WIDTH_PX = 720  # a line that is easy to read


def show(name: str) -> None:
    """Draw `pages/guides/<name>.md`; a picture is a line of its own."""
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    first, *rest = re.split(r"^!\[(.+)\]\((.+)\)$", text, flags=re.MULTILINE)
    st.markdown(first, width=WIDTH_PX)
    for words, file, after in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        st.image(FOLDER / file, width=WIDTH_PX, alt=words)
        st.markdown(after, width=WIDTH_PX)
