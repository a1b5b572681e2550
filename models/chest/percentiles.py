"""How a probability stands among films without the finding: what a reader can weigh.

`findings_percentiles.csv`, which `models.verify --write` keeps up to date, holds for each finding
the probabilities below which 0, 1, 2 … 100 % of the films of `val` without it lie.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.images import FloatArray
from models.cards import MODELS

PERCENTS = np.arange(101)


def percentiles(
    found: FloatArray, truth: FloatArray, labels: Sequence[str]
) -> dict[str, FloatArray]:
    """For each finding 101 rising probabilities, from films (N, L) without it."""
    return {
        label: np.percentile(found[truth[:, i] < 0.5, i], PERCENTS).astype(np.float32)
        for i, label in enumerate(labels)
    }


def table_of(card: str) -> Path:
    """Where a card's table is kept."""
    return MODELS / "chest" / f"{card}_percentiles.csv"


def read(card: str) -> dict[str, FloatArray]:
    """The stored table of a card by finding; empty where none was written."""
    path = table_of(card)
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    return {
        label: np.array([float(row[label]) for row in rows], np.float32)
        for label in rows[0]
        if label != "percent"
    }


def share_below(table: Mapping[str, FloatArray], label: str, probability: float) -> float:
    """Share of the films without a finding that are given less for it; NaN where not stored."""
    if label not in table:
        return float("nan")
    return float(np.interp(probability, table[label], PERCENTS / 100))
