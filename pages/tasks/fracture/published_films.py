"""Films that the published steps got right or wrong, drawn where their data set is at hand."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pandas as pd
import streamlit as st

from core.dataset_folders import pictures
from core.dataset_folders.layouts import open_dataset
from core.errors import ImagingError
from core.fracture import published
from core.percent import percent
from core.plots.draw import Picture
from pages.shared import views

MOST = 8
COLUMNS = 4


def show(scores: pd.DataFrame, setting: str, key: str) -> None:
    """The films of one kind as a table, the surest ones as pictures.

    Args:
        scores: The answers of all runs to every film.
        setting: Whose answers.
        key: Begins the widget keys.
    """
    kind = views.segments("Films", tuple(published.KINDS), f"{key}_published_kind")
    found = published.films(scores, setting, kind)
    st.dataframe(
        found.assign(probability=100 * found["probability"]),
        hide_index=True,
        height=180,
        column_config={"probability": st.column_config.NumberColumn(format="%.0f\u00a0%%")},
        alt=f"{kind}, {setting}: {len(found)} films, the surest first.",
    )
    folder = st.text_input(
        "FracAtlas’ folder on this computer",
        key=f"{key}_published_folder",
        placeholder="/home/me/FracAtlas",
        help="Only read; the films are shown to you alone and are not part of Lightbox.",
    ).strip()
    if not folder:
        st.caption(
            "The films are not part of Lightbox, so that only their names and probabilities stand "
            "here. With the data set’s folder, the surest ones are drawn."
        )
        return
    try:
        drawn = _pictures(folder, tuple(found["file"][:MOST]))
    except ImagingError as err:
        st.error(str(err), icon=":material/error:")
        return
    if not drawn:
        st.info("None of these films is in that folder.")
    chances = dict(zip(found["file"], found["probability"], strict=True))
    for start in range(0, len(drawn), COLUMNS):
        row = list(drawn.items())[start : start + COLUMNS]
        for (file, picture), column in zip(row, st.columns(COLUMNS), strict=False):
            words = f"{file}: {percent(chances[file])}"
            column.image(picture, words, width="stretch", alt=f"{words}, {kind.lower()}")


@st.cache_data(max_entries=12, scope="session", show_spinner="Opening the films …")
def _pictures(folder: str, files: tuple[str, ...]) -> dict[str, Picture]:
    """The films of a data set that are there, small, with their true outlines.

    Raises:
        ImagingError: If it is no folder of a known layout, or a film cannot be read.
    """
    dataset = open_dataset(Path(folder))
    where = {PurePosixPath(below).name: below for below in dataset.rows.index}
    return {file: pictures.thumbnail(dataset, where[file]) for file in files if file in where}
