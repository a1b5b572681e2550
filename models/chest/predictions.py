"""What the chest models say of each film: a probability a finding, and heart sizes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from models.cards import load_card
from models.chest import segment
from models.chest.dataset import read_cases, read_mask_cases
from models.chest.evaluate import score_labelled, score_outlined
from models.chest.predict import load_model

DATA_SET = "NIH ChestX-ray14 (part)"


def tables(data: Path, split: str) -> dict[str, pd.DataFrame]:
    """A row a film with "true …" and "p …" a finding; under "hearts" a row a film with masks."""
    cases = read_cases(data, split)
    scored = score_labelled(load_model(load_card("chest", "findings")), cases)
    films = pd.DataFrame(
        {
            "file": scored.files,
            "px": scored.px,
            "view": [case.row.get("view", "") for case in cases],
        }
    )
    for column, label in enumerate(scored.labels):
        films[f"true {label}"] = scored.truth[:, column].astype(int)
        films[f"p {label}"] = scored.found[:, column].round(4)
    outlined = score_outlined(
        segment.load_model(load_card("chest", "heart_lungs")), read_mask_cases(data, split)
    )
    hearts = pd.DataFrame(
        {
            "file": [one.case.file for one in outlined],
            "source": [one.case.source for one in outlined],
            "true_ratio": [round(one.true_ratio, 4) for one in outlined],
            "ratio": [round(one.ratio, 4) for one in outlined],
            "dice_heart": [round(one.heart, 4) for one in outlined],
            "dice_lungs": [round(one.lungs, 4) for one in outlined],
        }
    )
    return {"": films, "hearts": hearts}
