"""The fracture page's opening case, computed ahead (`pages.shared.warm`)."""

from __future__ import annotations

from models.cards import load_card
from pages.shared import caching
from pages.tasks.fracture import loaders
from pages.tasks.fracture.sidebar import FIRST, made


def compute() -> None:
    """Ask both models what the page asks them at first, then what its first part shows."""
    image = made(FIRST).image
    detector = load_card("fracture", "detector")
    classifier = load_card("fracture", "classifier")
    loaders.candidates(detector, image)
    loaders.probability(classifier, image)
    caching.note_answer("fracture", image, detector, classifier)
    loaders.steps(detector, image)
    loaders.looks(detector, image)
