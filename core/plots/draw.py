"""Pictures from arrays: display window, boxes, heat map and marks, as uint8 for screen and file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray

Picture = NDArray[np.uint8]
Rgb = tuple[int, int, int]
Scaled = TypeVar("Scaled", Picture, FloatArray)

# Okabe & Ito's palette: told apart with every common kind of colour vision.
PREDICTION: Rgb = (86, 180, 233)
TRUTH: Rgb = (230, 159, 0)

# Inferno (matplotlib, CC0) at even steps: lightness rises with the value, also in grey print.
HEAT_SCALE: tuple[Rgb, ...] = (
    (0, 0, 4),
    (64, 10, 103),
    (147, 38, 103),
    (221, 81, 58),
    (252, 165, 10),
    (252, 255, 164),
)


def hex_colour(colour: Rgb) -> str:
    """An RGB colour as "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def windowed(
    pixels: FloatArray, level: float = 0.5, width: float = 1.0, *, invert: bool = False
) -> Picture:
    """The picture of a radiograph through a display window.

    Args:
        pixels: (H, W) in [0, 1], bone bright.
        level: Middle of the window, on the scale of the pixels.
        width: Span of the window, above 0; what lies outside is black or white.
        invert: Whether bone is shown dark.

    Returns:
        uint8 (H, W).

    Raises:
        ValueError: If the width is not positive.
    """
    if width <= 0:
        raise ValueError(f"window width must be above 0, got {width}")
    shown = np.clip((pixels - (level - width / 2)) / width, 0.0, 1.0)
    if invert:
        shown = 1.0 - shown
    return np.rint(shown * 255).astype(np.uint8)


def to_rgb(picture: Picture) -> Picture:
    """Three equal channels of a grey picture; a colour picture comes back as a copy."""
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture.copy()


def with_boxes(
    picture: Picture,
    boxes_xyxy: NDArray[np.float32],
    labels: Sequence[str] = (),
    *,
    colour: Rgb = PREDICTION,
    dashed: bool = False,
) -> Picture:
    """Draw boxes on a picture, with a dark rim so that they stand out on bone and on air.

    Args:
        picture: uint8 (H, W) or (H, W, 3).
        boxes_xyxy: (N, 4) in its pixels.
        labels: One text a box, written above it; none by default.
        colour: Of line and text.
        dashed: The line style of truth; predictions are solid.

    Returns:
        uint8 (H, W, 3); the argument is left as it was.
    """
    drawn = to_rgb(picture)
    boxes = np.asarray(boxes_xyxy, np.float32).reshape(-1, 4)
    line = max(1, round(max(drawn.shape[:2]) / 260))
    for rim, tint in ((line + 2, (0, 0, 0)), (line, colour)):
        for box in boxes:
            for start, end in _sides(box, dash=8.0 * line if dashed else None):
                cv2.line(drawn, start, end, tint, rim)
    scale = max(0.4, max(drawn.shape[:2]) / 1100)
    for box, label in zip(boxes, labels, strict=False):
        # Cut into whole pixels; a box at the upper rim gets its text inside.
        at = (int(box[0]), int(box[1] - 3 * line if box[1] > 20 * scale else box[1] + 24 * scale))
        for rim, tint in ((line + 2, (0, 0, 0)), (line, colour)):
            cv2.putText(drawn, label, at, cv2.FONT_HERSHEY_SIMPLEX, scale, tint, rim, cv2.LINE_AA)
    return drawn


def with_polygons(
    picture: Picture, polygons: Sequence[NDArray[np.float64]], *, colour: Rgb = TRUTH
) -> Picture:
    """Draw closed outlines on a picture, thinner than boxes, with a dark rim.

    Args:
        picture: uint8 (H, W) or (H, W, 3).
        polygons: Corners (K, 2) in its pixels.
        colour: Of the line.

    Returns:
        uint8 (H, W, 3); the argument is left as it was.
    """
    drawn = to_rgb(picture)
    corners = [np.rint(points).astype(np.int32).reshape(-1, 1, 2) for points in polygons]
    line = max(1, round(max(drawn.shape[:2]) / 520))
    for width, tint in ((line + 2, (0, 0, 0)), (line, colour)):
        cv2.polylines(drawn, corners, True, tint, width, cv2.LINE_AA)
    return drawn


def _sides(
    box: NDArray[np.float32], dash: float | None
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The four sides of a box as line segments, cut into dashes of `dash` pixels if given."""
    x0, y0, x1, y1 = (float(value) for value in box)
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
    segments = []
    for start, end in pairwise(corners):
        length = float(np.hypot(*(end - start)))
        dashes = 1 if dash is None else max(3, round(length / dash))
        stops = np.linspace(0.0, 1.0, 2 * dashes) if dash is not None else np.array([0.0, 1.0])
        for first, last in zip(stops[::2], stops[1::2], strict=True):
            a, b = start + first * (end - start), start + last * (end - start)
            segments.append(((round(a[0]), round(a[1])), (round(b[0]), round(b[1]))))
    return segments


def heat_colours(heat: FloatArray) -> Picture:
    """A heat map in [0, 1] in the colours of `HEAT_SCALE`: (H, W) → uint8 (H, W, 3)."""
    stops = np.linspace(0.0, 1.0, len(HEAT_SCALE))
    scale = np.array(HEAT_SCALE, float)
    channels = [np.interp(heat, stops, scale[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def with_heat(picture: Picture, heat: FloatArray, opacity: float = 0.5) -> Picture:
    """Lay a heat map over a picture; where it is 0 the picture shows through untouched.

    Args:
        picture: uint8 (H, W) or (H, W, 3).
        heat: (H, W) in [0, 1].
        opacity: In [0, 1]; scales the heat map's own transparency.

    Raises:
        ValueError: If the shapes differ.
    """
    if heat.shape != picture.shape[:2]:
        raise ValueError(f"heat map {heat.shape} and picture {picture.shape[:2]} differ in shape")
    share = (np.clip(heat, 0, 1) * opacity)[..., None]
    mixed = to_rgb(picture) * (1 - share) + heat_colours(heat) * share
    return np.rint(mixed).astype(np.uint8)


def scaled(array: Scaled, factor: float) -> Scaled:
    """A picture or film enlarged (linearly) or shrunk (by area) by a factor above 0."""
    height, width = array.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return cast(Scaled, cv2.resize(array, size, interpolation=how))


def tile(picture: Picture, width: int, height: int) -> Picture:
    """A picture fitted into a black frame of a given size, so that galleries line up."""
    small = scaled(picture, min(height / picture.shape[0], width / picture.shape[1]))
    small = small[:height, :width]  # rounding may give a pixel more
    frame = np.zeros((height, width, 3), np.uint8)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    frame[top : top + small.shape[0], left : left + small.shape[1]] = to_rgb(small)
    return frame
