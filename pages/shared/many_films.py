"""Many films at once, the same for every task: scored in the background, listed, shown, opened.

What is asked of a film and what becomes its row is `models.score`, as in the command for whole
archives; here threads of the server do the work, for up to some hundred films.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath
from typing import Any, Protocol

import cv2
import numpy as np
import streamlit as st

from core.errors import ImagingError, UnsuitableInputError
from core.files.archives import contents_of, count_of
from core.images import Radiograph
from core.plots import draw
from models.score.progress import Pace
from models.score.task import Ask, Contents, Scored, Task, score
from pages.shared import background, inputs, views
from pages.shared import uploads as uploaded

MOST_FILMS = 400
"""More keep one session's memory and everybody's processor for too long."""
THREADS = 2
TILES = 12  # a page of tiles
PREVIEW_PX = 640


class Upload(Protocol):
    """A file that was added, as Streamlit hands it over."""

    name: str
    file_id: str

    def getvalue(self) -> bytes: ...


Uploads = Sequence[Upload]
Named = tuple[str, Contents | ImagingError]
"""An image's name, and its bytes or the error that says why there are none."""


@dataclass(frozen=True, eq=False)
class Film:
    """One image of the batch: its answer, or the sentence that says why there is none.

    Attributes:
        name: The file's, with its archive's before it; unlike all others of the batch.
        why: Why it was refused; empty where it was answered.
        row: As in the Parquet table of `models.score`.
        kept: What the task keeps to show it without another run.
        mask: The mask as a file of the task's kind, where one was asked for.
        preview: A small picture of it, as JPEG; see `picture`.
        shape: (H, W) of a film in pixels.
        spacing_mm: Pixel spacing (row, column) of a film, or None.
    """

    name: str
    why: str = ""
    row: Mapping[str, Any] = field(default_factory=dict)
    kept: Any = None
    mask: bytes = b""
    preview: bytes = b""
    shape: tuple[int, int] = (0, 0)
    spacing_mm: tuple[float, float] | None = None

    @property
    def picture(self) -> draw.Picture:
        """The preview as uint8 (H, W) or (H, W, 3)."""
        found = cv2.imdecode(np.frombuffer(self.preview, np.uint8), cv2.IMREAD_UNCHANGED)
        if found is None:
            raise ValueError("the preview of a film is no picture")
        return np.asarray(found if found.ndim == 2 else found[..., ::-1], np.uint8)


def grey(scored: Scored) -> draw.Picture:
    """A film made small, as it was read."""
    assert isinstance(scored.image, Radiograph)
    pixels = scored.image.pixels
    return draw.windowed(draw.scaled(pixels, min(1.0, PREVIEW_PX / max(pixels.shape))))


def one_by_one(files: Iterator[tuple[str, bytes]]) -> Iterator[Named]:
    """Every file, and every file within an archive, as an image of its own."""
    for name, source in contents_of(files):
        yield name, source if isinstance(source, ImagingError) else [(name, source)]


@dataclass(frozen=True, eq=False)
class Batch:
    """What a page asks of many films.

    Attributes:
        page: Prefix of the widget keys.
        task: What is asked.
        readers: As `task.load` returns them, with the page's own models.
        question: What else the answers depend on: hashes of weights, choices.
        ask: What is asked about the film of a name.
        keep: What of an answer is kept for the screen; called in the worker.
        preview: The small picture; likewise.
        images: Files to images.
    """

    page: str
    task: Task
    readers: Any
    question: Hashable
    ask: Callable[[str], Ask] = lambda name: Ask()
    keep: Callable[[Scored], Any] = lambda scored: scored.detail
    preview: Callable[[Scored], draw.Picture] = grey
    images: Callable[[Iterator[tuple[str, bytes]]], Iterator[Named]] = one_by_one


def uploads(page: str, label: str, formats: str = inputs.FORMATS) -> Uploads:
    """The sidebar's first part: films, or zips of them."""
    with st.sidebar:
        return uploaded.uploads(page, label, formats, widget=f"{page}_batch")


def films(batch: Batch, files: Uploads) -> list[Film] | None:
    """The answers to all films, waited for with rate and time left; None while there are none.

    They are kept until other files, weights or choices come.
    """
    if not files:
        st.info(
            "Add several files, or a zip of them, in the sidebar. For more than "
            f"{MOST_FILMS}, or for a folder that is too large to upload, use the command below."
        )
        command(batch.task, expanded=True)
        return None
    question = (batch.question, tuple((file.name, file.file_id) for file in files))
    found = background.result(
        f"{batch.page}_many",
        question,
        partial(_work, batch, files),
        is_head=batch.task.volumes,
        in_parts=True,
    )
    if found is not None and len(found) >= MOST_FILMS // 2:
        command(batch.task)
    return found


def command(task: Task, *, expanded: bool = False) -> None:
    """How to score a whole archive."""
    with st.expander("A whole archive", expanded=expanded, icon=":material/terminal:"):
        masks = " --masks" if task.mask_suffix or task.box_columns else ""
        st.code(f"python -m models.score {task.name} --in FOLDER --out RESULTS{masks}", None)
        st.caption(
            "Run it in Lightbox's folder. It takes a folder with all below it, a list (CSV or "
            "Parquet), a zip or a DICOMDIR of any size, uses all cores or a Dask cluster, writes "
            "Parquet, and goes on after an interruption with --resume. The Evaluation page opens "
            "RESULTS."
        )


def _work(batch: Batch, files: Uploads, run: background.Run[list[Film]]) -> list[Film]:
    """Score all films, a few at a time, in their order; runs in a worker thread.

    Raises:
        UnsuitableInputError: If there are too many.
    """
    # An archive of one head's slices counts as many files; only films are counted beforehand.
    total = len(files)
    if not batch.task.volumes:
        total = sum(count_of(file.getvalue()) for file in files)
    if total > MOST_FILMS:
        raise UnsuitableInputError(
            f"These are {total:,} films, and at most {MOST_FILMS} are read here: score them with "
            f"“python -m models.score {batch.task.name} --in FOLDER --out RESULTS”."
        )
    pace = Pace(total, unit="heads" if batch.task.volumes else "films")
    images = _renamed(batch.images((file.name, file.getvalue()) for file in files))
    found: list[Film] = []
    if batch.task.volumes:  # one head in memory at a time
        run.report(0.0, pace.words)
        pace.at(time.monotonic())
        for image in images:
            _arrived(_film(batch, *image), found, pace, run)
        return found
    waiting: deque[Future[Film]] = deque()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="many films") as pool:
        try:
            run.report(0.0, pace.words)
            pace.at(time.monotonic())
            for image in images:
                waiting.append(pool.submit(_film, batch, *image))
                if len(waiting) >= 2 * THREADS:
                    _arrived(waiting.popleft().result(), found, pace, run)
            while waiting:
                _arrived(waiting.popleft().result(), found, pace, run)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found


def _arrived(film: Film, found: list[Film], pace: Pace, run: background.Run[list[Film]]) -> None:
    found.append(film)
    pace.done = len(found)
    pace.total = max(pace.total, pace.done)
    pace.refused += bool(found[-1].why)
    pace.at(time.monotonic())
    run.report(pace.share, pace.words)


def _film(batch: Batch, name: str, contents: Contents | ImagingError) -> Film:
    if isinstance(contents, ImagingError):
        return Film(name, str(contents))
    scored = score(batch.task, batch.readers, contents, batch.ask(name))
    if scored.why:
        return Film(name, scored.why, scored.row)
    shape, spacing = (0, 0), None
    if isinstance(scored.image, Radiograph):
        shape, spacing = scored.image.shape, scored.image.spacing_mm
    picture = batch.preview(scored)
    bgr = picture[..., ::-1] if picture.ndim == 3 else picture
    _, small = cv2.imencode(".jpg", np.ascontiguousarray(bgr), [cv2.IMWRITE_JPEG_QUALITY, 88])
    kept = batch.keep(scored)
    return Film(name, "", scored.row, kept, scored.mask, small.tobytes(), shape, spacing)


def _renamed(images: Iterator[Named]) -> Iterator[Named]:
    """Images under names of their own: two folders may hold the same file name."""
    taken: set[str] = set()
    for given, contents in images:
        name, copy = given, 1
        while name in taken:
            copy += 1
            name = str(PurePath(given).with_stem(f"{PurePath(given).stem} ({copy})"))
        taken.add(name)
        yield name, contents


def contents_again(batch: Batch, files: Uploads) -> Iterator[tuple[str, Contents]]:
    """The images once more, one at a time: a batch may not fit in memory."""
    for name, contents in _renamed(batch.images((file.name, file.getvalue()) for file in files)):
        if not isinstance(contents, ImagingError):
            yield name, contents


# What the screen shows

# A tile or row lies far below the film that it opens.
_to_top = st.components.v2.component(
    "lightbox_to_top",
    html="<span></span>",
    js="""export default function ({ data, parentElement }) {
  const mark = parentElement.querySelector("span");
  if (mark.dataset.film === data.film) return;
  mark.dataset.film = data.film;
  document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
}""",
)


def opened(page: str, found: Sequence[Film], unit: str = "films") -> Film | None:
    """The film that was opened by a click, under a bar that leads back and on to the next."""
    good = {film.name: film for film in found if not film.why}
    listed = st.session_state.get(f"{page}_listed", [])
    names = listed if set(listed) == set(good) else list(good)
    name = st.session_state.get(f"{page}_batch_film")
    if not isinstance(name, str) or name not in names:
        return None
    place = names.index(name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"All {unit}",
            key=f"{page}_back",
            icon=":material/grid_view:",
            on_click=open_film,
            args=(page, None),
        )
        for label, other in (("Previous", place - 1), ("Next", place + 1)):
            there = 0 <= other < len(names)
            st.button(
                label,
                key=f"{page}_{label.lower()}",
                disabled=not there,
                on_click=open_film,
                args=(page, names[other] if there else None),
            )
        st.markdown(f"**{name}** ({place + 1} of {len(names)})")
        _to_top(key=f"{page}_top", data={"film": name}, height=1)
    return good[name]


def is_open(page: str) -> bool:
    """Whether one film of the batch was opened, so that the page shows its own controls."""
    return st.session_state.get(f"{page}_batch_film") is not None


def open_film(page: str, name: str | None) -> None:
    """Open a film of the batch, or go back to all; a button's callback."""
    st.session_state[f"{page}_batch_film"] = name


def ordered(
    page: str, found: Sequence[Film], orders: Mapping[str, Callable[[Film], Any]]
) -> list[Film]:
    """The answered films in the order that is chosen.

    Args:
        orders: What to sort by, the first the default; the least comes first.
    """
    good = [film for film in found if not film.why]
    if len(good) < 2:
        return good
    names = list(orders)
    by = st.selectbox("Sort by", names, key=f"{page}_order", width=320, persist_state="session")
    shown = sorted(good, key=orders[by])
    st.session_state[f"{page}_listed"] = [film.name for film in shown]
    return shown


def table(
    page: str,
    shown: Sequence[Film],
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Any] | None = None,
) -> None:
    """One line for each answered film; a click on one opens it."""
    import pandas as pd

    names = [film.name for film in shown]
    key = f"{page}_films"

    def chosen() -> None:
        selected = st.session_state[key]["selection"]["rows"]
        if selected:
            open_film(page, names[selected[0]])

    st.dataframe(
        pd.DataFrame(rows).rename(columns=lambda name: name.replace("_", " ")),
        hide_index=True,
        height="content" if len(rows) <= 10 else 390,
        placeholder="",
        key=key,
        on_select=chosen,
        selection_mode="single-row",
        column_config=columns,
        alt="One line for every film that was read; a click on a line opens the film.",
    )


def refused(found: Sequence[Film]) -> None:
    """The files without an answer, each with its sentence, said once."""
    left_out = [film for film in found if film.why]
    if not left_out:
        return
    title = f"{len(left_out)} file{'' if len(left_out) == 1 else 's'} not read"
    with st.expander(title, expanded=len(left_out) <= 4, icon=":material/block:"):
        st.markdown("\n".join(f"- **{film.name}**: {film.why}" for film in left_out))


def tiles(
    page: str, shown: Sequence[Film], drawn: Callable[[Film], tuple[draw.Picture, str]]
) -> None:
    """All films as small pictures, a page at a time; the button below one opens it.

    Args:
        drawn: A film's picture and the words below it; called for the tiles on the screen only.
    """
    pages = -(-len(shown) // TILES)
    first = 0
    if pages > 1:
        number = st.segmented_control(
            "Films",
            range(pages),
            default=0,
            required=True,
            format_func=lambda i: f"{i * TILES + 1}–{min(len(shown), (i + 1) * TILES)}",
            key=f"{page}_tiles",
        )
        first = TILES * number
    with st.container(horizontal=True):
        for place, film in enumerate(shown[first : first + TILES]):
            picture, words = drawn(film)
            with st.container(width=views.TILE_WIDTH, gap="small"):
                st.image(draw.tile(picture, 500, 560), width="stretch", alt=f"{film.name}: {words}")
                st.button(
                    film.name,
                    key=f"{page}_tile_{place}",
                    help="Open this film",
                    width="stretch",
                    on_click=open_film,
                    args=(page, film.name),
                )
                st.caption(words)
