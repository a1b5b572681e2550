"""What each bone-age model says of each film, in months, and how the hand is outlined."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from core.bone_age.cases import read_bone_age_cases
from core.phantoms.hand.phantom import hand_phantom
from models.bone_age.evaluate import age_cards, evaluate, phantom_inputs, predict_all
from models.bone_age.evaluate_hand_mask import film_scores, phantom_scores
from models.bone_age.hand_mask import load_hand_mask
from models.bone_age.predict import pipelines_of
from models.cards import ModelCard, load_card

DATA_SET = "RSNA bone age (part)"
PHANTOM_SET = "Seeded hand phantoms"
PHANTOMS = 40


def tables(
    data: Path | None, split: str, limit: int | None = None, only: Collection[str] = ()
) -> dict[str, pd.DataFrame]:
    """A row a film: file, sex, true months, and a column a model; "hand_mask": Dice a film.

    With `only`, columns of these cards.
    """
    cards = [card for card in _shipped() if not only or card.name in only]
    outlines = load_hand_mask(load_card("bone_age", "hand_mask"))
    if data is None or split == "phantoms":
        seeds = range(min(PHANTOMS, limit or PHANTOMS))
        names = [f"phantom {seed}" for seed in seeds]
        masks = pd.DataFrame({"file": names, "dice": phantom_scores(outlines, seeds)})
        return {"": _phantoms(cards, seeds, names), "hand_mask": masks}
    cases = read_bone_age_cases(data, split)[:limit]
    _, rows = evaluate(cases, cards)
    found = film_scores(outlines, cases)
    masks = pd.DataFrame({"file": list(found), "dice": list(found.values())})
    return {"": pd.DataFrame(rows).drop(columns="split"), "hand_mask": masks}


def _shipped() -> list[ModelCard]:
    """Without those that a person brought."""
    return [card for card in age_cards() if not card.is_own]


def _phantoms(cards: Sequence[ModelCard], seeds: range, names: list[str]) -> pd.DataFrame:
    phantoms = [hand_phantom(seed) for seed in seeds]
    seen = phantom_inputs(phantoms, {name for card in cards for name in pipelines_of(card)})
    sexes = [phantom.sex for phantom in phantoms]
    ages = [phantom.age_months for phantom in phantoms]
    films = pd.DataFrame({"file": names, "sex": sexes, "age_months": ages})
    for card in cards:
        months, _ = predict_all(card, seen, sexes, np.ones(len(names), bool))
        films[card.name] = months.round(2)
    return films
