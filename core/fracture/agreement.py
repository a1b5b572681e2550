"""What detector, classifier and truth say about one film, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.detections import Boxes, Comparison, Detections, iou_matrix
from core.fracture.matching import match, reaches
from core.percent import percent

Outcome = Literal["hit", "miss", "false alarm", "true negative"]
Tone = Literal["clear", "attention", "problem"]

OUTCOMES: dict[Outcome, str] = {
    "hit": "Hits: every fracture has a box",
    "miss": "Misses: at least one fracture has no box",
    "false alarm": "False alarms: a box where there is no fracture",
    "true negative": "True negatives: no fracture, no box",
}


@dataclass(frozen=True, eq=False)
class Answer:
    """Both models' answers to one film, beside its truth.

    Attributes:
        found: Boxes above the threshold, after suppression.
        threshold: From which score on a box is shown.
        probability: The classifier's, in [0, 1].
        operating_point: From where on the classifier says “fracture”.
        fused: Calibrated probability of both together, in [0, 1].
        against_truth: By `core.fracture.matching.match`; None where the truth is not known.
    """

    found: Detections
    threshold: float
    probability: float
    operating_point: float
    fused: float
    against_truth: Comparison | None = None

    @property
    def boxed(self) -> bool:
        """Whether the detector finds something."""
        return len(self.found) > 0

    @property
    def called(self) -> bool:
        """Whether the classifier says “fracture”."""
        return reaches(self.probability, self.operating_point)

    @property
    def figures(self) -> str:
        """Boxes, highest score, classifier and both together, as a phrase."""
        count, boxes = len(self.found), f"no box at {self.threshold:.2f} or above"
        if count:
            boxes = f"{count} box{'' if count == 1 else 'es'}, highest {self.found.scores[0]:.2f}"
        return (
            f"{boxes}, classifier {percent(self.probability)}; both together {percent(self.fused)}"
        )


def verdict(answer: Answer) -> tuple[Tone, str]:
    """The answer in one line (Markdown), and how it is to be taken."""
    result = answer.against_truth
    fractures = 0 if result is None else len(result.found)
    silent = not answer.boxed and not answer.called
    if silent and fractures:
        return "problem", (
            f"**Fracture missed** ({_count(fractures, 'fracture')} in the ground truth): "
            f"{answer.figures}"
        )
    alone = {(True, False): " by the detector alone", (False, True): " by the classifier alone"}
    who = alone.get((answer.boxed, answer.called), "")
    head = "No fracture found" if silent else f"Fracture suspected{who}"
    tail = "" if result is None else f". {_against(result, silent=silent)}"
    return ("clear" if silent else "attention"), f"**{head}:** {answer.figures}{tail}"


def _against(result: Comparison, *, silent: bool) -> str:
    """The ground truth beside the answer, as a phrase."""
    if not len(result.found):
        return f"Ground truth: no fracture ({'true negative' if silent else 'false alarm'})"
    words = f"Ground truth: {int(result.found.sum())} of {len(result.found)} boxed"
    near = result.names.count("near miss")
    return f"{words}, {_count(near, 'near miss')}" if near else words


def _count(number: int, what: str) -> str:
    plural = {"fracture": "fractures", "near miss": "near misses"}[what]
    return f"{number} {what if number == 1 else plural}"


def agreement(answer: Answer) -> tuple[bool, str]:
    """Whether detector and classifier agree, and what they say, as a sentence."""
    count, limit = len(answer.found), f"threshold {percent(answer.operating_point)}"
    boxed = f"the detector gives {count} box{'es' if count != 1 else ''}"
    said = f"{percent(answer.probability)} ({limit})"
    if answer.boxed and answer.called:
        return True, f"Both models suspect a fracture: {boxed}, and the classifier gives {said}."
    if not answer.boxed and not answer.called:
        return True, f"Neither model suspects a fracture: no box, and the classifier gives {said}."
    if answer.boxed:
        return False, f"The models disagree: {boxed}, but the classifier gives only {said}."
    return False, f"The models disagree: the classifier gives {said}, but there is no box."


def outcome(found: Detections, truth_xyxy: Boxes) -> Outcome:
    """Which pile of the teaching set a film belongs to.

    A miss weighs most: a film with a missed fracture and a false box is a miss.

    Args:
        found: Boxes above the threshold, after suppression.
        truth_xyxy: (M, 4) true boxes; M = 0 is a normal film.
    """
    result = match(found, truth_xyxy)
    if result.misses:
        return "miss"
    if {"false alarm", "near miss"} & set(result.names):
        return "false alarm"
    return "hit" if len(result.found) else "true negative"


def score_on_truth(candidates: Detections, truth_xyxy: Boxes, iou: float = 0.5) -> float:
    """The best score among candidates that overlap a true box, 0 where none does: in [0, 1]."""
    if len(candidates) == 0 or len(truth_xyxy) == 0:
        return 0.0
    hits = iou_matrix(candidates.boxes_xyxy, truth_xyxy).max(axis=1) >= iou
    return float(candidates.scores[hits].max()) if hits.any() else 0.0


def elsewhere(lift: float) -> bool:
    """Whether a heat map looked elsewhere: less than twice as hot in the true boxes as around.

    Args:
        lift: Share of the heat over share of the area, `core.metrics.heat_maps.HeatScore.lift`.
    """
    return not np.isnan(lift) and lift < 2
