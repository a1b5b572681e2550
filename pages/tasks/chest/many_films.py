"""Many chest films at once: one line each, and one zip to take away."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core import film_kind as film_kinds
from core.chest import report as chest_report
from core.chest.ctr import CardiothoracicRatio, masks_from_labels
from core.chest.result import Findings
from core.errors import ImagingError
from core.files import write as exports
from core.files.archives import read_many
from core.film_kind import FilmKind
from core.images import FloatArray, Radiograph
from core.plots import draw
from pages.shared import inputs, views
from pages.shared.inputs import Case
from pages.shared.views import Download, Figure
from pages.tasks.chest import input_check as chest_gate
from pages.tasks.chest import loaders as chest_loaders
from pages.tasks.chest.reading import CARDIOMEGALY, finding_rows, measured, single_cards
from pages.tasks.chest.sidebar import Settings

Sources = Sequence[tuple[str, bytes]]
TILES = 12  # films shown below the table; the zip has them all
PREVIEW_PX = 640


@dataclass(frozen=True, eq=False)
class Film:
    """One file of a batch: its answers, or the sentence that says why there are none.

    Attributes:
        above: Findings that are called, as the screen calls them.
        single: Cardiomegaly by each network that answers for it alone, by title.
        masks_png: Heart and lungs as a small file; unpacked, a batch may not fit in memory.
        came: How it came, where it was put right first.
        preview: The film for the gallery; of the first films only.
    """

    name: str
    findings: Findings | None = None
    above: tuple[str, ...] = ()
    single: dict[str, float] = field(default_factory=dict)
    ratio: CardiothoracicRatio | None = None
    masks_png: bytes = b""
    came: FilmKind | None = None
    problem: str = ""
    preview: FloatArray | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The row on the screen."""
        if self.findings is None:
            return {"file": self.name, "problem": self.problem}
        return {
            "file": self.name,
            "above the operating point": ", ".join(self.above).lower() or "none",
            "cardiomegaly": self.findings.probabilities.get(CARDIOMEGALY),
            "CTR": None if self.ratio is None else round(self.ratio.ratio, 3),
            "CTR > 0.5": "" if self.ratio is None else "yes" if self.ratio.enlarged else "no",
            "problem": self.problem,
        }

    @property
    def line(self) -> dict[str, Any]:
        """The row of films.csv: every probability."""
        if self.findings is None:
            return {"file": self.name, "problem": self.problem}
        ratio = None if self.ratio is None else round(self.ratio.ratio, 4)
        chances = {label: round(p, 4) for label, p in self.findings.probabilities.items()}
        single = {f"cardiomegaly: {name}": round(p, 4) for name, p in self.single.items()}
        above = ", ".join(self.above)
        return {"file": self.name, "ctr": ratio, "above": above, **chances, **single}


def files() -> tuple[Sources, bool]:
    """The sidebar's first part: films or zips as (name, content), and whether to turn them."""
    with st.sidebar:
        uploaded = st.file_uploader(
            "Chest films, or a zip of them",
            accept_multiple_files=True,
            key="chest_batch",
            help=inputs.FORMATS,
        )
        right = st.toggle(
            "Put films right",
            True,
            key="chest_batch_right",
            help="Turn and invert films that came turned or inverted; otherwise they are refused.",
            persist_state="session",
        )
    return [(file.name, file.getvalue()) for file in uploaded], right


def batch(settings: Settings, sources: Sources, right: bool) -> None:
    """Run the networks on all films, show one line for each, and offer the results."""
    if not sources:
        st.info(f"Add several chest films or a zip of them in the sidebar: {inputs.FORMATS}")
        return
    films = _films(sources, settings, right)
    good = [film for film in films if film.findings is not None]
    _summary(films, good)
    st.dataframe(
        pd.DataFrame([film.columns for film in films]),
        hide_index=True,
        height="content" if len(films) <= 12 else 460,
        placeholder="",
        alt="One line for every file: findings, cardiomegaly, cardiothoracic ratio, problem.",
        column_config={
            "cardiomegaly": st.column_config.ProgressColumn(
                "cardiomegaly", min_value=0, max_value=1, format="percent"
            )
        },
    )
    broken = [f"- **{film.name}**: {film.problem}" for film in films if film.findings is None]
    if broken:
        st.warning("Not read:\n" + "\n".join(broken), icon=":material/error:")
    if not good:
        return
    views.downloads(
        "chest_batch",
        [
            Download(
                "Everything (zip)",
                "chest_films.zip",
                "application/zip",
                partial(_zip, films, sources, settings),
            )
        ],
    )
    st.caption("films.csv with every probability, masks (PNG) and films with outlines and lines.")
    with st.container(horizontal=True):
        for film in good:
            if film.preview is None:
                continue
            shown = draw.tile(_drawn(film, film.preview, settings), 600, 600)
            ratio = "" if film.ratio is None else f", CTR {film.ratio.ratio:.2f}"
            words = f"{film.name}{ratio}"
            st.image(shown, words, width=views.TILE_WIDTH, alt=words)


def _summary(films: Sequence[Film], good: Sequence[Film]) -> None:
    found = sum(bool(film.above) for film in good)
    ratios = [film.ratio for film in good if film.ratio is not None]
    enlarged = sum(ratio.enlarged for ratio in ratios)
    righted = sum(film.came is not None for film in good)
    views.metric_strip(
        [
            Figure("Films read", f"{len(good)} of {len(films)}"),
            Figure("With a finding", f"{found} of {len(good)}", "operating point"),
            Figure("CTR above 0.5", f"{enlarged} of {len(ratios)}", "cardiothoracic ratio"),
            Figure(
                "Put right",
                str(righted),
                "",
                "turned or inverted",
            ),
        ]
    )


def _films(sources: Sources, settings: Settings, right: bool) -> list[Film]:
    """All networks on every film, with progress; kept until other files or weights come."""
    cards = (settings.classifier, settings.segmenter, settings.film_kind, *single_cards())
    key = hashlib.sha256(repr([right, *(card.sha256 for card in cards)]).encode())
    for name, source in sources:
        key.update(name.encode() + hashlib.sha256(source).digest())
    kept = st.session_state.get("chest_films")
    if kept is None or kept[0] != key.hexdigest():
        bar = st.progress(0.0, "Reading …")
        films: list[Film] = []
        for share, name, image in _read(sources):
            bar.progress(share, f"{name} ({len(films) + 1})")
            shown = sum(film.preview is not None for film in films) < TILES
            films.append(_film(name, image, settings, right, preview=shown))
        bar.empty()
        kept = (key.hexdigest(), films)
        st.session_state["chest_films"] = kept
    return kept[1]


def _read(sources: Sources) -> Iterator[tuple[float, str, Radiograph | ImagingError]]:
    """Every film under a name of its own, with the share of the files that are done."""
    taken: dict[str, int] = {}
    for number, file in enumerate(sources):
        for name, image in read_many([file]):
            taken[name] = taken.get(name, 0) + 1
            called = name if taken[name] == 1 else f"{name} ({taken[name]})"
            yield number / len(sources), called, image


def _film(
    name: str,
    image: Radiograph | ImagingError,
    settings: Settings,
    right: bool,
    *,
    preview: bool,
) -> Film:
    if isinstance(image, ImagingError):
        return Film(name, problem=str(image))
    try:
        problem, came = chest_gate.problems(Case(image, origin="Upload"), settings.film_kind)
        if came is not None and right:
            image = film_kinds.righted(image, came)
        elif problem:
            return Film(name, problem=problem)
        masks = chest_loaders.masks(settings.segmenter, image)
        ratio, problem = measured(masks)
        single = {
            card.title: chest_loaders.findings(card, image).probabilities[CARDIOMEGALY]
            for card in single_cards()
        }
        found = chest_loaders.findings(settings.classifier, image)
        return Film(
            name,
            found,
            tuple(row.name for row in finding_rows(found, settings.classifier) if row.above),
            single,
            ratio,
            chest_report.label_map(masks),
            came,
            problem,
            draw.scaled(image.pixels, PREVIEW_PX / max(image.shape)) if preview else None,
        )
    except ImagingError as err:
        return Film(name, problem=str(err))


def _drawn(film: Film, pixels: FloatArray, settings: Settings) -> draw.Picture:
    """A film, or a smaller picture of it, with outlines and lines."""
    window = settings.display
    shown = draw.windowed(pixels, window.level, window.width, invert=window.invert)
    labels = chest_report.read_label_map(film.masks_png)
    return chest_report.with_anatomy(shown, masks_from_labels(labels), film.ratio)


def _zip(films: Sequence[Film], sources: Sources, settings: Settings) -> bytes:
    """The batch as one file; made when the button is pressed, one film in memory at a time.

    Nothing of the session can be read here: Streamlit makes downloads in a thread without one.
    """
    wanted = {film.name: film for film in films if film.findings is not None}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("films.csv", exports.table([film.line for film in films]))
        for _, name, image in _read(sources):
            film = wanted.get(name)
            if film is None or isinstance(image, ImagingError):
                continue
            if film.came is not None:
                image = film_kinds.righted(image, film.came)
            stem = exports.stem(name)
            packed.writestr(f"masks/{stem}.png", film.masks_png)
            packed.writestr(
                f"overlays/{stem}.png", exports.png(_drawn(film, image.pixels, settings))
            )
    return buffer.getvalue()
