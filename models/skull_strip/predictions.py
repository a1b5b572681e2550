"""How the masks of each head compare with its reference masks, and how long they took."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from models.cards import ModelCard, task_cards
from models.skull_strip.evaluate import evaluate
from models.skull_strip.predict import load_model

DATA_SET = "T1 heads (IXI and others)"
PHANTOM_SET = ""


def tables(data: Path | None, split: str, limit: int | None = None) -> dict[str, pd.DataFrame]:
    """A row a head: source, Dice and 95th-percentile Hausdorff distance, volumes, seconds.

    Ours first; each other network is a part of its name.
    """
    if data is None:
        raise ValueError("this model is scored on heads only")
    found = {}
    for card in task_cards("skull_strip"):
        report = evaluate(load_model(card), data, split, limit=limit)
        found[part_of(card)] = pd.DataFrame(report["cases"])
    return dict(sorted(found.items()))


def part_of(card: ModelCard) -> str:
    """Name of a card's table of predictions; that of ours has none."""
    return "" if card.name == "unet" else card.name
