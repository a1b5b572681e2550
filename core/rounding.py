"""Numbers without a scale of their own, in three significant digits: 0.0046, 1.25, 836, 65,535."""

from __future__ import annotations

from math import floor, isfinite, log10


def significant(value: float) -> str:
    """A number for the screen: three significant digits, but never fewer than whole units."""
    if value == 0 or not isfinite(value):
        return f"{value:g}"
    places = max(0, 2 - floor(log10(abs(value))))
    if places > 8:
        return f"{value:.2e}"
    said = f"{value:,.{places}f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


def span(low: float, high: float, unit: str = "") -> str:
    """A range under one unit: "0.0046 to 836"; ends far below the other count as zero."""
    most = max(abs(low), abs(high))
    ends = [significant(0.0 if abs(end) < most / 10_000 else end) for end in (low, high)]
    return f"{' to '.join(ends)} {unit}".rstrip()
