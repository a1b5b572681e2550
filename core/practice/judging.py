"""An answer against the truth of its case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.detections import Boxes, iou_matrix
from core.practice.answers import Answer, BoneAgeAnswer, ChestAnswer, FractureAnswer, HeadAnswer
from core.practice.truths import BoneAgeTruth, ChestTruth, FractureTruth, HeadTruth, Truth

HIT_IOU = 0.3
HIT_RULE = "A box is a hit if its IoU with a true box is at least 0.3, or its centre lies in one."
BONE_AGE_MONTHS = 12.0
"""A bone age counts as right up to this error; a round number of ours."""
SPOT_MARGIN_MM = 5.0
RULES = {
    "fracture": "Right: “fracture” or “no fracture” is true, and in a fracture at least one box "
    "is a hit. " + HIT_RULE,
    "bone_age": f"Right: the error is at most {BONE_AGE_MONTHS:.0f} months.",
    "chest": "Right: exactly the findings that are present are named.",
    "skull_strip": "Right: the true mask is chosen.",
}
"""By task, when an answer counts as right, in words for the screen."""


@dataclass(frozen=True)
class Verdict:
    """What an answer got right.

    Attributes:
        right: By the task's rule in `RULES`.
        measures: Numbers by name: fracture "hits", "misses", "false_boxes"; bone age
            "error_months" (answer minus truth); chest "named", "missed", "false" and, where both
            are known, "ctr_error"; head "spot_mm" (from the spot's edge, 0 within), "spot_found".
    """

    right: bool
    measures: Mapping[str, float] = field(default_factory=dict)


def judge(answer: Answer, truth: Truth) -> Verdict:
    """Compare an answer with the truth.

    Raises:
        ValueError: If they belong to different tasks.
    """
    if isinstance(answer, FractureAnswer) and isinstance(truth, FractureTruth):
        return _fracture(answer, truth)
    if isinstance(answer, BoneAgeAnswer) and isinstance(truth, BoneAgeTruth):
        error = answer.months - truth.months
        return Verdict(abs(error) <= BONE_AGE_MONTHS, {"error_months": error})
    if isinstance(answer, ChestAnswer) and isinstance(truth, ChestTruth):
        return _chest(answer, truth)
    if isinstance(answer, HeadAnswer) and isinstance(truth, HeadTruth):
        return _head(answer, truth)
    raise ValueError(f"{type(answer).__name__} cannot be judged by {type(truth).__name__}")


def match_boxes(
    boxes_xyxy: Boxes, truth_xyxy: Boxes, scores: tuple[float, ...] = ()
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which boxes hit, and which true boxes were found, by `HIT_RULE`.

    Best score first, each true box once: a second box on the same fracture counts as false.

    Args:
        boxes_xyxy: (N, 4).
        truth_xyxy: (M, 4).
        scores: N numbers that order the boxes; as listed where empty.

    Returns:
        bool (N,) and bool (M,).
    """
    hit, found = np.zeros(len(boxes_xyxy), bool), np.zeros(len(truth_xyxy), bool)
    if not len(boxes_xyxy) or not len(truth_xyxy):
        return hit, found
    overlap = iou_matrix(boxes_xyxy, truth_xyxy)
    middle = (boxes_xyxy[:, None, :2] + boxes_xyxy[:, None, 2:]) / 2
    inside = ((middle >= truth_xyxy[None, :, :2]) & (middle <= truth_xyxy[None, :, 2:])).all(axis=2)
    worth = np.where((overlap >= HIT_IOU) | inside, 1 + overlap, 0)
    order = np.argsort(-np.asarray(scores), kind="stable") if scores else range(len(hit))
    for index in order:
        free = np.where(found, 0, worth[index])
        best = int(free.argmax())
        if free[best] > 0:
            hit[index] = found[best] = True
    return hit, found


def _fracture(answer: FractureAnswer, truth: FractureTruth) -> Verdict:
    hit, found = match_boxes(answer.boxes, truth.boxes, answer.ratings)
    right = answer.present == truth.abnormal and (not truth.abnormal or bool(hit.any()))
    return Verdict(
        right,
        {
            "hits": int(hit.sum()),
            "misses": int((~found).sum()),
            "false_boxes": int((~hit).sum()),
        },
    )


def _chest(answer: ChestAnswer, truth: ChestTruth) -> Verdict:
    named = set(answer.findings) & set(truth.findings)
    present = set(truth.present)
    measures: dict[str, float] = {
        "named": len(named & present),
        "missed": len(present - named),
        "false": len(named - present),
    }
    ratio = answer.ctr
    if ratio is not None and truth.ctr is not None:
        measures["ctr_error"] = ratio - truth.ctr
    return Verdict(named == present, measures)


def _head(answer: HeadAnswer, truth: HeadTruth) -> Verdict:
    measures: dict[str, float] = {}
    if answer.spot_ijk is not None:
        apart = (np.asarray(answer.spot_ijk) - truth.spot_ijk) * truth.spacing_mm
        beyond = max(0.0, float(np.linalg.norm(apart)) - truth.radius_mm)
        measures = {"spot_mm": beyond, "spot_found": float(beyond <= SPOT_MARGIN_MM)}
    return Verdict(answer.side == truth.side, measures)
