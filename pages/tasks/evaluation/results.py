"""Results of `python -m models.score`: what was answered, refused and, with labels, right."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.dataset_folders.truths import MEANS, Truths, of_table, read_truths
from core.errors import UnsuitableInputError
from core.files.radiograph import read_radiograph
from core.files.volume import read_mask, read_volume
from core.plots.draw import PREDICTION, hex_colour
from core.plots.layout import laid_out
from models.score.results import Results, open_results, read_results
from models.score.tasks import tasks
from pages.shared import charts, views
from pages.shared.inputs import Case
from pages.shared.opened import OPENED, open_on_page
from pages.shared.views import Download, Figure
from pages.tasks.evaluation import against, judged, shared
from pages.tasks.evaluation.against import Screen
from pages.tasks.evaluation.shared import KEY
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


def show(screens: Mapping[str, Screen]) -> None:
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
    second = views.show_error(_second, found) if truths is not None else None
    present(screens, found, truths, second, "Results of a run")


def present(
    screens: Mapping[str, Screen],
    first: Results,
    truths: Truths | None,
    second: Results | None,
    cases: str,
) -> None:
    """Answers of one model or two: side by side, then one of them in full.

    Args:
        screens: Each task's room of this page.
        first, second: Answers to the same images.
        truths: What is true of them, where it is known.
        cases: What they are, for the report.
    """
    found, title = first, screen_title(screens, first.task)
    screen, beside = screens[title], None
    if second is not None:
        if truths is not None:
            beside = views.show_error(against.compared, screen, (first, second), truths)
            if beside is None:
                return
        titles = judged.titles_of(first), judged.titles_of(second)
        chosen = st.segmented_control(
            "Figures of",
            (0, 1),
            default=0,
            required=True,
            format_func=lambda one: f"{one + 1}: {titles[one]}",
            key=f"{KEY}_of",
        )
        found = (first, second)[chosen]
    _summary(found)
    if truths is not None:
        opened = partial(_case, found, truths)
        views.show_error(against.judge, found, truths, opened, (title, screen), cases, beside)
    plots = [one for one in PLOTS[found.task] if one[0] in found.answered]
    if plots:
        st.markdown("##### How often each answer was given")
    for place, (column, name, factor) in zip(
        st.columns(len(plots) or 1, gap="large"), plots, strict=False
    ):
        with place:
            _spread(found.answered[column].dropna().to_numpy(float) * factor, column, name)
    st.markdown("##### Image by image")
    _table(found, truths)
    _refused(found)


def screen_title(screens: Mapping[str, Screen], task: str) -> str:
    """What the page calls a task."""
    return next(title for title, screen in screens.items() if task == screen.TASK)


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


def _second(found: Results) -> Results | None:
    """Another run over the same images, by another model; its images under the first's paths.

    Raises:
        UnsuitableInputError: If it is of another task, or has no image in common.
    """
    with st.sidebar:
        path = st.text_input(
            "Compare with another run (optional)",
            key=f"{KEY}_results_2",
            placeholder="its folder of results",
            help="A run of another model over the same images. They are known again by content.",
        )
    if not path:
        return None
    second = _opened(path, _state(path))
    if second.task != found.task:
        raise UnsuitableInputError(
            f"The second run is of {second.task.replace('_', ' ')}, the first of "
            f"{found.task.replace('_', ' ')}: they cannot be compared."
        )
    paths = found.rows.drop_duplicates("digest").set_index("digest")["path"]
    known = second.rows["digest"].map(paths)
    if not known.notna().any():
        raise UnsuitableInputError(
            "The second run has no image in common with the first: give a run over the same files."
        )
    rows = second.rows.assign(path=known)[known.notna()]
    boxes = second.boxes
    if "path" in boxes:
        boxes = boxes.assign(path=boxes["digest"].map(paths)).dropna(subset="path")
    return replace(second, rows=rows, boxes=boxes)


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
    card = judged.card_of(found)
    if card is None:
        st.caption("The model’s card is not on this computer.")
    elif card.is_own:
        st.caption(f"{judged.titles_of(found)}: your own model.")
    else:
        current = set(rows["card_sha256"]) == {card.sha256}
        weights = "the weights that ship" if current else "other weights than those that ship now"
        st.caption(f"{judged.titles_of(found)}, {weights}.")


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
    laid_out(figure, 240, title, "number", top=10, legend=None, bargap=0.05)
    shared.chart(f"results_{name}", figure, f"How often each {title} was answered.")


def _table(found: Results, truths: Truths | None) -> None:
    """The answered images, a click away from their page."""
    rows = found.answered
    numbers = [name for name in rows.columns if pd.api.types.is_numeric_dtype(rows[name])]
    first = next((one[0] for one in PLOTS[found.task] if one[0] in numbers), "number")
    by = st.selectbox(
        "Sort by",
        sorted(set(numbers) - {"number"} or {"number"}, key=lambda name: (name != first, name)),
        format_func=lambda name: name.replace("_", " "),
        key=f"{KEY}_results_order",
        width=320,
    )
    shown = rows.sort_values(by, ascending=False).head(MOST_ROWS)
    told = [name for name in rows.columns if name not in HIDDEN and not name.endswith("_sha256")]
    columns = [name for name in told if rows[name].notna().any()] + ["seconds"]
    chosen = charts.chosen_row(
        shown[columns].round(3).rename(columns=lambda name: name.replace("_", " ")),
        f"{KEY}_results_rows",
        "One line for every image with an answer; a click on a line offers to open it.",
    )
    if len(shown) < len(rows):
        st.caption(f"The first {len(shown):,} of {len(rows):,}.")
    if chosen is not None:
        _case(found, truths, str(shown["path"].iloc[chosen]), "row")


def _case(found: Results, truths: Truths | None, file: str, place: str) -> None:
    """What is known of an image, and a button that opens it on its task's page."""
    row = found.rows[found.rows["path"] == file].iloc[0]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{PurePosixPath(file).name}**")
        if st.button("Open on its page", key=f"{KEY}_open_{place}", icon=":material/open_in_new:"):
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
        views.download(
            f"{KEY}_refused_csv",
            Download(
                "All refused (CSV)",
                f"lightbox_{found.task}_refused.csv",
                lambda: rows[["path", "why"]].to_csv(index=False).encode(),
            ),
        )
