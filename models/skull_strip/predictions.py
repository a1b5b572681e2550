"""How the mask of each head compares with its reference masks, and how long it took."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from models.cards import load_card
from models.skull_strip.evaluate import evaluate, evaluate_phantoms
from models.skull_strip.predict import load_model

DATA_SET = "T1 heads (IXI and others)"
PHANTOM_SET = "Head phantoms of seeds 0 to 19"
PHANTOMS = 20


def tables(data: Path | None, split: str, limit: int | None = None) -> dict[str, pd.DataFrame]:
    """A row a head: source, Dice and 95th-percentile Hausdorff distance, volumes, seconds."""
    model = load_model(load_card("skull_strip", "unet"))
    if data is None or split == "phantoms":
        report = evaluate_phantoms(model, min(PHANTOMS, limit or PHANTOMS))
    else:
        report = evaluate(model, data, split, limit=limit)
    return {"": pd.DataFrame(report["cases"])}
