"""The chest page's opening case, computed ahead (`pages.shared.warm`)."""

from __future__ import annotations

from models.cards import load_card
from pages.shared import caching
from pages.tasks.chest import loaders
from pages.tasks.chest.reading import single_cards
from pages.tasks.chest.sidebar import Phantom, classifiers, made


def compute() -> None:
    """Ask the networks what the page asks them at first."""
    image = made(Phantom()).image
    segmenter = load_card("chest", "heart_lungs")
    loaders.masks(segmenter, image)
    for card in (classifiers()[0], *single_cards()):
        loaders.findings(card, image)
    found = loaders.findings(classifiers()[0], image)
    loaders.heat(classifiers()[0], image, found.ranked[0])
    caching.note_answer("chest", image, classifiers()[0], segmenter)
