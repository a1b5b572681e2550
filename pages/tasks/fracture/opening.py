"""The fracture page's opening case, computed ahead (`pages.shared.warm`)."""

from __future__ import annotations

from models.cards import load_card
from pages.tasks.fracture import loaders
from pages.tasks.fracture.sidebar import FIRST, made


def compute() -> None:
    """Ask both models what the page asks them at first."""
    image = made(FIRST).image
    loaders.candidates(load_card("fracture", "detector"), image)
    loaders.probability(load_card("fracture", "classifier"), image)
