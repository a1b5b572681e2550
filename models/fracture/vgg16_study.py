"""What the runs of the VGG-16 experiment say together: AUROC on the same films, paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.datasets import FractureCase
from core.metrics.experiments import PAIRED, paired_changes
from core.metrics.statistics import auroc

RUNS, CURVES, SCORES = "vgg16_experiments.csv", "vgg16_curves.csv", "vgg16_scores.csv"
FIGURES = tuple(
    f"{films}_{figure}" for films in ("train", "aside") for figure in ("loss", "accuracy", "auroc")
)


@dataclass(frozen=True, eq=False)
class Run:
    """One setting with one seed.

    Attributes:
        setting: What it was trained with.
        odds: Log odds (N,) of the validation films.
        curve: A row an epoch, with `FIGURES`.
        seconds: Processor time.
    """

    setting: str
    seed: int
    odds: NDArray[np.float32]
    curve: pd.DataFrame
    seconds: float

    def keep(self, path: Path) -> None:
        """Write it to a file."""
        found: dict[str, Any] = {f"curve_{name}": self.curve[name] for name in self.curve}
        np.savez(path, odds=self.odds, seconds=self.seconds, **found)

    @staticmethod
    def kept(path: Path, setting: str, seed: int) -> Run:
        """The run of a file."""
        with np.load(path) as found:
            curve = {
                name.removeprefix("curve_"): found[name]
                for name in found.files
                if name.startswith("curve_")
            }
            return Run(setting, seed, found["odds"], pd.DataFrame(curve), float(found["seconds"]))


def write(
    cases: Sequence[FractureCase], runs: Sequence[Run], epochs: int, n_train: int, folder: Path
) -> None:
    """Write a row a run, a row an epoch of each, and the answer to every film.

    Args:
        cases: The films that were scored.
        runs: Every setting with the same seeds; the settings in the published order.
        epochs: At most so many were trained.
        n_train: On so many films.
        folder: Where the tables go.
    """
    truth = np.array([case.fractured for case in cases])
    settings = list(dict.fromkeys(run.setting for run in runs))
    seeds = sorted({run.seed for run in runs})
    by = {(run.setting, run.seed): run for run in runs}
    odds = np.stack([[by[one, seed].odds for seed in seeds] for one in settings]).round(3)
    told = [(np.nan,) * len(PAIRED), *changes(truth, odds)]
    rows, curves = [], []
    answers = pd.DataFrame({"file": [case.file for case in cases], "fractured": truth * 1})
    for setting, by_seed, paired in zip(settings, odds, told, strict=True):
        for seed, own in zip(seeds, by_seed, strict=True):
            run = by[setting, seed]
            rows.append(
                {
                    "factor": "augmentation",
                    "setting": setting,
                    "seed": seed,
                    "val_auroc": round(auroc(truth, own), 4),
                    "sensitivity": round(float((own[truth] > 0).mean()), 4),
                    "specificity": round(float((own[~truth] <= 0).mean()), 4),
                    "n_train": n_train,
                    "n_val": len(cases),
                    "n_val_fractured": int(truth.sum()),
                    "epochs": epochs,
                    "epochs_run": len(run.curve),
                    "seconds": round(run.seconds),
                    **dict(zip(PAIRED, np.round(paired, 4), strict=True)),
                }
            )
            answers[f"{setting}, seed {seed}"] = own
            curves.append(run.curve.assign(setting=setting, seed=seed))
    pd.DataFrame(rows).to_csv(folder / RUNS, index=False)
    drawn = pd.concat(curves)[["setting", "seed", "epoch", *FIGURES]]
    drawn.round(4).to_csv(folder / CURVES, index=False)
    answers.to_csv(folder / SCORES, index=False)


def changes(
    truth: NDArray[np.bool_], odds: NDArray[np.floating], draws: int = 2000
) -> list[tuple[float, float, float]]:
    """Change of each further setting's AUROC against the first, with its 95 % interval.

    Args:
        truth: (N,).
        odds: (settings, seeds, N).
        draws: Films of each class and seeds are drawn anew so often, the same for all settings.
    """

    def figures(seeds: NDArray[np.int64], films: NDArray[np.int64]) -> NDArray[np.float64]:
        own = truth[films]
        return np.array([np.mean([auroc(own, one[seed, films]) for seed in seeds]) for one in odds])

    return paired_changes(
        figures, odds.shape[1], [np.flatnonzero(truth), np.flatnonzero(~truth)], draws
    )
