"""What only fracture has on the screen of many films: boxes, their truth, threshold curves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from core.detections import Detections
from core.errors import ImagingError
from core.files import write as exports
from core.files.box_labels import Drawn, read_drawn
from core.files.radiograph import read_radiograph
from core.fracture.matching import HIT_IOU, RULE, match
from core.metrics.detection import MatchedImage, froc, match_image
from core.plots import curves, draw
from models.cards import load_card
from models.score.fracture import FractureReaders
from models.score.input_check import FILM_KIND, without_offer
from models.score.tasks import tasks
from pages.shared import charts, many_films, views
from pages.shared.inputs import Case, read
from pages.shared.many_films import Batch, Film, Uploads
from pages.shared.views import Download, Figure
from pages.tasks.fracture import loaders, sidebar
from pages.tasks.fracture.sidebar import Settings

PAGE = "fracture"
Labels = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, eq=False)
class Row:
    """A film at the current threshold, against its truth where a label file gives one."""

    film: Film
    item: exports.Item
    truth: Drawn | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The row by column name, as on the screen and in films.csv."""
        scores = self.item.found.scores
        row: dict[str, Any] = {
            "file": self.film.name,
            "boxes": len(scores),
            "highest_score": round(float(scores[0]), 3) if len(scores) else None,
            "classifier": round(self.film.row["classifier_probability"], 3),
        }
        result = self.item.against_truth
        if result is not None:
            row |= {
                "hits": result.true_positives,
                "false_alarms": result.false_positives,
                "misses": result.misses,
            }
        return row


def files() -> tuple[Uploads, Labels]:
    """The sidebar's first part: films or zips, and label files."""
    added = many_films.uploads(PAGE, "Radiographs, or a zip of them")
    return added, sidebar.truth_files(f"{PAGE}_batch")


def batch(settings: Settings, files: Uploads, labels: Labels) -> Case | None:
    """Both models on all films, listed and shown; the case that was opened by a click."""
    asked = _batch(settings)
    found = many_films.films(asked, files)
    if found is None:
        return None
    film = many_films.opened(PAGE, found)
    if film is not None:
        return _case(asked, film, files, labels)
    good = [one for one in found if not one.why]
    truths = _truths(labels, good)
    rows = {one.name: _row(one, settings, truths.get(one.name)) for one in good}
    _summary(found, list(rows.values()))
    orders = {
        "Highest score": lambda one: -_best(rows[one.name]),
        "Classifier": lambda one: -one.row["classifier_probability"],
        "File name": lambda one: one.name,
    }
    shown = many_films.ordered(PAGE, found, orders)
    if shown:
        lines = [
            rows[one.name].columns | {"classifier": 100 * one.row["classifier_probability"]}
            for one in shown
        ]
        score = st.column_config.NumberColumn(format="%.2f")
        share = st.column_config.NumberColumn(format="%.0f\u00a0%%")
        many_films.table(PAGE, shown, lines, {"highest score": score, "classifier": share})
    many_films.refused(found)
    if not shown:
        return None
    ready = [rows[one.name] for one in shown]
    make = partial(_zip, asked, found, rows, files, settings)
    views.downloads(f"{PAGE}_batch", [Download("Everything (zip)", "fractures.zip", make)])
    st.caption("Overlays (PNG), films.csv, boxes.csv, coco.json and one YOLO file a film.")
    _curves([row for row in ready if row.truth is not None], settings)
    many_films.tiles(PAGE, shown, lambda one: _tile(rows[one.name], settings))
    return None


def _batch(settings: Settings) -> Batch:
    card = load_card(*FILM_KIND)
    readers = FractureReaders(
        partial(loaders.candidates, settings.detector),
        partial(loaders.probability, settings.classifier),
        lambda image: without_offer(loaders.refused(image)),
        settings.detector,
        settings.classifier,
    )
    cards = (settings.detector.sha256, settings.classifier.sha256, card.sha256)
    return Batch(PAGE, tasks()[PAGE], readers, cards)


def _case(asked: Batch, film: Film, files: Uploads, labels: Labels) -> Case | None:
    for name, contents in many_films.contents_again(asked, files):
        if name == film.name:
            case = Case(read(contents[0][1], contents[0][0]), origin="Upload", words=name)
            return sidebar.with_truth(case, labels, name)
    return None


def _truths(labels: Labels, films: Sequence[Film]) -> dict[str, Drawn]:
    """What the label files draw; what is wrong with a file is said once."""
    digest = hashlib.sha256()
    for name, source in labels:
        digest.update(name.encode() + hashlib.sha256(source).digest())
    shapes = tuple((film.name, film.shape) for film in films)
    truths, problems = _labelled(digest.hexdigest(), shapes, labels)
    for problem in problems:
        st.error(problem, icon=":material/error:")
    return truths


@st.cache_data(max_entries=4, scope="session", show_spinner=False)
def _labelled(
    digest: str, films: tuple[tuple[str, tuple[int, int]], ...], _labels: Labels
) -> tuple[dict[str, Drawn], list[str]]:
    truths: dict[str, Drawn] = {}
    problems: dict[str, None] = {}
    for name, shape in films:
        for file, source in _labels:
            try:
                drawn = read_drawn(source, file, image_name=name, shape=shape)
            except ImagingError as err:
                problems[str(err)] = None
                continue
            if drawn is not None:
                truths[name] = drawn
                break
    return truths, list(problems)


def _row(film: Film, settings: Settings, truth: Drawn | None) -> Row:
    candidates: Detections = film.kept
    found = settings.shown(candidates)
    result = None if truth is None else match(found, truth.boxes_xyxy)
    return Row(film, exports.Item(film.name, film.shape, found, film.spacing_mm, result), truth)


def _best(row: Row) -> float:
    scores = row.item.found.scores
    return float(scores[0]) if len(scores) else 0.0


def _summary(found: Sequence[Film], good: Sequence[Row]) -> None:
    boxed = sum(1 for row in good if len(row.item.found))
    figures = [
        Figure("Films read", f"{len(good)} of {len(found)}"),
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
        broken = [one for one in known if len(one.found)]
        whole = [one for one in known if not len(one.found)]
        called = sum(bool(len(one.hit)) for one in broken)
        quiet = sum(not len(one.hit) for one in whole)
        if broken:
            figures.append(Figure("Film sensitivity", f"{called} of {len(broken)}"))
        if whole:
            figures.append(Figure("Film specificity", f"{quiet} of {len(whole)}"))
    views.metric_strip(figures)
    if known:
        st.caption(RULE)


def _curves(known: Sequence[Row], settings: Settings) -> None:
    """What other thresholds would have found, where the truth of films is known."""
    matched: list[MatchedImage] = []
    for row in known:
        candidates: Detections = row.film.kept
        assert row.truth is not None
        found = candidates.above(0.01).suppressed(settings.iou)
        matched.append(match_image(found, row.truth.boxes_xyxy, (HIT_IOU,)))
    if not any(image.truths for image in matched):
        return
    alarms, sensitivity, thresholds = froc(matched)
    with st.expander("Threshold curve", expanded=True, icon=":material/show_chart:"):
        fractures = sum(image.truths for image in matched)
        charts.chart(
            curves.froc(alarms, sensitivity, thresholds, settings.threshold),
            key=f"{PAGE}_froc",
            alt="Sensitivity against false alarms per film, a point a threshold.",
        )
        st.caption(
            f"{len(matched)} films with ground truth, {fractures} fractures. A box hits where its "
            f"IoU with a ground-truth box is at least {HIT_IOU:g}. Free-response ROC (Bunch 1978)."
        )


def _tile(row: Row, settings: Settings) -> tuple[draw.Picture, str]:
    picture = row.film.picture
    factor = picture.shape[0] / row.film.shape[0]
    count = len(row.item.found)
    words = f"{count} box{'' if count == 1 else 'es'}"
    if count:
        words += f", highest {_best(row):.2f}"
    return _overlay(row, picture.astype(np.float32) / np.float32(255), settings, factor), words


def _overlay(
    row: Row, pixels: draw.FloatArray, settings: Settings, factor: float = 1.0
) -> draw.Picture:
    window = settings.display
    shown = draw.windowed(pixels, window.level, window.width, invert=window.invert)
    if row.truth is None:
        return exports.overlay(shown, row.item.found, factor=factor)
    true, polygons = row.truth.boxes_xyxy, row.truth.polygons
    return exports.overlay(shown, row.item.found, true, polygons, factor=factor)


def _zip(
    asked: Batch,
    found: Sequence[Film],
    rows: Mapping[str, Row],
    files: Uploads,
    settings: Settings,
) -> bytes:
    """The batch as one file; made when the button is pressed, one film in memory at a time."""

    def overlays() -> Iterator[tuple[str, bytes]]:
        for name, contents in many_films.contents_again(asked, files):
            if name not in rows:
                continue
            try:
                image = read_radiograph(contents[0][1], name=contents[0][0])
            except ImagingError:
                continue  # it was read before: not again is a row without a picture
            drawn = _overlay(rows[name], image.pixels, settings)
            yield f"{exports.stem(name)}.png", exports.png(drawn)

    lines = [
        {"file": film.name, "problem": film.why} if film.why else rows[film.name].columns
        for film in found
    ]
    return exports.archive([row.item for row in rows.values()], overlays(), lines)
