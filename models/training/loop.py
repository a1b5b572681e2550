"""The training loop of all PyTorch networks: rates, averaged weights, checkpoints and a curve.

A task gives a generator of losses for an epoch, and a function that measures the averaged
weights. Randomness begins anew with each epoch, so that a run that was stopped and taken up again
ends in the same weights as one that was not.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from torch.optim.swa_utils import AveragedModel

CHECKPOINT, CURVE = "last.pt", "curves.csv"
State = dict[str, torch.Tensor]
Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]
Loss = torch.Tensor | tuple[torch.Tensor, Mapping[str, float]]
"""The loss of a step, alone or with its parts by name for the curve."""


@dataclass(frozen=True, eq=False)
class Training:
    """What a run does.

    Attributes:
        network: Trained in place.
        optimiser, schedule: The schedule is moved on after every step.
        decay: Share of the averaged weights that is kept, by the number of averages so far.
        epochs: How many.
        losses: An epoch's losses, one a step, from its number (0 is the first) and a generator;
            asked for after the network was set to training.
        measure: Figures of the averaged network (in evaluation mode) after an epoch.
        seed: Of everything random.
        clip: Largest norm of the gradient.
        keep_last: From so many last epochs the averaged weights are kept as files of their own.
        further: Kept in the checkpoint, for who reads it.
    """

    network: nn.Module
    optimiser: torch.optim.Optimizer
    schedule: LRScheduler
    decay: Callable[[int], float]
    epochs: int
    losses: Callable[[int, np.random.Generator], Iterator[Loss]]
    measure: Callable[[nn.Module, int], Mapping[str, float]] = lambda network, epoch: {}
    seed: int = 0
    clip: float = 5.0
    keep_last: int = 0
    further: Mapping[str, Any] = field(default_factory=dict)


def run(
    training: Training,
    out: Path | None = None,
    *,
    say: Callable[[str], None] = lambda line: None,
) -> State:
    """Train, and return the averaged weights.

    Args:
        training: What to do.
        out: Folder for `last.pt` (after every epoch) and `curves.csv`; a `last.pt` in it is taken
            up. None keeps nothing.
        say: Told of progress.
    """
    network = training.network.to(memory_format=torch.channels_last)
    average = averaged(network, training.decay)
    first = 0
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        first = _resumed(out / CHECKPOINT, training, average)
        if first:
            say(f"taken up after epoch {first}")
    for epoch in range(first, training.epochs):
        start = time.time()
        torch.manual_seed(training.seed * 100_003 + epoch)
        network.train()
        row: dict[str, Any] = {"epoch": epoch + 1, **_epoch(training, average, epoch, say)}
        average.module.eval()
        if out is not None:
            _save(out / CHECKPOINT, training, average, epoch + 1)
            if epoch >= training.epochs - training.keep_last:
                torch.save(average.module.state_dict(), out / f"average_{epoch + 1:03d}.pt")
        measured = training.measure(average.module, epoch)
        row |= {name: round(float(value), 4) for name, value in measured.items()}
        row["seconds"] = round(time.time() - start, 1)
        say("  ".join(f"{name} {value}" for name, value in row.items()))
        if out is not None:
            _append(out / CURVE, row)
    return average.module.state_dict()


def _epoch(
    training: Training, average: AveragedModel, epoch: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """One epoch's steps; the means of the losses and the last rate, for the curve."""
    totals: dict[str, float] = {}
    steps, rate = 0, 0.0
    start = time.time()
    for found in training.losses(epoch, np.random.default_rng((training.seed, epoch))):
        loss, parts = found if isinstance(found, tuple) else (found, {})
        rate = float(training.schedule.get_last_lr()[0])
        training.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(training.network.parameters(), training.clip)
        training.optimiser.step()
        training.schedule.step()
        average.update_parameters(training.network)
        for name, value in {"loss": float(loss.detach()), **parts}.items():
            totals[name] = totals.get(name, 0.0) + float(value)
        steps += 1
        if steps % 50 == 0:
            each = (time.time() - start) / steps
            mean = totals["loss"] / steps
            say(f"epoch {epoch + 1}, step {steps}: loss {mean:.4f}, {each:.2f} s a step")
    means = {name: round(total / max(1, steps), 4) for name, total in totals.items()}
    return {**means, "rate": f"{rate:.2e}"}


def averaged(network: nn.Module, decay: Callable[[int], float]) -> AveragedModel:
    """A moving average of weights and batch statistics (Polyak & Juditsky 1992)."""

    @torch.no_grad()
    def mix(kept: Tensors, now: Tensors, count: torch.Tensor | int) -> None:
        share = 1 - decay(int(count))
        for one, other in zip(kept, now, strict=True):
            if one.is_floating_point():
                one.lerp_(other, share)
            else:
                one.copy_(other)

    return AveragedModel(network, multi_avg_fn=mix, use_buffers=True)


def growing(decay: float) -> Callable[[int], float]:
    """A decay that is small at first, so that the start is soon forgotten."""
    return lambda count: min(decay, (1 + count) / (10 + count))


def warmed_cosine(
    optimiser: torch.optim.Optimizer, total: int, warm_up: int, floor: float = 0.01
) -> LambdaLR:
    """Rates that rise over `warm_up` steps under half a cosine down to `floor` of the peak."""

    def factor(step: int) -> float:
        cosine = floor + (1 - floor) * 0.5 * (1 + np.cos(np.pi * min(1.0, step / max(1, total))))
        return float(cosine * min(1.0, (step + 1) / max(1, warm_up)))

    return LambdaLR(optimiser, factor)


def adamw(network: nn.Module, rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW that leaves norms and biases undecayed."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate)


def _save(path: Path, training: Training, average: AveragedModel, epoch: int) -> None:
    partial = path.with_suffix(".partial")
    torch.save(
        {
            "network": training.network.state_dict(),
            "optimiser": training.optimiser.state_dict(),
            "schedule": training.schedule.state_dict(),
            "average": average.module.state_dict(),
            "updates": int(average.n_averaged),
            "epoch": epoch,
            **training.further,
        },
        partial,
    )
    partial.replace(path)


def _resumed(path: Path, training: Training, average: AveragedModel) -> int:
    """Load a checkpoint where there is one, and return how many epochs are done."""
    if not path.is_file():
        return 0
    saved = torch.load(path, map_location="cpu", weights_only=True)
    training.network.load_state_dict(saved["network"])
    training.optimiser.load_state_dict(saved["optimiser"])
    training.schedule.load_state_dict(saved["schedule"])
    average.module.load_state_dict(saved["average"])
    average.n_averaged.fill_(saved["updates"])
    return int(saved["epoch"])


def _append(path: Path, row: Mapping[str, object]) -> None:
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)
