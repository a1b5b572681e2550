"""Boxes found in a radiograph: filtering, suppression and comparison with the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Detections:
    """Aligned boxes and scores of one image, best first.

    Attributes:
        boxes_xyxy: float32 (N, 4), pixels of the original image; N = 0 is normal.
        scores: float32 (N,) in [0, 1], falling.
    """

    boxes_xyxy: Boxes
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        boxes = np.asarray(self.boxes_xyxy, np.float32).reshape(-1, 4)
        scores = np.asarray(self.scores, np.float32).reshape(-1)
        if len(boxes) != len(scores):
            raise ValueError(f"{len(boxes)} boxes but {len(scores)} scores")
        if np.any(boxes[:, 2:] < boxes[:, :2]):
            raise ValueError("a box ends before it begins")
        order = np.argsort(-scores, kind="stable")
        object.__setattr__(self, "boxes_xyxy", boxes[order])
        object.__setattr__(self, "scores", scores[order])

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, threshold: float) -> Detections:
        """The boxes with a score of at least `threshold`."""
        keep = self.scores >= threshold
        return Detections(self.boxes_xyxy[keep], self.scores[keep])

    def suppressed(self, iou: float) -> Detections:
        """Greedy non-maximum suppression: a box goes where a better one overlaps by > `iou`."""
        keep: list[int] = []
        overlap = iou_matrix(self.boxes_xyxy, self.boxes_xyxy)
        for index in range(len(self)):
            if not keep or overlap[index, keep].max() <= iou:
                keep.append(index)
        return Detections(self.boxes_xyxy[keep], self.scores[keep])


@dataclass(frozen=True, eq=False)
class Comparison:
    """Detections against the truth of one image.

    Attributes:
        hit: bool (N,) per detection: it is a true positive.
        found: bool (M,) per true box: some detection hit it.
        names: What each detection is called, where a task has more words than hit and false
            alarm; otherwise empty.
    """

    hit: NDArray[np.bool_]
    found: NDArray[np.bool_]
    names: tuple[str, ...] = ()

    @property
    def true_positives(self) -> int:
        return int(self.hit.sum())

    @property
    def false_positives(self) -> int:
        return int((~self.hit).sum())

    @property
    def misses(self) -> int:
        return int((~self.found).sum())


def iou_matrix(a_xyxy: Boxes, b_xyxy: Boxes) -> NDArray[np.float32]:
    """Intersection over union of every pair: (N, 4), (M, 4) → float32 (N, M)."""
    a = np.asarray(a_xyxy, np.float32).reshape(-1, 1, 4)
    b = np.asarray(b_xyxy, np.float32).reshape(1, -1, 4)
    side = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    shared = side[..., 0] * side[..., 1]
    area_a = (a[..., 2] - a[..., 0]) * (a[..., 3] - a[..., 1])
    area_b = (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    union = area_a + area_b - shared
    return np.where(union > 0, shared / np.maximum(union, 1e-9), 0.0).astype(np.float32)


def compare(found: Detections, truth_xyxy: Boxes, iou: float = 0.5) -> Comparison:
    """Match detections to true boxes, best score first, each true box once.

    Args:
        found: Detections, best first.
        truth_xyxy: (M, 4) true boxes in the same pixels.
        iou: Least overlap of a match, as in mAP50.
    """
    truth = np.asarray(truth_xyxy, np.float32).reshape(-1, 4)
    overlap = iou_matrix(found.boxes_xyxy, truth)
    hit = np.zeros(len(found), bool)
    taken = np.zeros(len(truth), bool)
    for index in range(len(found)):
        free = np.where(taken, -1.0, overlap[index])
        if free.size and free.max() >= iou:
            hit[index] = True
            taken[int(free.argmax())] = True
    return Comparison(hit, taken)
