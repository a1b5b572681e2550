"""What the one-page report of a fracture film says of its boxes."""

from __future__ import annotations

from collections.abc import Sequence

from core import report
from core.files.write import BoxRow

MOST_BOXES = 8
"""More would not leave the report one page."""
HEAD = ("box", "score (not a probability)", "size", "against the ground truth")


def boxes(rows: Sequence[BoxRow]) -> str:
    """The boxes as a table."""
    lines = [
        (
            str(row.number),
            f"{row.score:.2f}",
            _size(row),
            "" if row.match == "unknown" else row.match,
        )
        for row in rows[:MOST_BOXES]
    ]
    more = f"and {len(rows) - MOST_BOXES} more"
    return report.table(lines, HEAD) + report.bullets([more] if len(rows) > MOST_BOXES else [])


def _size(row: BoxRow) -> str:
    pixels = f"{row.size_px[0]:.0f} × {row.size_px[1]:.0f} px"
    if row.size_mm is None:
        return pixels
    return f"{row.size_mm[0]:.1f} × {row.size_mm[1]:.1f} mm ({pixels})"
