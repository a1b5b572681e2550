"""Train the fracture detector.

The loop is not Ultralytics', whose trainer does not use bfloat16 on a CPU (which makes a step about
twice as fast on one with AMX), knows no balanced sampling of normal images and writes its own
folders. Network, loss and initial weights are Ultralytics'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.datasets import FractureCase, read_grey
from core.images import Radiograph, digest_of
from core.metrics.detection import average_precision, match_image
from core.metrics.statistics import auroc
from models.fracture import network as networks
from models.fracture.augment import Sample, Strength, training_view
from models.fracture.predict import Forward, Model, candidates, proposals, torch_forward
from models.training.loop import CHECKPOINT, Loss, Training, adamw, growing, run, warmed_cosine


@dataclass(frozen=True)
class Plan:
    """What a run does; every field can be changed when a run is taken up again.

    Attributes:
        epochs: Passes over the fractured images.
        normals: Normal images per epoch, taken in turn from all of them.
        hard: Further ones, taken in turn from those where the network begins with a false box.
        phantoms: Phantoms per epoch, half of them fractured.
        batch: Images per step.
        shape_hw: Canvas of a training view; turned on its side in 3 of 10 steps. About half a
            film: the rest is mostly black, and costs as much.
        calm_shape_hw: The same in the calm part, where the network gets used to whole films.
        rate: Peak learning rate of AdamW.
        calm: Share of the run, at its end, without joined views and on whole films.
        ema: Decay of the averaged weights.
        val_every: Epochs between looks at a part of the validation split.
    """

    epochs: int = 28
    normals: int = 260
    hard: int = 0
    phantoms: int = 0
    batch: int = 16
    shape_hw: tuple[int, int] = (384, 320)
    calm_shape_hw: tuple[int, int] = (544, 448)
    rate: float = 1e-3
    weight_decay: float = 0.02
    warm_up_steps: int = 100
    calm: float = 0.13
    ema: float = 0.998
    val_every: int = 6
    seed: int = 0


def train(
    network: nn.Module,
    training: dict[str, list[Sample]],
    validation: Sequence[FractureCase],
    out: Path,
    plan: Plan,
) -> Path:
    """Train, writing `last.pt` after every epoch and `curves.csv`; goes on where it stopped.

    Args:
        network: As `networks.build` made it, initial weights loaded.
        training: Samples under "fractured", "normal", "hard" and "phantom".
        validation: Cases to measure on now and then; may be empty.
        out: Folder of the run; a `last.pt` in it is taken up.

    Returns:
        Path of the last checkpoint.
    """
    for parameter in network.parameters():
        parameter.requires_grad_(True)  # nothing in an Ultralytics network stays frozen
    loss_of = networks.Loss(network)
    steps = max(1, _epoch_size(training, plan) // plan.batch)
    optimiser = adamw(network, plan.rate, plan.weight_decay)

    def losses(epoch: int, rng: np.random.Generator) -> Iterator[Loss]:
        order = _epoch_samples(training, plan, epoch, rng)
        for step in range(steps):
            calm = epoch * steps + step >= (1 - plan.calm) * plan.epochs * steps
            chosen = order[step * plan.batch : (step + 1) * plan.batch]
            inputs, boxes = _batch(chosen, order, plan, calm=calm, rng=rng)
            with torch.autocast("cpu", torch.bfloat16):
                raw = network(inputs)
            yield loss_of(raw, boxes, (inputs.shape[2], inputs.shape[3]))

    def measured(average: nn.Module, epoch: int) -> dict[str, float]:
        due = (epoch + 1) % plan.val_every == 0 or epoch + 1 == plan.epochs
        found = measure(average, validation) if len(validation) and due else (np.nan, np.nan)
        return dict(zip(("val_map50", "val_auroc"), found, strict=True))

    run(
        Training(
            network,
            optimiser,
            warmed_cosine(optimiser, plan.epochs * steps, plan.warm_up_steps, floor=0.02),
            growing(plan.ema),
            plan.epochs,
            losses,
            measured,
            seed=plan.seed,
            clip=10.0,
            keep_last=6,
        ),
        out,
        say=partial(print, flush=True),
    )
    return out / CHECKPOINT


def some_views(training: dict[str, list[Sample]], plan: Plan, batches: int) -> list[torch.Tensor]:
    """Inputs as the first epoch has them, to measure the network's norms with."""
    rng = np.random.default_rng((plan.seed, 0))
    order = _epoch_samples(training, plan, 0, rng)
    parts = (order[i * plan.batch : (i + 1) * plan.batch] for i in range(batches))
    return [_batch(part, order, plan, calm=False, rng=rng)[0] for part in parts if part]


def measure(
    network: nn.Module, cases: Sequence[FractureCase], *, mirrored: bool = False, iou: float = 0.5
) -> tuple[float, float]:
    """mAP50 and image-level AUROC of a network in evaluation mode."""
    model = Model(forward=torch_forward(network), mirrored=mirrored)
    matched, best = [], []
    for case in cases:
        pixels = read_grey(case.path).astype(np.float32) / np.float32(255)
        found = candidates(model, Radiograph(pixels, digest_of(pixels))).suppressed(iou)
        matched.append(match_image(found, case.boxes_xyxy, (0.5,)))
        best.append(float(found.scores[0]) if len(found) else 0.0)
    return float(average_precision(matched)[0]), auroc([c.fractured for c in cases], best)


def _epoch_size(training: dict[str, list[Sample]], plan: Plan) -> int:
    return len(training["fractured"]) + sum(count for _, count in _others(training, plan))


def _others(training: dict[str, list[Sample]], plan: Plan) -> list[tuple[list[Sample], int]]:
    """What an epoch has beside the fractured images: each pool, and how many of it."""
    kinds = (("normal", plan.normals), ("hard", plan.hard), ("phantom", plan.phantoms))
    pools = [(training.get(kind, []), count) for kind, count in kinds]
    return [(pool, min(count, len(pool))) for pool, count in pools]


def _epoch_samples(
    training: dict[str, list[Sample]], plan: Plan, epoch: int, rng: np.random.Generator
) -> list[Sample]:
    """All fractured images and the next normals and phantoms in turn, shuffled."""
    chosen = list(training["fractured"])
    for pool, count in _others(training, plan):
        order = np.random.default_rng(plan.seed).permutation(len(pool))
        chosen += [pool[order[(epoch * count + i) % len(pool)]] for i in range(count)]
    return [chosen[i] for i in rng.permutation(len(chosen))]


def _batch(
    samples: Sequence[Sample],
    pool: Sequence[Sample],
    plan: Plan,
    *,
    calm: bool,
    rng: np.random.Generator,
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    shape_hw = plan.calm_shape_hw if calm else plan.shape_hw
    shape_hw = shape_hw if rng.random() < 0.7 else shape_hw[::-1]
    strength = Strength()
    views, boxes = [], []
    for sample in samples:
        join = not calm and rng.random() < strength.join
        other = pool[int(rng.integers(len(pool)))] if join else None
        view, found = training_view(sample, other, shape_hw, strength, rng)
        views.append(view)
        boxes.append(torch.from_numpy(found))
    inputs = torch.from_numpy(np.stack(views)[:, None])
    return inputs.to(memory_format=torch.channels_last), boxes


def load_samples(
    cases: Sequence[FractureCase],
    outlines: Mapping[str, Sequence[NDArray[np.float64]]] = MappingProxyType({}),
) -> dict[str, list[Sample]]:
    """All cases in memory, by kind, with the outlines of those files that have one a box."""
    samples: dict[str, list[Sample]] = {"fractured": [], "normal": [], "phantom": []}
    for case in cases:
        drawn = tuple(outlines.get(case.file, ()))
        drawn = drawn if len(drawn) == len(case.boxes_xyxy) else ()
        sample = Sample(read_grey(case.path), case.boxes_xyxy, drawn)
        if len(case.boxes_xyxy):
            samples["fractured"].append(sample)
        elif not case.fractured:
            samples["normal"].append(sample)
    return samples


def hard_normals(forward: Forward, cases: Sequence[FractureCase], least: float) -> list[str]:
    """Files of the films on which a detector's best box has a score of at least `least`."""
    model = Model(forward=forward)
    chosen = []
    for case in cases:
        pixels = read_grey(case.path).astype(np.float32) / np.float32(255)
        found = proposals(model, Radiograph(pixels, digest_of(pixels)))
        if len(found) and found.scores[0] >= least:
            chosen.append(case.file)
    return chosen


def phantom_samples(count: int, first_seed: int) -> list[Sample]:
    """Phantoms, every second one fractured; the seeds do not meet those of the evaluation."""
    from core.phantoms.limb.phantom import limb_phantom, random_limb

    made = []
    for seed in range(first_seed, first_seed + count):
        radiograph, boxes = limb_phantom(random_limb(seed, fractured=seed % 2 == 0))
        made.append(Sample(np.rint(radiograph.pixels * 255).astype(np.uint8), boxes))
    return made
