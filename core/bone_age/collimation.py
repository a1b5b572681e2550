"""The exposed field of a hand film: what lies inside the collimator's frame.

Many films of the archive are framed: black, grey or white borders, straight or tilted, sometimes
one within another. The published pipelines threshold at the mean, and a border brighter than
that is then taken for the hand; so the border is looked for first.
"""

from __future__ import annotations

import cv2
import numpy as np

from core.bone_age.geometry import shift
from core.images import FloatArray, bounding_box

LOOK_PX = 256
"""Long side of the reduced film on which lines are looked for."""
MOST_BORDERS = 3
LEAST_FIELD = 0.05
"""Smallest field that is believed, as a part of the film."""
NEAR = 0.06
"""Width of the band beyond a line that is looked at by itself, as a part of the longer side."""
STRAIGHT = 0.9976
"""Cosine of 4°: lines nearer to upright or level are believed at once. Others need a second
border parallel or at right angles: the outline of thumb and forearm is a straight line, too."""
SHORTEST_LINE = 0.5
"""Shortest border line, as a part of the shorter side: forearms have shorter straight edges."""
NEAREST_TO_CENTRE = 0.1
"""Nearest that a border comes to the film's centre, as a part of the longer side."""
MOST_EDGES = 0.008
"""Share of edge pixels beyond a line, neither along nor across it, from which there is more
than a frame: a thumb, say."""


def field_mask(pixels: FloatArray) -> np.ndarray:
    """The exposed field: the film without what lies beyond straight border lines.

    Looked for up to three times, each time within the last, as borders lie within borders.

    Args:
        pixels: float32 (H, W) in [0, 1], bone bright.

    Returns:
        bool (H, W), convex, all true where no border is found.
    """
    inside = np.ones(pixels.shape, bool)
    for _ in range(MOST_BORDERS):
        window = _bounding(inside)
        found = _within_lines(_filled(pixels[window], inside[window]))
        if found.all() or (found & inside[window]).sum() < LEAST_FIELD * inside.size:
            break
        inside[window] &= found
    return inside


def cut_to_field(
    pixels: FloatArray, *, margin_high: float = 0.0, margin_wide: float = 0.0
) -> tuple[FloatArray, dict[str, object]]:
    """Crop to the exposed field and fill what is left of its border with its background.

    Args:
        pixels: float32 (H, W) in [0, 1], bone bright.
        margin_high, margin_wide: How much of the border is kept above and below, and on either
            side, as parts of the field: room for a later trimming, which else cuts fingertips.

    Returns:
        float32 pixels, and the overlays `contour` of the field in the cropped film and `matrix`.
    """
    inside = field_mask(pixels)
    rows, columns = _bounding(inside)
    rows = _widened(rows, margin_high, pixels.shape[0])
    columns = _widened(columns, margin_wide, pixels.shape[1])
    kept = inside[rows, columns]
    cropped = _filled(pixels[rows, columns], kept)
    contours, _ = cv2.findContours(
        kept.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    contour = max(contours, key=cv2.contourArea).reshape(-1, 2).astype(float)
    return cropped, {"contour": contour, "matrix": shift(columns.start, rows.start)}


def _widened(part: slice, margin: float, size: int) -> slice:
    more = round(margin * (part.stop - part.start))
    return slice(max(part.start - more, 0), min(part.stop + more, size))


def _bounding(mask: np.ndarray) -> tuple[slice, slice]:
    rows, columns = bounding_box(mask) or (slice(0, 0), slice(0, 0))
    return rows, columns


def _filled(pixels: FloatArray, kept: np.ndarray) -> FloatArray:
    """A copy whose pixels outside `kept` have a grey that is common in the background."""
    filled = pixels.copy()
    if not kept.all():
        filled[~kept] = np.quantile(pixels[kept], 0.1)
    return filled


def _within_lines(pixels: FloatArray) -> np.ndarray:
    """bool (H, W): on the inner side of every line that looks like a border."""
    height, width = pixels.shape
    scale = LOOK_PX / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    edges = _edges(small)
    slope_x, slope_y = (cv2.Sobel(small, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    steepness = np.hypot(slope_x, slope_y) + 1e-6
    slope_x, slope_y = slope_x / steepness, slope_y / steepness
    rows, columns = np.indices(small.shape, np.float32)
    centre = (np.array(small.shape[::-1], np.float32) - 1) / 2
    borders: list[tuple[np.ndarray, np.ndarray]] = []
    for x0, y0, x1, y1 in _lines(edges, min(small.shape)):
        normal = np.array([y1 - y0, x0 - x1], np.float32)
        normal /= np.hypot(*normal)
        to_centre = float(normal @ (centre - (x0, y0)))
        if to_centre < 0:
            normal, to_centre = -normal, -to_centre
        if to_centre < NEAREST_TO_CENTRE * LOOK_PX:
            continue
        distance = normal[0] * (columns - x0) + normal[1] * (rows - y0)
        beyond = distance < -2.5
        along = np.abs(slope_x * normal[0] + slope_y * normal[1])
        crooked = (edges > 0) & (along > 0.17) & (along < 0.985)  # 10° from both
        near = beyond & (distance > -NEAR * LOOK_PX)
        if any(part.any() and crooked[part].mean() > MOST_EDGES for part in (beyond, near)):
            continue
        borders.append((normal, distance > 2.0))
    inside = np.ones(small.shape, bool)
    for normal, side in borders:
        others = [float(normal @ other) for other, _ in borders]
        if abs(normal).max() >= STRAIGHT or any(abs(d) < 0.05 or d < -0.998 for d in others):
            inside &= side
    return cv2.resize(inside.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0


def _edges(small: FloatArray) -> np.ndarray:
    """Edges whose strength is judged by the film's own contrast, so that dark films have some."""
    low, high = np.quantile(small, [0.02, 0.98])
    grey = np.clip((small - low) / max(float(high - low), 1e-3), 0, 1)
    return cv2.Canny((grey * 255).astype(np.uint8), 30, 90)


def _lines(edges: np.ndarray, short_side: int) -> np.ndarray:
    """(N, 4) end points of long straight edges."""
    least = SHORTEST_LINE * short_side
    # Thickened: a line a little off the pixel grid is a stair, and its votes would be shared out.
    thick = cv2.dilate(edges, np.ones((3, 3), np.uint8))
    found = cv2.HoughLinesP(
        thick, 1, np.pi / 360, threshold=round(0.6 * least), minLineLength=least, maxLineGap=8
    )
    return np.zeros((0, 4), int) if found is None else found.reshape(-1, 4)
