"""Tasks with no network, for tests of the machinery: the film's size says what it does to it."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from core.errors import UnsuitableInputError
from core.images import Radiograph
from models.score.task import Answer, Ask, Task

PLAIN, KILLS, HOARDS, FAULTY, OTHER, HANGS = 48, 50, 52, 54, 56, 58
"""Heights of films: answered, end their worker, want all memory, raise, are refused, hang."""


def load() -> float:
    return 2.0


def score(model: float, image: Radiograph, ask: Ask) -> Answer:
    height, width = image.shape
    if height == KILLS:
        os.kill(os.getpid(), signal.SIGKILL)
    if height == HOARDS:
        hoard = [np.ones(10_000_000) for _ in range(20)]  # 1.6 GB
        time.sleep(60)
        del hoard
    if height == HANGS:
        ctypes.PyDLL(None).sleep(3600)  # as a decoder may: without letting any Python run
    if height == FAULTY:
        raise ValueError("made to fail")
    if height == OTHER:
        raise UnsuitableInputError("This looks like a chest from the front.")
    value = model * float(image.pixels.mean())
    box = {"box": 1, "score": value / 2, "xmin": 1.0, "ymin": 2.0, "xmax": 9.0, "ymax": 12.0}
    return Answer({"width": width, "height": height, "value": value}, [box])


def slow(model: float, image: Radiograph, ask: Ask) -> Answer:
    time.sleep(0.02)
    return score(model, image, ask)


COLUMNS = (("width", "int64"), ("height", "int64"), ("value", "float64"))
BOXES = (
    ("box", "int64"),
    ("score", "float64"),
    *((name, "float64") for name in ("xmin", "ymin", "xmax", "ymax")),
)
CARDS = (("film_kind", "film_kind"),)
TINY = Task("tiny", CARDS, COLUMNS, load, score, box_columns=BOXES, part_size=20)
TASKS = {
    "tiny": TINY,
    "hasty": replace(TINY, name="hasty", most_seconds=2.0),
    "slow": Task("slow", CARDS, COLUMNS, load, slow, box_columns=BOXES, part_size=20, chunk_size=4),
}


def write_film(path: Path, seed: int, height: int = PLAIN) -> None:
    """A small film of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (height, 64), np.uint8)
    cv2.imwrite(str(path), pixels)


def command(arguments: Sequence[str]) -> list[str]:
    """The scorer's own command line, with the stand-ins as its tasks."""
    import sys

    code = (
        "import sys\n"
        "from models.score.__main__ import main\n"
        "from tests.score.stand_in import TASKS\n"
        "sys.exit(main(sys.argv[1:], TASKS))"
    )
    return [sys.executable, "-c", code, *arguments]
