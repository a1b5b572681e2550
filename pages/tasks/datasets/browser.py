"""The images that pass the filter: small pictures with their labels, a page at a time."""

from __future__ import annotations

from pathlib import PurePosixPath

import pandas as pd
import streamlit as st

from core.dataset_folders import pictures, views
from core.dataset_folders.dataset import Dataset
from core.errors import ImagingError
from core.plots import draw
from pages.shared.views import Download, download
from pages.tasks.datasets import open_case, overview
from pages.tasks.datasets.folder import KEY, Opened

COLUMNS, ROWS = 4, 3
PAGE_SIZE = COLUMNS * ROWS


def show(opened: Opened) -> None:
    """A page of pictures; a press opens the image on its model's page with its truth."""
    chosen = overview.wanted(opened)
    passing = list(opened.dataset.rows.index[views.kept(opened.views, chosen)])
    if not passing:
        st.info("No image passes the filter; clear it, or press another bar.")
        return
    pages = -(-len(passing) // PAGE_SIZE)
    key = f"{KEY}_page"
    st.session_state[key] = min(max(int(st.session_state.get(key, 1)), 1), pages)
    with st.container(horizontal=True, vertical_alignment="center"):
        number = st.number_input(
            f"Page of {pages:,}", 1, pages, key=key, label_visibility="collapsed", width=150
        )
        st.caption(f"page {number:,} of {pages:,} · {len(passing):,} images pass the filter")
        _table_button(opened, passing)
    some = passing[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    for start in range(0, len(some), COLUMNS):
        columns = st.columns(COLUMNS, gap="small")
        for below, column in zip(some[start : start + COLUMNS], columns, strict=False):
            with column:
                tile(opened, below)


def tile(opened: Opened, below: str) -> None:
    """One picture with its name and labels, and a button that opens it."""
    dataset = opened.dataset
    said = pictures.words_of(dataset, below)
    name = PurePosixPath(below).name
    try:
        picture = thumbnail(dataset, below, _stamp(dataset, below))
        st.image(picture, width="stretch", alt=f"{name}: {said}")
    except ImagingError as err:
        st.warning(str(err))
    else:
        if st.button(name, key=f"{KEY}_open_{below}", help=said or None, width="stretch"):
            open_case.go(dataset, below)


@st.cache_data(
    max_entries=600, scope="session", show_spinner=False, hash_funcs={Dataset: lambda one: 0}
)
def thumbnail(dataset: Dataset, below: str, stamp: str) -> draw.Picture:
    """A picture of the data set, made once for a file's path, size and time of change.

    Raises:
        ImagingError: If the image cannot be read.
    """
    return pictures.thumbnail(dataset, below)


def _stamp(dataset: Dataset, below: str) -> str:
    return f"{dataset.listing.root}|{dataset.listing.files[below]}"


def _table_button(opened: Opened, passing: list[str]) -> None:
    def table() -> bytes:
        rows = opened.dataset.rows.loc[passing]
        scanned = opened.scanned.drop(columns=["hash"], errors="ignore")
        joined: pd.DataFrame = rows.join(scanned)
        return joined.to_csv().encode()

    name = f"{opened.dataset.listing.root.name}_filtered.csv"
    download(f"{KEY}_table", Download("Table", name, table))
