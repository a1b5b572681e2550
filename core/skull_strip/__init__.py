"""From a raw head to what the network receives, and from its answer back to the input grid."""

from core.skull_strip.bias import Cancelled, expected_n4_seconds, n4_field
from core.skull_strip.checks import looks_like_t1_head
from core.skull_strip.grid import WorkingGrid, from_grid, place_grid, to_grid
from core.skull_strip.pipeline import (
    OURS,
    PIPELINES,
    PUBLISHED,
    TALLER,
    Prepared,
    Settings,
    expected_seconds,
    prepare,
    restore,
    restore_steps,
)

__all__ = [
    "OURS",
    "PIPELINES",
    "PUBLISHED",
    "TALLER",
    "Cancelled",
    "Prepared",
    "Settings",
    "WorkingGrid",
    "expected_n4_seconds",
    "expected_seconds",
    "from_grid",
    "looks_like_t1_head",
    "n4_field",
    "place_grid",
    "prepare",
    "restore",
    "restore_steps",
    "to_grid",
]
