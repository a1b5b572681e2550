"""The published VGG-16 steps, as their tables have them: curves, right and wrong films."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.metrics.experiments import Claim, mean_curves

PLAIN = "plain"
AUGMENTED = "augmentation"
STOPPED = "augmentation, dropout and early stopping"
CLAIMS = (
    Claim("Published: augmentation is better than plain films.", AUGMENTED, PLAIN),
    Claim("Published: with dropout and early stopping it is best.", STOPPED, PLAIN),
)
KINDS: Mapping[str, tuple[bool, bool]] = MappingProxyType(
    {
        "Missed fractures": (True, False),
        "False alarms": (False, True),
        "Found fractures": (True, True),
        "Sound films passed": (False, False),
    }
)
"""By name, whether a film is fractured and whether it was called fractured."""


def order_in_words(table: pd.DataFrame) -> str:
    """Whether the published order repeats, and the AUROC of every step.

    Args:
        table: A row a run, with setting and val_auroc and the paired change of each setting.
    """
    means = table.groupby("setting", sort=False)["val_auroc"].mean()
    said = ", ".join(f"{name} {value:.2f}" for name, value in means.items())
    agrees = all(claim.against(table) == "Agrees." for claim in CLAIMS)
    repeats = agrees and means[STOPPED] > means[AUGMENTED]
    verb = "repeats" if repeats else "does not repeat"
    return f"**The published order {verb} here.** AUROC on validation films: {said}."


def mean_curve(epochs: pd.DataFrame, setting: str) -> pd.DataFrame:
    """A setting's curve, the mean over seeds, as far as all of them were trained.

    Args:
        epochs: A row an epoch of every setting and seed.
    """
    runs = [run for _, run in epochs[epochs["setting"] == setting].groupby("seed")]
    columns = [str(name) for name in epochs if name not in ("setting", "seed", "epoch")]
    return mean_curves(runs, columns).set_index("epoch")


def odds_of(scores: pd.DataFrame, setting: str) -> NDArray[np.float64]:
    """Log odds of every film, the mean over seeds."""
    own = [name for name in scores.columns if name.rpartition(", seed ")[0] == setting]
    return scores[own].mean(axis=1).to_numpy(float)


def confusion(scores: pd.DataFrame, setting: str) -> pd.DataFrame:
    """Films by what is true of them (rows) and what they were called (columns)."""
    called, fractured = odds_of(scores, setting) > 0, scores["fractured"].to_numpy() > 0
    rows = [
        [int((called & true).sum()), int((~called & true).sum())]
        for true in (fractured, ~fractured)
    ]
    return pd.DataFrame(
        rows, index=["fractured", "sound"], columns=["called fractured", "called sound"]
    )


def films(scores: pd.DataFrame, setting: str, kind: str) -> pd.DataFrame:
    """The films of a kind of `KINDS`, the surest first: file and probability.

    Raises:
        KeyError: If there is no such kind.
    """
    true, called = KINDS[kind]
    odds = odds_of(scores, setting)
    own = ((scores["fractured"].to_numpy() > 0) == true) & ((odds > 0) == called)
    found = pd.DataFrame({"file": scores["file"], "probability": 1 / (1 + np.exp(-odds))})[own]
    return found.sort_values("probability", ascending=not called).reset_index(drop=True)
