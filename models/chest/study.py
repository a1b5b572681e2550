"""What the runs of the chest experiments say together: areas within one size, paired changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.metrics.experiments import PAIRED, mean_curves, paired_changes
from core.metrics.statistics import auroc
from models.chest.dataset import Case

PARTS = 3


@dataclass(frozen=True, eq=False)
class Run:
    """One setting, one seed, one part.

    Attributes:
        part: The part of the films that it scored.
        films: Indices of the films that it scored.
        scores: Their log odds.
        curve: A row an epoch.
        seconds: How long it took.
    """

    factor: str
    setting: str
    seed: int
    part: int
    films: NDArray[np.int64]
    scores: NDArray[np.float32]
    curve: pd.DataFrame
    seconds: float


def write(cases: Sequence[Case], runs: Sequence[Run], epochs: int, folder: Path) -> None:
    """Write the tables that the module of the experiments names."""
    px = np.array([case.px for case in cases])
    truth = np.array(["Cardiomegaly" in case.findings for case in cases])
    settings = list(dict.fromkeys((run.factor, run.setting) for run in runs))
    seeds = sorted({run.seed for run in runs})
    scores = np.full((len(settings), len(seeds), len(cases)), np.nan, np.float32)
    parts = np.zeros((len(seeds), len(cases)), np.int64)
    for run in runs:
        k, s = settings.index((run.factor, run.setting)), seeds.index(run.seed)
        scores[k, s, run.films], parts[s, run.films] = run.scores, run.part
    strata = np.array([[f"{part} {size}" for part, size in zip(row, px, strict=True)]
                       for row in parts])  # fmt: skip
    seconds = pd.DataFrame([(run.setting, run.seed, run.seconds) for run in runs]).groupby([0, 1])
    rows = [
        {
            "factor": factor,
            "setting": setting,
            "seed": seed,
            "val_auroc": round(within(truth, scores[k, s], strata[s]), 4),
            "accuracy": round(float(((scores[k, s] > 0) == truth).mean()), 4),
            "n_train": len(cases) * (PARTS - 1) // PARTS,
            "n_val": len(cases),
            "n_val_positive": int(truth.sum()),
            "epochs": epochs,
            "seconds": round(float(seconds.get_group((setting, seed))[2].sum())),
        }
        for s, seed in enumerate(seeds)
        for k, (factor, setting) in enumerate(settings)
    ]
    table = pd.DataFrame(rows)
    paired = [(np.nan,) * 3, *changes(truth, scores, strata, px)]
    for column, values in zip(PAIRED, zip(*paired, strict=True), strict=True):
        by_setting = {name: value for (_, name), value in zip(settings, values, strict=True)}
        table[column] = table["setting"].map(by_setting).round(4)
    table.to_csv(folder / "experiments.csv", index=False)
    _curves(runs).to_csv(folder / "experiment_curves.csv", index=False)
    kept = pd.DataFrame({"file": [case.file for case in cases], "px": px, "positive": truth * 1})
    for s, seed in enumerate(seeds):
        kept[f"part, seed {seed}"] = parts[s]
        for k, (_, setting) in enumerate(settings):
            kept[f"{setting}, seed {seed}"] = scores[k, s].round(3)
    kept.to_csv(folder / "experiment_scores.csv", index=False)


def within(
    truth: NDArray[np.bool_], scores: NDArray[np.float32], strata: NDArray[np.str_]
) -> float:
    """AUROC of each stratum (part and size), the mean weighted by its positives."""
    areas, weights = [], []
    for name in np.unique(strata):
        mine = strata == name
        area = auroc(truth[mine], scores[mine])
        if np.isfinite(area):
            areas.append(area)
            weights.append(int(truth[mine].sum()))
    return float(np.average(areas, weights=weights))


def changes(
    truth: NDArray[np.bool_],
    scores: NDArray[np.float32],
    strata: NDArray[np.str_],
    px: NDArray[np.int64],
    draws: int = 1000,
) -> list[tuple[float, float, float]]:
    """Change of each further setting against the first, with its paired bootstrap interval.

    A draw takes films anew within size and class, and seeds anew, the same for both settings.

    Args:
        truth: (N,).
        scores: (settings, seeds, N).
        strata: (seeds, N) within which scores are compared.
        px: (N,) native side.
        draws: How many.
    """
    kinds = [np.flatnonzero((px == size) & (truth == positive))
             for size in np.unique(px) for positive in (False, True)]  # fmt: skip

    def figures(seeds: NDArray[np.int64], films: NDArray[np.int64]) -> NDArray[np.float64]:
        means = [
            np.mean([within(truth[films], one[s, films], strata[s, films]) for s in seeds])
            for one in scores
        ]
        return np.array(means)

    return paired_changes(figures, len(strata), [some for some in kinds if len(some)], draws)


def _curves(runs: Sequence[Run]) -> pd.DataFrame:
    """Mean loss and AUROC of every setting by epoch."""
    by_setting: dict[str, list[pd.DataFrame]] = {}
    for run in runs:
        by_setting.setdefault(run.setting, []).append(run.curve)
    means = [mean_curves(curves, ("loss", "val_auroc")).assign(setting=name)
             for name, curves in by_setting.items()]  # fmt: skip
    return pd.concat(means)[["setting", "epoch", "loss", "val_auroc"]].round(4)
