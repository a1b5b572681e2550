"""What only bone age has on the screen of many films: the patients' table and the readers' ages."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from core.bone_age import growth, plots
from core.bone_age.growth import years_and_months
from core.bone_age.patient_table import COLUMNS, Child, Children, child_of, read_children
from core.errors import ImagingError
from core.files import write as exports
from core.plots import draw
from models.cards import load_card
from models.score.bone_age import BoneAgeReaders
from models.score.input_check import FILM_KIND, without_offer
from models.score.task import Ask, Scored
from models.score.tasks import tasks
from pages.shared import charts, input_check, many_films, views
from pages.shared.inputs import Case, read
from pages.shared.many_films import Batch, Film, Uploads
from pages.shared.views import Download, Figure
from pages.tasks.bone_age import loaders
from pages.tasks.bone_age.sidebar import PAGE, Settings


def files() -> tuple[Uploads, Children]:
    """The sidebar's first part: films or zips, and a table of the patients."""
    added = many_films.uploads(PAGE, "Radiographs, or a zip of them")
    with st.sidebar:
        table = st.file_uploader(
            "Patient table (CSV, optional)",
            type=["csv"],
            key=f"{PAGE}_children",
            help="Columns: file, and any of sex (F or M), chronological_months, known_months (a "
            "reader's bone age). Films that it does not name get the sex entered below.",
        )
    if table is None:
        return added, {}
    try:
        children, ignored = read_children(table.getvalue())
    except ImagingError as err:
        st.error(str(err), icon=":material/error:")
        return added, {}
    if ignored:
        st.caption(
            f"Columns of the patient table that are not used: {', '.join(ignored)}. "
            f"Used are {', '.join(COLUMNS)}."
        )
    return added, children


def batch(settings: Settings, files: Uploads, children: Children) -> Case | None:
    """A bone age for all films, listed and shown; the case that was opened by a click."""
    asked = _batch(settings, children)
    found = many_films.films(asked, files)
    if found is None:
        return None
    film = many_films.opened(PAGE, found)
    if film is not None:
        return _case(asked, film, files, children)
    rows = {one.name: columns(one, child_of(one.name, children)) for one in found}
    _summary(found, list(rows.values()))
    orders = {"File name": lambda one: one.name, "Bone age": lambda one: one.row["months"]}
    if any("error_months" in row for row in rows.values()):
        first = {"Largest error": lambda one: -abs(rows[one.name].get("error_months", 0.0))}
        orders = first | orders
    shown = many_films.ordered(PAGE, found, orders)
    if shown:
        whole = {
            f"{name} months": st.column_config.NumberColumn(format="%.0f")
            for name in ("bone age", "low", "high", "known", "error", "chronological", "difference")
        }
        many_films.table(PAGE, shown, [rows[one.name] for one in shown], whole)
    many_films.refused(found)
    make = partial(exports.table, list(rows.values()))
    views.downloads(f"{PAGE}_batch", [Download("Table (CSV)", "bone_ages.csv", make)])
    _scatter([rows[one.name] for one in shown])
    many_films.tiles(PAGE, shown, _tile)
    return None


def _batch(settings: Settings, children: Children) -> Batch:
    kind, card = load_card(*FILM_KIND), settings.card
    readers = BoneAgeReaders(
        lambda image, sex: loaders.estimate(card, image, sex),
        lambda image: without_offer(input_check.problem(image, "hand")[0] or None),
    )
    told = sorted((name, child.sex) for name, child in children.items())
    question = hashlib.sha256(repr((card.sha256, kind.sha256, settings.sex, told)).encode())

    def ask(name: str) -> Ask:
        return Ask(child_of(name, children).sex or settings.sex)

    # The answer itself holds what every network received: megabytes a film.
    return Batch(
        PAGE,
        tasks()[PAGE],
        readers,
        question.hexdigest(),
        ask,
        keep=lambda scored: None,
        preview=_preview,
    )


def _preview(scored: Scored) -> draw.Picture:
    """The film made small, dark and flat ones windowed for the eye."""
    picture = many_films.grey(scored).astype(np.float32)
    low, high = np.percentile(picture, [1, 99])  # a letter on the film is brighter
    return (np.clip((picture - low) / max(high - low, 1.0), 0, 1) * 255).astype(np.uint8)


def _case(asked: Batch, film: Film, files: Uploads, children: Children) -> Case | None:
    child = child_of(film.name, children)
    known = {
        "sex": film.row["sex"],
        "age_months": child.known_months,
        "chronological_months": child.chronological_months,
    }
    for name, contents in many_films.contents_again(asked, files):
        if name == film.name:
            image = read(contents[0][1], contents[0][0])
            if child.sex:
                st.caption(f"Sex told to the model: {growth.SEXES[child.sex]} (patient table).")
            truth = {key: value for key, value in known.items() if value is not None}
            return Case(image, truth, "Upload", name)
    return None


def as_in_batch(settings: Settings, case: Case | None) -> Settings:
    """The settings for an opened film: sex and chronological age are those of the table."""
    if case is None:
        return settings
    truth = case.truth
    return replace(
        settings,
        sex=truth.get("sex", settings.sex),
        age_months=truth.get("chronological_months"),
    )


def columns(film: Film, child: Child) -> dict[str, Any]:
    """A film as a line of the table."""
    if film.why:
        return {"file": film.name, "problem": film.why}
    months = float(film.row["months"])
    row: dict[str, Any] = {
        "file": film.name,
        "sex": film.row["sex"] or "unknown",
        "bone_age": years_and_months(months),
        "bone_age_months": round(months, 1),
        "low_months": round(film.row["low_months"], 1),
        "high_months": round(film.row["high_months"], 1),
    }
    if child.known_months is not None:
        row["known_months"] = child.known_months
        row["error_months"] = round(months - child.known_months, 1)
    if child.chronological_months is not None:
        found = growth.compare(months, child.chronological_months, film.row["sex"])
        row["chronological_months"] = child.chronological_months
        row["difference_months"] = round(found.months, 1)
        if found.deviations is not None:
            row["standard_deviations"] = round(found.deviations, 2)
    return row


def _summary(found: Sequence[Film], rows: Sequence[Mapping[str, Any]]) -> None:
    good = [film for film in found if not film.why]
    figures = [Figure("Films answered", f"{len(good)} of {len(found)}")]
    errors = [abs(row["error_months"]) for row in rows if "error_months" in row]
    if errors:
        figures += [
            Figure("Mean absolute error", f"{sum(errors) / len(errors):.1f} months"),
            Figure("Within 12 months", f"{sum(error <= 12 for error in errors)} of {len(errors)}"),
        ]
    views.metric_strip(figures)


def _scatter(rows: Sequence[Mapping[str, Any]]) -> None:
    """The answers over the readers' ages, where the table gives them."""
    known = [row for row in rows if "error_months" in row]
    if not known:
        return
    charts.chart(
        plots.against_reader(
            [row["known_months"] for row in known],
            [row["bone_age_months"] for row in known],
            [(row["low_months"], row["high_months"]) for row in known],
            [row["file"] for row in known],
        ),
        key=f"{PAGE}_scatter",
        alt="The model's bone age over the reader's, a mark a film with its 90 % interval.",
    )


def _tile(film: Film) -> tuple[draw.Picture, str]:
    return film.picture, years_and_months(film.row["months"])
