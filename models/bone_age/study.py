"""What the runs of the bone-age experiments say together: errors on the same films, paired."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.bone_age.cases import BoneAgeCase
from core.metrics.experiments import PAIRED, mean_curves, paired_changes

Factors = Mapping[str, Mapping[str, Hashable]]
"""By factor, what was trained with, by name; the first is what the others are compared with."""
FIGURES = ("train_mae_months", "val_mae_months")


@dataclass(frozen=True, eq=False)
class Run:
    """One setting with one seed.

    Attributes:
        setting: What it was trained with.
        epochs: How many.
        answers: Months (N,) of the validation films.
        curve: A row an epoch.
        seconds: Processor time.
    """

    setting: Hashable
    seed: int
    epochs: int
    answers: NDArray[np.float32]
    curve: pd.DataFrame
    seconds: float


def write(
    cases: Sequence[BoneAgeCase], n_train: int, runs: Sequence[Run], factors: Factors, folder: Path
) -> None:
    """Write the tables that the module of the experiments names.

    Settings that were not run with every seed are left out, and factors without two that were.
    """
    truth = np.array([case.months for case in cases])
    seeds = sorted({run.seed for run in runs})
    by = {(run.setting, run.seed): run for run in runs}
    rows, curves = [], []
    answers = pd.DataFrame({"file": [case.file for case in cases], "months": truth})
    for factor, planned in factors.items():
        named = {
            name: setting
            for name, setting in planned.items()
            if all((setting, seed) in by for seed in seeds)
        }
        if len(named) < 2 or next(iter(planned)) not in named:
            continue
        errors = errors_of(
            truth, np.stack([[by[one, seed].answers for seed in seeds] for one in named.values()])
        )
        told = [(np.nan,) * len(PAIRED), *changes(errors)]
        for (name, setting), wrong, paired in zip(named.items(), errors, told, strict=True):
            for seed, mine in zip(seeds, wrong, strict=True):
                run = by[setting, seed]
                rows.append(
                    {
                        "factor": factor,
                        "setting": name,
                        "seed": seed,
                        "val_mae_months": round(float(mine.mean()), 3),
                        "n_train": n_train,
                        "n_val": len(cases),
                        "epochs": run.epochs,
                        "seconds": round(run.seconds),
                        **dict(zip(PAIRED, np.round(paired, 3), strict=True)),
                    }
                )
                answers[f"{factor}: {name}, seed {seed}"] = np.round(run.answers, 1)
            mean = mean_curves([by[setting, seed].curve for seed in seeds], FIGURES)
            curves.append(mean.assign(factor=factor, setting=name))
    pd.DataFrame(rows).to_csv(folder / "experiments.csv", index=False)
    drawn = pd.concat(curves)[["factor", "setting", "epoch", *FIGURES]]
    drawn.round(3).to_csv(folder / "experiment_curves.csv", index=False)
    answers.to_csv(folder / "experiment_answers.csv", index=False)


def errors_of(truth: NDArray[np.float64], answers: NDArray[np.floating]) -> NDArray[np.float64]:
    """Absolute errors of answers (settings, seeds, N) as the table of answers keeps them."""
    return np.abs(np.round(answers.astype(float), 1) - truth)


def changes(errors: NDArray[np.float64], draws: int = 2000) -> list[tuple[float, float, float]]:
    """Change of each further setting's mean error against the first, with its 95 % interval.

    Args:
        errors: (settings, seeds, N) in months.
        draws: Films and seeds are drawn anew so often, the same for both settings.
    """

    def figures(seeds: NDArray[np.int64], films: NDArray[np.int64]) -> NDArray[np.float64]:
        return errors[:, seeds][:, :, films].mean(axis=(1, 2))

    return paired_changes(figures, errors.shape[1], [np.arange(errors.shape[2])], draws)
