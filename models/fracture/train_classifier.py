"""Train the classifier of whole films."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core.datasets import FractureCase, read_grey
from core.images import FloatArray, Radiograph, digest_of
from core.metrics.statistics import auroc
from models.fracture.augment import Sample, Strength, training_view
from models.fracture.classifier_network import YoloClassifier
from models.fracture.classify import EVIDENCE, LOGIT, Answer, Classifier, probability
from models.training.loop import CHECKPOINT, Loss, Training, adamw, growing, run, warmed_cosine


@dataclass(frozen=True)
class ClassifierPlan:
    """What a run does; see `models.fracture.train.Plan`."""

    epochs: int = 5
    normals: int = 433
    phantoms: int = 40
    batch: int = 16
    long_side_px: int = 448
    shape_hw: tuple[int, int] = (384, 320)
    rate: float = 3e-4
    weight_decay: float = 0.02
    warm_up_steps: int = 60
    smoothing: float = 0.05
    ema: float = 0.99
    val_every: int = 5
    seed: int = 0


def train_classifier(
    network: nn.Module,
    training: dict[str, list[Sample]],
    validation: Sequence[FractureCase],
    out: Path,
    plan: ClassifierPlan,
) -> Path:
    """Train, writing `last.pt` after every epoch and `curves.csv`; goes on where it stopped.

    A view counts as fractured where a box is left in it after the random crop.
    """
    strength = Strength(long_side_px=plan.long_side_px, scale=(0.8, 1.25))
    size = len(balanced(training, plan.normals, plan.phantoms, 0, np.random.default_rng(0)))
    steps = max(1, size // plan.batch)
    optimiser = adamw(network, plan.rate, plan.weight_decay)

    def losses(epoch: int, rng: np.random.Generator) -> Iterator[Loss]:
        order = balanced(training, plan.normals, plan.phantoms, epoch, rng)
        for step in range(steps):
            shape_hw = plan.shape_hw if rng.random() < 0.7 else plan.shape_hw[::-1]
            batch = order[step * plan.batch : (step + 1) * plan.batch]
            views = [training_view(sample, None, shape_hw, strength, rng) for sample in batch]
            inputs = torch.from_numpy(np.stack([view for view, _ in views])[:, None])
            truth = torch.tensor([float(len(boxes) > 0) for _, boxes in views])
            truth = truth * (1 - plan.smoothing) + plan.smoothing / 2
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(inputs.to(memory_format=torch.channels_last))
            yield nn.functional.binary_cross_entropy_with_logits(logits[:, 0].float(), truth)

    def measured(average: nn.Module, epoch: int) -> dict[str, float]:
        due = (epoch + 1) % plan.val_every == 0 or epoch + 1 == plan.epochs
        if not len(validation) or not due or not isinstance(average, YoloClassifier):
            return {"val_auroc": float("nan")}
        return {"val_auroc": measure(average, validation, plan.long_side_px)}

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
        ),
        out,
        say=partial(print, flush=True),
    )
    return out / CHECKPOINT


def balanced(
    training: dict[str, list[Sample]],
    normals: int,
    phantoms: int,
    epoch: int,
    rng: np.random.Generator,
) -> list[Sample]:
    """All fractured images, the next normals and phantoms in turn, shuffled."""
    chosen = list(training["fractured"])
    for kind, count in (("normal", normals), ("phantom", phantoms)):
        pool = training.get(kind, [])
        count = min(count, len(pool))
        chosen += [pool[(epoch * count + i) % len(pool)] for i in range(count)]
    return [chosen[i] for i in rng.permutation(len(chosen))]


def torch_answer(network: YoloClassifier) -> Answer:
    """Run a PyTorch network as the exported file is run: what training measures itself with."""

    def answer(seen: FloatArray, only: Sequence[str] = ()) -> tuple[FloatArray, ...]:
        with torch.inference_mode():
            maps = network.features(torch.from_numpy(np.ascontiguousarray(seen))).float()
            logits, evidence = network.answer(maps)
        found = {LOGIT: logits.numpy(), EVIDENCE: evidence.numpy()}
        return tuple(found[name] for name in only or found)

    return answer


def measure(network: YoloClassifier, cases: Sequence[FractureCase], long_side_px: int) -> float:
    """Image-level AUROC of a network in evaluation mode."""
    model = Classifier(torch_answer(network), long_side_px)
    scores = []
    for case in cases:
        pixels = read_grey(case.path).astype(np.float32) / np.float32(255)
        scores.append(probability(model, Radiograph(pixels, digest_of(pixels))))
    return auroc([case.fractured for case in cases], scores)
