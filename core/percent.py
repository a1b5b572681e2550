"""Shares in one style on every page: 92 %, 6.3 %, 99.4 %."""

from __future__ import annotations


def rounded(share: float) -> float:
    """A share as percent the way it is shown: whole ones, tenths below ten and from 99 on."""
    tenths = share < 0.0995 or 0.99 < share < 0.9995
    return float(f"{100 * share:.{1 if tenths else 0}f}")


def percent(share: float) -> str:
    """A share for the screen, with a no-break space before the sign."""
    if 0 < share < 0.0005:
        return "< 0.1\u00a0%"
    return f"{rounded(share):g}\u00a0%"


def interval(low: float, high: float) -> str:
    """Both ends of an interval of a share under one sign: 55–80 %."""
    return f"{rounded(low):g}–{percent(high)}"
