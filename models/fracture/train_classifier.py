"""Train the image classifier: `python -m models.fracture.train_classifier --data F --out F`.

`--arch vgg16` instead repeats, at small scale, the experiment of the published project behind
the fracture page: VGG-16 plain, then augmented and balanced, then with dropout and early
stopping.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core.datasets import FractureCase, read_fracture_cases, read_grey
from core.images import FloatArray, Radiograph, digest_of
from core.metrics.statistics import auroc
from models.fracture.augment import Sample, Strength, training_view
from models.fracture.classifier_network import YoloClassifier, start_from_detector
from models.fracture.classify import EVIDENCE, LOGIT, Answer, Classifier, probability
from models.fracture.export import averaged
from models.fracture.train import Averaged, adamw, load_samples, phantom_samples

CURVES = ("epoch", "loss", "rate", "val_auroc", "seconds")


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
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, curves = out / "last.pt", out / "curves.csv"
    torch.manual_seed(plan.seed)
    network.to(memory_format=torch.channels_last)
    optimiser = adamw(network, plan.rate, plan.weight_decay)
    average = Averaged(network, plan.ema)
    first = 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        average.state, average.updates = saved["average"], saved["updates"]
        first = saved["epoch"]
        print(f"resumed after epoch {first}", flush=True)
    strength = Strength(long_side_px=plan.long_side_px, scale=(0.8, 1.25))
    for epoch in range(first, plan.epochs):
        start = time.time()
        rng = np.random.default_rng((plan.seed, epoch))
        order = balanced(training, plan.normals, plan.phantoms, epoch, rng)
        steps = max(1, len(order) // plan.batch)
        network.train()
        total, rate = 0.0, 0.0
        for step in range(steps):
            done = (epoch + step / steps) / plan.epochs
            warm = min(1.0, (epoch * steps + step + 1) / plan.warm_up_steps)
            rate = float(plan.rate * warm * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * done))))
            for group in optimiser.param_groups:
                group["lr"] = rate
            shape_hw = plan.shape_hw if rng.random() < 0.7 else plan.shape_hw[::-1]
            batch = order[step * plan.batch : (step + 1) * plan.batch]
            views = [training_view(sample, None, shape_hw, strength, rng) for sample in batch]
            inputs = torch.from_numpy(np.stack([view for view, _ in views])[:, None])
            truth = torch.tensor([float(len(boxes) > 0) for _, boxes in views])
            truth = truth * (1 - plan.smoothing) + plan.smoothing / 2
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(inputs.to(memory_format=torch.channels_last))
            loss = nn.functional.binary_cross_entropy_with_logits(logits[:, 0].float(), truth)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
            average.update(network)
            total += float(loss.detach())
        torch.save(
            {
                "network": network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "average": average.state,
                "updates": average.updates,
                "epoch": epoch + 1,
            },
            checkpoint,
        )
        val = float("nan")
        if len(validation) and ((epoch + 1) % plan.val_every == 0 or epoch + 1 == plan.epochs):
            val = measure(average.state, validation, plan.long_side_px)
        row = [epoch + 1, round(total / steps, 4), f"{rate:.2e}", round(val, 4)]
        row.append(round(time.time() - start, 1))
        new = not curves.is_file()
        with curves.open("a", newline="", encoding="utf-8") as handle:
            csv.writer(handle).writerows([CURVES, row] if new else [row])
        print("  ".join(f"{n} {v}" for n, v in zip(CURVES, row, strict=True)), flush=True)
    return checkpoint


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


def measure(
    state: dict[str, torch.Tensor], cases: Sequence[FractureCase], long_side_px: int
) -> float:
    """Image-level AUROC of averaged weights."""
    network = YoloClassifier()
    network.load_state_dict(state)
    network.eval()
    model = Classifier(torch_answer(network), long_side_px)
    scores = []
    for case in cases:
        pixels = read_grey(case.path).astype(np.float32) / np.float32(255)
        scores.append(probability(model, Radiograph(pixels, digest_of(pixels))))
    return auroc([case.fractured for case in cases], scores)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data set folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--start", type=Path, help="checkpoint of a detector run")
    parser.add_argument("--arch", default="yolo26n", choices=("yolo26n", "vgg16"))
    parser.add_argument("--epochs", type=int, default=ClassifierPlan.epochs)
    parser.add_argument("--phantoms", type=int, default=ClassifierPlan.phantoms)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    cases = read_fracture_cases(options.data)
    training = load_samples([case for case in cases if case.split == "train"])
    validation = [case for case in cases if case.split == "val"]
    if options.arch == "vgg16":
        from models.fracture.train_vgg16 import run_experiment

        run_experiment(training, load_samples(validation), options.out, options.seed)
        return
    network = YoloClassifier()
    if options.start:
        fitted = start_from_detector(network, averaged([options.start]))
        print(f"{fitted} tensors from {options.start.name}")
    if options.phantoms:
        training["phantom"] = phantom_samples(options.phantoms * 4, first_seed=200_000)
    plan = ClassifierPlan(epochs=options.epochs, phantoms=options.phantoms, seed=options.seed)
    train_classifier(network, training, validation, options.out, plan)


if __name__ == "__main__":
    main()
