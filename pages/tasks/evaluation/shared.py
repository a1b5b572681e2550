"""What all tasks' evaluations share: the split, the data folder, a case to open, downloads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.dataset_folders.dataset import Dataset
from core.dataset_folders.layouts import open_dataset
from core.errors import ImagingError
from core.metrics.estimates import Estimate
from core.plots.draw import PREDICTION, TRUTH, hex_colour
from core.plots.layout import QUIET, laid_out
from models.cards import own_cards, task_cards
from models.predictions import Predictions, read
from pages.shared import charts, picture_files, views
from pages.shared.address import KEPT
from pages.shared.opened import switch
from pages.shared.views import Download
from pages.tasks.datasets import open_case

KEY = "evaluation"
SPLITS = {"test": "Test (used once)", "val": "Validation (used for choosing)"}
GOALS: dict[str, tuple[float, bool]] = {
    "mAP50": (0.46, True),
    "AUROC, both models together": (0.90, True),
    "MAE (months)": (8.8, False),
    "mean AUROC at 128 px": (0.78, True),
    "cardiomegaly AUROC": (0.87, True),
    "CTR error, hospital films": (0.021, False),
    "Dice": (0.97, True),
}
"""What this project set out to reach on cases kept apart, and whether more is better."""


OpenCase = Callable[[str, str], None]
"""Takes the file, and what it was chosen from: two charts may each have a point chosen."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers and what is true, for a task's screen.

    Attributes:
        rows: One row a case, with its "file".
        question: What tells these answers from others, for caches.
        parts: Further tables: "boxes", "hearts"; answers of a further network by its card's name.
        open_case: Offers to open the case of a file, below the chart of a name.
        ours: Whether they are of the cases that this project's targets are for.
        card: Name of the main model's card; empty for the usual one.
    """

    rows: pd.DataFrame
    question: str
    parts: Mapping[str, pd.DataFrame]
    open_case: OpenCase
    ours: bool = True
    card: str = ""


def kept(task: str, found: Predictions, split: str) -> Answers:
    """The kept answers of a split, with the further tables that the task has."""
    names = ("boxes", "hearts", "tools", *(card.name for card in task_cards(task)))
    tables = {name: read(task, split, name) for name in names}
    parts = {name: one.rows for name, one in tables.items() if one is not None}
    return Answers(found.rows, f"{split} {found.about.date}", parts, partial(case, task))


def split_of() -> str:
    """The sidebar's first question."""
    with st.sidebar:
        return str(
            st.radio(
                "Cases", list(SPLITS), format_func=SPLITS.__getitem__, key=f"{KEY}_split", **KEPT
            )
        )


def folder_of(task: str) -> None:
    """The data set's folder, so that a point can open its case."""
    with st.sidebar:
        path = st.text_input(
            "Folder of the data set (optional)",
            key=f"{KEY}_folder_{task}",
            placeholder="/home/me/FracAtlas",
            help="With it, a press on a point offers to open its film. Only files below it are "
            "read.",
        )
    if path:
        views.show_error(lambda: dataset_of(path))


@st.cache_resource(max_entries=4, scope="session", show_spinner="Reading the folder’s tables …")
def dataset_of(path: str) -> Dataset:
    """A folder's tables; read once a session.

    Raises:
        ImagingError: If it is no folder of a known layout.
    """
    return open_dataset(Path(path))


def predictions(task: str, split: str) -> Predictions | None:
    """The answers of a task's models; a sentence where there are none.

    Raises:
        WeightsError: If the file is damaged.
    """
    found = read(task, split)
    if found is None:
        st.info(
            "No predictions of these models are kept yet: `python -m models.predictions --data …` "
            "makes them."
        )
        return None
    stale = [card.title for card in task_cards(task) if not _is_current(found, card.name, task)]
    about = found.about
    st.caption(
        f"{about.data_set}, {about.split}, n = {about.n:,}, answered on {about.date} by the "
        + ("weights that ship." if not stale else f"weights of that day; since changed: {stale}.")
    )
    return found


def _is_current(found: Predictions, name: str, task: str) -> bool:
    card = next(card for card in task_cards(task) if card.name == name)
    return found.about.is_of(card)


def strip(figures: Mapping[str, Estimate], style: str = ".3f", *, ours: bool = True) -> None:
    """Figures with their 95 % intervals, and a word where one misses what was aimed at."""
    views.metric_strip(
        [
            views.Figure(
                name,
                "–" if math.isnan(one.value) else format(one.value, style),
                note=f"{interval(one, style)}, n = {one.n:,}",
            )
            for name, one in figures.items()
        ]
    )
    missed = [
        f"{name} {format(one.value, style)}, target {GOALS[name][0]:g}"
        for name, one in figures.items()
        if ours and is_missed(name, one)
    ]
    if missed:
        st.caption(f"Target missed: {'; '.join(missed)}.")


def is_missed(name: str, one: Estimate) -> bool:
    """Whether a figure of ours has a target and does not reach it."""
    if name not in GOALS or math.isnan(one.value):
        return False
    goal, more = GOALS[name]
    return (one.value < goal) == more and one.value != goal


def interval(one: Estimate, style: str) -> str:
    """The bounds of a figure in words."""
    if math.isnan(one.low):
        return "no interval"
    return f"{format(one.low, style)} to {format(one.high, style)}"


def chart(name: str, figure: go.Figure, alt: str, open_case: OpenCase | None = None) -> None:
    """A chart; where its marks carry a file (customdata), a press offers to open the case."""
    key = f"{KEY}_chart_{name}"
    save = partial(_save, key, name, figure)
    if open_case is None:
        charts.chart(figure, key=key, alt=alt, beside=save)
        return
    state = charts.chart(
        figure, key=key, alt=alt, beside=save, on_select="rerun", selection_mode="points"
    )
    points = state["selection"]["points"]
    files = [str(_first(point["customdata"])) for point in points if "customdata" in point]
    if files:
        open_case(files[0], name)


def _save(key: str, name: str, figure: go.Figure) -> None:
    with st.popover("Save", type="tertiary", icon=":material/download:", key=f"{key}_save"):
        picture_files.offer(key, f"lightbox_{name}", figure, name.replace("_", " "))


def films_by_score(
    files: pd.Series,
    truth: pd.Series,
    score: pd.Series,
    threshold: float,
    words: tuple[str, str],
    title: str,
) -> go.Figure:
    """Each film by its score, abnormal ones above; the threshold as a line.

    Args:
        files, truth, score: (N,) of the same films.
        threshold: On the score's own scale.
        words: What an abnormal film is called, and a normal one.
        title: Of the score.
    """
    figure = go.Figure()
    marks = ((1, words[0], TRUTH, "diamond"), (0, words[1], PREDICTION, "circle"))
    place = np.random.default_rng(0).uniform(-0.3, 0.3, len(files))
    for value, name, colour, symbol in marks:
        own = (truth == value).to_numpy()
        figure.add_scatter(
            x=score[own],
            y=value + place[own],
            customdata=files[own],
            mode="markers",
            name=name,
            marker={"color": hex_colour(colour), "symbol": symbol, "size": 8, "opacity": 0.75},
            hovertemplate="%{customdata}: %{x:.2f}<extra></extra>",
        )
    figure.add_vline(threshold, line={"dash": "dash", "width": 2, "color": QUIET})
    laid_out(figure, 280, title).update_xaxes(range=[-0.02, 1.0])
    return figure.update_yaxes(tickvals=[0, 1], ticktext=words[::-1], range=[-0.5, 1.5])


def _first(value: object) -> object:
    return value[0] if isinstance(value, list | tuple) else value


def case(task: str, file: str, place: str) -> None:
    """What is known of a case, and a button that opens it where the data folder is named."""
    path = st.session_state.get(f"{KEY}_folder_{task}", "")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{PurePosixPath(file).name}**")
        if not path:
            st.caption("Name the data set’s folder in the sidebar to open it.")
            return
        try:
            dataset = dataset_of(path)
        except ImagingError:
            return
        below = next((one for one in dataset.rows.index if str(one).endswith(file)), None)
        if below is None:
            st.caption("This file is not in the folder named in the sidebar.")
        elif st.button(
            "Open on its page", key=f"{KEY}_open_{place}", icon=":material/open_in_new:"
        ):
            views.show_error(lambda: open_case.go(dataset, str(below)))


def choose(label: str, names: Sequence[str], key: str) -> str:
    """One of several models or findings, in the sidebar."""
    with st.sidebar:
        return str(st.selectbox(label, list(names), key=f"{KEY}_{key}", **KEPT))


def csv(task: str, found: Predictions, split: str) -> None:
    """All answers as a table to take away."""
    views.download(
        f"{KEY}_csv",
        Download(
            "Answers case by case (CSV)",
            f"lightbox_{task}_{split}.csv",
            lambda: found.rows.to_csv(index=False).encode(),
        ),
    )


def every_answer(found: Predictions) -> None:
    """All answers as a table on the page."""
    with st.expander("Answers case by case", on_change="rerun", key=f"{KEY}_table") as table:
        if table.open:
            st.dataframe(found.rows, hide_index=True, alt="Answers of the models case by case.")


def own_models(task: str, mode: str) -> None:
    """A person's own models of the task, and the way to measure them on a labelled folder.

    Args:
        task: Whose models.
        mode: Name of the page's mode that measures.
    """
    st.markdown("##### Your own models")
    for card in own_cards(task):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{card.title}**: no measured figures. {card.limitations[0]}")
            st.button(
                "Measure on a labelled folder",
                key=f"{KEY}_measure_{card.name}",
                icon=":material/rule:",
                on_click=_measure,
                args=(task, card.name, mode),
            )
    if st.button("Your models …", key=f"{KEY}_own", icon=":material/deployed_code:"):
        switch("pages/your_models.py")


def _measure(task: str, name: str, mode: str) -> None:
    """Go to the labelled folder with a model of one's own beside the usual one."""
    st.session_state[f"{KEY}_mode"] = mode
    folder = st.session_state.get(f"{KEY}_folder_{task}", "")
    if folder:
        st.session_state[f"{KEY}_labelled_path"] = folder
    st.session_state[f"{KEY}_labelled_second"] = name


def groups(
    title: str, rows: Sequence[tuple[str, int, Estimate]], style: str = ".3f"
) -> pd.DataFrame:
    """A figure by group, with its interval; groups below ten cases say little."""
    few = ["too few cases to say" if count < 10 else "" for _, count, _ in rows]
    table = pd.DataFrame(
        {
            title: [name for name, _, _ in rows],
            "cases": [count for _, count, _ in rows],
            "value": [format(one.value, style) for _, _, one in rows],
            "95 % interval": [interval(one, style) for _, _, one in rows],
            **({"": few} if any(few) else {}),
        }
    )
    st.dataframe(table, hide_index=True, alt=f"{title}, with intervals.")
    return table
