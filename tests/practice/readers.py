"""Small cases and simulated readers for the tests of Practice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.images import Radiograph, digest_of
from core.practice.answers import Answer, BoneAgeAnswer, ChestAnswer, FractureAnswer, HeadAnswer
from core.practice.cases import Case
from core.practice.series import Series
from core.practice.sources import PhantomSource
from core.practice.store import Store
from core.practice.truths import BoneAgeTruth, ChestTruth, FractureTruth, HeadTruth, Truth

FINDINGS = ("Effusion", "Nodule")


def series_of(task: str = "fracture", cases: int = 6, **values: object) -> Series:
    """A series of phantoms that no test opens."""
    series = Series(task, tuple(PhantomSource(n) for n in range(cases)), title=f"{cases} {task}")
    return replace(series, **values)  # type: ignore[arg-type]


def case_of(series: Series, index: int) -> Case:
    """A case with a tiny film whose truth follows from its index: odd ones are abnormal."""
    rng = np.random.default_rng(index)
    pixels = rng.random((48, 64), np.float32)
    image = Radiograph(pixels, digest_of(pixels))
    return Case(series.task, series.cases[index], image, truth_of(series.task, index))


def truth_of(task: str, index: int) -> Truth:
    """What is true of case `index`."""
    odd = index % 2 == 1
    if task == "fracture":
        return FractureTruth(((10.0 + index, 12, 30.0 + index, 26),) if odd else ())
    if task == "bone_age":
        return BoneAgeTruth(40.0 + 7 * index, "F" if odd else "M")
    if task == "chest":
        return ChestTruth({"Effusion": odd, "Nodule": index % 3 == 0}, 0.45)
    return HeadTruth("A" if odd else "B", (5, 6, 7), 12, (2, 1, 1), "missing")


def answer_of(task: str, index: int, *, right: bool, confidence: float = 80) -> Answer:
    """A right or a wrong answer to case `index`."""
    truth = truth_of(task, index)
    if isinstance(truth, FractureTruth):
        there = truth.boxes_xyxy or ((1, 2, 9, 8),)
        return FractureAnswer(there if truth.abnormal == right else (), confidence)
    if isinstance(truth, BoneAgeTruth):
        return BoneAgeAnswer(truth.months + (3 if right else 20), confidence)
    if isinstance(truth, ChestTruth):
        named = truth.present if right else set(FINDINGS) - set(truth.present)
        lines = {"heart": (20.0, 30, 40, 30), "chest": (10.0, 30, 50, 30)}
        return ChestAnswer(dict.fromkeys(named, confidence), lines)
    other = {"A": "B", "B": "A"}[truth.side]
    return HeadAnswer(truth.side if right else other, confidence, (5, 6, 7 if right else 40))


def read_all(
    store: Store, series: Series, reader: str, share_right: float = 0.75, seed: int = 0
) -> None:
    """Read a series to its end with answers that are right at random."""
    rng = np.random.default_rng([seed, len(reader)])
    while turn := store.next_turn(reader, series):
        right = bool(rng.random() < share_right)
        answer = answer_of(
            series.task, turn.index, right=right, confidence=float(rng.integers(0, 101))
        )
        seconds = float(rng.uniform(5, 60))
        case = case_of(series, turn.index)
        store.keep(
            reader, series, case, answer, seconds=seconds, round=turn.round,
            model="detector" if turn.round == 2 else "",
        )  # fmt: skip


def model_reads(store: Store, series: Series, name: str = "detector") -> None:
    """A model's answers: right except for every third case."""
    for index in range(len(series.cases)):
        right = index % 3 != 0
        answer = answer_of(series.task, index, right=right)
        if isinstance(answer, FractureAnswer):
            answer = replace(answer, probability=0.9 if answer.present else 0.2)
        if isinstance(answer, ChestAnswer):
            named = answer.findings
            answer = replace(
                answer, probabilities={one: 0.8 if one in named else 0.1 for one in FINDINGS}
            )
        store.keep_model_answer(case_of(series, index), name, answer)
