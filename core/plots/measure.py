"""Distances and angles on a radiograph, in mm where its pixel spacing is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

Point = tuple[float, float]
"""(x, y) in pixels of the original image."""


@dataclass(frozen=True)
class Measurement:
    """A measured value with its unit ("mm", "px" or "°")."""

    value: float
    unit: str

    def __str__(self) -> str:
        joint = "" if self.unit == "°" else " "
        return f"{self.value:.1f}{joint}{self.unit}"


def distance(a: Point, b: Point, spacing_mm: tuple[float, float] | None = None) -> Measurement:
    """Length of the line between two points.

    Args:
        a, b: (x, y) in pixels.
        spacing_mm: Pixel spacing (row, column); without it the length is in pixels.
    """
    x_mm, y_mm = _scale(spacing_mm)
    length = math.hypot((b[0] - a[0]) * x_mm, (b[1] - a[1]) * y_mm)
    return Measurement(length, "px" if spacing_mm is None else "mm")


def angle(
    a: Point, vertex: Point, b: Point, spacing_mm: tuple[float, float] | None = None
) -> Measurement:
    """Angle at `vertex` between the lines to `a` and `b`, in degrees from 0 to 180.

    Without a spacing the pixels are taken as square.

    Raises:
        ValueError: If a line has no length, so that there is no angle.
    """
    x_mm, y_mm = _scale(spacing_mm)
    first = ((a[0] - vertex[0]) * x_mm, (a[1] - vertex[1]) * y_mm)
    second = ((b[0] - vertex[0]) * x_mm, (b[1] - vertex[1]) * y_mm)
    if not any(first) or not any(second):
        raise ValueError("an angle needs three different points")
    cross = first[0] * second[1] - first[1] * second[0]
    dot = first[0] * second[0] + first[1] * second[1]
    return Measurement(math.degrees(math.atan2(abs(cross), dot)), "°")


def scale_bar(width_px: float, column_spacing_mm: float | None) -> tuple[float, str]:
    """A round length of about a fifth of the image's width for a scale bar.

    Returns:
        Its length in pixels, and its label ("20 mm", or "50 px" where the spacing is unknown).
    """
    spacing = column_spacing_mm or 1.0
    target = width_px * spacing / 5
    power = 10.0 ** math.floor(math.log10(target))
    length = max(step * power for step in (1, 2, 5) if step * power <= target)
    return length / spacing, f"{length:g} {'px' if column_spacing_mm is None else 'mm'}"


def _scale(spacing_mm: tuple[float, float] | None) -> tuple[float, float]:
    """Factors for x and y; spacing is (row, column), hence (y, x)."""
    return (1.0, 1.0) if spacing_mm is None else (spacing_mm[1], spacing_mm[0])
