"""What a card can be filled with before a person has said anything: guessed from the file."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import UnsuitableInputError
from core.images import FloatArray
from models.card_settings import filled
from models.onnx_runtime import open_file
from models.own.adapter import DTYPES
from models.own.boxes import rows_of
from models.own.network_file import NetworkFile, image_input
from models.own.reads import CLASSES, FINAL, LOGITS, OBJECTNESS, PROBABILITIES, SEXES, Reads

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
FREE_SIDE, FREE_SIDES = 224, (96, 128, 128)
"""Sides where the file takes any: those of ImageNet, and those of our own working grid."""
FREE_DETECTOR_SIDE = 640
LOUD = 40.0
MOST_OUTPUTS = 1000


@dataclass(frozen=True)
class Guess:
    """What was guessed.

    Attributes:
        reads: What the network takes and gives.
        labels: Its outputs' names; "output 1" and so on where the file has none.
        is_named: Whether the names come from the file.
        notes: What was seen in the file, a sentence each.
        licence, trained: What the file itself says.
    """

    reads: Reads
    labels: tuple[str, ...]
    is_named: bool
    notes: tuple[str, ...] = ()
    licence: str = ""
    trained: str = ""


def guess(file: NetworkFile, role: str) -> Guess:
    """Fill a card of a role as far as the file tells; the network is run once on noise.

    Raises:
        UnsuitableInputError: If its inputs or outputs cannot be those of the role.
    """
    noted = file.noted
    if noted.get("role") == role:
        try:
            reads = filled(Reads, noted["reads"])
            return Guess(reads, reads.names, True, tuple(_notes(file)))
        except (TypeError, ValueError, KeyError):
            pass  # written by another version: guessed anew
    number, port = image_input(file, volumes=role == "brain")
    channels, last = _channels(port.shape)
    shape = _shape(file, port.shape, last, role)
    reads = Reads(shape, channels, last, image_input=number, **_greys(file, role, channels))
    reads = replace(reads, sex=_sex(file, number, role))
    raw = _run(file, reads)
    labels, named = _labels(file)
    if role == "detector":
        return _detector(file, reads, raw, labels)
    if role == "age":
        return _age(file, reads, raw)
    if role == "brain" and raw[0].ndim != 5:
        raise UnsuitableInputError(
            f"The network gives {_words(raw[0])}; needed is a label map of 5 axes, with as many "
            "voxels as it takes."
        )
    if role != "brain" and raw[0].size > MOST_OUTPUTS * 2:
        raise UnsuitableInputError(
            f"The network gives {_words(raw[0])}; needed is one number a label."
        )
    first = raw[0]
    first = first if first.ndim == 5 else first.reshape(2, -1)
    count = first.shape[-1 if last and first.ndim == 5 else 1]
    if len(labels) != count:
        labels, named = tuple(f"output {n + 1}" for n in range(count)), False
    lies = bool(first.min() >= 0 and first.max() <= 1)
    total = first.sum(axis=-1 if last and first.ndim == 5 else 1)
    sums_to_one = bool(lies and np.allclose(total, 1, atol=1e-3))
    exclusive = count > 1 and (role != "findings" or sums_to_one)
    counted = tuple(range(count))
    if role != "findings" and count > 1:
        counted = (1,)  # the first is "normal", or background, by habit
    found = replace(
        reads,
        answer=PROBABILITIES if lies else LOGITS,
        exclusive=exclusive,
        outputs=count,
        counted=counted,
    )
    return Guess(found, labels, named, tuple(_notes(file)), *_said(file))


def _channels(shape: tuple[int | None, ...]) -> tuple[int, bool]:
    """How many channels, and whether they are the last axis."""
    if shape[1] in (1, 3):
        return shape[1], False
    if shape[-1] in (1, 3):
        return shape[-1], True
    if shape[1] is None and shape[-1] is None:
        return 3, False
    raise UnsuitableInputError(
        f"The network takes {shape[1]} channels; an image here has one, which can be repeated to "
        "three, not to more."
    )


def _shape(
    file: NetworkFile, shape: tuple[int | None, ...], last: bool, role: str
) -> tuple[int, ...]:
    """Sides of the image: the file's, or usual ones where it takes any."""
    sides = shape[1:-1] if last else shape[2:]
    noted = _literal(file.metadata.get("imgsz"))
    free: tuple[int, ...] = FREE_SIDES if len(sides) == 3 else (FREE_SIDE, FREE_SIDE)
    if role == "detector":
        free = (FREE_DETECTOR_SIDE, FREE_DETECTOR_SIDE)
        if isinstance(noted, list) and len(noted) == 2:
            free = (int(noted[0]), int(noted[1]))
    found = tuple(own or usual for own, usual in zip(sides, free, strict=True))
    if role != "brain" and role != "age" and found[0] != found[1]:
        raise UnsuitableInputError(
            f"The network takes {found[1]} × {found[0]} px; for this task the input must be square."
        )
    return found


def _greys(file: NetworkFile, role: str, channels: int) -> dict[str, Any]:
    """Mean and scale by habit: none for a detector, ImageNet's where colours are taken."""
    if role in ("detector", "brain") or channels == 1:
        return {}
    return {"mean": IMAGENET[0], "scale": IMAGENET[1]}


def _sex(file: NetworkFile, image: int, role: str) -> str:
    others = [port for number, port in enumerate(file.inputs) if number != image]
    if not others:
        return SEXES[0]
    if role == "age" and len(others) == 1 and len(others[0].shape) == 2:
        return SEXES[1] if others[0].shape[1] == 2 else SEXES[2]
    raise UnsuitableInputError(
        f"The network also wants {'; '.join(port.words for port in others)}, which this task does "
        "not have."
    )


def _run(file: NetworkFile, reads: Reads) -> list[FloatArray]:
    """All outputs for noise, and then for the same noise much louder.

    Probabilities stay between 0 and 1, log odds do not.
    """
    rng = np.random.default_rng(0)
    session = open_file(file.path).session
    sides = (reads.channels, *reads.shape)
    if reads.channels_last:
        sides = (*reads.shape, reads.channels)
    noise, found = rng.random((1, *sides)), []
    try:
        for loud in (1, LOUD):
            fed = {}
            for number, port in enumerate(file.inputs):
                others = np.ones((1, 2 if reads.sex == SEXES[1] else 1))
                array = noise * loud if number == reads.image_input else others
                fed[port.name] = array.astype(DTYPES.get(port.kind, np.float32))
            found.append([np.asarray(one, np.float32) for one in session.run(None, fed)])
        return [np.concatenate(pair) for pair in zip(*found, strict=True)]
    except Exception as err:  # ONNX Runtime's errors have no common base
        shape = " × ".join(map(str, (1, *sides)))
        raise UnsuitableInputError(
            f"The network cannot run on an input of {shape}: {str(err).splitlines()[0][:200]}"
        ) from err


def _detector(
    file: NetworkFile, reads: Reads, raw: list[FloatArray], labels: tuple[str, ...]
) -> Guess:
    rows = rows_of(raw[0])[:1]
    width, count = rows.shape[2], len(labels)
    whole = width == 6 and count != 2 and bool((rows[..., 5] == rows[..., 5].round()).all())
    final = width == 6 and (file.metadata.get("end2end") == "True" or whole)
    if final:
        answer = FINAL
        labels = labels or tuple(f"class {n + 1}" for n in range(int(rows[..., 5].max()) + 1))
    elif width == 5 + count and count:
        answer = OBJECTNESS
    else:
        answer = CLASSES
        labels = labels or tuple(f"class {n + 1}" for n in range(width - 4))
    found = replace(
        reads,
        answer=answer,
        outputs=len(labels),
        counted=tuple(range(len(labels))),
        unit_boxes=bool(rows[..., :4].max() <= 2),
    )
    return Guess(found, labels, "names" in file.metadata, tuple(_notes(file)), *_said(file))


def _age(file: NetworkFile, reads: Reads, raw: list[FloatArray]) -> Guess:
    single = [number for number, one in enumerate(raw) if one.size == 2]
    if not single:
        raise UnsuitableInputError(
            f"The network gives {_words(raw[0])}; needed is one number, the age."
        )
    return Guess(replace(reads, output=single[0]), ("months",), True, tuple(_notes(file)))


def _labels(file: NetworkFile) -> tuple[tuple[str, ...], bool]:
    """Names that Ultralytics writes into its files, by number; none where there are none."""
    found = _literal(file.metadata.get("names"))
    if isinstance(found, Mapping):
        found = [found[key] for key in sorted(found)]
    return (tuple(map(str, found)), True) if isinstance(found, list) else ((), False)


def _notes(file: NetworkFile) -> list[str]:
    notes = [
        f"Takes {'; '.join(port.words for port in file.inputs)}.",
        f"Gives {'; '.join(port.words for port in file.outputs)}.",
    ]
    if about := file.metadata.get("description"):
        words, _, data = about.strip(" .").partition(" trained on ")
        on = f", trained on {_said(file)[1]}" if data else ""
        notes.append(f"The file says: {words}{on}.")
    return notes


def _said(file: NetworkFile) -> tuple[str, str]:
    trained = file.metadata.get("description", "").partition(" trained on ")[2]
    name = trained.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".yaml")
    return file.metadata.get("license", "").split(" (")[0], name


def _literal(text: str | None) -> Any:
    try:
        return ast.literal_eval(text or "None")
    except (ValueError, SyntaxError):
        return None


def _words(array: FloatArray) -> str:
    return " × ".join(map(str, (1, *array.shape[1:]))) + " numbers"
