"""Train yes-or-no networks for cardiomegaly.

By report: as the published student project did it, films whose report says cardiomegaly against
all others. By ratio: that network goes on with the films whose cardiothoracic ratio was measured,
against a ratio above 0.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.images import FloatArray
from core.metrics.statistics import auroc
from models.chest.augment import Strength, training_view
from models.chest.dataset import network_inputs, read_cases, read_mask_cases
from models.chest.network import ChestNet
from models.chest.train import Plan, batches, logits_of, prepared, read_films
from models.training.loop import Loss, State, run

LIMIT = 0.5
"""Cardiothoracic ratio above which a heart counts as enlarged."""
VIEWS = Strength(
    rotation_deg=5.0, shift=0.05, zoom=0.08, brightness=0.08, contrast=0.2, noise=0.02, coarse=0.25
)


@dataclass(frozen=True, eq=False)
class Binary:
    """Films uint8 (N, S, S) with truth (N,) as 0 and 1."""

    films: NDArray[np.uint8]
    truth: FloatArray

    def scores(self, network: nn.Module) -> FloatArray:
        """Log odds (N,) of a network."""
        return logits_of(network, self.films)[:, 0]


def fit(
    network: ChestNet,
    training: Binary,
    plan: Plan,
    strength: Strength,
    *,
    validation: Binary | None = None,
    out: Path | None = None,
) -> State:
    """Train a network with one output, and return its averaged weights.

    Args:
        validation: Films to measure on after each epoch.
        out: Folder of the run, which goes on where it stopped.
    """
    share = float(training.truth.mean())
    weight = torch.tensor([((1 - share) / share) ** plan.positive_power])

    def losses(epoch: int, rng: np.random.Generator) -> Iterator[Loss]:
        for chosen in batches(rng.permutation(len(training.truth)), plan.batch):
            views = [training_view(film, strength, rng) for film in training.films[chosen]]
            truth = torch.from_numpy(training.truth[chosen])
            truth = truth * (1 - plan.smoothing) + plan.smoothing / 2
            inputs = torch.from_numpy(np.stack(views)[:, None])
            logits = network(inputs.to(memory_format=torch.channels_last))[:, 0]
            yield nn.functional.binary_cross_entropy_with_logits(logits, truth, pos_weight=weight)

    def measure(average: nn.Module, epoch: int) -> dict[str, float]:
        if validation is None:
            return {}
        return {"val_auroc": auroc(validation.truth, validation.scores(average))}

    say = partial(print, flush=True) if out else lambda line: None
    return run(prepared(network, plan, len(training.truth), losses, measure), out, say=say)


def report_truth(
    folder: Path, split: str, cache: Path, side_px: int = 128, limit: int | None = None
) -> Binary:
    """All films of a split against "the report says cardiomegaly"."""
    films = read_films(folder, split, side_px, cache, limit).films
    cases = read_cases(folder, split)[:limit]
    return Binary(films, np.array([float("Cardiomegaly" in c.findings) for c in cases], np.float32))


def heart_or_nothing(folder: Path, split: str, cache: Path, limit: int | None = None) -> Binary:
    """Films with cardiomegaly, and films without any finding."""
    films = read_films(folder, split, 128, cache, limit).films
    cases = read_cases(folder, split)[:limit]
    heart = np.array(["Cardiomegaly" in case.findings for case in cases])
    nothing = np.array([case.row["No_Finding"] == "1" for case in cases])
    kept = heart | nothing
    return Binary(films[kept], heart[kept].astype(np.float32))


def ratio_truth(folder: Path, split: str, side_px: int = 128, limit: int | None = None) -> Binary:
    """The films with masks by people against a cardiothoracic ratio above `LIMIT`."""
    cases = read_mask_cases(folder, split)[:limit]
    films = network_inputs([case.path for case in cases], side_px)
    return Binary(films, np.array([float(c.ratio > LIMIT) for c in cases], np.float32))


def thinned(binary: Binary, negatives: int, seed: int) -> Binary:
    """All positives and so many of the negatives."""
    rng = np.random.default_rng(seed)
    no = rng.permutation(np.flatnonzero(binary.truth < 0.5))[:negatives]
    kept = np.sort(np.concatenate([np.flatnonzero(binary.truth > 0.5), no]))
    return Binary(binary.films[kept], binary.truth[kept])
