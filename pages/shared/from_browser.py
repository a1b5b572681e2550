"""What the browser's parts send, checked: a page can be made to send anything.

What is not as it should be counts as not sent.
"""

from __future__ import annotations

from typing import Any

MOST_BOXES = 100
MOST_PX = 1e6


def fields(value: Any) -> dict[str, Any]:
    """A message as a mapping; empty where it is none."""
    return value if isinstance(value, dict) else {}


def numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """`count` finite numbers, or None."""
    if not isinstance(value, list | tuple) or len(value) != count:
        return None
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in value):
        return None
    if not all(-MOST_PX <= one <= MOST_PX for one in value):  # nor NaN
        return None
    return tuple(float(one) for one in value)


def points(value: Any, most: int) -> list[tuple[float, float]]:
    """Up to `most` points (x, y)."""
    if not isinstance(value, list | tuple):
        return []
    found = (numbers(one, 2) for one in value[:most])
    return [(one[0], one[1]) for one in found if one is not None]


def boxes(value: Any, width: int, height: int) -> list[list[float]]:
    """Boxes (x0, y0, x1, y1) within a picture; those without width or height are left out."""
    if not isinstance(value, list | tuple):
        return []
    found = []
    for one in value[:MOST_BOXES]:
        box = numbers(one, 4)
        if box is None:
            continue
        x0, x1 = (min(max(x, 0.0), float(width)) for x in box[::2])
        y0, y1 = (min(max(y, 0.0), float(height)) for y in box[1::2])
        if x0 < x1 and y0 < y1:
            found.append([x0, y0, x1, y1])
    return found
