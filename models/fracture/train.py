"""Train the fracture detector: `python -m models.fracture.train --data FOLDER --out FOLDER`.

The loop is our own and short, because Ultralytics' trainer does not use bfloat16 on a CPU (which
makes a step about twice as fast on one with AMX), knows no balanced sampling of normal images
and writes its own folders. Network, loss and initial weights are Ultralytics'.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from core.datasets import FractureCase, read_fracture_cases, read_grey
from core.images import Radiograph, digest_of
from core.metrics.detection import average_precision, match_image
from core.metrics.statistics import auroc
from models.fracture import network as networks
from models.fracture.augment import Sample, Strength, training_view
from models.fracture.export import averaged
from models.fracture.predict import Model, candidates, torch_forward

CURVES = ("epoch", "loss", "box", "cls", "l1", "rate", "val_map50", "val_auroc", "seconds")


@dataclass(frozen=True)
class Plan:
    """What a run does; every field can be changed when a run is taken up again.

    Attributes:
        epochs: Passes over the fractured images.
        normals: Normal images per epoch, taken in turn from all of them.
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


class Averaged:
    """Exponential moving average of a network's weights (Polyak & Juditsky 1992)."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay, self.updates = decay, 0
        self.state = {name: t.detach().clone() for name, t in network.state_dict().items()}

    def update(self, network: nn.Module) -> None:
        self.updates += 1
        keep = self.decay * (1 - np.exp(-self.updates / 200))
        for name, tensor in network.state_dict().items():
            if tensor.dtype.is_floating_point:
                self.state[name].lerp_(tensor.detach(), float(1 - keep))
            else:
                self.state[name].copy_(tensor)


def train(
    network: nn.Module,
    training: dict[str, list[Sample]],
    validation: Sequence[FractureCase],
    out: Path,
    plan: Plan,
    *,
    stop_at: float | None = None,
) -> Path:
    """Train, writing `last.pt` after every epoch and `curves.csv`; goes on where it stopped.

    Args:
        network: As `networks.build` made it, initial weights loaded.
        training: Samples under "fractured", "normal" and "phantom".
        validation: Cases to measure on now and then; may be empty.
        out: Folder of the run; a `last.pt` in it is taken up.
        stop_at: Stop after the epoch that ends past this time (seconds since 1970).

    Returns:
        Path of the last checkpoint.
    """
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, curves = out / "last.pt", out / "curves.csv"
    torch.manual_seed(plan.seed)
    network.to(memory_format=torch.channels_last)
    optimiser = adamw(network, plan.rate, plan.weight_decay)
    average = Averaged(network, plan.ema)
    loss_of = networks.Loss(network)
    first = 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        average.state, average.updates = saved["average"], saved["updates"]
        first = saved["epoch"]
        print(f"resumed after epoch {first}", flush=True)
    steps_per_epoch = max(1, _epoch_size(training, plan) // plan.batch)
    for epoch in range(first, plan.epochs):
        start = time.time()
        rng = np.random.default_rng((plan.seed, epoch))
        order = _epoch_samples(training, plan, epoch, rng)
        network.train()
        totals = np.zeros(4)
        rate = 0.0
        for step in range(steps_per_epoch):
            done = (epoch * steps_per_epoch + step) / (plan.epochs * steps_per_epoch)
            rate = _rate(done, epoch * steps_per_epoch + step, plan)
            for group in optimiser.param_groups:
                group["lr"] = rate
            inputs, boxes = _batch(
                order[step * plan.batch : (step + 1) * plan.batch],
                order,
                plan,
                calm=done >= 1 - plan.calm,
                rng=rng,
            )
            with torch.autocast("cpu", torch.bfloat16):
                raw = network(inputs)
            loss, parts = loss_of(raw, boxes, (inputs.shape[2], inputs.shape[3]))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 10.0)
            optimiser.step()
            average.update(network)
            totals += [float(loss.detach()), *parts.values()]
            if step % 10 == 0:
                seconds = (time.time() - start) / (step + 1)
                print(
                    f"epoch {epoch + 1}/{plan.epochs} step {step}/{steps_per_epoch} "
                    f"loss {totals[0] / (step + 1):.3f} {seconds:.2f} s a step",
                    flush=True,
                )
        state: dict[str, Any] = {
            "network": network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "average": average.state,
            "updates": average.updates,
            "epoch": epoch + 1,
        }
        partial = out / "last.partial"
        torch.save(state, partial)
        partial.replace(checkpoint)
        late = epoch + 1 > plan.epochs - 6
        if late:
            torch.save(average.state, out / f"average_{epoch + 1:03d}.pt")
        val = (float("nan"), float("nan"))
        if len(validation) and ((epoch + 1) % plan.val_every == 0 or epoch + 1 == plan.epochs):
            val = measure(network, average.state, validation)
        row = [epoch + 1, *(totals / steps_per_epoch).round(4), f"{rate:.2e}"]
        row += [*np.round(val, 4), round(time.time() - start, 1)]
        _append(curves, row)
        print("  ".join(f"{name} {value}" for name, value in zip(CURVES, row, strict=True)))
        if stop_at is not None and time.time() > stop_at:
            break
    return checkpoint


def measure(
    network: nn.Module, state: dict[str, torch.Tensor], cases: Sequence[FractureCase]
) -> tuple[float, float]:
    """mAP50 and image-level AUROC of averaged weights; the network's own come back after it."""
    own = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(state)
    network.eval()
    model = Model(forward=torch_forward(network))
    matched, best = [], []
    for case in cases:
        pixels = read_grey(case.path).astype(np.float32) / np.float32(255)
        found = candidates(model, Radiograph(pixels, digest_of(pixels))).suppressed(0.5)
        matched.append(match_image(found, case.boxes_xyxy, (0.5,)))
        best.append(float(found.scores[0]) if len(found) else 0.0)
    network.load_state_dict(own)
    return float(average_precision(matched)[0]), auroc([c.fractured for c in cases], best)


def _epoch_size(training: dict[str, list[Sample]], plan: Plan) -> int:
    normals = min(plan.normals, len(training.get("normal", [])))
    phantoms = min(plan.phantoms, len(training.get("phantom", [])))
    return len(training["fractured"]) + normals + phantoms


def _epoch_samples(
    training: dict[str, list[Sample]], plan: Plan, epoch: int, rng: np.random.Generator
) -> list[Sample]:
    """All fractured images and the next normals and phantoms in turn, shuffled."""
    chosen = list(training["fractured"])
    for kind, count in (("normal", plan.normals), ("phantom", plan.phantoms)):
        pool = training.get(kind, [])
        count = min(count, len(pool))
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


def _rate(done: float, step: int, plan: Plan) -> float:
    """Linear warm-up, then a half cosine down to 2 % of the peak."""
    cosine = 0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * done))
    return float(plan.rate * cosine * min(1.0, (step + 1) / plan.warm_up_steps))


def adamw(network: nn.Module, rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW without decay of biases and normalisation; nothing in the network stays frozen."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": plain},
    ]
    return torch.optim.AdamW(groups, lr=rate, weight_decay=0.0, betas=(0.9, 0.999))


def _append(path: Path, row: Sequence[object]) -> None:
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        if new:
            writer.writerow(CURVES)
        writer.writerow(row)


def load_samples(cases: Sequence[FractureCase]) -> dict[str, list[Sample]]:
    """All cases in memory, by kind."""
    samples: dict[str, list[Sample]] = {"fractured": [], "normal": [], "phantom": []}
    for case in cases:
        sample = Sample(read_grey(case.path), case.boxes_xyxy)
        if len(case.boxes_xyxy):
            samples["fractured"].append(sample)
        elif not case.fractured:
            samples["normal"].append(sample)
    return samples


def phantom_samples(count: int, first_seed: int) -> list[Sample]:
    """Phantoms, every second one fractured; the seeds do not meet those of the evaluation."""
    from core.phantoms.limb.phantom import limb_phantom, random_limb

    made = []
    for seed in range(first_seed, first_seed + count):
        radiograph, boxes = limb_phantom(random_limb(seed, fractured=seed % 2 == 0))
        made.append(Sample(np.rint(radiograph.pixels * 255).astype(np.uint8), boxes))
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    plan = Plan()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data set folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--start", type=Path, help="COCO checkpoint, its hash checked before")
    parser.add_argument("--weights", type=Path, nargs="+", help="earlier runs, to be averaged")
    parser.add_argument("--arch", default="yolo26n", choices=("yolo26n", "yolo26s"))
    parser.add_argument("--epochs", type=int, default=plan.epochs)
    parser.add_argument("--normals", type=int, default=plan.normals)
    parser.add_argument("--phantoms", type=int, default=plan.phantoms)
    parser.add_argument("--rate", type=float, default=plan.rate)
    parser.add_argument("--calm", type=float, default=plan.calm, help="share on whole films")
    parser.add_argument("--val-every", type=int, default=plan.val_every, help="epochs")
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stop-at", type=float, help="stop after the epoch past this time")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    network = networks.build(options.arch)
    if options.start:
        fitted = networks.start_from_coco(network, options.start)
        print(f"{fitted} of {len(network.state_dict())} tensors from {options.start.name}")
    if options.weights:
        network.load_state_dict(averaged(options.weights))
    training = load_samples(read_fracture_cases(options.data, "train"))
    if options.phantoms:
        training["phantom"] = phantom_samples(options.phantoms * 6, first_seed=100_000)
    validation = read_fracture_cases(options.data, "val")
    fractured = [case for case in validation if case.fractured]
    normal = [case for case in validation if not case.fractured]
    plan = Plan(
        epochs=options.epochs,
        normals=options.normals,
        phantoms=options.phantoms,
        rate=options.rate,
        calm=options.calm,
        val_every=options.val_every,
        seed=options.seed,
    )
    train(
        network,
        training,
        fractured + normal[::3],  # a third of the normal ones: each look costs a minute
        options.out,
        plan,
        stop_at=options.stop_at,
    )


if __name__ == "__main__":
    main()
