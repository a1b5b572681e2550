"""What only chest has on the screen of many films: findings, outlines, films put right."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from core import film_kind
from core.chest import report
from core.chest.ctr import masks_from_labels
from core.chest.plots import FindingRow
from core.errors import ImagingError
from core.files import write as exports
from core.files.radiograph import read_radiograph
from core.images import Radiograph
from core.plots import draw
from models.chest.preprocess import SMALL_SIDE_PX
from models.score.chest import CARDIOMEGALY, ChestReaders, ChestReading, judged
from models.score.task import Ask, Scored
from models.score.tasks import tasks
from pages.shared import input_check, many_films, views
from pages.shared.inputs import Case, read
from pages.shared.many_films import PREVIEW_PX, Batch, Film, Uploads
from pages.shared.views import Download, Figure
from pages.tasks.chest import loaders
from pages.tasks.chest.reading import finding_rows, single_cards
from pages.tasks.chest.sidebar import Settings, choose_view

PAGE = "chest"


@dataclass(frozen=True)
class Choices:
    """What holds for all films.

    Attributes:
        reorient: Whether films that came turned or inverted are put right; else refused.
        view: "PA" or "AP" for films whose file does not say, or None.
    """

    reorient: bool = True
    view: str | None = None


def files() -> tuple[Uploads, Choices]:
    """The sidebar's first part: films or zips, and what holds for all of them."""
    added = many_films.uploads(PAGE, "Chest films, or a zip of them")
    with st.sidebar:
        reorient = st.toggle(
            "Put films right",
            True,
            key=f"{PAGE}_batch_right",
            help="Turn and invert films that came turned or inverted; otherwise they are refused.",
            persist_state="session",
        )
        view = choose_view("View of films whose file does not say", f"{PAGE}_batch_view")
    return added, Choices(reorient, view)


def batch(settings: Settings, files: Uploads, choices: Choices) -> Case | None:
    """All networks on all films, listed and shown; the case that was opened by a click."""
    asked = _batch(settings, choices)
    found = many_films.films(asked, files)
    if found is None:
        return None
    film = many_films.opened(PAGE, found)
    if film is not None:
        return _case(asked, choices, film, files)
    called = {one.name: rows_of(one, settings) for one in found if not one.why}
    _summary(found, called)
    orders = {
        "Most findings": lambda one: (-len(above(called[one.name])), -_top(one)),
        "Cardiothoracic ratio": lambda one: -(one.row["ctr"] or 0.0),
        "File name": lambda one: one.name,
    }
    shown = many_films.ordered(PAGE, found, orders)
    if shown:
        bar = st.column_config.ProgressColumn(
            "cardiomegaly", min_value=0, max_value=100, format="%.1f %%"
        )
        rows = [columns(one, called[one.name]) for one in shown]
        many_films.table(PAGE, shown, rows, {"cardiomegaly": bar})
    many_films.refused(found)
    if not shown:
        return None
    make = partial(_zip, asked, found, called, files, settings)
    views.downloads(f"{PAGE}_batch", [Download("Everything (zip)", "chest_films.zip", make)])
    st.caption("films.csv with every probability, masks (PNG) and films with outlines and lines.")
    many_films.tiles(PAGE, shown, lambda one: _tile(one, called[one.name], settings))
    return None


def _batch(settings: Settings, choices: Choices) -> Batch:
    readers = ChestReaders(
        partial(loaders.findings, settings.classifier),
        {card.name: partial(loaders.findings, card) for card in single_cards()},
        partial(loaders.masks, settings.segmenter),
        partial(input_check.film_kind, settings.film_kind),
        judged(settings.classifier),
    )
    cards = (settings.classifier, settings.segmenter, settings.film_kind, *single_cards())
    ask = Ask(mask=True, options={"as_it_came": not choices.reorient, "view": choices.view})
    question = (choices, *(card.sha256 for card in cards))
    return Batch(PAGE, tasks()[PAGE], readers, question, lambda name: ask, preview=_preview)


def _preview(scored: Scored) -> draw.Picture:
    """The film made small, upright."""
    reading: ChestReading = scored.detail
    image = scored.image
    assert isinstance(image, Radiograph)
    if reading.came is not None:
        image = film_kind.reoriented(image, reading.came)
    return draw.windowed(draw.scaled(image.pixels, min(1.0, PREVIEW_PX / max(image.shape))))


def _case(asked: Batch, choices: Choices, film: Film, files: Uploads) -> Case | None:
    for name, contents in many_films.contents_again(asked, files):
        if name == film.name:
            image = read(contents[0][1], contents[0][0])
            image = replace(image, view=image.view or choices.view)
            return Case(image, origin="Upload", words=name)
    return None


def rows_of(film: Film, settings: Settings) -> tuple[FindingRow, ...]:
    """The findings of a film as the page shows them."""
    return tuple(finding_rows(film.kept.findings, settings.classifier))


def above(rows: Sequence[FindingRow]) -> tuple[str, ...]:
    """Findings that are called, as the screen calls them."""
    return tuple(row.name for row in rows if row.above)


def columns(film: Film, rows: Sequence[FindingRow]) -> dict[str, Any]:
    """A film as a line on the screen."""
    reading: ChestReading = film.kept
    strong = [row.name.lower() for row in rows if row.strong]
    weak = [row.name.lower() for row in rows if row.above and not row.strong]
    small = f"Small film ({film.shape[1]} × {film.shape[0]} px)." if _is_small(film) else ""
    return {
        "file": film.name,
        "flagged": ", ".join(strong) or "none",
        "weakly flagged": ", ".join(weak) or "none",
        "cardiomegaly": 100 * reading.findings.probabilities.get(CARDIOMEGALY, np.nan),
        "CTR": None if reading.ratio is None else round(reading.ratio.ratio, 3),
        "heart": film.row["heart"],
        "note": " ".join(filter(None, (film.row["came"], reading.no_ratio, *reading.notes, small))),
    }


def _is_small(film: Film) -> bool:
    return min(film.shape) < SMALL_SIDE_PX


def line(film: Film, rows: Sequence[FindingRow]) -> dict[str, Any]:
    """A film as a line of films.csv: every probability."""
    if film.why:
        return {"file": film.name, "problem": film.why}
    reading: ChestReading = film.kept
    ratio = None if reading.ratio is None else round(reading.ratio.ratio, 4)
    chances = {label: round(p, 4) for label, p in reading.findings.probabilities.items()}
    titles = {card.name: card.title for card in single_cards()}
    single = {f"cardiomegaly: {titles[name]}": round(p, 4) for name, p in reading.single.items()}
    heart = "not judged" if reading.heart is None else reading.heart.words
    return {
        "file": film.name,
        "ctr": ratio,
        "heart": heart,
        "above": ", ".join(above(rows)),
        "notes": " ".join(reading.notes),
        **chances,
        **single,
    }


def _top(film: Film) -> float:
    findings = film.kept.findings
    return float(findings.excess(findings.ranked[0]))


def _summary(found: Sequence[Film], called: dict[str, tuple[FindingRow, ...]]) -> None:
    good = [film for film in found if not film.why]
    hearts = [film.kept.heart for film in good if film.kept.heart is not None]
    judged = [heart for heart in hearts if heart.enlarged is not None]
    enlarged = sum(heart.enlarged for heart in judged)
    left_out = len(good) - len(judged)
    reoriented = sum(film.kept.came is not None for film in good)
    flagged = sum(bool(above(rows)) for rows in called.values())
    strong = sum(any(row.strong for row in rows) for rows in called.values())
    views.metric_strip(
        [
            Figure("Films read", f"{len(good)} of {len(found)}"),
            Figure(
                "With a finding", f"{flagged} of {len(good)}", "operating point", f"{strong} strong"
            ),
            Figure(
                "Heart enlarged",
                f"{enlarged} of {len(judged)}",
                "cardiothoracic ratio",
                f"{left_out} not judged" if left_out else "CTR above 0.5",
            ),
            Figure("Put right", str(reoriented), "", "turned or inverted"),
        ]
    )


def _tile(film: Film, rows: Sequence[FindingRow], settings: Settings) -> tuple[draw.Picture, str]:
    heart = film.kept.heart
    ratio = "" if heart is None else f", CTR {heart.ratio.ratio:.2f} ({heart.words})"
    count = len(above(rows))
    words = f"{count} finding{'' if count == 1 else 's'}{ratio}"
    pixels = film.picture.astype(np.float32) / np.float32(255)
    return _drawn(film, pixels, settings), words


def _drawn(film: Film, pixels: draw.FloatArray, settings: Settings) -> draw.Picture:
    """A film, or a smaller picture of it, with outlines and lines."""
    window = settings.display
    shown = draw.windowed(pixels, window.level, window.width, invert=window.invert)
    if not settings.outlines:
        return shown
    labels = report.read_label_map(film.mask)
    return report.with_anatomy(shown, masks_from_labels(labels), film.kept.ratio)


def _zip(
    asked: Batch,
    found: Sequence[Film],
    called: dict[str, tuple[FindingRow, ...]],
    files: Uploads,
    settings: Settings,
) -> bytes:
    """The batch as one file; made when the button is pressed, one film in memory at a time.

    Nothing of the session can be read here: Streamlit makes downloads in a thread without one.
    """
    wanted = {film.name: film for film in found if not film.why}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        lines = [line(film, called.get(film.name, ())) for film in found]
        packed.writestr("films.csv", exports.table(lines))
        for name, contents in many_films.contents_again(asked, files):
            film = wanted.get(name)
            if film is None:
                continue
            try:
                image = read_radiograph(contents[0][1], name=contents[0][0])
            except ImagingError:
                continue  # it was read before: not again is a row without a picture
            if film.kept.came is not None:
                image = film_kind.reoriented(image, film.kept.came)
            stem = exports.stem(name)
            packed.writestr(f"masks/{stem}.png", film.mask)
            drawn = exports.png(_drawn(film, image.pixels, settings))
            packed.writestr(f"overlays/{stem}.png", drawn)
    return buffer.getvalue()
