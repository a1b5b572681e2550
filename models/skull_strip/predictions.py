"""How the mask of each head compares with its reference masks, and how long it took."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from models.cards import load_card
from models.skull_strip.evaluate import evaluate
from models.skull_strip.predict import load_model

DATA_SET = "T1 heads (IXI and others)"


def tables(data: Path, split: str) -> dict[str, pd.DataFrame]:
    """A row a head: source, Dice and 95th-percentile Hausdorff distance, volumes, seconds."""
    report = evaluate(load_model(load_card("skull_strip", "unet")), data, split)
    return {"": pd.DataFrame(report["cases"])}
