"""A plot to take away as PNG or SVG, drawn by matplotlib without a browser."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Literal

import plotly.graph_objects as go
import streamlit as st

from core.plots.pictures import picture
from pages.shared import views
from pages.shared.views import Download

KINDS: tuple[Literal["png", "svg"], ...] = ("png", "svg")


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
    for kind in KINDS:
        made = partial(picture, figure, kind, title)
        views.download(f"{key}_{kind}", Download(kind.upper(), f"{stem}.{kind}", made, None))
