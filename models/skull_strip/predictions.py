"""How the mask of each head compares with its reference masks, and how long it took."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from models.cards import load_card
from models.skull_strip.evaluate import evaluate
from models.skull_strip.predict import load_model

DATA_SET = "T1 heads (IXI and others)"
PHANTOM_SET = ""


def tables(data: Path | None, split: str, limit: int | None = None) -> dict[str, pd.DataFrame]:
    """A row a head: source, Dice and 95th-percentile Hausdorff distance, volumes, seconds."""
    if data is None:
        raise ValueError("this model is scored on heads only")
    report = evaluate(load_model(load_card("skull_strip", "unet")), data, split, limit=limit)
    return {"": pd.DataFrame(report["cases"])}
