"""The figures of the chest cards, from kept predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.chest.ctr import LIMIT
from core.images import FloatArray
from core.metrics.statistics import auroc
from models.cards import MODELS, ModelCard, load_card
from models.chest.evaluate import (
    LEAST_POSITIVES,
    SIZES,
    SPECIFICITY,
    calibration_error,
    reliability,
)
from models.chest.percentiles import percentiles, table_of
from models.chest.predictions import HEART, opinion
from models.chest.settings import findings_settings
from models.figures import Figure, Rows, mean

NIH = "NIH ChestX-ray14 (part)"
SOURCES = {
    "JSRT and hospital films": None,
    "JSRT films": "ctr_jsrt",
    "Hospital films": "ctr_wingspan",
}


def figures(card: ModelCard, rows: Rows) -> list[Figure]:
    """Test first, then val; what a network's own truth is comes before the other truth."""
    found: list[Figure] = []
    for split in ("test", "val"):
        if card.role == "outlines":
            found += _outlines(rows(split, "hearts"), split)
            continue
        reported = list(_reported(card, rows, split))
        measured = list(_measured(card, rows(split, "hearts"), split))
        own = findings_settings(card).truth == "ratio"
        found += [*measured, *reported] if own else [*reported, *measured]
    return found


def settings(card: ModelCard, rows: Rows) -> dict[tuple[str, str], Any]:
    """Operating points on val, and what they mean on test."""
    if card.role == "outlines" or findings_settings(card).truth == "ratio":
        return {}
    films, chosen = rows("test"), rows("val")
    points: dict[tuple[str, str], Any] = {}
    meaning: dict[str, dict[str, float]] = {"sensitivity": {}, "specificity": {}}
    positives: dict[str, int] = {}
    for label in card.labels:
        without = chosen.loc[chosen[f"true {label}"] == 0, opinion(card, label)]
        point = float(np.quantile(without, SPECIFICITY))
        points["operating_points", label] = point
        part = films[films["px"] == 128] if label == HEART else films
        truth, found = part[f"true {label}"] == 1, part[opinion(card, label)]
        above = found >= card.operating_points[label]
        positives[label] = int(truth.sum())
        if positives[label]:
            meaning["sensitivity"][label] = float(above[truth].mean())
        meaning["specificity"][label] = float(1 - above[~truth].mean())
    told = {("settings", name): values for name, values in meaning.items()}
    return {**points, **told, ("settings", "positives"): positives}


def tables(rows: Rows) -> dict[Path, pd.DataFrame]:
    """What else is kept of predictions: reliability on test, and how films of val score."""
    card = load_card("chest", "findings")
    truth, found = _arrays(card, rows("test"))
    bins = pd.DataFrame(reliability(truth, found))
    truth, found = _arrays(card, rows("val"))
    ranks = pd.DataFrame(percentiles(found, truth, card.labels))
    ranks.insert(0, "percent", range(len(ranks)))
    return {MODELS / "chest" / "reliability.csv": bins, table_of(card.name): ranks}


def mean_area(truth: FloatArray, found: FloatArray) -> float:
    """Mean AUROC of the columns."""
    return float(np.mean([auroc(truth[:, i], found[:, i]) for i in range(truth.shape[1])]))


def _arrays(card: ModelCard, films: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    truth = films[[f"true {label}" for label in card.labels]].to_numpy(np.float32)
    return truth, films[[opinion(card, label) for label in card.labels]].to_numpy(np.float32)


def _reported(card: ModelCard, rows: Rows, split: str) -> Iterator[Figure]:
    """Against the reports."""
    films = rows(split)
    parts: dict[str, pd.DataFrame] = {f"{px}-px films": films[films["px"] == px] for px in SIZES}
    parts["both sizes"] = films
    if len(card.labels) > 1:
        for size, part in parts.items():
            yield _mean_area(f"Mean AUROC, {size}", split, *_arrays(card, part))
    shown = card.labels if split == "test" or len(card.labels) == 1 else ()
    for label in shown:
        for size in ("both sizes", "128-px films", "64-px films"):
            part = parts[size]
            truth = part[f"true {label}"].to_numpy(np.float32)
            if not LEAST_POSITIVES <= truth.sum() < len(truth) or not _told(label, size):
                continue
            name, note = (
                f"AUROC, {label.replace('_', ' ')}, {size}",
                f"{int(truth.sum())} positives",
            )
            found = part[opinion(card, label)].to_numpy(np.float32)
            yield Figure(name, NIH, split, (truth, found), auroc, note=note)
    if split == "test":  # the calibration was fitted on val
        pairs = "all pairs of film and reported finding"
        samples = _arrays(card, films)
        name = "Calibration error (15 bins)"
        yield Figure(name, NIH, split, samples, calibration_error, note=pairs)
    if card.name == "findings":
        large = parts["128-px films"].set_index("file")
        small = rows(split, "small").set_index("file").loc[large.index]
        seen = large[[f"true {label}" for label in card.labels]].join(small)
        name = "Mean AUROC, the 128-px films brought to 64 px first"
        yield _mean_area(name, split, *_arrays(card, seen))


def _told(label: str, size: str) -> bool:
    """Whether a finding's figure on films of this size goes on the card.

    The size of a film alone tells cardiomegaly with an AUROC of 0.77 (almost all positives of
    `val` are small films): it is reported within one size only.
    """
    return size != "both sizes" if label == HEART else size != "64-px films"


def _mean_area(name: str, split: str, truth: FloatArray, found: FloatArray) -> Figure:
    positives = truth.sum(axis=0)
    kept = (positives >= LEAST_POSITIVES) & (positives < len(truth))
    note = f"over the {kept.sum()} findings with at least {LEAST_POSITIVES} positives"
    return Figure(name, NIH, split, (truth[:, kept], found[:, kept]), mean_area, note=note)


def _measured(card: ModelCard, hearts: pd.DataFrame, split: str) -> Iterator[Figure]:
    """Cardiomegaly against a measured ratio above one half, by source."""
    if HEART not in card.labels:
        return
    for place, source in SOURCES.items():
        part = hearts if source is None else hearts[hearts["source"] == source]
        truth = (part["true_ratio"] > LIMIT).to_numpy()
        name = "AUROC, Cardiomegaly, against the measured ratio"
        note = f"{int(truth.sum())} films with a ratio above 0.5"
        found = part[opinion(card)].to_numpy(np.float32)
        yield Figure(name, place, split, (truth, found), auroc, note=note)


def _outlines(hearts: pd.DataFrame, split: str) -> Iterator[Figure]:
    ratio_error = (hearts["ratio"] - hearts["true_ratio"]).abs().fillna(0.5)  # not found at all
    values: dict[str, NDArray[np.float64]] = {
        "Dice, heart": hearts["dice_heart"].to_numpy(float),
        "Dice, lungs": hearts["dice_lungs"].to_numpy(float),
        "Cardiothoracic ratio, mean absolute error": ratio_error.to_numpy(float),
    }
    for name, column in values.items():
        for place, source in SOURCES.items():
            inside = np.ones(len(hearts), bool) if source is None else hearts["source"] == source
            title = name if source is None else f"{name}, {place[0].lower() + place[1:]}"
            title = title.replace("jSRT", "JSRT")
            statistic: Callable[..., float] = mean
            yield Figure(title, place, split, (column[np.asarray(inside)],), statistic)
