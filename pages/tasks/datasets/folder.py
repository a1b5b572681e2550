"""Which folder: typed or one of the recent ones; opened once, scanned in the background."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import platformdirs
import streamlit as st

from core.dataset_folders import views as dataset_views
from core.dataset_folders.dataset import Dataset, Problem
from core.dataset_folders.layouts import KNOWN, open_dataset
from core.dataset_folders.problems import find_problems
from core.dataset_folders.scan import scan
from pages.shared import background

KEY = "datasets"
MOST_RECENT = 8


@dataclass(frozen=True, eq=False)
class Opened:
    """A data set with everything that the page shows of it.

    Attributes:
        dataset: The folder.
        scanned: One row an image, from `scan`.
        problems: What is wrong.
        views: Its columns as categories.
    """

    dataset: Dataset
    scanned: pd.DataFrame
    problems: list[Problem]
    views: list[dataset_views.View]


def choose(
    key: str = KEY,
    empty: str = "Type the path of a folder in the sidebar. Only files below it are read, links "
    "are not followed, and nothing is changed.",
) -> str:
    """The sidebar: a path, typed or chosen among the recent ones; empty where there is none.

    Args:
        key: Begins the widget keys.
        empty: What the page says while there is none.
    """
    recent = _recent()
    st.session_state.setdefault(f"{key}_path", recent[0] if recent else "")
    with st.sidebar:
        path = st.text_input(
            "Folder on this computer",
            key=f"{key}_path",
            placeholder="/home/me/FracAtlas",
            help=f"Known layouts: {KNOWN}.",
        )
        if recent:
            st.caption("Opened before (remembered on this computer only)")
        for number, one in enumerate(recent):
            st.button(
                Path(one).name or one,
                key=f"{key}_recent_{number}",
                help=one,
                icon=":material/folder:",
                width="stretch",
                on_click=_take,
                args=(key, one),
            )
    if not path:
        st.info(f"{empty} Known layouts: {KNOWN}.")
    return path.strip().strip('"')


def _take(key: str, path: str) -> None:
    st.session_state[f"{key}_path"] = path


def opened(path: str) -> Opened | None:
    """Read a folder's tables, then open each file once in the background.

    Returns:
        The data set; None while it is scanned or where that was cancelled.

    Raises:
        ImagingError: If it is no folder of a known layout.
    """
    with st.spinner("Reading the folder’s tables …", show_time=False):
        dataset = open_dataset(Path(path))
    _remember(path)
    state = tuple(sorted((name, *stat) for name, stat in dataset.listing.files.items()))
    question = (str(dataset.listing.root), hash(state))

    def work(run: background.Run[Opened]) -> Opened:
        scanned = scan(dataset, run.report, run.stop.is_set, _memory())
        return Opened(
            dataset,
            scanned,
            find_problems(dataset, scanned),
            dataset_views.views_of(dataset, scanned),
        )

    return background.result(f"{KEY}_scan", question, work)


def _memory() -> Path:
    return Path(platformdirs.user_cache_dir("lightbox", appauthor=False)) / "datasets"


def _recent_file() -> Path:
    return Path(platformdirs.user_config_dir("lightbox", appauthor=False)) / "datasets.json"


def _recent() -> list[str]:
    """Recent folders, the last first; none where the file is missing or damaged."""
    try:
        found = json.loads(_recent_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [str(one) for one in found][:MOST_RECENT] if isinstance(found, list) else []


def _remember(path: str) -> None:
    recent = [path, *(one for one in _recent() if one != path)][:MOST_RECENT]
    try:
        _recent_file().parent.mkdir(parents=True, exist_ok=True)
        _recent_file().write_text(json.dumps(recent), encoding="utf-8")
    except OSError:
        st.caption("The list of recent folders could not be written; the page works without it.")
