"""Small cases with a truth and a model's answer, and how the Practice page is worked."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.images import Radiograph, Volume
from core.practice.answers import (
    Answer,
    BoneAgeAnswer,
    ChestAnswer,
    FractureAnswer,
    HeadAnswer,
)
from core.practice.cases import Case
from core.practice.link import to_link
from core.practice.series import Series
from core.practice.sources import PhantomSource, Source
from core.practice.store import Store
from core.practice.truths import BoneAgeTruth, ChestTruth, FractureTruth, HeadTruth, Truth
from tests import page_runner
from tests.page_runner import PageTest

SHAPE = (48, 64)
BOX = (11.0, 7.0, 37.0, 29.0)
OUTLINE = ((11.0, 7.0), (37.0, 13.0), (23.0, 29.0))
CASES = (PhantomSource(3), PhantomSource(4), PhantomSource(5))
FINDINGS = ("Cardiomegaly", "Effusion")
LINES = {"heart": (20.0, 30.0, 41.0, 30.0), "chest": (5.0, 33.0, 59.0, 33.0)}
SPOT = (13.0, 11.0, 8.0)
SPACING = (2.0, 2.0, 3.0)
TRUTHS: dict[str, tuple[Truth, Truth]] = {
    "fracture": (FractureTruth((BOX,), (OUTLINE,)), FractureTruth()),
    "bone_age": (BoneAgeTruth(101.0, "F"), BoneAgeTruth(43.0, "F")),
    "chest": (
        ChestTruth({"Cardiomegaly": True, "Effusion": False}, 21 / 54, LINES),
        ChestTruth({"Cardiomegaly": False, "Effusion": True}),
    ),
    "skull_strip": (
        HeadTruth("A", SPOT, 4.0, SPACING, "missing"),
        HeadTruth("B", (4.0, 5.0, 6.0), 4.0, SPACING, "added"),
    ),
}
MODEL: dict[str, tuple[Answer, Answer]] = {
    "fracture": (FractureAnswer((BOX,), 91, (91,), 0.91), FractureAnswer((), 93, (), 0.07)),
    "bone_age": (BoneAgeAnswer(97.0, 71), BoneAgeAnswer(57.0, 72)),
    "chest": (
        ChestAnswer({"Cardiomegaly": 83.0}, LINES, {"Cardiomegaly": 0.83, "Effusion": 0.04}),
        ChestAnswer({}, None, {"Cardiomegaly": 0.02, "Effusion": 0.03}),
    ),
    "skull_strip": (HeadAnswer("A", 61, SPOT), HeadAnswer("B", 62, None)),
}
IN_WORDS = {
    "fracture": "fracture, 1 box",
    "bone_age": "8 years 5 months",
    "chest": "Cardiomegaly",
    "skull_strip": "A is right; in B brain is missing",
}


def case_of(task: str, source: Source, truth: Truth) -> Case:
    """A small case; its image is the same whatever is true of it."""
    rng = np.random.default_rng(source.seed if isinstance(source, PhantomSource) else 0)
    if task == "skull_strip":
        voxels = rng.random((20, 24, 16), np.float32)
        volume = Volume(voxels, np.diag([*SPACING, 1.0]), f"head {source}", is_public=True)
        masks = {side: np.zeros(voxels.shape, np.uint8) for side in "AB"}
        masks["A"][4:16, 5:19, 3:13] = 1
        masks["B"][4:13, 5:19, 3:13] = 1
        return Case(task, source, volume, truth, masks=masks)
    image = Radiograph(rng.random(SHAPE, np.float32), f"film {source}", is_public=True)
    findings = FINDINGS if task == "chest" else ()
    return Case(task, source, image, truth, findings, "F" if task == "bone_age" else None)


class World:
    """What the page finds: a truth and a model's answer for every case, and a store."""

    def __init__(self, folder: Path) -> None:
        self.variant = 0
        self.store = Store(folder / "practice.sqlite")
        self.fails = False
        self.says: int | None = None

    def open_case(self, task: str, source: Source) -> Case:
        return case_of(task, source, TRUTHS[task][self.variant])

    def answer(self, case: Case) -> Answer:
        return MODEL[case.task][self.variant if self.says is None else self.says]


def series_of(task: str, **how: str) -> Series:
    return Series(task, CASES, order="fixed", title="Three to read", **how)


def opened(series: Series, reader: str = "Kestrel") -> PageTest:
    return page_runner.opened("practice", series=to_link(series), reader=reader)


def press(page: PageTest, label: str) -> PageTest:
    next(button for button in page.button if button.label.startswith(label)).click().run()
    return page


def commit(page: PageTest, task: str, final: bool = False) -> PageTest:
    """Answer the case on the screen: normal, eight years, or mask A."""
    if task == "bone_age" and not final:
        next(one for one in page.number_input if one.label == "Years").set_value(8).run()
    if task == "skull_strip" and not final:
        side = next(one for one in page.button_group if one.key.endswith("_side"))
        side.set_value("A").run()
    labels = {"fracture": "No fracture", "chest": "No finding"}
    return press(page, labels.get(task, "Keep my answer"))


def read_all(page: PageTest, task: str) -> PageTest:
    """Read the three cases of a series that reveals after each."""
    for _ in CASES:
        commit(page, task)
        label = "Next case" if any(one.label == "Next case" for one in page.button) else "Finish"
        press(page, label)
    return page
