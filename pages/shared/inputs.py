"""Where the image comes from: phantom, real sample or upload; the same sidebar for every task."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import streamlit as st

from core.errors import ImagingError
from core.files import burned_text
from core.files.radiograph import read_radiograph
from core.glossary import GLOSSARY
from core.images import FloatArray, Radiograph
from core.samples import Sample, fetch, is_cached, samples
from pages.shared import uploads
from pages.shared.address import KEPT
from pages.shared.opened import OPENED, may_be_opened, open_again, opened_case

SOURCES = ("Phantom", "Real sample", "Upload")
FORMATS = "PNG, JPEG, TIFF, BMP, WebP (8 or 16 bit) or DICOM; a DICOM file needs no ending."


@dataclass(frozen=True, eq=False)
class Case:
    """An image to look at, with what is known of it.

    Attributes:
        image: What the model sees.
        truth: What is true of it, keyed as the task keys it ("boxes_xyxy", ...); empty if unknown.
        origin: One of `SOURCES`.
        words: What the image is, for the line under the viewer.
        look: What a sample was chosen to show, in a sentence.
    """

    image: Radiograph
    truth: Mapping[str, Any] = field(default_factory=dict)
    origin: str = "Phantom"
    words: str = ""
    look: str = ""


def source_of(key: str, label: str) -> str:
    """The first question of every sidebar: one of `SOURCES`, or the case that was opened here."""
    choices = (*SOURCES, OPENED) if may_be_opened(key) else SOURCES
    rows = samples(key)
    real = bool(rows) and all(is_cached(row) for row in rows)  # fetched on Home
    return st.radio(
        label,
        choices,
        SOURCES.index("Real sample") if real else 0,
        key=f"{key}_source",
        **KEPT,
    )


def radiograph(key: str, task: str, phantom: Callable[[str], Case]) -> Case | None:
    """The sidebar's first part: choose where the radiograph comes from.

    Args:
        key: Prefix of the widget keys: the page's name.
        task: Whose samples are offered.
        phantom: Draws its own widgets with keys that begin with its argument, and returns the
            case; shown first, so that the page opens on something.

    Returns:
        The chosen case; None where there is none yet or it cannot be read, which a sentence in
        the main column has said. (The page goes on, so that its parameters stay in reach.)
    """
    with st.sidebar:
        source = source_of(key, "Radiograph from")
        case: Case | tuple[str, str]
        if source == "Phantom":
            case = phantom(key)
        elif source == OPENED:
            case = cast(Case | None, opened_case(key)) or open_again()
        else:
            case = _sample(key, task) if source == "Real sample" else _upload(key)
    if not isinstance(case, Case):
        kind, sentence = case
        (st.error if kind == "error" else st.info)(sentence)
        return None
    st.session_state[f"{key}_case"] = case.image.digest
    return case


def _upload(key: str) -> Case | tuple[str, str]:
    """One of the uploaded files, or why there is none: ("info" or "error", sentence)."""
    added = uploads.uploads(key, "Radiographs", FORMATS)
    files = [file for file in added if not file.name.lower().endswith(".zip")]
    if not files:
        return "info", (f"Add one or several radiographs in the sidebar: {FORMATS} {uploads.AGAIN}")
    number, state = 0, st.session_state
    state[f"{key}_film"] = min(state.get(f"{key}_film") or 0, len(files) - 1)
    if len(files) > 1:
        number = st.selectbox(
            "Film", range(len(files)), format_func=lambda i: files[i].name, key=f"{key}_film"
        )
    try:
        image = read(files[number].getvalue(), files[number].name)
        image = _reread(key, image, files[number].getvalue(), files[number].name)
    except ImagingError as err:
        return "error", f"{files[number].name}: {err}"
    if _has_text(image.digest, image.pixels):
        st.warning(burned_text.NOTE, icon=":material/badge:")
    return Case(image, origin="Upload", words=files[number].name)


@st.cache_data(max_entries=32, scope="session", show_spinner=False)
def _has_text(digest: str, _pixels: FloatArray) -> bool:
    return burned_text.has_text(_pixels)


def _reread(key: str, image: Radiograph, source: bytes, name: str) -> Radiograph:
    """Offer the file's window presets and frames, and read it again where one is chosen."""
    window, frame = 0, 0
    stem = f"{key}_{image.digest[:12]}"
    if len(image.windows) > 1:
        window = st.selectbox(
            "Window preset",
            range(len(image.windows)),
            format_func=lambda i: image.windows[i],
            key=f"{stem}_window",
            help=GLOSSARY["window preset"],
        )
    if image.frames > 1:
        frame = st.number_input("Frame", 1, image.frames, 1, key=f"{stem}_frame") - 1
    if not window and not frame:
        return image
    image = read(source, name, window, frame)
    what = [f"window preset “{image.windows[window]}”"] if window else []
    what += [f"frame {frame + 1} of {image.frames}"] if frame else []
    note = f"The file was read again with {' and '.join(what)}: the model sees this, too."
    return replace(image, notes=(*image.notes, note))


def read(source: bytes, name: str, window: int = 0, frame: int = 0) -> Radiograph:
    """Read a radiograph, once a session for each file and choice.

    Raises:
        ImagingError: If it cannot be read.
    """
    return _read(hashlib.sha256(source).hexdigest(), name, window, frame, source)


@st.cache_data(max_entries=2, scope="session", show_spinner=False)
def _read(digest: str, name: str, window: int, frame: int, _source: bytes) -> Radiograph:
    return read_radiograph(_source, name=name, window=window, frame=frame)


def _sample(key: str, task: str) -> Case | tuple[str, str]:
    sample = chosen_sample(key, task)
    return opened(sample) if isinstance(sample, Sample) else sample


def chosen_sample(key: str, task: str) -> Sample | tuple[str, str]:
    """One of the task's real samples, downloaded on request; or why there is none yet."""
    rows = samples(task)
    number = st.selectbox(
        "Real sample",
        range(len(rows)),
        format_func=lambda i: f"{i + 1}. {rows[i].title}",
        key=f"{key}_sample",
        **KEPT,
        help="Real, licensed images: downloaded on request, checked by their SHA-256 and kept in "
        "your user cache.",
    )
    sample = rows[number]
    failed = None
    if not is_cached(sample):
        size = f"{sample.bytes / 1000:,.0f} kB"
        if sample.bytes > 1e6:
            size = f"{sample.bytes / 1e6:.1f} MB"
        label = f"Download ({size})"
        if st.button(label, key=f"{key}_download", type="primary", width="stretch"):
            failed = _download(sample)
            if failed is None:
                st.rerun()
    st.caption(f"{sample.licence}. {sample.citation}. Used in: {sample.used_in}.")
    if failed:
        return "error", failed
    if not is_cached(sample):
        return "info", (
            f"“{sample.title}” is not on this computer yet. Press Download in the sidebar, or "
            "stay with the phantoms: they need no network."
        )
    return sample


def _download(sample: Sample) -> str | None:
    """Fetch a sample with a progress bar; a sentence if that failed."""
    bar = st.progress(0.0, "Downloading …")

    def arrived(share: float, what: str) -> None:
        bar.progress(min(share, 1.0), what)

    try:
        fetch(sample, progress=arrived)
    except ImagingError as err:
        return f"{err} The phantoms work without a network."
    finally:
        bar.empty()
    return None


def opened(sample: Sample) -> Case | tuple[str, str]:
    """A sample that is on this computer, as a case; or why it cannot be read."""
    try:
        path = fetch(sample)
        image = replace(read(path.read_bytes(), sample.name), title=sample.title)
        image = replace(image, is_public=True)
    except ImagingError as err:
        return "error", str(err)
    words = f"{sample.title}, {sample.licence}, {sample.citation}"
    return Case(image, sample.truth, "Real sample", words, sample.look)


def open_sample(key: str, number: int) -> None:
    """Set the sidebar to a real sample and the page to one radiograph; a button's callback."""
    st.session_state[f"{key}_mode"] = "One radiograph"
    st.session_state[f"{key}_source"] = "Real sample"
    st.session_state[f"{key}_sample"] = number


def step(key: str, by: int) -> None:
    """Go to the previous (-1) or next (1) film of the chosen source; a viewer's callback."""
    state = st.session_state
    listed, film = state.get(f"{key}_listed", []), state.get(f"{key}_batch_film")
    if film in listed and str(state.get(f"{key}_mode")).startswith("Many"):  # of a batch
        state[f"{key}_batch_film"] = listed[min(max(listed.index(film) + by, 0), len(listed) - 1)]
        return
    source = state.get(f"{key}_source", SOURCES[0])
    if source == "Phantom":
        state[f"{key}_seed"] = max(int(state.get(f"{key}_seed", 0)) + by, 0)
    elif source == "Real sample":
        state[f"{key}_sample"] = (state.get(f"{key}_sample", 0) + by) % len(samples(key))
    elif (count := uploads.count(key)) > 1:
        state[f"{key}_film"] = (state.get(f"{key}_film", 0) + by) % count


def keep_with_case(digest: str, defaults: Mapping[str, Any]) -> None:
    """Give widgets the values that they had for this case, or their defaults where it is new.

    For settings that belong to a case, such as a child's sex: another case never inherits them.
    Called before the widgets are drawn. The digest of a page's case is in the session's
    `<page>_case`.

    Args:
        digest: Of the case's image.
        defaults: Value by widget key.
    """
    state, slot = st.session_state, "|".join(defaults)
    by_case: dict[str, dict[str, Any]] = state.setdefault(f"by_case {slot}", {})
    shown = state.get(f"of_case {slot}")
    if shown == digest:
        return
    state[f"of_case {slot}"] = digest
    if shown is None:
        return  # the first case: widgets have their defaults, or what the address gave them
    by_case[shown] = {name: state[name] for name in defaults if name in state}
    for name, value in by_case.get(digest, defaults).items():
        state[name] = value


@dataclass(frozen=True)
class Display:
    """How a radiograph is shown: window level and width on the scale [0, 1], inverted or not."""

    level: float = 0.5
    width: float = 1.0
    invert: bool = False


def _unless_set(key: str, value: int) -> int | None:
    """A slider's first value where the session has none: for two Streamlit logs a whole stack."""
    return None if key in st.session_state else value


def display(key: str) -> Display:
    """The display window of the case on screen; the model never sees it."""
    defaults = {f"{key}_level": 50, f"{key}_width": 100, f"{key}_invert": False}
    keep_with_case(st.session_state.get(f"{key}_case", ""), defaults)
    with st.expander("Display window", icon=":material/contrast:"):
        level = st.slider(
            "Level (%)",
            0,
            100,
            _unless_set(f"{key}_level", 50),
            key=f"{key}_level",
            help=GLOSSARY["display window"],
            persist_state="session",
        )
        width = st.slider(
            "Width (%)",
            5,
            200,
            _unless_set(f"{key}_width", 100),
            5,
            key=f"{key}_width",
            persist_state="session",
        )
        invert = st.toggle("Invert", key=f"{key}_invert", persist_state="session")
        st.caption("For the eye only: the model always sees the film as it was read.")
    return Display(level / 100, width / 100, invert)
