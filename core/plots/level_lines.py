"""Lines where a slice crosses a value, as points: the outline of a mask, steps of a field.

Plotly finds such lines itself, but in the browser, before anything else on the page goes on:
half a second for the strip of stages.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.plots.slices import Slice

Line = NDArray[np.float64]
SLACK = 0.6  # of a finer cell by which points may be left out of a straight piece


def level_lines(cut: Slice, level: float, *, finer: int = 4, closed: bool = False) -> list[Line]:
    """The lines between what lies above a level and the rest.

    Args:
        cut: The slice.
        level: On the scale of its image.
        finer: Cells a column and row into which it is divided; a line is as exact as these.
        closed: Whether what lies beyond the slice counts as below the level, as for a mask. Else
            a line ends at its edge.

    Returns:
        Of each line its points (N, 2), x and y in mm.
    """
    image = cut.image.astype(np.float32)
    rim = int(closed)
    padded = np.pad(image, rim) if closed else image
    fine = cv2.resize(padded, None, fx=finer, fy=finer, interpolation=cv2.INTER_LINEAR)
    above = (fine > level).astype(np.uint8)
    contours, _ = cv2.findContours(above, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    start, step = np.array([cut.x_mm, cut.y_mm]), np.array(cut.step_mm)
    found = []
    for contour in contours:
        for piece, is_ring in _pieces(contour[:, 0], above.shape):
            points = cv2.approxPolyDP(piece, SLACK, is_ring)[:, 0]
            points = np.concatenate([points, points[:1]]) if is_ring else points
            if len(points) > 1:
                found.append(start + step * ((points + 0.5) / finer - 0.5 - rim))
    return found


def _pieces(
    points: NDArray[np.int32], shape: Sequence[int]
) -> list[tuple[NDArray[np.int32], bool]]:
    """A contour without what runs along the edge of the picture, and whether it is a ring."""
    last = np.array([shape[1] - 1, shape[0] - 1])
    at_edge = ((points == 0) | (points == last)).any(axis=1)
    if not at_edge.any():
        return [(points, True)]
    turn = -int(np.argmax(at_edge))
    points, at_edge = np.roll(points, turn, axis=0), np.roll(at_edge, turn)
    ends = np.flatnonzero(np.diff(at_edge.astype(np.int8))) + 1
    parts = zip(np.split(points, ends), np.split(at_edge, ends), strict=True)
    return [(part, False) for part, edge in parts if not edge[0]]


def joined(lines: Sequence[Line]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lines as the x and y of one Plotly trace, with a gap (NaN) between two of them."""
    gap = np.full((1, 2), np.nan)
    points = np.concatenate([part for line in lines for part in (line, gap)] or [gap])
    return points[:-1, 0].astype(np.float32), points[:-1, 1].astype(np.float32)
