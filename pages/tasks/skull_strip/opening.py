"""The skull-stripping page's opening case, computed ahead (`pages.shared.warm`)."""

from __future__ import annotations

from core.skull_strip import OURS
from models.cards import load_card
from pages.shared import warm
from pages.tasks.skull_strip import loaders
from pages.tasks.skull_strip.sidebar import VOXELS, simulated

PAGE = "skull_strip"


def compute() -> None:
    """Strip the head that the page opens on: the defaults of its sidebar."""
    head = simulated(1, VOXELS["2 mm"], 0.3, 0.02)
    loaders.ahead(PAGE, head.volume, OURS, load_card(PAGE, "unet"), warm.visits().rest)
