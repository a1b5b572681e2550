"""The figures of a card, computed from kept predictions, and how they are written on it.

Each task's `models/<task>/figures.py` has `figures(card, rows)`, and may have `settings(card,
rows)` for what a card sets from predictions (calibration, operating points).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.metrics.statistics import bootstrap_interval

DRAWS = 1000
METRICS_MARK = "# Below: written by python -m models.verify --write"


class Rows(Protocol):
    """The kept predictions of a task by split and part."""

    def __call__(self, split: str, part: str = "") -> pd.DataFrame: ...


@dataclass(frozen=True, eq=False)
class Figure:
    """One figure of a card, not yet computed.

    Attributes:
        name, data_set, split, note: As on the card.
        samples: Arrays over the same cases.
        statistic: The figure of such arrays.
        draws: Bootstrap resamples of its interval.
    """

    name: str
    data_set: str
    split: str
    samples: tuple[NDArray[Any], ...]
    statistic: Callable[..., float]
    note: str = ""
    draws: int = DRAWS

    @property
    def n(self) -> int:
        return len(self.samples[0])

    @property
    def value(self) -> float:
        return float(self.statistic(*self.samples))

    def row(self) -> dict[str, Any]:
        """As the card keeps it, with its bootstrap 95 % interval over cases."""
        low, high = bootstrap_interval(self.statistic, *self.samples, draws=self.draws)
        kept = {name: rounded(v) for name, v in zip(("low", "high"), (low, high), strict=True)}
        place = {"data_set": self.data_set, "split": self.split, "n": self.n, "note": self.note}
        return {"name": self.name, "value": rounded(self.value), **kept, **place}


def mean(values: NDArray[Any]) -> float:
    """The mean, for figures that are one."""
    return float(np.mean(values))


def rounded(value: float) -> float:
    """Four decimals, as cards keep their figures."""
    return round(float(value), 4)


def without_nan(value: Any) -> Any:
    """The same with None for NaN and infinity, which JSON does not know."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value


def same(card: float, measured: float) -> bool:
    """Whether two figures differ by no more than the rounding to three shown digits."""
    if math.isnan(card) or math.isnan(measured):
        return math.isnan(card) and math.isnan(measured)
    return abs(card - measured) <= 0.0005 * max(1.0, abs(card), abs(measured))


def written(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, float):
        return repr(round(value, 6))
    if isinstance(value, Mapping):
        inner = ", ".join(f"{name} = {written(v)}" for name, v in value.items() if v is not None)
        return "{ " + inner + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(written(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def write_metrics(card: Path, metrics: list[dict[str, Any]]) -> None:
    """Replace all figures of a card; they are its last part."""
    head = card.read_text(encoding="utf-8").split("[[metrics]]")[0]
    head = head.replace(METRICS_MARK, "").rstrip()
    parts = [head, METRICS_MARK]
    parts += [
        "\n".join(["[[metrics]]", *(f"{name} = {written(v)}" for name, v in row.items())])
        for row in metrics
    ]
    card.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def write_settings(card: Path, values: Mapping[tuple[str, str], Any]) -> None:
    """Set values by table and key ("settings.fusion", "bias"), which the card has already.

    Raises:
        ValueError: If the card lacks one.
    """
    text = card.read_text(encoding="utf-8")
    for (table, key), value in values.items():
        place = re.compile(
            rf"(^\[{re.escape(table)}\]\n(?:(?!\[)[^\n]*\n)*?{re.escape(key)} = )[^\n]*",
            re.MULTILINE,
        )
        found = place.search(text)
        if found is None:
            raise ValueError(f"{card.name} has no {key} in [{table}]")
        text = f"{text[: found.start()]}{found[1]}{written(value)}{text[found.end() :]}"
    card.write_text(text, encoding="utf-8")
