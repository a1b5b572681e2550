"""The published steps of VGG-16 training, one added to the other, with seeds.

`python -m models.fracture.train_vgg16 --data FOLDER --out FOLDER` trains what is missing in the
folder and writes the tables of `models.fracture.vgg16_study`.

The published student project went from plain training to augmentation, and then to dropout and
early stopping. Here at small scale: a quarter of the width, 96 px, and random weights, as ImageNet
weights of VGG-16 could not be had. Every epoch has all fractured films and as many normal ones, in
turn. A part of the training films is kept aside for the stop, so that the films that are scored
choose nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from core.datasets import BLOCK, FractureCase, read_fracture_cases, read_grey
from core.fracture import published
from core.images import FloatArray
from core.metrics.statistics import auroc
from core.stages import run_stages
from models.fracture.classifier_network import Vgg16
from models.fracture.preprocess import input_stages
from models.fracture.vgg16_study import Run, write
from models.training.loop import adamw

ASIDE = 7
"""One block of neighbouring film numbers in so many is kept aside: often one patient's."""


@dataclass(frozen=True)
class Variant:
    """One way of training.

    Attributes:
        augmented: Views are mirrored, turned, shifted and re-exposed.
        dropout: Share of the dense layer's answers left out.
        patience: Epochs without a better loss on the films aside before it stops and goes back to
            its best epoch; None to run on and keep the last.
    """

    name: str
    augmented: bool = False
    dropout: float = 0.0
    patience: int | None = None


VARIANTS = (
    Variant(published.PLAIN),
    Variant(published.AUGMENTED, augmented=True),
    Variant(published.STOPPED, augmented=True, dropout=0.5, patience=4),
)


@dataclass(frozen=True, eq=False)
class Films:
    """Network inputs (N, side, side) in [0, 1], and whether each is fractured, (N,) as 0 or 1."""

    inputs: FloatArray
    fractured: NDArray[np.float32]


def is_aside(file: str) -> bool:
    """Whether a training film is kept aside for the stop."""
    number = int("".join(c for c in Path(file).stem if c.isdigit()) or 0)
    return number // BLOCK % ASIDE == ASIDE - 1


def films_of(cases: Sequence[FractureCase], side_px: int) -> Films:
    """What the network sees of each film."""
    stages = input_stages(side_px, square=True)
    inputs = np.zeros((len(cases), side_px, side_px), np.float32)
    for row, case in zip(inputs, cases, strict=True):
        row[:] = run_stages(read_grey(case.path).astype(np.float32) / np.float32(255), stages)[
            -1
        ].image
    return Films(inputs, np.array([case.fractured for case in cases], np.float32))


def train(
    variant: Variant, training: Films, aside: Films, scored: Films, epochs: int, seed: int
) -> Run:
    """Train one variant from random weights, and ask it about the scored films."""
    torch.manual_seed(seed)
    network = Vgg16(dropout=variant.dropout).to(memory_format=torch.channels_last)
    optimiser = adamw(network, 5e-4, 0.01)
    begun = time.process_time()
    rows: list[dict[str, float]] = []
    best, kept, waited = float("inf"), network.state_dict(), 0
    for epoch in range(epochs):
        rng = np.random.default_rng((seed, epoch))
        row = {"epoch": epoch + 1, **_epoch(network, optimiser, variant, training, epoch, rng)}
        rows.append(row | _measured(network, aside))
        if variant.patience is None:
            continue
        better = rows[-1]["aside_loss"] < best
        waited = 0 if better else waited + 1
        if better:
            best = rows[-1]["aside_loss"]
            kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        if waited >= variant.patience:
            break
    if variant.patience is not None:
        network.load_state_dict(kept)
    odds = _odds(network, scored.inputs)
    return Run(variant.name, seed, odds, pd.DataFrame(rows), time.process_time() - begun)


def _epoch(
    network: Vgg16,
    optimiser: torch.optim.Optimizer,
    variant: Variant,
    films: Films,
    epoch: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Loss, accuracy and AUROC of an epoch's batches, as they were seen."""
    order = _balanced(films.fractured, epoch, rng)
    network.train()
    losses, answers = [], []
    for chosen in np.array_split(order, max(1, len(order) // 32)):
        batch = films.inputs[chosen]
        if variant.augmented:
            batch = np.stack([_augmented(image, rng) for image in batch])
        odds = _logits(network, batch)
        truth = torch.from_numpy(films.fractured[chosen])
        loss = nn.functional.binary_cross_entropy_with_logits(odds, truth)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
        answers.append(odds.detach().numpy())
    return _figures(
        "train", films.fractured[order], np.concatenate(answers), float(np.mean(losses))
    )


def _measured(network: Vgg16, films: Films) -> dict[str, float]:
    """The same of the films aside; each class counts half, as in training."""
    odds = _odds(network, films.inputs)
    truth = films.fractured > 0.5
    each = np.logaddexp(0, np.where(truth, -odds, odds))
    loss = np.mean([each[truth].mean(), each[~truth].mean()])
    return _figures("aside", films.fractured, odds, float(loss))


def _figures(
    name: str, fractured: NDArray[np.float32], odds: NDArray[np.floating], loss: float
) -> dict[str, float]:
    truth = fractured > 0.5
    right = (odds > 0) == truth
    return {
        f"{name}_loss": loss,
        f"{name}_accuracy": float(np.mean([right[truth].mean(), right[~truth].mean()])),
        f"{name}_auroc": auroc(truth, odds),
    }


def _odds(network: Vgg16, inputs: FloatArray) -> NDArray[np.float32]:
    network.eval()
    with torch.inference_mode():
        parts = [_logits(network, inputs[i : i + 64]) for i in range(0, len(inputs), 64)]
    return torch.cat(parts).numpy()


def _logits(network: Vgg16, batch: FloatArray) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(torch.from_numpy(np.ascontiguousarray(batch[:, None])))
    return logits[:, 0].float()


def _balanced(
    fractured: NDArray[np.float32], epoch: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Indices of one epoch, shuffled: all fractured films, and as many normal ones in turn."""
    broken, whole = np.flatnonzero(fractured > 0.5), np.flatnonzero(fractured < 0.5)
    taken = whole[(epoch * len(broken) + np.arange(len(broken))) % len(whole)]
    return rng.permutation(np.concatenate([broken, taken]))


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


def run_all(
    data: Path, out: Path, *, epochs: int, seeds: int, side_px: int = 96, most: int | None = None
) -> list[Run]:
    """Train what `out` does not hold yet, at most `most` runs; all that there are, in order."""
    out.mkdir(parents=True, exist_ok=True)
    paths = {
        (variant, seed): out / f"{VARIANTS.index(variant)}_{seed}.npz"
        for seed in range(seeds)
        for variant in VARIANTS
    }
    missing = [key for key, path in paths.items() if not path.is_file()][:most]
    if missing:
        cases = read_fracture_cases(data, "train")
        parts = [[case for case in cases if is_aside(case.file) == aside] for aside in (0, 1)]
        training, aside = (films_of(part, side_px) for part in parts)
        scored = films_of(read_fracture_cases(data, "val"), side_px)
    for variant, seed in missing:
        done = train(variant, training, aside, scored, epochs, seed)
        done.keep(paths[variant, seed])
        print(variant.name, seed, done.curve.tail(1).to_dict("records")[0], flush=True)
    return [
        Run.kept(path, variant.name, seed)
        for (variant, seed), path in paths.items()
        if path.is_file()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data set folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most", type=int, help="train so many runs, then stop")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tables", type=Path, default=Path(__file__).parent, help="their folder")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    runs = run_all(
        options.data, options.out, epochs=options.epochs, seeds=options.seeds, most=options.most
    )
    if len(runs) == len(VARIANTS) * options.seeds:
        cases = read_fracture_cases(options.data)
        aside = sum(is_aside(case.file) for case in cases if case.split == "train")
        trained = sum(case.split == "train" for case in cases) - aside
        scored = [case for case in cases if case.split == "val"]
        write(scored, runs, options.epochs, trained, options.tables)


if __name__ == "__main__":
    main()
