"""Where the head comes from, and how it is worked on: the sidebar of a 3D page."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.dataset_folders.listing import VOLUME_ENDINGS
from core.errors import ImagingError
from core.files.volume import Files, read_mask, read_volume
from core.glossary import GLOSSARY
from core.images import Volume
from core.phantoms.head.phantom import HeadPhantom, random_head
from core.samples import Sample, fetch
from core.skull_strip import OURS, PUBLISHED, TALLER, Settings, expected_seconds
from core.skull_strip.pipeline import NORMALISATIONS
from models.cards import ModelCard
from models.skull_strip.settings import settings_of
from pages.shared import uploads, views
from pages.shared.address import KEPT
from pages.shared.inputs import SOURCES, chosen_sample, source_of
from pages.shared.model_choice import choose
from pages.shared.opened import OPENED, open_again, opened_case

FORMATS = (
    "NIfTI (.nii, .nii.gz), MGZ, NRRD, MINC, both files of a .hdr/.img, AFNI or PAR/REC pair, or a "
    "DICOM series as its files; a zip of any of these."
)
VOXELS: dict[str, float | tuple[float, float, float]] = {
    "2 mm": 2.0,
    "1 mm (slow)": 1.0,
    "thick slices": (1.0, 1.0, 5.0),
}
PHANTOMS = 40  # simulated heads to choose from
GRIDS = {"96 × 128 × 128": (96, 128, 128), "96 × 128 × 160": (96, 128, 160)}
PRESETS = {"Lightbox": OURS, "Taller grid": TALLER}
ADJUSTED = ("n4", "shrink", "iterations", "grid", "spacing", "normalisation")
ITERATIONS = {"20-10-10-5": (20, 10, 10, 5), "50-40-30-20": (50, 40, 30, 20), "10-5": (10, 5)}


@dataclass(frozen=True, eq=False)
class VolumeCase:
    """A head to look at, with what is known of it.

    Attributes:
        volume: What the pipeline receives.
        truth: uint8 brain mask on the volume's grid, or None.
        origin: One of `inputs.SOURCES`.
        words: What the volume is, for the line under the viewer.
        truth_words: Where the truth comes from.
        truth_from_model: Whether the mask is a model's own answer, no reference.
        name: What the files made from it are called after.
        look: What a sample was chosen to show, in a sentence.
    """

    volume: Volume
    truth: NDArray[np.uint8] | None = None
    origin: str = "Phantom"
    words: str = ""
    truth_words: str = ""
    name: str = "head"
    truth_from_model: bool = False
    look: str = ""


def head(key: str, task: str) -> VolumeCase | None:
    """The sidebar's first part: phantom, real sample or upload.

    Returns:
        The chosen case; None where there is none yet, or it cannot be read, and a sentence says
        so. `st.stop` would leave the fragments of the last run alive, and the next tick of their
        progress bar would draw into a page that is no longer there.
    """
    with st.sidebar:
        source = source_of(key, "Head from")
        case: VolumeCase | tuple[str, str]
        if source == SOURCES[0]:
            case = _phantom(key)
        elif source == OPENED:
            case = opened_case(key) or open_again()
        else:
            case = _sample(key, task) if source == SOURCES[1] else _upload(key)
        if isinstance(case, VolumeCase):
            case = _with_reference(key, case)
    if not isinstance(case, VolumeCase):
        kind, sentence = case
        (st.error if kind == "error" else st.info)(sentence)
        return None
    return case


def _phantom(key: str) -> VolumeCase:
    seed = st.slider(
        "Phantom",
        1,
        PHANTOMS,
        1,
        key=f"{key}_seed",
        **KEPT,
        help="Every number is another simulated head.",
    )
    size = views.segments(
        "Voxels",
        list(VOXELS),
        f"{key}_voxels",
        "2 mm",
        has_label=True,
        help="Thick slices are 1 × 1 × 5 mm, as in many clinical scans.",
    )
    with st.expander("Image quality", icon=":material/blur_on:"):
        bias = st.slider(
            "Shading", 0.0, 0.8, 0.3, 0.05, key=f"{key}_bias", **KEPT, help=GLOSSARY["bias field"]
        )
        noise = st.slider(
            "Noise",
            0.0,
            0.15,
            0.02,
            0.01,
            key=f"{key}_noise",
            **KEPT,
            help=GLOSSARY["Rician noise"],
        )
    made = simulated(seed, VOXELS[size], bias, noise)
    return VolumeCase(
        made.volume,
        made.mask,
        "Phantom",
        f"Head phantom {seed}: simulated around an average brain, no patient",
        "the phantom's own brain",
        f"head_phantom_{seed}",
    )


@st.cache_resource(max_entries=4, show_spinner="Simulating a head …")
def simulated(
    seed: int, spacing_mm: float | tuple[float, float, float], bias: float, noise: float
) -> HeadPhantom:
    return random_head(seed, spacing_mm, bias=bias, noise=noise)


def _upload(key: str) -> VolumeCase | tuple[str, str]:
    files = uploads.uploads(key, "Head scan", FORMATS)
    if not files:
        return "info", f"Add a head scan in the sidebar: {FORMATS} {uploads.AGAIN}"
    files = _one_head(key, files)
    content = [(file.name, file.getvalue()) for file in files]
    try:
        volume = _read(_key(content), 0, content)
        count = volume.source.volumes if volume.source else 1
        if count > 1:
            number = st.number_input(
                f"Volume (1 to {count})",
                1,
                count,
                1,
                key=f"{key}_{_key(content)[:12]}_volume",
                help="The file is 4D: it holds several volumes of one head. One is worked on.",
            )
            volume = _read(_key(content), number - 1, content)
    except ImagingError as err:
        return "error", f"{files[0].name}: {err}" if len(files) == 1 else str(err)
    words = files[0].name if len(files) == 1 else f"{len(files)} files"
    return VolumeCase(volume, origin="Upload", words=words, name=file_stem(files[0].name))


def _one_head(key: str, files: list[UploadedFile]) -> list[UploadedFile]:
    """The files of one head: all of them, or one of several that are a head each, the newest."""
    if len(files) < 2 or not all(file.name.lower().endswith(VOLUME_ENDINGS) for file in files):
        return files
    state = st.session_state
    state[f"{key}_film"] = min(state.get(f"{key}_film") or 0, len(files) - 1)
    number = st.selectbox(
        "Head", range(len(files)), format_func=lambda i: files[i].name, key=f"{key}_film"
    )
    return [files[number]]


def file_stem(name: str) -> str:
    """A file's name without folders and the endings of volumes and archives."""
    stem = name.replace("\\", "/").rsplit("/", 1)[-1]
    for ending in (".gz", ".nii", ".mgz", ".mgh", ".nrrd", ".zip", ".dcm"):
        stem = stem.removesuffix(ending)
    return stem or "head"


def _key(content: Files) -> str:
    state = hashlib.sha256()
    for _, one in content:
        state.update(hashlib.sha256(one).digest())
    return state.hexdigest()


@st.cache_resource(max_entries=2, scope="session", show_spinner="Reading the scan …")
def _read(digest: str, volume_index: int, _files: Files) -> Volume:
    return read_volume(_files, volume_index=volume_index)


def _sample(key: str, task: str) -> VolumeCase | tuple[str, str]:
    sample = chosen_sample(key, task)
    if not isinstance(sample, Sample):
        return sample
    try:
        content = [(sample.name, Path(fetch(sample)).read_bytes())]
        volume = replace(_read(_key(content), 0, content), is_public=True)
    except ImagingError as err:
        return "error", str(err)
    words = f"{sample.title}, {sample.licence}, {sample.citation}"
    name = file_stem(sample.name)
    return VolumeCase(volume, origin="Real sample", words=words, name=name, look=sample.look)


def _with_reference(key: str, case: VolumeCase) -> VolumeCase:
    """The case with a reference mask where the person adds one."""
    with st.expander("Reference mask", icon=":material/rule:"):
        files = st.file_uploader(
            "Reference mask",
            key=f"{key}_reference",
            help="NIfTI, MGZ or NRRD, on any grid of the same head; all labels above 0 count.",
            label_visibility="collapsed",
        )
        if files is None:
            said = f"In use: {case.truth_words}." if case.truth is not None else "None yet."
            st.caption(said)
            return case
        try:
            truth = read_mask([(files.name, files.getvalue())], case.volume)
        except ImagingError as err:
            st.error(str(err), icon=":material/error:")
            return case
        st.caption(f"In use: {files.name}.")
    return replace(case, truth=truth, truth_words="the reference mask")


def model(key: str) -> ModelCard:
    """Which network finds the brain."""
    with st.sidebar:
        return choose("Network", "skull_strip", "brain", f"{key}_model", ("unet",), adding=True)


def _preset(key: str, card: ModelCard) -> tuple[str, Settings]:
    """The pipeline to begin with: chosen, or the one that the network was trained with."""
    own = settings_of(card)
    if replace(own, threshold=PUBLISHED.threshold) == PUBLISHED:
        st.caption(
            "Pipeline: as published. N4 at shrink factor 3, 96 × 128 × 160 voxels, intensities "
            "from the darkest voxel (0) to the brightest (1)."
        )
        return "Published", own
    name = views.segments(
        "Pipeline",
        list(PRESETS),
        f"{key}_preset",
        "Lightbox",
        has_label=True,
        help="“Lightbox”: N4 at shrink factor 4, 96 × 128 × 128 voxels; faster, and cuts off "
        "the neck. “Taller grid”: N4 at shrink factor 3, 96 × 128 × 160 voxels.",
    )
    return name, PRESETS[name]


def settings(key: str, volume: Volume, card: ModelCard) -> Settings:
    """The sidebar's second part: the pipeline's parameters, with the time that it will take."""
    with st.sidebar:
        name, preset = _preset(key, card)
        stem = f"{key}_{name.split()[-1].lower()}"
        said = st.container()
        with st.expander("Adjust the stages", icon=":material/tune:"):
            chosen = _adjusted(stem, preset)
        changed = _changes(preset, chosen)
        if changed:
            with said:
                st.caption(f":orange-badge[adjusted] no longer “{name}”: {', '.join(changed)}.")
                st.button(
                    f"Back to “{name}”", key=f"{stem}_reset", on_click=_reset, args=(stem,)
                )  # fmt: skip
        shape = (volume.voxels.shape[0], volume.voxels.shape[1], volume.voxels.shape[2])
        seconds = expected_seconds(shape, chosen)
        st.caption(
            f"About {seconds:.0f} s on two free processor cores, several times that on busy ones."
        )
        threshold = st.slider(
            "Threshold",
            0.05,
            0.95,
            chosen.threshold,
            0.05,
            key=f"{key}_threshold" if name in PRESETS else f"{stem}_threshold",
            help=GLOSSARY["brain threshold"],
            **KEPT,
        )
    return replace(chosen, threshold=threshold)


def _changes(preset: Settings, chosen: Settings) -> list[str]:
    """What differs from a preset, in words."""
    return [
        f"{field.name.replace('_', ' ')} {_said(getattr(chosen, field.name))}"
        for field in fields(preset)
        if getattr(chosen, field.name) != getattr(preset, field.name)
    ]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return " × ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _reset(stem: str) -> None:
    """Take back what was adjusted; a button's callback."""
    for name in ADJUSTED:
        st.session_state.pop(f"{stem}_{name}", None)


def _adjusted(key: str, preset: Settings) -> Settings:
    n4 = st.toggle("N4 bias correction", preset.n4, key=f"{key}_n4", **KEPT, help=GLOSSARY["N4"])
    shrink = st.slider(
        "N4 shrink factor",
        2,
        8,
        preset.shrink,
        key=f"{key}_shrink",
        **KEPT,
        disabled=not n4,
        help="N4 works on every n-th voxel: the field is smooth, so little is lost.",
    )
    rounds = st.selectbox(
        "N4 iterations per level",
        list(ITERATIONS),
        key=f"{key}_iterations",
        **KEPT,
        disabled=not n4,
        help="From a coarse field to a fine one; each level stops early once nothing changes.",
    )
    grid = st.selectbox(
        "Working grid (voxels)",
        list(GRIDS),
        index=list(GRIDS.values()).index(preset.grid) if preset.grid in GRIDS.values() else 0,
        key=f"{key}_grid",
        **KEPT,
        help=GLOSSARY["working grid"],
    )
    spacing = st.select_slider(
        "Working voxel size (mm)",
        (1.5, 2.0, 2.5, 3.0),
        preset.spacing_mm,
        key=f"{key}_spacing",
        **KEPT,
    )
    normalisation = st.selectbox(
        "Normalisation",
        NORMALISATIONS,
        index=NORMALISATIONS.index(preset.normalisation),
        key=f"{key}_normalisation",
        **KEPT,
        help="Chosen is what the network was trained with; try what happens with another.",
    )
    return replace(
        preset,
        n4=n4,
        shrink=shrink,
        iterations=ITERATIONS[rounds],
        grid=GRIDS[grid],
        spacing_mm=spacing,
        normalisation=normalisation,
    )
