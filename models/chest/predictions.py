"""What the chest models say of each film: a probability a finding, and heart sizes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from core.images import FloatArray
from models.cards import ModelCard, load_card, task_cards
from models.chest import segment
from models.chest.dataset import Case, read_cases, read_film, read_mask_cases
from models.chest.evaluate import score_labelled, score_outlined
from models.chest.predict import load_model, network_input, probabilities

DATA_SET = "NIH ChestX-ray14 (part)"
PHANTOM_SET = ""
HEART = "Cardiomegaly"


def opinion(card: ModelCard, label: str = HEART) -> str:
    """The column with what a card says of a finding."""
    return f"{'p' if card.name == 'findings' else card.name} {label}"


def tables(data: Path | None, split: str, limit: int | None = None) -> dict[str, pd.DataFrame]:
    """A row a film with "true …" and "p …" a finding, and what further cards say of the heart.

    Under "small" the large films brought to 64 px first; under "hearts" a row a film with masks.
    """
    if data is None:
        raise ValueError("chest models are scored on films only")
    findings = load_card("chest", "findings")
    others = [card for card in task_cards("chest") if card.labels == (HEART,)]
    cases = read_cases(data, split)[:limit]
    scored = score_labelled(load_model(findings), cases)
    films = pd.DataFrame(
        {
            "file": scored.files,
            "px": scored.px,
            "view": [case.row.get("view", "") for case in cases],
        }
    )
    for column, label in enumerate(scored.labels):
        films[f"true {label}"] = scored.truth[:, column].astype(int)
        films[f"p {label}"] = scored.found[:, column]
    for card in others:
        films[opinion(card)] = score_labelled(load_model(card), cases).found[:, 0]
    large = [case for case in cases if case.px == 128]
    return {
        "": films,
        "small": _through_64(findings, large),
        "hearts": _hearts(data, split, limit, [findings, *others]),
    }


def _through_64(card: ModelCard, cases: Sequence[Case]) -> pd.DataFrame:
    """What resolution is worth: the same films, brought to 64 px first."""
    scored = score_labelled(load_model(card), cases, through_px=64)
    columns = {f"p {label}": scored.found[:, i] for i, label in enumerate(scored.labels)}
    return pd.DataFrame({"file": scored.files, **columns})


def _hearts(data: Path, split: str, limit: int | None, cards: Sequence[ModelCard]) -> pd.DataFrame:
    cases = read_mask_cases(data, split)[:limit]
    outlined = score_outlined(segment.load_model(load_card("chest", "heart_lungs")), cases)
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
    for card in cards:
        model = load_model(card)
        seen: list[FloatArray] = [network_input(model, read_film(case.path)) for case in cases]
        found = probabilities(model, np.stack(seen))
        hearts[opinion(card)] = found[:, model.labels.index(HEART)]
    return hearts
