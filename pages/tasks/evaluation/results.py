"""Results of `python -m models.score`: what was answered, refused and, with labels, right."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.dataset_folders.truths import MEANS, Truths, of_table, read_truths
from core.files.radiograph import read_radiograph
from core.files.volume import read_mask, read_volume
from core.plots.draw import PREDICTION, hex_colour
from models.cards import load_card
from models.score.results import Results, open_results, read_results
from models.score.tasks import tasks
from pages.shared import background, views
from pages.shared.inputs import Case
from pages.shared.opened import OPENED, open_on_page
from pages.shared.views import Figure
from pages.tasks.evaluation import judged, shared
from pages.tasks.evaluation.shared import KEY, Answers
from pages.tasks.skull_strip.sidebar import VolumeCase

MOST_ROWS = 1000
"""Rows that a table on the screen holds; the file holds all."""
PLOTS = {
    "fracture": (("fracture_probability", "probability of a fracture (%)", 100.0),),
    "bone_age": (("months", "bone age (years)", 1 / 12),),
    "chest": (
        ("p_Cardiomegaly", "probability of cardiomegaly (%)", 100.0),
        ("ctr", "cardiothoracic ratio", 1.0),
    ),
    "skull_strip": (("volume_ml", "brain volume (mL)", 1.0),),
}
"""What is shown of all images: column, title, factor."""
HIDDEN = ("number", "digest", "refused", "why", "card", "classifier_card", "mask", "seconds")


def show(screens: Mapping[str, Callable[[Answers], object]]) -> None:
    """Results that a person names or adds, by task's own screen where labels are given."""
    with st.sidebar:
        path = st.text_input(
            "Folder of results", key=f"{KEY}_results", placeholder="the one given as --out"
        )
        added = st.file_uploader(
            "Or its tables (Parquet or CSV)",
            ["parquet", "csv"],
            accept_multiple_files=True,
            key=f"{KEY}_results_upload",
        )
    if not path and not added:
        st.info("Name the folder of a run in the sidebar, or add its tables. A run is made by:")
        st.code("python -m models.score TASK --in FOLDER --out RESULTS", None)
        return
    read = partial(_added, [(one.name, one.getvalue()) for one in added])
    found = views.show_error(partial(_opened, path, _state(path)) if path else read)
    if found is None:
        return
    truths = views.show_error(_labels, found.task)
    _summary(found)
    for place, (column, title, factor) in zip(
        st.columns(len(PLOTS[found.task]), gap="large"), PLOTS[found.task], strict=True
    ):
        with place:
            _spread(found.answered[column].dropna().to_numpy(float) * factor, column, title)
    if truths is not None:
        st.markdown("#### Against the labels")
        views.show_error(_judged, found, truths, screens[found.task])
    st.markdown("#### Image by image")
    _table(found, truths)
    _refused(found)


def _state(path: str) -> tuple[int, int]:
    """What changes while a run goes on: its number of parts, and when the last came."""
    parts = list((Path(path).expanduser() / "images").glob("part-*.parquet"))
    return len(parts), max((part.stat().st_mtime_ns for part in parts), default=0)


@st.cache_resource(max_entries=2, scope="session", show_spinner="Reading the results …")
def _opened(path: str, state: tuple[int, int]) -> Results:
    return open_results(Path(path))


@st.cache_resource(max_entries=2, scope="session", show_spinner="Reading the results …")
def _added(files: Sequence[tuple[str, bytes]]) -> Results:
    return read_results(files)


def _labels(task: str) -> Truths | None:
    """The sidebar's second question: what is true of the images."""
    with st.sidebar:
        path = st.text_input(
            "Labels (optional)",
            key=f"{KEY}_labels",
            placeholder="labels.csv, or a data set’s folder",
            help=f"A CSV table with the columns “image” and “truth” ({MEANS[task]}), or the "
            "folder of a data set that the Data sets page knows.",
        )
        added = st.file_uploader("Or a CSV of labels", "csv", key=f"{KEY}_labels_upload")
    if added is not None:
        return _table_of(task, added.name, added.getvalue())
    return _read_labels(task, path) if path else None


@st.cache_resource(max_entries=2, scope="session", show_spinner="Reading the labels …")
def _read_labels(task: str, path: str) -> Truths:
    return read_truths(task, Path(path))


@st.cache_resource(max_entries=2, scope="session", show_spinner="Reading the labels …")
def _table_of(task: str, name: str, content: bytes) -> Truths:
    return of_table(task, name, content)


def _summary(found: Results) -> None:
    rows, unit = found.rows, "Heads" if tasks()[found.task].volumes else "Films"
    views.metric_strip(
        [
            Figure(unit, f"{len(rows):,}"),
            Figure("Answered", f"{len(found.answered):,}"),
            Figure("Refused", f"{len(found.refused):,}"),
            Figure("Seconds each (median)", f"{rows['seconds'].median():.2g}"),
        ]
    )
    if len(rows) < found.listed:
        st.warning(f"The run is not finished: {len(rows):,} of {found.listed:,} are done.")
    card = load_card(*tasks()[found.task].cards[0])
    current = set(rows["card_sha256"]) == {card.sha256}
    st.caption(
        f"{card.title}, "
        + ("the weights that ship." if current else "other weights than those that ship now.")
    )


def _spread(values: np.ndarray, name: str, title: str) -> None:
    if not len(values):
        return
    counts, edges = np.histogram(values, bins=min(40, max(8, int(np.sqrt(len(values))))))
    middles = (edges[:-1] + edges[1:]) / 2
    figure = go.Figure(
        go.Bar(
            x=middles,
            y=counts,
            width=np.diff(edges),
            marker={"color": hex_colour(PREDICTION), "line": {"width": 1, "color": "#00000000"}},
            hovertemplate="%{x:.3g}: %{y}<extra></extra>",
        )
    )
    figure.update_layout(height=240, margin={"l": 0, "r": 0, "t": 10, "b": 0}, bargap=0.05)
    figure.update_xaxes(title=title)
    figure.update_yaxes(title="number")
    shared.chart(f"results_{name}", figure, f"How often each {title} was answered.")


def _judged(found: Results, truths: Truths, screen: Callable[[Answers], object]) -> None:
    names = pd.Series(list(truths.names_of(found.rows["path"])), dtype=object)
    known = names.notna().to_numpy()
    lost = int((known & found.rows["refused"].to_numpy(bool)).sum())
    st.caption(
        f"Labels fit {int(known.sum()):,} of {len(known):,} images"
        + (f"; {lost:,} of these were refused and count in no figure." if lost else ".")
    )
    if known.sum() == lost:
        return
    digest = hashlib.sha256(repr((found.folder, len(known), sorted(names[known]))).encode())
    question = digest.hexdigest()
    if found.task != "skull_strip":
        rows, parts = judged.films(found, truths)
    else:
        compared = background.result(
            f"{KEY}_heads", question, lambda run: judged.heads(found, truths, run.report)
        )
        if compared is None:
            return
        rows, parts = compared, {}
    if rows.empty:
        st.info("No mask of this run could be laid over a true one: score with --masks.")
    elif found.task == "chest" and rows.shape[1] == 1:
        st.info("The labels name no finding that the model knows.")
    else:
        screen(Answers(rows, question, parts, partial(_case, found, truths), ours=False))


def _table(found: Results, truths: Truths | None) -> None:
    """The answered images, a click away from their page."""
    rows = found.answered
    numbers = [name for name in rows.columns if pd.api.types.is_numeric_dtype(rows[name])]
    first = PLOTS[found.task][0][0]
    by = st.selectbox(
        "Sort by",
        sorted(set(numbers) - {"number"}, key=lambda name: (name != first, name)),
        format_func=lambda name: name.replace("_", " "),
        key=f"{KEY}_results_order",
        width=320,
    )
    shown = rows.sort_values(by, ascending=False).head(MOST_ROWS)
    told = [name for name in rows.columns if name not in HIDDEN and not name.endswith("_sha256")]
    columns = [name for name in told if rows[name].notna().any()] + ["seconds"]
    state = st.dataframe(
        shown[columns].round(3).rename(columns=lambda name: name.replace("_", " ")),
        hide_index=True,
        height="content" if len(shown) <= 10 else 390,
        key=f"{KEY}_results_rows",
        on_select="rerun",
        selection_mode="single-row",
        alt="One line for every image with an answer; a click on a line offers to open it.",
    )
    if len(shown) < len(rows):
        st.caption(f"The first {len(shown):,} of {len(rows):,}.")
    chosen = [place for place in state["selection"]["rows"] if place < len(shown)]
    if chosen:
        _case(found, truths, str(shown["path"].iloc[chosen[0]]))


def _case(found: Results, truths: Truths | None, file: str) -> None:
    """What is known of an image, and a button that opens it on its task's page."""
    row = found.rows[found.rows["path"] == file].iloc[0]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{PurePosixPath(file).name}**")
        if st.button("Open on its page", key=f"{KEY}_open", icon=":material/open_in_new:"):
            views.show_error(lambda: open_on_page(found.task, image_of(found, truths, row)))


def image_of(found: Results, truths: Truths | None, row: pd.Series) -> Case | VolumeCase:
    """An image of a run as its task's page shows it.

    Raises:
        ImagingError: If it is not on this computer.
    """
    contents, name = found.contents(int(row["number"])), PurePosixPath(str(row["path"])).name
    if found.task != "skull_strip":
        image = read_radiograph(contents[0][1], name=contents[0][0])
        return Case(image, judged.case_truth(found, truths, row), OPENED, name)
    volume = read_volume(contents)
    known = None if truths is None else next(truths.names_of([row["path"]]))
    if truths is None or known is None or not truths.values[known].is_file():
        return VolumeCase(volume, None, OPENED, name)
    path = truths.values[known]
    mask = read_mask([(path.name, path.read_bytes())], volume)
    return VolumeCase(volume, mask, OPENED, name, "the label’s mask")


def _refused(found: Results) -> None:
    """The images without an answer: the reasons, commonest first, and every row."""
    rows = found.refused
    if rows.empty:
        return
    title = f"{len(rows):,} refused"
    with st.expander(
        title, icon=":material/block:", key=f"{KEY}_refused", on_change="rerun"
    ) as one:
        if not one.open:
            return
        reasons = rows["why"].map(lambda why: re.sub(r"\d[\d.,]*", "…", str(why))).value_counts()
        st.markdown("\n".join(f"- {count:,}: {why}" for why, count in reasons.head(10).items()))
        st.dataframe(
            rows[["path", "why"]].head(MOST_ROWS), hide_index=True, alt="Every refused image."
        )
        st.download_button(
            "All refused (CSV)",
            lambda: rows[["path", "why"]].to_csv(index=False).encode(),
            file_name=f"lightbox_{found.task}_refused.csv",
            mime="text/csv",
            key=f"{KEY}_refused_csv",
            on_click="ignore",
        )
