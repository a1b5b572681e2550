"""Many radiographs at once: a progress bar, a table, and one zip to take away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Any

import pandas as pd
import streamlit as st

from core.detections import Boxes, Detections, compare
from core.errors import ImagingError
from core.files import write as exports
from core.files.archives import read_many
from core.images import FloatArray, Radiograph
from core.plots import draw
from models.cards import ModelCard
from pages.shared import inputs, views
from pages.shared.views import Download, Figure
from pages.tasks.fracture import loaders
from pages.tasks.fracture import sidebar as fracture_inputs
from pages.tasks.fracture.sidebar import Settings
from pages.tasks.fracture.views import HIT_IOU

Sources = Sequence[tuple[str, bytes]]
TILES = 12  # overlays shown below the table; the zip has them all
PREVIEW_PX = 800


@dataclass(frozen=True, eq=False)
class Film:
    """One file of a batch: its candidates, or the sentence that says why there are none.

    The preview is small and kept for the first films only: a batch may not fit in memory.
    """

    name: str
    shape: tuple[int, int] = (0, 0)
    spacing_mm: tuple[float, float] | None = None
    candidates: Detections | None = None
    probability: float = float("nan")
    problem: str = ""
    preview: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Row:
    """A film at the current threshold, against its truth where a label file gives one."""

    film: Film
    item: exports.Item | None = None
    truth_xyxy: Boxes | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The row by column name, as on the screen and in films.csv."""
        if self.item is None:
            return {"file": self.film.name, "problem": self.film.problem}
        scores = self.item.found.scores
        row: dict[str, Any] = {
            "file": self.film.name,
            "boxes": len(scores),
            "highest_score": round(float(scores[0]), 3) if len(scores) else None,
            "classifier": round(self.film.probability, 3),
        }
        result = self.item.against_truth
        if result is not None:
            row |= {
                "hits": result.true_positives,
                "false_alarms": result.false_positives,
                "misses": result.misses,
            }
        return row


def files() -> tuple[Sources, Sources]:
    """The sidebar's first part: films or zips, and label files, each as (name, content)."""
    with st.sidebar:
        uploaded = st.file_uploader(
            "Radiographs, or a zip of them",
            accept_multiple_files=True,
            key="fracture_batch",
            help=inputs.FORMATS,
        )
    labels = fracture_inputs.truth_files("fracture_batch")
    return [(file.name, file.getvalue()) for file in uploaded], labels


def batch(settings: Settings, classifier: ModelCard, sources: Sources, labels: Sources) -> None:
    """Run both models on all films, show one line for each, and offer the results."""
    if not sources:
        st.info(f"Add several radiographs or a zip of them in the sidebar: {inputs.FORMATS}")
        return
    rows = [_row(film, settings, labels) for film in _films(sources, settings, classifier)]
    good = [row for row in rows if row.item is not None]
    _summary(rows, good)
    st.dataframe(
        pd.DataFrame([row.columns for row in rows]).rename(columns=lambda s: s.replace("_", " ")),
        hide_index=True,
        height="content" if len(rows) <= 12 else 460,
        placeholder="",
        alt="One line for every file: boxes, highest score, classifier, problem.",
    )
    broken = [f"- **{row.film.name}**: {row.film.problem}" for row in rows if row.item is None]
    if broken:
        st.warning("Not read:\n" + "\n".join(broken), icon=":material/error:")
    if not good:
        return
    views.downloads(
        "fracture_batch",
        [
            Download(
                "Everything (zip)",
                "fractures.zip",
                "application/zip",
                partial(_zip, rows, sources, settings),
            )
        ],
    )
    st.caption("Overlays (PNG), films.csv, boxes.csv, coco.json and one YOLO file a film.")
    with st.container(horizontal=True):
        for row in good:
            if row.film.preview is None:
                continue
            factor = row.film.preview.shape[0] / row.film.shape[0]
            drawn = draw.tile(_overlay(row, row.film.preview, settings, factor), 600, 720)
            count = len(row.item.found)
            words = f"{row.film.name}, {count} box{'' if count == 1 else 'es'}"
            st.image(drawn, words, width=views.TILE_WIDTH, alt=words)


def _films(sources: Sources, settings: Settings, classifier: ModelCard) -> list[Film]:
    """Both models on every film, with progress; kept until other files or weights come."""
    cards = (settings.detector, classifier)
    key = hashlib.sha256(repr([card.sha256 for card in cards]).encode())
    for name, source in sources:
        key.update(name.encode() + hashlib.sha256(source).digest())
    kept = st.session_state.get("fracture_films")
    if kept is None or kept[0] != key.hexdigest():
        bar = st.progress(0.0, "Reading …")
        films = []
        for share, name, image in _read(sources):
            bar.progress(share, f"{name} ({len(films) + 1})")
            shown = sum(film.preview is not None for film in films) < TILES
            films.append(_film(name, image, cards, preview=shown))
        bar.empty()
        kept = (key.hexdigest(), films)
        st.session_state["fracture_films"] = kept
    return kept[1]


def _read(sources: Sources) -> Iterator[tuple[float, str, Radiograph | ImagingError]]:
    """Every film with the share of the files that are done, a zip counting as one file."""
    taken: set[str] = set()
    for number, (file, source) in enumerate(sources):
        for found, image in read_many([(file, source)]):
            name, copy = found, 1
            while name in taken:  # two folders may hold the same file name
                copy += 1
                name = str(PurePath(found).with_stem(f"{PurePath(found).stem} ({copy})"))
            taken.add(name)
            yield number / len(sources), name, image


def _film(
    name: str,
    image: Radiograph | ImagingError,
    cards: tuple[ModelCard, ModelCard],
    *,
    preview: bool,
) -> Film:
    if isinstance(image, ImagingError):
        return Film(name, problem=str(image))
    return Film(
        name,
        image.shape,
        image.spacing_mm,
        loaders.candidates(cards[0], image),
        loaders.probability(cards[1], image),
        preview=draw.scaled(image.pixels, PREVIEW_PX / max(image.shape)) if preview else None,
    )


def _row(film: Film, settings: Settings, labels: Sources) -> Row:
    if film.candidates is None:
        return Row(film)
    found = settings.shown(film.candidates)
    truth = fracture_inputs.labelled(labels, film.name, film.shape)
    result = None if truth is None else compare(found, truth, HIT_IOU)
    return Row(film, exports.Item(film.name, film.shape, found, film.spacing_mm, result), truth)


def _summary(rows: Sequence[Row], good: Sequence[Row]) -> None:
    boxed = sum(1 for row in good if len(row.item.found))
    figures = [
        Figure("Films read", f"{len(good)} of {len(rows)}"),
        Figure("With a box", f"{boxed} of {len(good)}", "detector"),
    ]
    known = [row.item.against_truth for row in good if row.item.against_truth is not None]
    if known:
        true = sum(len(result.found) for result in known)
        figures += [
            Figure("Hits", f"{sum(one.true_positives for one in known)} of {true}", "hit"),
            Figure("False alarms", str(sum(one.false_positives for one in known)), "false alarm"),
            Figure("Misses", str(sum(one.misses for one in known)), "miss"),
        ]
    views.metric_strip(figures)


def _images(rows: Sequence[Row], sources: Sources) -> Iterator[tuple[Row, Radiograph]]:
    """The rows with their radiographs, read again one at a time: a batch may not fit in memory."""
    wanted = {row.film.name: row for row in rows}
    for _, name, image in _read(sources):
        if name in wanted and isinstance(image, Radiograph):
            yield wanted.pop(name), image
        if not wanted:
            return


def _overlay(row: Row, pixels: FloatArray, settings: Settings, factor: float = 1.0) -> draw.Picture:
    window = settings.display
    shown = draw.windowed(pixels, window.level, window.width, invert=window.invert)
    return exports.overlay(shown, row.item.found, row.truth_xyxy, factor=factor)


def _zip(rows: Sequence[Row], sources: Sources, settings: Settings) -> bytes:
    """The batch as one file; made when the button is pressed."""
    good = [row for row in rows if row.item is not None]
    overlays = (
        (f"{exports.stem(row.film.name)}.png", exports.png(_overlay(row, image.pixels, settings)))
        for row, image in _images(good, sources)
    )
    return exports.archive([row.item for row in good], overlays, [row.columns for row in rows])
