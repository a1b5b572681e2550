"""The form of a model's card, filled with what the file tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.errors import UnsuitableInputError
from models.own.guess import IMAGENET, Guess
from models.own.network_file import NetworkFile
from models.own.reads import CLASSES, FINAL, LOGITS, OBJECTNESS, PROBABILITIES, SEXES, Reads
from models.own.roles import AS_OURS, ROLES

KEY = "your_models"
ONE = (0.0,), (1.0,)
OWN = "own numbers"
GREYS: dict[str, tuple[float, tuple[float, ...], tuple[float, ...]]] = {
    "0 to 1": (1.0, *ONE),
    "0 to 255": (255.0, *ONE),
    "−1 to 1": (1.0, (0.5,), (0.5,)),
    "ImageNet’s mean and scale": (1.0, *IMAGENET),
}
"""White pixel, mean and scale by name."""
VOLUME_GREYS = ("mean 0, deviation 1", "0 to 1", "0 to 255")
MONTHS: dict[str, tuple[float, float]] = {
    "months": (1.0, 0.0),
    "years": (12.0, 0.0),
    "standardised (RSNA: mean 127.3, deviation 41.2 months)": (41.2, 127.3),
}
"""Factor and offset of an answer by its unit."""
PREPARED = {
    "detector": "contrast evened out as for our networks",
    "classifier": "contrast evened out as for our networks",
    "age": "the hand found, cut out and evened out as for our networks",
}
Described = tuple[Reads, tuple[str, ...], dict[str, str]]


def describe(role: str, stem: str, file: NetworkFile, guessed: Guess) -> Described | None:
    """What the network takes and gives, its labels, and the card's words.

    Returns:
        None where something is missing, which a sentence says.
    """
    key = f"{KEY}_{role}_{file.sha256[:8]}"
    for note in guessed.notes:
        st.caption(note)
    title = st.text_input("Name", stem[:60], key=f"{key}_title", max_chars=60)
    labels = _labels(role, guessed, key)
    if labels is None:
        return None
    reads = replace(guessed.reads, counted=_counted(role, labels, guessed.reads, key))
    if not reads.counted:
        st.error("Choose at least one output that counts.", icon=":material/error:")
        return None
    with st.expander("What it receives", expanded=True):
        try:
            reads = _sides(file, reads, key)
            reads = _volume(reads, key) if role == "brain" else _greys(reads, key)
        except (ValueError, UnsuitableInputError) as err:
            st.error(f"Mean and scale: {err}.", icon=":material/error:")
            return None
        prepared = ""
        if role in PREPARED:
            ways = ("the film as it is", PREPARED[role])
            way = st.radio("Film before that", ways, key=f"{key}_prepared")
            prepared = AS_OURS if way == ways[1] else ""
    with st.expander("What it answers", expanded=role == "age"):
        reads = _answer(role, file, reads, key)
    licence = st.text_input("Licence", guessed.licence, key=f"{key}_licence")
    trained = st.text_input(
        "Trained by whom, on what", guessed.trained, key=f"{key}_trained",
        placeholder="A. Student, 400 wrists of our department",
    )  # fmt: skip
    words = {"title": title, "licence": licence, "trained": trained, "prepared": prepared}
    return reads, labels, words


def _labels(role: str, guessed: Guess, key: str) -> tuple[str, ...] | None:
    """The names of the outputs, as many as there are."""
    if role == "age":
        return guessed.labels
    count = guessed.reads.outputs
    text = st.text_area(
        f"Labels of its {count} outputs, in their order",
        ", ".join(guessed.labels),
        key=f"{key}_labels",
        height=68,
        help="Separated by commas. Findings named as ours (Cardiomegaly, Effusion …) are also "
        "asked for in Practice.",
    )
    names = tuple(one.strip() for one in text.replace("\n", ",").split(",") if one.strip())
    if len(names) != count or len(set(names)) != count:
        st.error(
            f"The network gives {count} outputs, but {len(set(names))} different labels are named.",
            icon=":material/error:",
        )
        return None
    if not guessed.is_named:
        st.caption(":material/info: The file names no labels: put in what the outputs mean.")
    return names


def _counted(role: str, labels: Sequence[str], reads: Reads, key: str) -> tuple[int, ...]:
    asked = "Findings to show" if role == "findings" else ROLES[role].counted
    if not asked or len(labels) == 1:
        return reads.counted
    every = list(range(len(labels)))
    many = list(reads.counted) == every and len(every) > 8
    if many and st.toggle(f"{asked}: all {len(every)}", True, key=f"{key}_all"):
        return reads.counted
    found = st.multiselect(
        asked, every, list(reads.counted), format_func=lambda one: labels[one], key=f"{key}_counted"
    )
    return tuple(sorted(found))


def _sides(file: NetworkFile, reads: Reads, key: str) -> Reads:
    """The sides, where the file takes any."""
    sides = " × ".join(map(str, reads.shape))
    grey = "one channel" if reads.channels == 1 else "three channels, the grey film in each"
    st.caption(f"{sides}, {grey}{', channels last' if reads.channels_last else ''}.")
    port = file.inputs[reads.image_input]
    inner = port.shape[1:-1] if reads.channels_last else port.shape[2:]
    if len(reads.shape) == 3 or None not in inner:
        return reads
    side = int(st.number_input("Side (px)", 32, 2048, reads.shape[0], 32, key=f"{key}_side"))
    return replace(reads, shape=(side, side))


def _greys(reads: Reads, key: str) -> Reads:
    """White pixel, mean and scale of a film."""
    names = [name for name in GREYS if reads.channels == 3 or name != "ImageNet’s mean and scale"]
    now = (reads.top, reads.mean, reads.scale)
    first = next((n for n, name in enumerate(names) if GREYS[name] == now), len(names))
    name = st.selectbox("Grey values", (*names, OWN), first, key=f"{key}_greys")
    top, mean, scale = GREYS.get(name, now)
    if name == OWN:
        top = 255.0 if st.toggle("A white pixel is 255", now[0] == 255, key=f"{key}_top") else 1.0
        left, right = st.columns(2)
        mean = _numbers(left.text_input("Mean", _joined(now[1]), key=f"{key}_mean"))
        scale = _numbers(right.text_input("Scale", _joined(now[2]), key=f"{key}_scale"))
    blue = False
    if reads.channels == 3 and len({*mean}) + len({*scale}) > 2:
        order = st.segmented_control(
            "Colour order", ("RGB", "BGR"), default="BGR" if reads.blue_first else "RGB",
            required=True, key=f"{key}_order",
            help="A grey film is the same in all three; mean and scale may not be.",
        )  # fmt: skip
        blue = order == "BGR"
    return replace(reads, top=top, mean=mean, scale=scale, blue_first=blue)


def _volume(reads: Reads, key: str) -> Reads:
    """The greys of a volume."""
    st.caption("T1, RAS+, resampled to voxels of 2 mm around the brain; other sides are fitted.")
    name = st.selectbox("Grey values", VOLUME_GREYS, key=f"{key}_greys")
    top = 255.0 if name == VOLUME_GREYS[2] else 1.0
    return replace(reads, unit_range=name != VOLUME_GREYS[0], top=top)


def _answer(role: str, file: NetworkFile, reads: Reads, key: str) -> Reads:
    """How its numbers are read."""
    if role == "detector":
        ways = (CLASSES, OBJECTNESS, FINAL)
        row = st.selectbox("A box’s row is", ways, ways.index(reads.answer), key=f"{key}_answer")
        shares = st.toggle("Boxes in shares of the sides", reads.unit_boxes, key=f"{key}_shares")
        return replace(reads, answer=row, unit_boxes=shares)
    if role == "age":
        unit = st.selectbox("Its answer is in", (*MONTHS, OWN), key=f"{key}_unit")
        factor, offset = MONTHS.get(unit, (reads.factor, reads.offset))
        if unit == OWN:
            left, right = st.columns(2)
            factor = left.number_input("Times", value=1.0, format="%.4f", key=f"{key}_factor")
            offset = right.number_input("Plus (months)", value=0.0, key=f"{key}_offset")
        sex = reads.sex
        if len(file.inputs) > 1:
            known = SEXES[1:2] if sex == SEXES[1] else SEXES[2:]
            sex = st.selectbox("Sex input", known, known.index(sex), key=f"{key}_sex")
        return replace(reads, factor=factor, offset=offset, sex=sex)
    answer = st.segmented_control(
        "Its numbers are",
        (LOGITS, PROBABILITIES),
        default=reads.answer,
        required=True,
        key=f"{key}_answer",
    )
    exclusive = reads.outputs > 1 and st.toggle(
        "Its outputs exclude each other (softmax)", reads.exclusive, key=f"{key}_exclusive"
    )
    return replace(reads, answer=answer, exclusive=exclusive)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(one) for one in text.replace(";", ",").split(",") if one.strip())
    except ValueError as err:
        raise UnsuitableInputError(f"“{text}” is no list of numbers such as 0.5, 0.5, 0.5") from err


def _joined(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
