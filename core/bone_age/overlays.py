"""Pictures of bone-age steps: landmarks, outlines and boxes drawn on them, and one sheet of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from core.plots.draw import PREDICTION, TRUTH, Picture, Rgb, scaled, tile, to_rgb, with_boxes
from core.stages import Step

OUTLINES = ("contour", "hull", "outline")
DASHED_OUTLINES = ("hull",)
VALLEYS: Rgb = (213, 94, 0)  # Okabe and Ito's vermilion
BEFORE = "crop_xyxy"
"""A box in pixels of the step before: it is drawn there."""
NOT_DRAWN = ("matrix", "mask")


def shown(array: np.ndarray) -> Picture:
    """What a step returned as a picture: uint8 as it is, [0, 1] and other ranges scaled."""
    if array.dtype == np.uint8:
        return array if array.max(initial=0) > 1 else array * np.uint8(255)
    values = array.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 1:
        values = (values - low) / max(high - low, 1e-9)
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def marked(picture: Picture, overlays: Mapping[str, Any], factor: float = 1.0) -> Picture:
    """Draw a step's overlays: outlines as lines, points as rings with their name, boxes as boxes.

    Args:
        picture: uint8 (H, W) or (H, W, 3), on whose pixels the overlays are.
        overlays: By name: (N, 2) points or outline, (2,) a point, (4,) a box, or a mapping of
            names to points or boxes; "line" has two ends. Transforms, masks and single numbers
            are not drawn.
        factor: Pixels of the picture per pixel of the overlays.
    """
    drawn = to_rgb(picture)
    line = max(1, round(max(drawn.shape[:2]) / 320))
    for name, value in overlays.items():
        if name == BEFORE or any(word in name for word in NOT_DRAWN):
            continue
        for label, points in _parts(name, value, factor):
            if points.shape == (4,):
                drawn = with_boxes(drawn, points[None].astype(np.float32), [label])
            elif name == "line":
                ends = _pixel(points[0]), _pixel(points[-1])
                cv2.line(drawn, *ends, (0, 0, 0), line + 2, cv2.LINE_AA)
                cv2.line(drawn, *ends, VALLEYS, line, cv2.LINE_AA)
            elif any(word in name for word in OUTLINES) and len(points) > 2:
                dashed = any(word in name for word in DASHED_OUTLINES)
                _outline(drawn, points, TRUTH if dashed else PREDICTION, line, dashed=dashed)
            else:
                _points(drawn, points, label, line)
    return drawn


def _parts(name: str, value: Any, factor: float) -> Iterator[tuple[str, np.ndarray]]:
    """The drawable parts of a mark, each with its label: (4,) boxes and (N, 2) points."""
    if isinstance(value, Mapping):
        for part, inner in value.items():
            yield from _parts(str(part), inner, factor)
        return
    try:
        array = np.asarray(value, float) * factor
    except (TypeError, ValueError):
        return
    if array.dtype == bool or array.ndim == 0 or not np.isfinite(array).all():
        return
    label = name.replace("_", " ")
    if array.shape == (2,):
        yield label, array[None]
    elif array.shape == (4,) or (array.ndim == 2 and array.shape[1] == 2):
        yield label, array
    elif array.ndim == 2 and array.shape[1] == 4:
        yield from ((label, row) for row in array)


def _outline(drawn: Picture, points: np.ndarray, colour: Rgb, line: int, *, dashed: bool) -> None:
    ring = np.rint(points).astype(np.int32)
    if not dashed:
        cv2.polylines(drawn, [ring], True, (0, 0, 0), line + 2, cv2.LINE_AA)
        cv2.polylines(drawn, [ring], True, colour, line, cv2.LINE_AA)
        return
    dash = 9.0 * line
    for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        pieces = max(1, round(float(np.hypot(*(end - start))) / dash))
        stops = np.linspace(start, end, 2 * pieces)
        for a, b in zip(stops[::2], stops[1::2], strict=True):
            cv2.line(drawn, _pixel(a), _pixel(b), (0, 0, 0), line + 2)
            cv2.line(drawn, _pixel(a), _pixel(b), colour, line)


def _points(drawn: Picture, points: np.ndarray, label: str, line: int) -> None:
    radius = 4 * line
    for point in points:
        cv2.circle(drawn, _pixel(point), radius, (0, 0, 0), line + 2, cv2.LINE_AA)
        cv2.circle(drawn, _pixel(point), radius, VALLEYS, line, cv2.LINE_AA)
    if len(points) == 1:  # a crowd of equal names would cover the hand
        at = _pixel(points[0] + (radius + 2 * line, 0))
        scale = max(0.4, max(drawn.shape[:2]) / 1100)
        for rim, tint in ((line + 2, (0, 0, 0)), (line, VALLEYS)):
            cv2.putText(drawn, label, at, cv2.FONT_HERSHEY_SIMPLEX, scale, tint, rim, cv2.LINE_AA)


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def pictures(steps: Sequence[Step], side_px: int = 420) -> list[Picture]:
    """Every step with its own overlays, and with the box that the step after it keeps, dashed.

    Args:
        steps: From the first on, as they ran.
        side_px: Longest side of each picture; overlays are drawn at that size, so that their lines
            and words can be read.
    """
    factors = [side_px / max(step.image.shape[:2]) for step in steps]
    drawn = []
    for step, factor in zip(steps, factors, strict=True):
        small = scaled(shown(step.image), factor)
        drawn.append(marked(small, {} if step.skipped else step.overlays, factor))
    for number, step in enumerate(steps[1:]):
        box = None if step.skipped else step.overlays.get(BEFORE)
        if box is not None:
            corners = np.asarray(box, np.float32)[None] * np.float32(factors[number])
            drawn[number] = with_boxes(drawn[number], corners, colour=TRUTH, dashed=True)
    return drawn


def sheet(steps: Sequence[Step], columns: int = 4, side_px: int = 360) -> Picture:
    """All steps on one picture, with number and name above each; for a file.

    Returns:
        uint8 (H, W, 3); black where the last row is not full.
    """
    head = 34
    tiles = []
    for number, (step, picture) in enumerate(
        zip(steps, pictures(steps, side_px), strict=True), start=1
    ):
        panel = np.zeros((side_px + head, side_px, 3), np.uint8)
        panel[head:] = tile(picture, side_px, side_px)
        state = " (left out)" if step.skipped else " (failed)" if step.error else ""
        words = f"{number}. {step.name}{state}".encode("ascii", "replace").decode()
        cv2.putText(
            panel, words, (6, 23), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (242, 242, 242), 1, cv2.LINE_AA
        )
        tiles.append(panel)
    while len(tiles) % columns:
        tiles.append(np.zeros_like(tiles[0]))
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(rows)
