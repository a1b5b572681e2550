"""What the chest models say of each film: a probability a finding, and heart sizes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from core.images import FloatArray
from models.cards import ModelCard, load_card, task_cards
from models.chest import segment
from models.chest.dataset import Case, MaskCase, read_cases, read_film, read_mask_cases
from models.chest.evaluate import score_labelled, score_outlined
from models.chest.predict import load_model, network_input, probabilities

DATA_SET = "NIH ChestX-ray14 (part)"
PHANTOM_SET = ""
HEART = "Cardiomegaly"


def opinion(card: ModelCard, label: str = HEART) -> str:
    """The column with what a card says of a finding."""
    return f"{'p' if card.name == 'findings' else card.name} {label}"


def tables(
    data: Path | None, split: str, limit: int | None = None, only: Collection[str] = ()
) -> dict[str, pd.DataFrame]:
    """A row a film with "true …" and "p …" a finding, and what further cards say of the heart.

    Under "small" the large films brought to 64 px first; under "hearts" a row a film with masks.
    With `only`, columns of these cards and none of others.
    """
    if data is None:
        raise ValueError("chest models are scored on films only")
    findings = load_card("chest", "findings")
    asked = [findings, *(card for card in task_cards("chest") if card.labels == (HEART,))]
    cases = read_cases(data, split)[:limit]
    films = _known(cases, findings.labels)
    for card in asked:
        if not only or card.name in only:
            films = films.join(_answers(card, cases))
    large = [case for case in cases if case.px == 128]
    return {
        "": films,
        "small": _through_64(findings, large, only),
        "hearts": _hearts(data, split, limit, asked, only),
    }


def _known(cases: Sequence[Case], labels: Sequence[str]) -> pd.DataFrame:
    """What the table of films says of each."""
    columns = {
        "file": [case.file for case in cases],
        "px": [case.px for case in cases],
        "view": [case.row.get("view", "") for case in cases],
    }
    truth = {f"true {name}": [int(name in case.findings) for case in cases] for name in labels}
    return pd.DataFrame({**columns, **truth})


def _answers(card: ModelCard, cases: Sequence[Case]) -> pd.DataFrame:
    """The probabilities of a card."""
    scored = score_labelled(load_model(card), cases)
    return pd.DataFrame(scored.found, columns=[opinion(card, label) for label in scored.labels])


def _through_64(card: ModelCard, cases: Sequence[Case], only: Collection[str]) -> pd.DataFrame:
    """What resolution is worth: the same films, brought to 64 px first."""
    if only and card.name not in only:
        return pd.DataFrame({"file": [case.file for case in cases]})
    scored = score_labelled(load_model(card), cases, through_px=64)
    columns = {f"p {label}": scored.found[:, i] for i, label in enumerate(scored.labels)}
    return pd.DataFrame({"file": scored.files, **columns})


def _hearts(
    data: Path, split: str, limit: int | None, cards: Sequence[ModelCard], only: Collection[str]
) -> pd.DataFrame:
    cases = read_mask_cases(data, split)[:limit]
    known = {"file": [case.file for case in cases], "source": [case.source for case in cases]}
    hearts = pd.DataFrame(known)
    if not only or "heart_lungs" in only:
        hearts = hearts.assign(**_outlines(cases))
    for card in cards:
        if only and card.name not in only:
            continue
        model = load_model(card)
        seen: list[FloatArray] = [network_input(model, read_film(case.path)) for case in cases]
        found = probabilities(model, np.stack(seen))
        hearts[opinion(card)] = found[:, model.labels.index(HEART)]
    return hearts


def _outlines(cases: Sequence[MaskCase]) -> dict[str, list[float]]:
    """Ratio and overlap of the network's outlines."""
    outlined = score_outlined(segment.load_model(load_card("chest", "heart_lungs")), cases)
    return {
        "true_ratio": [round(one.true_ratio, 4) for one in outlined],
        "ratio": [round(one.ratio, 4) for one in outlined],
        "dice_heart": [round(one.heart, 4) for one in outlined],
        "dice_lungs": [round(one.lungs, 4) for one in outlined],
    }
