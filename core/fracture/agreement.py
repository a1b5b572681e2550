"""What detector, classifier and truth say about one film, in words."""

from __future__ import annotations

from typing import Literal

import numpy as np

from core.detections import Boxes, Detections, compare, iou_matrix

Outcome = Literal["hit", "miss", "false alarm", "correctly silent"]

OUTCOMES: dict[Outcome, str] = {
    "hit": "Hits: every fracture was boxed",
    "miss": "Misses: at least one fracture has no box",
    "false alarm": "False alarms: a box where there is no fracture",
    "correctly silent": "Correctly silent: no fracture, no box",
}


def outcome(found: Detections, truth_xyxy: Boxes, iou: float = 0.5) -> Outcome:
    """Which pile of the teaching set a film belongs to.

    A miss weighs most: a film with a missed fracture and a false box is a miss.

    Args:
        found: Boxes above the threshold, after suppression.
        truth_xyxy: (M, 4) true boxes; M = 0 is a normal film.
        iou: Least overlap of a hit.
    """
    result = compare(found, truth_xyxy, iou)
    if result.misses:
        return "miss"
    if result.false_positives:
        return "false alarm"
    return "hit" if len(result.found) else "correctly silent"


def agreement(boxes: int, probability: float, operating_point: float) -> tuple[bool, str]:
    """Whether detector and classifier agree, and what they say, as a sentence.

    Args:
        boxes: Number of boxes above the detector's threshold.
        probability: The classifier's, in [0, 1].
        operating_point: From where on the classifier says “fracture”.
    """
    seen, believed = boxes > 0, probability >= operating_point
    boxed = f"the detector draws {boxes} box{'es' if boxes > 1 else ''}"
    if seen and believed:
        return True, f"Both see a fracture: {boxed}, and the classifier gives {probability:.0%}."
    if not seen and not believed:
        return True, (
            "Both see none: no box above the threshold, and the classifier gives "
            f"{probability:.0%}, below its {operating_point:.0%}."
        )
    if seen:
        return False, (
            f"They disagree: {boxed}, but the classifier gives only {probability:.0%} "
            f"(it says “fracture” from {operating_point:.0%})."
        )
    return False, (
        f"They disagree: the classifier gives {probability:.0%} (it says “fracture” from "
        f"{operating_point:.0%}), but no box is above the detector’s threshold."
    )


def heat_inside(heat: np.ndarray, boxes_xyxy: Boxes) -> float:
    """Share of a heat map's sum that lies inside the boxes, in [0, 1]; NaN where it is all 0.

    Args:
        heat: (H, W), not negative.
        boxes_xyxy: (N, 4) in its pixels.
    """
    total = float(heat.sum())
    if total <= 0:
        return float("nan")
    inside = np.zeros(heat.shape, bool)
    for x0, y0, x1, y1 in np.asarray(boxes_xyxy, float).reshape(-1, 4):
        inside[int(np.floor(y0)) : int(np.ceil(y1)), int(np.floor(x0)) : int(np.ceil(x1))] = True
    return float(heat[inside].sum()) / total


def score_on_truth(candidates: Detections, truth_xyxy: Boxes, iou: float = 0.5) -> float:
    """The best score among candidates that hit a true box, 0 where none does: in [0, 1]."""
    if len(candidates) == 0 or len(truth_xyxy) == 0:
        return 0.0
    hits = iou_matrix(candidates.boxes_xyxy, truth_xyxy).max(axis=1) >= iou
    return float(candidates.scores[hits].max()) if hits.any() else 0.0
