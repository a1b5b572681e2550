"""The page's rule for a hit: IoU of at least 0.5, or a centre inside a true box; in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.detections import Boxes, Comparison, Detections, iou_matrix
from core.percent import rounded

HIT_IOU = 0.5
RULE = (
    "A hit overlaps a true box by at least half (IoU ≥ 0.5) or has its centre inside one. A near "
    "miss touches a true box and is neither. The figures on the model card count by IoU ≥ 0.5 "
    "alone, as mAP50 does."
)


def match(found: Detections, truth_xyxy: Boxes) -> Comparison:
    """Match detections to true boxes, best score first, each true box once.

    The annotated boxes are loose and small: a box in the right place but of another size
    points at the fracture, so the centre counts, as in observer studies (JAFROC, Chakraborty
    2006).

    Args:
        found: Detections, best first.
        truth_xyxy: (M, 4) true boxes in the same pixels.

    Returns:
        Its `names` tell "hit", "second box" (on a fracture that a better box has hit), "near
        miss" and "false alarm".
    """
    truth = np.asarray(truth_xyxy, np.float32).reshape(-1, 4)
    overlap = iou_matrix(found.boxes_xyxy, truth)
    fits = (overlap >= HIT_IOU) | _centre_inside(found.boxes_xyxy, truth)
    hit, taken = np.zeros(len(found), bool), np.zeros(len(truth), bool)
    names = []
    for index in range(len(found)):
        free = np.where(fits[index] & ~taken, overlap[index], -1.0)
        if free.size and free.max() >= 0:
            hit[index] = True
            taken[int(free.argmax())] = True
            names.append("hit")
        elif fits[index].any():
            names.append("second box")
        else:
            near = overlap[index].size > 0 and overlap[index].max() > 0
            names.append("near miss" if near else "false alarm")
    return Comparison(hit, taken, tuple(names))


def above(candidates: Detections, threshold: float) -> Detections:
    """The boxes whose score, as it is shown with two decimals, is at least a threshold.

    So a box labelled 0.18 stays at a threshold of 0.18, although its score may be 0.176.
    """
    keep = np.array([float(f"{score:.2f}") >= threshold for score in candidates.scores], bool)
    return Detections(candidates.boxes_xyxy[keep], candidates.scores[keep])


def reaches(probability: float, operating_point: float) -> bool:
    """Whether a probability, as it is shown in percent, is at least an operating point."""
    return rounded(probability) >= round(100 * operating_point, 6)


def best_on_truth(candidates: Detections, truth_xyxy: Boxes) -> float:
    """The best score among candidates that hit a true box, 0 where none does: in [0, 1]."""
    hits = match(candidates, truth_xyxy).hit
    return float(candidates.scores[hits].max()) if hits.any() else 0.0


def _centre_inside(boxes_xyxy: Boxes, truth_xyxy: Boxes) -> NDArray[np.bool_]:
    """Whether the centre of each box lies in each true box: bool (N, M)."""
    centre = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
    low, high = truth_xyxy[None, :, :2], truth_xyxy[None, :, 2:]
    within = (centre[:, None] >= low) & (centre[:, None] <= high)
    return np.asarray(within.all(axis=2), np.bool_)
