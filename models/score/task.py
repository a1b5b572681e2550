"""What a task is to the scorer, and how one image becomes rows, whatever the task."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from core.errors import ImagingError, WeightsError
from core.files.radiograph import read_radiograph
from core.files.volume import read_volume
from core.images import Radiograph, Volume
from models.cards import load_card

SIZE = (("width", "int64"), ("height", "int64"))
"""Columns of every film."""
Contents = Sequence[tuple[str, bytes]]
"""Name and bytes of the files of one image: one file, or those of a DICOM series."""


@dataclass(frozen=True)
class Ask:
    """What is asked about one image.

    Attributes:
        sex: "F", "M", or None where unknown (bone age).
        mask: Whether the mask is wanted as well.
        options: What a task's own `score` understands, by name; its defaults where empty.
    """

    sex: str | None = None
    mask: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Answer:
    """A task's answer about one image.

    Attributes:
        columns: Values for the task's own columns.
        boxes: Values for the columns of the boxes, one mapping a box.
        mask: The mask as a file of the task's kind; empty where none was wanted.
        detail: The answer as the task's own object, for a screen; never leaves the process.
    """

    columns: Mapping[str, Any]
    boxes: Sequence[Mapping[str, Any]] = ()
    mask: bytes = b""
    detail: Any = None


@dataclass(frozen=True)
class Task:
    """A task as the scorer sees it. Sent to workers, so its functions stand in modules.

    Attributes:
        name: One of the task rooms.
        cards: (task room, card name) of every network that answers; the first is the main one.
        columns: Own columns of the images' table, as (name, Arrow type).
        load: Loads all networks; once a worker.
        score: Answers for one image with what `load` returned; raises `ImagingError` for an
            image that is none of the task, with the sentence that says why.
        volumes: Whether its images are volumes.
        box_columns: Own columns of the boxes' table; empty where the task has no boxes.
        mask_suffix: Ending of its mask files; empty where it has none.
        part_size: Images in one part of the output: what an interruption costs at most.
        chunk_size: Images that travel to a worker together.
        most_seconds: How long one image may take before its worker is ended and it is left out.
    """

    name: str
    cards: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]
    load: Callable[[], Any]
    score: Callable[[Any, Any, Ask], Answer]
    volumes: bool = False
    box_columns: tuple[tuple[str, str], ...] = ()
    mask_suffix: str = ""
    part_size: int = 200
    chunk_size: int = 8
    most_seconds: float = 120.0


@dataclass(frozen=True, eq=False)
class Scored:
    """One image, answered or refused.

    Attributes:
        row: Its line in the images' table, without its number and path.
        boxes: Its lines in the boxes' table, likewise.
        mask: See `Answer`.
        image: What was read; None where it could not be.
        detail: See `Answer`.
    """

    row: dict[str, Any]
    boxes: tuple[Mapping[str, Any], ...] = ()
    mask: bytes = b""
    image: Radiograph | Volume | None = None
    detail: Any = None

    @property
    def why(self) -> str:
        """Why it was refused; empty where it was answered."""
        return str(self.row["why"] or "")


def score(task: Task, model: Any, contents: Contents, ask: Ask) -> Scored:
    """Read one image and answer for it; whatever goes wrong with it becomes its sentence.

    Raises:
        WeightsError: If the model is at fault and not the image.
    """
    start = time.perf_counter()
    image: Radiograph | Volume | None = None
    answer: Answer | None = None
    why = None
    try:
        image = read_volume(contents) if task.volumes else _film(contents)
        answer = task.score(model, image, ask)
    except WeightsError:
        raise
    except ImagingError as err:
        why = str(err)
    except MemoryError:
        why = "There was not enough memory for this file; score it alone, or with fewer workers."
    except Exception as err:  # noqa: BLE001 (one image's fault must not end a run of a million)
        why = f"The program failed on this file ({type(err).__name__}: {err}); please report it."
    row: dict[str, Any] = {
        "digest": digest_of(contents) if image is None else image.digest,
        "refused": why is not None,
        "why": why,
        "seconds": time.perf_counter() - start,
    }
    if answer is None:
        return Scored(row, image=image)
    return Scored(
        row | dict(answer.columns), tuple(answer.boxes), answer.mask, image, answer.detail
    )


def size_of(image: Radiograph) -> dict[str, int]:
    """Values for the columns `SIZE`."""
    height, width = image.shape
    return {"width": width, "height": height}


card_of = lru_cache(maxsize=16)(load_card)
"""A card, read once: not for every image."""


def digest_of(contents: Contents) -> str:
    """SHA-256 (hex) of a file, or of the hashes of several."""
    digests = [hashlib.sha256(source) for _, source in contents]
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(one.digest() for one in digests)).hexdigest()


def _film(contents: Contents) -> Radiograph:
    name, source = contents[0]
    return read_radiograph(source, name=name)
