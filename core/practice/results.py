"""From kept readings to figures: of each reader, unaided and aided, and of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.metrics.estimates import (
    NONE,
    Estimate,
    bland_altman,
    proportion,
    sensitivity_specificity,
)
from core.metrics.roc import PairedDifference, Roc, paired_difference, roc
from core.practice.answers import Answer, BoneAgeAnswer, ChestAnswer, FractureAnswer, HeadAnswer
from core.practice.free_response import froc
from core.practice.judging import Verdict, judge
from core.practice.readings import Reading, folded
from core.practice.series import Series
from core.practice.store import Store
from core.practice.truths import BoneAgeTruth, ChestTruth, FractureTruth, Truth


@dataclass(frozen=True, eq=False)
class Answers:
    """All answers of one reader in one round, or of the model.

    Attributes:
        name: Nickname, or the model's name.
        round: 1 unaided, 2 after the model's answer was seen, 0 the model itself.
        answers: By case key, in the order in which they were given.
        truths: By case key.
        seconds: By case key; empty for the model.
    """

    name: str
    round: int
    answers: Mapping[str, Answer]
    truths: Mapping[str, Truth]
    seconds: Mapping[str, float]

    @property
    def label(self) -> str:
        """Name for a legend."""
        return {0: f"model {self.name}", 1: self.name, 2: f"{self.name}, aided"}[self.round]

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """By case key."""
        return {key: judge(answer, self.truths[key]) for key, answer in self.answers.items()}


@dataclass(frozen=True, eq=False)
class Results:
    """What was kept of one series.

    Attributes:
        series: The series.
        readings: All of them, as kept.
        readers: One entry for each reader and round.
        model: The model's answers to the cases that were read, or None.
    """

    series: Series
    readings: tuple[Reading, ...]
    readers: tuple[Answers, ...]
    model: Answers | None

    @property
    def everyone(self) -> tuple[Answers, ...]:
        """The readers, then the model."""
        return self.readers + ((self.model,) if self.model else ())

    def of(self, reader: str, round: int = 1) -> Answers | None:
        """One reader's answers of a round."""
        wanted = folded(reader)
        own = (o for o in self.readers if folded(o.name) == wanted and o.round == round)
        return next(own, None)


def load(
    store: Store, series: Series, *, reader: str | None = None, model: str | None = None
) -> Results:
    """What is kept of a series.

    Args:
        store: Where from.
        series: Which.
        reader: Only this reader; None for all.
        model: Name of the model to compare with; None takes whichever answered last.
    """
    chosen = model or next(iter(store.models(series)), "")
    answers = store.model_answers(series, chosen) if chosen else {}
    return results_of(series, store.readings(series.key, reader), answers, chosen)


def results_of(
    series: Series,
    readings: list[Reading],
    model_answers: Mapping[str, Answer] | None = None,
    model: str = "",
) -> Results:
    """Sort readings of a series by reader and round.

    Args:
        series: The series.
        readings: Of this series.
        model_answers: By case key; only cases that were read count, since only their truth is
            known here.
        model: The model's name.
    """
    groups: dict[tuple[str, int], list[Reading]] = {}
    for one in readings:
        groups.setdefault((one.reader, one.round), []).append(one)
    readers = tuple(
        Answers(
            name,
            number,
            {one.case: one.answer for one in group},
            {one.case: one.truth for one in group},
            {one.case: one.seconds for one in group},
        )
        for (name, number), group in sorted(
            groups.items(), key=lambda entry: (folded(entry[0][0]), entry[0][1])
        )
    )
    truths = {one.case: one.truth for one in readings}
    known = {key: answer for key, answer in (model_answers or {}).items() if key in truths}
    machine = Answers(model, 0, known, truths, {}) if known else None
    return Results(series, tuple(readings), readers, machine)


def figures(given: Answers) -> dict[str, Estimate]:
    """The figures of one reader or model, by name with unit.

    Fracture: sensitivity and specificity of "fracture or not", area under the ROC curve, share
    of fractures hit by a box, false boxes a film. Bone age: mean absolute error, bias, share
    within the tolerance. Chest: films with exactly the right findings, the error of the
    cardiothoracic ratio. Head: right masks, wrong spots found.
    """
    verdicts = given.verdicts
    right = sum(one.right for one in verdicts.values())
    share = proportion(right, len(verdicts))
    found: dict[str, Estimate] = {"right": share}
    answers = [given.answers[key] for key in verdicts]
    truths = [given.truths[key] for key in verdicts]
    if answers and isinstance(answers[0], FractureAnswer):
        found |= _fracture(answers, truths)
    elif answers and isinstance(answers[0], BoneAgeAnswer):
        errors = [one.measures["error_months"] for one in verdicts.values()]
        agreement = bland_altman(errors)
        found |= {"mean error (months)": agreement.mean_error, "bias (months)": agreement.bias}
    elif answers and isinstance(answers[0], ChestAnswer):
        ratios = [o.measures["ctr_error"] for o in verdicts.values() if "ctr_error" in o.measures]
        if ratios:
            agreement = bland_altman(ratios)
            found |= {"CTR mean error": agreement.mean_error, "CTR bias": agreement.bias}
    elif answers and isinstance(answers[0], HeadAnswer):
        spots = [o.measures["spot_found"] for o in verdicts.values() if "spot_found" in o.measures]
        found["wrong spots found"] = proportion(int(sum(spots)), len(spots))
    if given.seconds:
        seconds = list(given.seconds.values())
        quarters = np.percentile(seconds, [25, 50, 75])
        found["median time (s), quartiles"] = Estimate(
            float(quarters[1]), float(quarters[0]), float(quarters[2]), len(seconds)
        )
    return found


def _fracture(answers: list[Answer], truths: list[Truth]) -> dict[str, Estimate]:
    said = [one for one in answers if isinstance(one, FractureAnswer)]
    true = [one for one in truths if isinstance(one, FractureTruth)]
    abnormal = [one.abnormal for one in true]
    sensitivity, specificity = sensitivity_specificity(abnormal, [one.present for one in said])
    curve = roc(abnormal, [one.score for one in said])
    boxes = froc(said, true)
    nan = float("nan")
    return {
        "sensitivity": sensitivity,
        "specificity": specificity,
        "AUC": curve.area if curve else NONE,
        "fractures hit by a box": boxes.found,
        "false boxes per film": Estimate(boxes.false_boxes, nan, nan, boxes.films),
    }


def findings_of(given: Answers) -> tuple[str, ...]:
    """Chest: the findings that were asked for in any case, in the order of the truths."""
    names: dict[str, None] = {}
    for key in given.answers:
        truth = given.truths[key]
        if isinstance(truth, ChestTruth):
            names |= dict.fromkeys(truth.findings)
    return tuple(names)


def ratings(given: Answers, finding: str | None = None) -> dict[str, tuple[bool, bool, float]]:
    """By case key: whether it is abnormal, was called so, and its score from 0 to 100.

    Args:
        given: Answers to fracture or chest cases.
        finding: The chest finding; cases where it was not asked for are left out.

    Returns:
        Empty for the other tasks, which have no normal cases.
    """
    found: dict[str, tuple[bool, bool, float]] = {}
    for key, answer in given.answers.items():
        truth = given.truths[key]
        if isinstance(answer, FractureAnswer) and isinstance(truth, FractureTruth):
            found[key] = (truth.abnormal, answer.present, answer.score)
        elif (
            isinstance(answer, ChestAnswer)
            and isinstance(truth, ChestTruth)
            and finding is not None
            and finding in truth.findings
        ):
            there = truth.findings[finding]
            found[key] = (there, finding in answer.findings, answer.score(finding))
    return found


def roc_of(given: Answers, finding: str | None = None) -> Roc | None:
    """The ROC curve of a reader or model, of a finding on chest films; None for one class."""
    rows = list(ratings(given, finding).values())
    return roc([row[0] for row in rows], [row[2] for row in rows]) if rows else None


def against_model(
    given: Answers, model: Answers, finding: str | None = None
) -> PairedDifference | None:
    """Area of the reader minus that of the model on the cases that both answered; None where
    these are of one class only."""
    own, other = ratings(given, finding), ratings(model, finding)
    shared = [key for key in own if key in other]
    truth = [own[key][0] for key in shared]
    if len(set(truth)) < 2:
        return None
    return paired_difference(
        truth, [own[key][2] for key in shared], [other[key][2] for key in shared]
    )


def bone_age_pairs(given: Answers) -> dict[str, tuple[float, float]]:
    """By case key, months that were said and true months."""
    return {
        key: (answer.months, truth.months)
        for key, answer in given.answers.items()
        if isinstance(answer, BoneAgeAnswer)
        and isinstance(truth := given.truths[key], BoneAgeTruth)
    }


def confidences(given: Answers) -> list[tuple[str, float, bool]]:
    """(case key, confidence in percent, right) of each answer, of each named finding on chest
    films; for calibration."""
    rows: list[tuple[str, float, bool]] = []
    for key, verdict in given.verdicts.items():
        answer, truth = given.answers[key], given.truths[key]
        if isinstance(answer, ChestAnswer) and isinstance(truth, ChestTruth):
            rows += [
                (key, sure, truth.findings[name])
                for name, sure in answer.findings.items()
                if name in truth.findings
            ]
        else:
            rows.append((key, answer.confidence, verdict.right))
    return rows
