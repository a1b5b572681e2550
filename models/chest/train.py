"""Train a classifier of chest findings.

Writes `last.pt` after every epoch and `curves.csv`; a run into the same folder goes on from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.images import FloatArray
from core.metrics.statistics import auroc
from models.chest.augment import Strength, training_view
from models.chest.dataset import FINDINGS, Case, network_inputs, read_cases, truth_of
from models.chest.network import ChestNet
from models.training.loop import CHECKPOINT, Loss, Training, adamw, growing, run, warmed_cosine

EXTRA = ("No_Finding", "AP", "Female", "Age")
"""Further outputs that only training has: what a film surely shows teaches a network to read it."""


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        rate, warm_up, weight_decay: AdamW; the rate rises over `warm_up` of the run and falls
            along a cosine.
        extra_weight: Weight of the outputs in `EXTRA`.
        smoothing: Labels are moved so far towards one half: report labels are noisy.
        positive_power: Positives weigh (negatives / positives) to this power.
        ema: Decay of the averaged weights, per step.
        per_patient: Films of one patient in an epoch at most, others in the next; 0 for all.
            One patient has 134 films, half of all patients one.
        half: bfloat16 where the framework finds it safe.
        small_px, small_epochs: Films are halved in the first epochs, which then cost a quarter.
        stop_after: Epochs after which it ends, before the rates have fallen; 0 for all.
    """

    epochs: int = 8
    batch: int = 32
    rate: float = 6e-4
    warm_up: float = 0.1
    weight_decay: float = 0.05
    dropout: float = 0.3
    extra_weight: float = 0.3
    smoothing: float = 0.02
    positive_power: float = 0.5
    ema: float = 0.998
    per_patient: int = 0
    half: bool = False
    small_px: int = 0
    small_epochs: int = 0
    stop_after: int = 0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Films:
    """A split in memory.

    Attributes:
        films: uint8 (N, S, S).
        targets: (N, L) in [0, 1], NaN where unknown.
        px: (N,) native side of each film.
        patients: (N,) who is on it.
    """

    films: NDArray[np.uint8]
    targets: FloatArray
    px: NDArray[np.int64]
    patients: NDArray[np.str_]


def read_films(
    folder: Path, split: str, side_px: int, cache: Path, limit: int | None = None
) -> Films:
    """Films and targets of a split, or its first; the films are kept in `cache`."""
    cases = read_cases(folder, split)[:limit]
    kept = cache / f"{split}_{side_px}.npy"
    if kept.is_file():
        films = np.load(kept)
    else:
        films = network_inputs([case.path for case in cases], side_px)
        cache.mkdir(parents=True, exist_ok=True)
        np.save(kept, films)
    targets = np.concatenate([truth_of(cases), extra_targets(cases)], axis=1)
    patients = np.array([case.row["patient"] for case in cases])
    return Films(films, targets, np.array([case.px for case in cases]), patients)


def extra_targets(cases: Sequence[Case]) -> FloatArray:
    """Targets (N, 4) of the outputs in `EXTRA`; age as a fraction of a century."""
    rows = [
        [
            float(case.row["No_Finding"] == "1"),
            float(case.row["view"] == "AP"),
            float(case.row["sex"] == "F"),
            min(float(case.row["age"] or "nan"), 100.0) / 100,
        ]
        for case in cases
    ]
    return np.array(rows, np.float32)


def epoch_order(
    patients: NDArray[np.str_], per_patient: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Indices of an epoch in random order, at most `per_patient` of each patient (0: all)."""
    order = rng.permutation(len(patients))
    if not per_patient:
        return order
    seen: Counter[str] = Counter()
    kept = []
    for index in order:
        seen[patients[index]] += 1
        if seen[patients[index]] <= per_patient:
            kept.append(index)
    return np.array(kept, np.int64)


def targets_loss(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, positives: torch.Tensor
) -> torch.Tensor:
    """Weighted cross-entropy over the outputs; unknown targets count nothing."""
    known = torch.isfinite(targets)
    loss = nn.functional.binary_cross_entropy_with_logits(
        logits, targets.nan_to_num(0.5), pos_weight=positives, reduction="none"
    )
    return (loss * known * weights).sum() / (known * weights).sum()


def train(
    network: ChestNet,
    training: Films,
    validation: Films,
    out: Path,
    plan: Plan,
    strength: Strength,
) -> Path:
    """Train, and return the checkpoint with the averaged weights."""
    count = len(FINDINGS)
    truth = training.targets
    targets = truth * (1 - plan.smoothing) + plan.smoothing / 2
    shares = np.nanmean(truth, axis=0)
    positives = ((1 - shares) / np.maximum(shares, 1e-4)) ** plan.positive_power
    positives[count:] = 1.0
    weights = torch.ones(truth.shape[1])
    weights[count:] = plan.extra_weight
    positive_weights = torch.from_numpy(positives.astype(np.float32))

    def losses(epoch: int, rng: np.random.Generator) -> Iterator[Loss]:
        order = epoch_order(training.patients, plan.per_patient, rng)
        for chosen in batches(order, plan.batch):
            views = [training_view(film, strength, rng) for film in training.films[chosen]]
            inputs = torch.from_numpy(np.stack(views)[:, None])
            if epoch < plan.small_epochs:
                inputs = nn.functional.avg_pool2d(inputs, training.films.shape[1] // plan.small_px)
            with torch.autocast("cpu", torch.bfloat16, enabled=plan.half):
                logits = network(inputs.to(memory_format=torch.channels_last))
            yield targets_loss(
                logits.float(), torch.from_numpy(targets[chosen]), weights, positive_weights
            )

    def measure(average: nn.Module, epoch: int) -> dict[str, float]:
        return _metrics(logits_of(average, validation.films, half=plan.half)[:, :count], validation)

    order = epoch_order(training.patients, plan.per_patient, np.random.default_rng(0))
    run(
        prepared(
            network,
            plan,
            len(order),
            losses,
            measure,
            {"architecture": network.architecture, "plan": asdict(plan)},
        ),
        out,
        say=partial(print, flush=True),
    )
    return out / CHECKPOINT


def prepared(
    network: nn.Module,
    plan: Plan,
    films: int,
    losses: Callable[[int, np.random.Generator], Iterator[Loss]],
    measure: Callable[[nn.Module, int], dict[str, float]],
    further: dict[str, Any] | None = None,
) -> Training:
    """A run of a plan over so many films an epoch."""
    total = plan.epochs * (films // plan.batch)
    optimiser = adamw(network, plan.rate, plan.weight_decay)
    return Training(
        network,
        optimiser,
        warmed_cosine(optimiser, total, round(plan.warm_up * total)),
        growing(plan.ema),
        plan.stop_after or plan.epochs,
        losses,
        measure,
        seed=plan.seed,
        further=further or {},
    )


def batches(order: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Whole batches of an order."""
    for first in range(0, len(order) - size + 1, size):
        yield order[first : first + size]


def logits_of(
    network: nn.Module, films: NDArray[np.uint8], *, batch: int = 64, half: bool = False
) -> FloatArray:
    """Logits (N, outputs) of films in memory."""
    network.eval().to(memory_format=torch.channels_last)
    found = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        for first in range(0, len(films), batch):
            part = np.ascontiguousarray(films[first : first + batch, None])
            seen = torch.from_numpy(part).float() / 255
            found.append(network(seen.to(memory_format=torch.channels_last)).float().numpy())
    return np.concatenate(found)


def mean_auroc(truth: FloatArray, scores: FloatArray, least: int = 10) -> float:
    """Mean over the findings with at least `least` positives."""
    found = [
        auroc(truth[:, i], scores[:, i])
        for i in range(truth.shape[1])
        if least <= truth[:, i].sum() < len(truth)
    ]
    return float(np.mean(found)) if found else float("nan")


def _metrics(scores: FloatArray, films: Films) -> dict[str, float]:
    truth = films.targets[:, : len(FINDINGS)]
    large = films.px == 128
    heart = FINDINGS.index("Cardiomegaly")
    return {
        "val_mean": mean_auroc(truth, scores),
        "val_128": mean_auroc(truth[large], scores[large]),
        "val_cardiomegaly": auroc(truth[:, heart], scores[:, heart]),
    }
