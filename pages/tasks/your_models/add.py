"""A file becomes a model: chosen, converted where it must be, described, tried out, kept."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from models.cards import ModelCard, own_folder
from models.own import keep
from models.own.convert import ENDINGS, RISK, architectures
from models.own.guess import Guess, guess
from models.own.network_file import NetworkFile, checked_size, look
from models.own.roles import ROLES, card_of
from models.worker import Worker
from pages.shared import background, caching
from pages.tasks.your_models import form, trial
from pages.tasks.your_models.listing import open_button

KEY = "your_models"
UPLOAD, FOLDER = "Upload", "From the folder"
USUAL_SIDE = 224


def show() -> None:
    """The steps, one below the other; each waits for the one before.

    Raises:
        ImagingError: What is wrong with the file, in a sentence.
    """
    keep.tidy()
    left, right = st.columns([2, 3], gap="large")
    with left:
        role = st.selectbox(
            "What it is for",
            list(ROLES),
            format_func=lambda one: ROLES[one].title,
            key=f"{KEY}_role",
            persist_state="session",
        )
        chosen = _file()
    if chosen is None:
        with right:
            _kinds()
        return
    source, name = chosen
    with left:
        network, found = _network(source, name, role)
    if network is None:
        return
    file = _looked(str(network), network.stat().st_mtime)
    guessed = _guessed(file, role)
    with left:
        described = form.describe(role, Path(name).stem, file, guessed)
    if described is None:
        return
    reads, labels, words = described
    card = card_of(role, network.name, file.sha256, reads, labels, architecture=found, **words)
    with right:
        trial.show(card)
        _keep(card, network)


def _file() -> tuple[Path, str] | None:
    """The file and what it is called, or None where there is none yet."""
    way = st.segmented_control(
        "File", (UPLOAD, FOLDER), default=UPLOAD, required=True, key=f"{KEY}_way",
        label_visibility="collapsed",
    )  # fmt: skip
    st.caption(f"Your models lie in `{own_folder()}`. Files copied there are found, too.")
    if way == UPLOAD:
        given = st.file_uploader(
            "File of the network",
            type=[ending[1:] for ending in ENDINGS],
            key=f"{KEY}_upload",
            help="Up to 200 MB; copy a larger one, up to 1 GB, into the folder.",
        )
        return None if given is None else (keep.upload(given.name, given.getvalue()), given.name)
    waiting = keep.waiting()
    if not waiting:
        st.info("No file of a network lies in the folder yet.")
        return None
    path = st.selectbox(
        "File of the network", waiting, format_func=lambda one: one.name, key=f"{KEY}_waiting"
    )
    checked_size(path)
    return path, path.name


def _kinds() -> None:
    """What may be brought, before anything is."""
    st.markdown(
        "- **ONNX** (`.onnx`): detectors, classifiers, regressors, 3D segmenters. Nothing in it "
        "is run when it is opened.\n"
        "- **Ultralytics** (`.pt`): detectors, converted here once.\n"
        "- **PyTorch weights** (`.pth`, `.safetensors`) of a network of torchvision.\n"
        "- **Keras** (`.keras`) without Lambda layers."
    )
    st.caption(
        "Lightbox measures nothing on them: no figure will say how good a model of yours is."
    )


def _network(source: Path, name: str, role: str) -> tuple[Path | None, str]:
    """The ONNX file of a source and what its conversion found; None while there is none."""
    ending = source.suffix.lower()
    if ending == ".onnx":
        return source, ""
    architecture, side, trusted = "", 0, False
    stem = f"{KEY}_{source.stem[-12:]}"
    if ending != ".keras":
        if role != "detector":
            names = ("none: the file holds the whole network", *architectures())
            picked = st.selectbox("Network of torchvision", names, 0, key=f"{stem}_architecture")
            architecture = "" if picked == names[0] else picked
            side = st.number_input(
                "Side of its input (px)", 16, 1024, USUAL_SIDE, 16, key=f"{stem}_side"
            )
        if ending != ".safetensors":
            trusted = st.checkbox(
                f"I trust where this file comes from. {RISK}",
                key=f"{stem}_trusted",
                help="Needed where a file holds more than weights, as those of Ultralytics do.",
            )
    question = f"{role}|{architecture}|{side}"
    target = keep.converted(source, question)
    if not target.is_file() and not st.session_state.get(f"{stem}_asked"):
        st.button(
            "Convert to ONNX", key=f"{stem}_convert", type="primary",
            on_click=lambda: st.session_state.update({f"{stem}_asked": True}),
        )  # fmt: skip
        return None, ""
    found = background.result(
        f"{KEY}_convert",
        (str(source), question, trusted),
        lambda run: _converter().call(
            "models.own.convert:convert", source, target, role, architecture, int(side), trusted,
            cancelled=run.stop.is_set,
        ),
    )  # fmt: skip
    return (None, "") if found is None else (target, found)


@caching.model(max_entries=1)
def _converter() -> Worker:
    """The process that holds the framework, for as long as somebody converts."""
    return Worker("models.own.convert", idle_seconds=60.0)


@st.cache_data(max_entries=8, show_spinner="Looking into the file …")
def _looked(path: str, changed: float) -> NetworkFile:
    return look(Path(path))


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs={NetworkFile: lambda one: one.sha256})
def _guessed(file: NetworkFile, role: str) -> Guess:
    return guess(file, role)


def _keep(card: ModelCard, network: Path) -> None:
    """The button that keeps it, and then the way to its page."""
    kept: ModelCard | None = st.session_state.get(f"{KEY}_kept")
    if st.button(
        "Keep this model", key=f"{KEY}_keep", type="primary", icon=":material/add:",
        disabled=not card.title,
    ):  # fmt: skip
        kept = keep.keep(card, network)
        st.session_state[f"{KEY}_kept"] = kept
    if kept is not None and kept.title == card.title:
        st.success(f"Kept as “{kept.title}”. It is now offered wherever a model is chosen.")
        open_button(kept, "kept")
