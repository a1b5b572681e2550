"""VGG-16 three ways on little data: `python -m models.fracture.train_vgg16 --data F --out F`.

Plain, then augmented and balanced, then with dropout and early stopping: the published student
project behind the fracture page took these steps one after the other. Here at small scale: a
quarter of the width, small images, random start.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core.datasets import read_fracture_cases
from core.images import FloatArray
from core.metrics.statistics import auroc
from core.stages import run_stages
from models.fracture.augment import Sample
from models.fracture.classifier_network import Vgg16
from models.fracture.preprocess import input_stages
from models.fracture.train import load_samples
from models.training.loop import adamw

COLUMNS = ("variant", "epoch", "train_loss", "train_auroc", "val_loss", "val_auroc", "seconds")


@dataclass(frozen=True)
class Variant:
    """One way of training.

    Attributes:
        augmented: Views are mirrored, shifted and re-exposed.
        balanced: As many normal as fractured images per epoch, normals in turn.
        patience: Epochs without a better validation loss before it stops; None to run on.
    """

    name: str
    augmented: bool = False
    balanced: bool = False
    dropout: float = 0.0
    patience: int | None = None


PLAIN = Variant("plain")
AUGMENTED = replace(PLAIN, name="augmented and balanced", augmented=True, balanced=True)
STOPPED = replace(AUGMENTED, name="dropout and early stopping", dropout=0.5, patience=4)


def run_experiment(
    training: dict[str, list[Sample]],
    validation: dict[str, list[Sample]],
    out: Path,
    seed: int,
    *,
    side_px: int = 96,
    epochs: int = 10,
    variants: tuple[Variant, ...] = (PLAIN, AUGMENTED, STOPPED),
) -> Path:
    """Train each variant and write `vgg16_experiment.csv`, one row per epoch.

    Returns:
        Path of the table.
    """
    train_x, train_y = _arrays(training, side_px)
    val_x, val_y = _arrays(validation, side_px)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "vgg16_experiment.csv"
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for variant in variants:
            for row in _curve(variant, (train_x, train_y), (val_x, val_y), epochs, seed):
                writer.writerow([variant.name, *row])
                handle.flush()
                print(variant.name, *row, flush=True)
    return path


def _curve(
    variant: Variant,
    training: tuple[FloatArray, FloatArray],
    validation: tuple[FloatArray, FloatArray],
    epochs: int,
    seed: int,
) -> list[list[float]]:
    """Rows of one variant: epoch, losses and AUROCs of training and validation, seconds."""
    torch.manual_seed(seed)
    network = Vgg16(dropout=variant.dropout).to(memory_format=torch.channels_last)
    optimiser = adamw(network, 5e-4, 0.01)
    images, truth = training
    rows: list[list[float]] = []
    best, waited = float("inf"), 0
    for epoch in range(epochs):
        start = time.time()
        rng = np.random.default_rng((seed, epoch))
        order = _order(truth, variant.balanced, epoch, rng)
        network.train()
        losses, scores = [], []
        for chosen in np.array_split(order, max(1, len(order) // 32)):
            batch = images[chosen]
            if variant.augmented:
                batch = np.stack([_augmented(image, rng) for image in batch])
            logits = _logits(network, batch)
            loss = nn.functional.binary_cross_entropy_with_logits(
                logits, torch.from_numpy(truth[chosen])
            )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
            scores.append(logits.detach().numpy())
        network.eval()
        with torch.inference_mode():
            parts = [_logits(network, batch) for batch in np.array_split(validation[0], 6)]
            val = torch.cat(parts)
            val_loss = nn.functional.binary_cross_entropy_with_logits(
                val, torch.from_numpy(validation[1])
            )
        figures = [
            float(np.mean(losses)),
            auroc(truth[order], np.concatenate(scores)),
            float(val_loss),
            auroc(validation[1], val.numpy()),
        ]
        rows.append([epoch + 1, *np.round(figures, 4), round(time.time() - start, 1)])
        waited = 0 if float(val_loss) < best else waited + 1
        best = min(best, float(val_loss))
        if variant.patience is not None and waited >= variant.patience:
            break
    return rows


def _logits(network: Vgg16, batch: FloatArray) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(torch.from_numpy(batch[:, None]))
    return logits[:, 0].float()


def _order(truth: FloatArray, balanced: bool, epoch: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of one epoch, shuffled."""
    if not balanced:
        return rng.permutation(len(truth))
    fractured, normal = np.flatnonzero(truth > 0.5), np.flatnonzero(truth < 0.5)
    taken = normal[(epoch * len(fractured) + np.arange(len(fractured))) % len(normal)]
    return rng.permutation(np.concatenate([fractured, taken]))


def _augmented(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Mirrored either way, turned and shifted a little, brighter or darker."""
    import cv2

    side = image.shape[0]
    turn = cv2.getRotationMatrix2D(
        (side / 2, side / 2), float(rng.uniform(-12, 12)), float(rng.uniform(0.9, 1.15))
    )
    turn[:, 2] += rng.uniform(-0.06, 0.06, 2) * side
    moved = cv2.warpAffine(image, turn, (side, side))
    moved = moved[:, ::-1] if rng.random() < 0.5 else moved
    moved = moved[::-1] if rng.random() < 0.3 else moved
    return np.clip(moved * np.float32(rng.uniform(0.85, 1.15)), 0, 1).astype(np.float32)


def _arrays(samples: dict[str, list[Sample]], side_px: int) -> tuple[FloatArray, FloatArray]:
    """Network inputs (N, side, side) and labels (N,), fractured first."""
    stages = input_stages(side_px, square=True)
    kinds = [(1.0, sample) for sample in samples["fractured"]]
    kinds += [(0.0, sample) for sample in samples["normal"]]
    images = [
        run_stages(sample.grey.astype(np.float32) / np.float32(255), stages)[-1].image
        for _, sample in kinds
    ]
    return np.stack(images), np.array([label for label, _ in kinds], np.float32)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data set folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the table")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    torch.manual_seed(options.seed)
    training = load_samples(read_fracture_cases(options.data, "train"))
    validation = load_samples(read_fracture_cases(options.data, "val"))
    run_experiment(training, validation, options.out, options.seed)


if __name__ == "__main__":
    main()
