"""What people do in a class on the app: lessons, each with the same answers for the same number."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image

from core.images import FloatArray
from core.phantoms.chest.phantom import chest_phantom
from core.phantoms.hand.phantom import hand_phantom
from core.phantoms.head.phantom import random_head
from core.phantoms.limb.phantom import LimbPhantom, limb_phantom
from tests.files.volume_files import nifti
from tests.visitor import Server, Visitor

MOST_SECONDS = 240.0  # for one answer: after it the session gives up, which counts as an error


@cache
def base(task: str) -> FloatArray:
    """A film that the task reads."""
    if task == "fracture":
        return limb_phantom(LimbPhantom(seed=77))[0].pixels
    return (hand_phantom(77) if task == "bone_age" else chest_phantom(77)).image.pixels


def film(task: str, number: int) -> tuple[str, bytes]:
    """One of as many different films as are wanted, with its name."""
    pixels = base(task)
    noise = np.random.default_rng(number).normal(0, 0.01, pixels.shape)
    out = BytesIO()
    grey = np.clip((pixels + noise) * 255, 0, 255).astype(np.uint8)
    Image.fromarray(grey).save(out, "PNG", compress_level=1)
    return f"{task}_{number}.png", out.getvalue()


@cache
def scan(number: int) -> tuple[str, bytes]:
    """A head as a file: each session that brings it has it computed anew."""
    volume = random_head(500 + number, 2.0, bias=0.2, noise=0.02).volume
    return f"head_{number}.nii.gz", nifti(volume.voxels, volume.affine)


@dataclass
class Notes:
    """What one pass over the lessons took and answered.

    Attributes:
        figures: Seconds to a page's first figures, by page.
        sliders: Seconds of a slider, by its key.
        answers: By what was asked.
        problems: Sentences.
    """

    figures: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    sliders: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    heavy: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, list[object]] = field(default_factory=lambda: defaultdict(list))
    problems: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, name: str, value: object) -> None:
        with self.lock:
            getattr(self, kind)[name].append(value)


@dataclass
class Sitting:
    """One visitor at a lesson.

    Attributes:
        until: Time of `time.perf_counter` at which the class is over.
    """

    server: Server
    notes: Notes
    pause: Callable[[], None] = lambda: None
    until: float = float("inf")
    windows: list[Visitor] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return time.perf_counter() >= self.until

    def attend(self, lesson: Callable[[Sitting, int], None], number: int) -> None:
        """Do a lesson; where the class ends in the middle, what was begun does not count."""
        try:
            lesson(self, number)
        except (TimeoutError, OSError):
            if not self.is_over:
                raise
        finally:
            for one in self.windows:
                one.close()
            self.windows.clear()

    def visitor(self, page: str = "home") -> Visitor:
        """A new window, closed at the lesson's end."""
        new = Visitor(self.server.port, page, until=self.until)
        self.windows.append(new)
        return new

    def open(self, page: str) -> Visitor:
        """Open a page in a new window and wait for its first figures."""
        start = time.perf_counter()
        visitor = self.visitor(page)
        self.wait(visitor, lambda: bool(visitor.metric))
        self.notes.add("figures", page, time.perf_counter() - start)
        self.answer(page, visitor)
        self.pause()
        return visitor

    def slide(self, visitor: Visitor, key: str, value: float) -> None:
        slider = next(one for one in visitor.slider if str(one.key).startswith(key))
        whole = isinstance(slider.proto.min, int) or slider.proto.format.startswith("%d")
        slider.set_value(int(value) if whole else value).run()
        self.notes.add("sliders", key, visitor.seconds)
        self.answer(f"{key} {value:g}", visitor)
        self.pause()

    def answer(self, asked: str, visitor: Visitor) -> None:
        if visitor.error:
            raise RuntimeError(f"{asked}: {visitor.error[0].value}")
        self.notes.add("answers", asked, sorted(visitor.metrics.items()))

    def wait(self, visitor: Visitor, ready: Callable[[], bool]) -> None:
        end = min(self.until, time.perf_counter() + MOST_SECONDS)
        while not ready():
            if time.perf_counter() > end:
                raise TimeoutError("no answer in time")
            time.sleep(0.5)  # as the page's own progress bar asks
            visitor.look()

    def timed(self, name: str, work: Callable[[], None]) -> None:
        start = time.perf_counter()
        work()
        self.notes.add("heavy", name, time.perf_counter() - start)


# Lessons: each leaves the same answers for the same number


def threshold(sitting: Sitting, number: int) -> None:
    visitor = sitting.open("fracture")
    for value in (0.1, 0.4, 0.7, 0.55):
        sitting.slide(visitor, "fracture_threshold", value)
    for value in (30, 60):
        sitting.slide(visitor, "fracture_level", value)


def heat(sitting: Sitting, number: int) -> None:
    visitor = sitting.open("chest")
    for value in (20, 50, 80):
        sitting.slide(visitor, "chest_threshold", value)


def head(sitting: Sitting, number: int) -> None:
    visitor = sitting.open("skull_strip")
    for value in (0.3, 0.7):
        sitting.slide(visitor, "skull_strip_threshold", value)
    visitor.choose("skull_strip_source", "Upload")

    def sent() -> None:
        visitor.send_files("Head scan", scan(number))
        sitting.wait(visitor, lambda: bool(visitor.metric))

    sitting.timed("upload, head", sent)
    sitting.answer(f"head {number}", visitor)


def upload(task: str) -> Callable[[Sitting, int], None]:
    def lesson(sitting: Sitting, number: int) -> None:
        visitor = sitting.open(task)
        visitor.choose(f"{task}_source", "Upload")
        sitting.pause()

        def sent() -> None:
            visitor.send_files("Radiographs", film(task, number))
            sitting.wait(visitor, lambda: bool(visitor.metric))

        sitting.timed(f"upload, {task}", sent)
        sitting.answer(f"upload {task} {number}", visitor)
        for value in (35, 65):
            sitting.slide(visitor, f"{task}_level", value)
        if task == "chest":
            visitor.choose("chest_more", "Explain")

            def asked() -> None:
                visitor.choose("chest_methods", "Score-CAM")

            sitting.timed("Score-CAM", asked)
            sitting.answer(f"Score-CAM {number}", visitor)

    return lesson


def batch(sitting: Sitting, number: int) -> None:
    visitor = sitting.open("fracture")
    visitor.choose("fracture_mode", "Many radiographs")
    label = next(one.label for one in visitor.get("file_uploader") if "atch" in str(one.key))  # type: ignore[attr-defined]
    films = [film("fracture", number + n) for n in range(6)]

    def sent() -> None:
        visitor.send_files(label, *films)

    sitting.timed("batch of six", sent)
    sitting.answer(f"batch {number}", visitor)


def sweep(sitting: Sitting, number: int) -> None:
    visitor = sitting.visitor("augmentation")
    sitting.answer("augmentation", visitor)
    sitting.pause()
    visitor.choose("augmentation_more", "Sweep")

    def run() -> None:
        next(one for one in visitor.button if one.key == "augmentation_run").click().run()
        sitting.wait(visitor, lambda: all(one.key != "augmentation_stop" for one in visitor.button))

    sitting.timed("lab sweep", run)
    sitting.answer("sweep", visitor)


def tour(sitting: Sitting, number: int) -> None:
    visitor = sitting.visitor()
    for page in ("practice", "datasets", "evaluation", "bone_age"):
        sitting.pause()
        visitor.go(page)
        sitting.answer(f"tour {page}", visitor)


LESSONS: dict[str, Callable[[Sitting, int], None]] = {
    "threshold": threshold,
    "heat": heat,
    "head": head,
    "fracture": upload("fracture"),
    "bone age": upload("bone_age"),
    "chest": upload("chest"),
    "batch": batch,
    "sweep": sweep,
    "tour": tour,
}
