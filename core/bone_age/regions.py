"""Find the fingers of an upright hand by its hull, and the regions that atlases look at."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.bone_age.one_hand import filled
from core.errors import UnsuitableInputError

Points = NDArray[np.float64]
Box = tuple[float, float, float, float]

REGIONS = ("middle_finger", "thumb", "mcp", "wrist")

LEAST_DEPTH = 0.12
"""Least depth of a gap between fingers, in units of the square root of the hand's area."""


@dataclass(frozen=True, eq=False)
class HandOutline:
    """What the outline of a hand with fingers pointing up says.

    Attributes:
        contour: (N, 2) outline, x and y in pixels.
        hull: (M, 2) its convex hull.
        defects: (K, 2) deepest points of every hull defect that is deep enough.
        gaps: (4, 2) those between the fingers, from the little finger to the thumb.
        tip: (2,) tip of the middle finger.
        thumb_tip: (2,) end of the thumb on the hull.
        palm: (2,) centre of the largest circle within the palm.
        palm_radius: Its radius in pixels.
        thumb_side: 1 where the thumb is on the viewer's right, else -1.
    """

    contour: Points
    hull: Points
    defects: Points
    gaps: Points
    tip: Points
    thumb_tip: Points
    palm: Points
    palm_radius: float
    thumb_side: int


def largest_contour(mask: np.ndarray) -> Points:
    """(N, 2) outline of the largest connected part of a mask.

    Raises:
        UnsuitableInputError: If the mask is empty.
    """
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        raise UnsuitableInputError(
            "No outline was found: nothing stands out from the background. A radiograph of one "
            "hand was expected."
        )
    return max(contours, key=cv2.contourArea).reshape(-1, 2).astype(float)


def hand_outline(mask: np.ndarray, least_depth: float = LEAST_DEPTH) -> HandOutline:
    """Hull, defects and fingers of an upright hand.

    Hull defects as gaps between fingers are an old trick of gesture recognition (Manresa et al.,
    Hand tracking and gesture recognition for human-computer interaction, ELCVIA 2005;5(3)).

    Args:
        mask: bool (H, W), the hand with its fingers up.
        least_depth: Least depth of a gap, in units of the square root of the hand's area.

    Raises:
        UnsuitableInputError: If there are fewer than four gaps between fingers.
    """
    contour = largest_contour(mask)
    ring = contour.astype(np.int32)[:, None]
    scale = float(np.sqrt(max(cv2.contourArea(ring), 1.0)))
    ring = cv2.approxPolyDP(ring, 0.004 * scale, True).reshape(-1, 1, 2)
    indices = cv2.convexHull(ring, returnPoints=False)
    # convexityDefects needs indices in one order; convexHull does not promise that any more.
    indices = np.sort(indices.reshape(-1, 1), axis=0)[::-1]
    try:
        found = cv2.convexityDefects(ring, indices) if len(indices) > 3 else None
    except cv2.error:  # an outline that crosses itself
        found = None
    rows = np.zeros((0, 4), int) if found is None else np.reshape(found, (-1, 4))
    rows = rows[rows[:, 3] / 256 > least_depth * scale]
    points = ring[:, 0].astype(float)
    start, end, far = points[rows[:, 0]], points[rows[:, 1]], points[rows[:, 2]]
    moments = cv2.moments(ring)
    centre = np.array([moments["m10"], moments["m01"]]) / max(moments["m00"], 1.0)
    fits = _between_fingers(start, end, far, centre, scale)
    gaps = far[fits]
    if len(gaps) < 4:
        raise UnsuitableInputError(
            f"The hull of the hand has {len(gaps)} gap{'' if len(gaps) == 1 else 's'} "
            "between fingers, and four were expected: fingers touch or bend, are cut off, or the "
            "shape is not a hand. Choose a film with spread fingers, or the segmentation pipeline."
        )
    bearing = _bearing(gaps, centre)
    order = np.argsort(bearing)
    if len(order) > 4:
        order = _best_four(order, gaps)
    gaps, ends = gaps[order], np.stack([start[fits], end[fits]], axis=1)[order]
    # The gap beside the thumb is farther from its neighbour, and lower, than the one opposite.
    widths = np.hypot(*np.diff(gaps, axis=0).T)
    thumb_side = 1 if widths[2] - widths[0] + gaps[3, 1] - gaps[0, 1] > 0 else -1
    gaps, ends = gaps[::thumb_side], ends[::thumb_side]
    hull = points[indices[:, 0]]
    tip = _farthest(contour, gaps[1], gaps[2])
    thumb_tip = ends[3][np.argmax(_bearing(ends[3], centre) * thumb_side)]
    distance = cv2.distanceTransform(filled(contour, mask.shape).astype(np.uint8), cv2.DIST_L2, 5)
    distance[: int(gaps[1:3, 1].min())] = 0
    palm_y, palm_x = np.unravel_index(int(distance.argmax()), distance.shape)
    palm, radius = np.array([palm_x, palm_y], float), float(distance.max())
    return HandOutline(contour, hull, far, gaps, tip, thumb_tip, palm, radius, thumb_side)


def region_boxes(outline: HandOutline, shape: tuple[int, ...]) -> dict[str, Box]:
    """The regions of an upright hand.

    Widths and heights were set on the 25 training films with joint boxes of Koitka et al. (PLOS
    ONE 2018;13(11):e0207496), in units of the middle finger and of the palm's radius.

    Args:
        outline: From `hand_outline`.
        shape: (H, W) to stay within.

    Returns:
        Name → (x0, y0, x1, y1): "middle_finger", "thumb", "mcp" (the upper joints), "wrist".
    """
    side, gaps = outline.thumb_side, outline.gaps
    root = (gaps[1] + gaps[2]) / 2
    unit = float(np.hypot(*(outline.tip - root)))
    little, index, thumb = gaps[0], gaps[2], gaps[3]
    # Written for a thumb on the right: x counts towards the thumb.
    boxes = {
        "middle_finger": _box(
            (side * gaps[1, 0] - 0.06 * unit, side * gaps[2, 0] + 0.06 * unit),
            (outline.tip[1] - 0.05 * unit, root[1] + 0.2 * unit),
        ),
        "thumb": _box(
            (side * thumb[0] - 0.02 * unit, side * outline.thumb_tip[0] + 0.08 * unit),
            (min(outline.thumb_tip[1], thumb[1]) - 0.08 * unit, thumb[1] + 0.45 * unit),
        ),
        "mcp": _box(
            (side * little[0] - 0.35 * unit, side * index[0] + 0.34 * unit),
            (root[1] - 0.22 * unit, max(little[1], index[1]) + 0.42 * unit),
        ),
        "wrist": _box(
            (
                side * outline.palm[0] - 1.2 * outline.palm_radius,
                side * outline.palm[0] + 1.1 * outline.palm_radius,
            ),
            (
                outline.palm[1] - 0.15 * outline.palm_radius,
                outline.palm[1] + 1.95 * outline.palm_radius,
            ),
        ),
    }
    return {name: _placed(boxes[name], side, shape) for name in REGIONS}


def _box(xs: tuple[float, float], ys: tuple[float, float]) -> Box:
    return min(xs), min(ys), max(xs), max(ys)


def _placed(box: Box, side: int, shape: tuple[int, ...]) -> Box:
    """Mirror a box back where the thumb is on the left, and keep it, not empty, in the image."""
    x0, x1 = sorted((side * box[0], side * box[2]))
    height, width = shape[:2]
    x0, y0 = min(max(x0, 0.0), width - 2.0), min(max(box[1], 0.0), height - 2.0)
    x1, y1 = max(min(x1, float(width)), x0 + 2), max(min(box[3], float(height)), y0 + 2)
    return x0, y0, x1, y1


def _bearing(points: Points, centre: Points) -> Points:
    """Angle of each point as seen from the centre: 0 straight up, positive to the right."""
    return np.arctan2(points[:, 0] - centre[0], centre[1] - points[:, 1])


def _between_fingers(
    start: Points, end: Points, far: Points, centre: Points, scale: float
) -> NDArray[np.bool_]:
    """Which defects are narrow, open upwards or sideways, and not far below the centroid."""
    a, b = start - far, end - far
    lengths = np.maximum(np.hypot(*a.T) * np.hypot(*b.T), 1e-9)
    cosine = (a * b).sum(axis=1) / lengths
    opening = (
        a / np.maximum(np.hypot(*a.T), 1e-9)[:, None]
        + b / np.maximum(np.hypot(*b.T), 1e-9)[:, None]
    )
    return (cosine > -0.5) & (opening[:, 1] < 0.3) & (far[:, 1] < centre[1] + 0.35 * scale)


def _best_four(order: NDArray[np.intp], gaps: Points) -> NDArray[np.intp]:
    """Four neighbouring gaps of many: those nearest to the top on the whole."""
    starts = range(len(order) - 3)
    best = min(starts, key=lambda first: float(gaps[order[first : first + 4], 1].mean()))
    return order[best : best + 4]


def _farthest(contour: Points, one: Points, other: Points) -> Points:
    """The outline's point farthest from two of its points on the shorter way between them."""
    first, last = sorted(
        int(np.argmin(((contour - point) ** 2).sum(axis=1))) for point in (one, other)
    )
    inner = contour[first : last + 1]
    outer = np.concatenate([contour[last:], contour[: first + 1]])
    way = inner if len(inner) < len(outer) else outer
    return way[np.argmax(((way - (one + other) / 2) ** 2).sum(axis=1))]
