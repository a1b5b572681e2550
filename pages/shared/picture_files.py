"""A plot to take away as PNG or SVG, drawn by matplotlib without a browser."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Literal

import plotly.graph_objects as go
import streamlit as st

from core.plots.pictures import picture

KINDS: tuple[tuple[Literal["png", "svg"], str], ...] = (
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
)


def offer(key: str, stem: str, figure: go.Figure, title: str) -> None:
    """A button a kind; each file is made when its button is pressed.

    Args:
        key: Prefix of the buttons' keys.
        stem: Of the files' names.
        figure: Scatter and bar traces only.
        title: Written above the plot.
    """
    if find_spec("matplotlib") is None:
        st.caption(
            "Pictures of plots need matplotlib, which the light install leaves out: "
            "`pip install -r requirements.txt`."
        )
        return
    for kind, mime in KINDS:
        st.download_button(
            kind.upper(),
            partial(picture, figure, kind, title),
            file_name=f"{stem}.{kind}",
            mime=mime,
            key=f"{key}_{kind}",
            on_click="ignore",
        )
