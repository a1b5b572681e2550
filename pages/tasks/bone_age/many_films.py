"""Many hand films at once: a progress bar, a table, and files to take away."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Any

import pandas as pd
import streamlit as st

from core.bone_age import growth
from core.bone_age.growth import years_and_months
from core.errors import ImagingError, UnsuitableInputError
from core.files import write as exports
from core.files.archives import read_many
from core.images import FloatArray, Radiograph
from core.plots import draw
from models.cards import ModelCard
from pages.shared import inputs, views
from pages.shared.views import Download, Figure
from pages.tasks.bone_age import loaders as bone_age_loaders
from pages.tasks.bone_age.sidebar import PAGE, Settings

Sources = Sequence[tuple[str, bytes]]
TILES = 12
PREVIEW_PX = 400


@dataclass(frozen=True, eq=False)
class Film:
    """One file of a batch: its answer, or the sentence that says why there is none."""

    name: str
    months: float = float("nan")
    low_months: float = float("nan")
    high_months: float = float("nan")
    sex: str | None = None
    problem: str = ""
    preview: FloatArray | None = None


@dataclass(frozen=True)
class Child:
    """What a table says of the child on a film."""

    sex: str | None = None
    chronological_months: float | None = None
    known_months: float | None = None


def files() -> tuple[Sources, Mapping[str, Child]]:
    """The sidebar's first part: films or zips, and a table of the children."""
    with st.sidebar:
        uploaded = st.file_uploader(
            "Radiographs, or a zip of them",
            accept_multiple_files=True,
            key=f"{PAGE}_batch",
            help=inputs.FORMATS,
        )
        table = st.file_uploader(
            "Their children (optional CSV)",
            type=["csv"],
            key=f"{PAGE}_children",
            help="Columns: file, and any of sex (F or M), chronological_months, known_months (a "
            "reader's bone age). Films that it does not name get the sex chosen below.",
        )
    children: Mapping[str, Child] = {}
    if table is not None:
        try:
            children = read_children(table.getvalue())
        except ImagingError as err:
            st.error(str(err), icon=":material/error:")
    return [(file.name, file.getvalue()) for file in uploaded], children


def read_children(source: bytes) -> dict[str, Child]:
    """The table of a batch, by file name.

    Raises:
        UnsuitableInputError: If it is no CSV table with a column "file", or a value is none.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(source.decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as err:
        raise UnsuitableInputError(
            "The table of the children is no CSV text; save it as CSV (UTF-8)."
        ) from err
    if not rows or "file" not in rows[0]:
        raise UnsuitableInputError(
            "The table of the children has no column “file”; its first line must name the columns."
        )
    children = {}
    for number, row in enumerate(rows, start=2):
        sex = (row.get("sex") or "").strip().upper()
        try:
            children[(row["file"] or "").strip()] = Child(
                sex if sex in growth.SEXES else None,
                _number(row.get("chronological_months")),
                _number(row.get("known_months")),
            )
        except ValueError as err:
            raise UnsuitableInputError(
                f"Line {number} of the table of the children has an age that is no number of "
                "months; correct it or leave it empty."
            ) from err
    return children


def child_of(name: str, children: Mapping[str, Child]) -> Child:
    """What the table says of a film, by its name with or without the zip and folders before it."""
    return children.get(name) or children.get(PurePath(name).name) or Child()


def _number(text: str | None) -> float | None:
    return float(text) if text and text.strip() else None


def batch(settings: Settings, sources: Sources, children: Mapping[str, Child]) -> None:
    """Read all films, show one line for each, and offer the results."""
    if not sources:
        st.info(f"Add several radiographs or a zip of them in the sidebar: {inputs.FORMATS}")
        return
    films = _films(sources, settings, children)
    rows = [columns(film, child_of(film.name, children)) for film in films]
    good = [film for film in films if not film.problem]
    _summary(films, rows)
    st.dataframe(
        pd.DataFrame(rows).rename(columns=lambda name: name.replace("_", " ")),
        hide_index=True,
        height="content" if len(rows) <= 12 else 460,
        placeholder="",
        alt="One line for every file: sex, bone age, interval, comparison, problem.",
    )
    left_out = [f"- **{film.name}**: {film.problem}" for film in films if film.problem]
    if left_out:
        st.warning("Without an answer:\n" + "\n".join(left_out), icon=":material/error:")
    views.downloads(
        f"{PAGE}_batch",
        [Download("Table (CSV)", "bone_ages.csv", "text/csv", partial(exports.table, rows))],
    )
    with st.container(horizontal=True):
        for film in good[:TILES]:
            if film.preview is not None:
                words = f"{film.name}: {years_and_months(film.months)}"
                shown = draw.tile(draw.windowed(film.preview), 400, 480)
                st.image(shown, words, width=views.TILE_WIDTH, alt=words)


def columns(film: Film, child: Child) -> dict[str, Any]:
    """A film as a line of the table."""
    if film.problem:
        return {"file": film.name, "problem": film.problem}
    row: dict[str, Any] = {
        "file": film.name,
        "sex": film.sex or "unknown",
        "bone_age": years_and_months(film.months),
        "bone_age_months": round(film.months, 1),
        "low_months": round(film.low_months, 1),
        "high_months": round(film.high_months, 1),
    }
    if child.known_months is not None:
        row["known_months"] = child.known_months
        row["error_months"] = round(film.months - child.known_months, 1)
    if child.chronological_months is not None:
        found = growth.compare(film.months, child.chronological_months, film.sex)
        row["chronological_months"] = child.chronological_months
        row["difference_months"] = round(found.months, 1)
        if found.deviations is not None:
            row["standard_deviations"] = round(found.deviations, 2)
    return row


def _summary(films: Sequence[Film], rows: Sequence[Mapping[str, Any]]) -> None:
    good = [film for film in films if not film.problem]
    figures = [Figure("Films answered", f"{len(good)} of {len(films)}")]
    errors = [abs(row["error_months"]) for row in rows if "error_months" in row]
    if errors:
        figures += [
            Figure("Mean absolute error", f"{sum(errors) / len(errors):.1f} months"),
            Figure("Within 12 months", f"{sum(error <= 12 for error in errors)} of {len(errors)}"),
        ]
    views.metric_strip(figures)


def _films(sources: Sources, settings: Settings, children: Mapping[str, Child]) -> list[Film]:
    """Every film's answer, with progress; kept until other files, sexes or weights come."""
    told = sorted((name, child.sex) for name, child in children.items())
    key = hashlib.sha256(repr((settings.card.sha256, settings.sex, told)).encode())
    for name, source in sources:
        key.update(name.encode() + hashlib.sha256(source).digest())
    kept = st.session_state.get(f"{PAGE}_films")
    if kept is None or kept[0] != key.hexdigest():
        bar = st.progress(0.0, "Reading …")
        films: list[Film] = []
        taken: set[str] = set()
        for number, (file, source) in enumerate(sources):
            for found, image in read_many([(file, source)]):
                name = _new_name(found, taken)
                bar.progress(number / len(sources), f"{name} ({len(films) + 1})")
                sex = child_of(name, children).sex or settings.sex
                films.append(_film(name, image, settings.card, sex, len(films) < TILES))
        bar.empty()
        kept = (key.hexdigest(), films)
        st.session_state[f"{PAGE}_films"] = kept
    return kept[1]


def _new_name(found: str, taken: set[str]) -> str:
    name, copy = found, 1
    while name in taken:  # two folders may hold the same file name
        copy += 1
        name = str(PurePath(found).with_stem(f"{PurePath(found).stem} ({copy})"))
    taken.add(name)
    return name


def _film(
    name: str, image: Radiograph | ImagingError, card: ModelCard, sex: str | None, preview: bool
) -> Film:
    if isinstance(image, ImagingError):
        return Film(name, problem=str(image))
    try:
        problem = bone_age_loaders.refused(image)
        if problem is not None:
            return Film(name, problem=problem)
        found = bone_age_loaders.estimate(card, image, sex)
    except ImagingError as err:
        return Film(name, problem=str(err))
    small = draw.scaled(image.pixels, PREVIEW_PX / max(image.shape)) if preview else None
    return Film(name, found.months, found.low_months, found.high_months, sex, preview=small)
