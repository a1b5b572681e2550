"""Repeat the published experiments: `python -m models.chest.train_experiments --data F --out F`.

Cardiomegaly against films without a finding, MobileNetV2 at 128 px, one change at a time, several
seeds. The published project ranked augmentations by validation accuracy: small rotations best,
Gaussian blur worst. `experiments.csv` has a row for each run.
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

from core.metrics.statistics import auroc, bootstrap_interval
from models.chest.augment import Strength
from models.chest.dataset import read_cases
from models.chest.network import ChestNet, start_from_imagenet
from models.chest.train import Plan, read_films
from models.chest.train_cardiomegaly import Binary, fit, thinned

COLUMNS = (
    "factor", "setting", "seed", "val_auroc", "low", "high", "n_train", "n_val", "n_val_positive",
    "epochs", "seconds",
)  # fmt: skip


AS_IT_IS = Strength()


@dataclass(frozen=True)
class Setting:
    """One change from the plain run.

    Attributes:
        factor, setting: How the tables call it.
        strength: Augmentation.
        imagenet: Whether it starts from ImageNet.
        trained_from: First layer that learns; see `fit`.
        kept: How many layers the network keeps; None for all.
    """

    factor: str
    setting: str
    strength: Strength = AS_IT_IS
    imagenet: bool = True
    trained_from: int = 0
    kept: int | None = None


PLAIN = Setting("augmentation", "none")
SETTINGS = (
    PLAIN,
    # 5 % of a full turn, as Keras counts rotation
    Setting("augmentation", "rotation up to 18°", Strength(rotation_deg=18.0)),
    Setting("augmentation", "Gaussian blur up to 2 px", Strength(blur_px=2.0)),
    Setting("augmentation", "shift up to 10 %", Strength(shift=0.1)),
    Setting("augmentation", "zoom up to 15 %", Strength(zoom=0.14)),
    Setting("augmentation", "brightness up to 0.2", Strength(brightness=0.2)),
    Setting("augmentation", "noise up to 0.05", Strength(noise=0.05)),
    Setting("augmentation", "horizontal flip", Strength(mirror=0.5)),
    Setting("start", "random weights", imagenet=False),
    Setting("depth", "only the head learns", trained_from=19),
    Setting("depth", "the last third learns", trained_from=14),
    Setting("depth", "cut after 14 of 19 layers", kept=14),
)
SHIPPED = {"rotation up to 18°": "rotation", "Gaussian blur up to 2 px": "blur"}


def network_of(setting: Setting, imagenet: dict[str, torch.Tensor], seed: int) -> ChestNet:
    """The network that a setting starts from."""
    torch.manual_seed(seed)
    network = ChestNet("mobilenet_v2", 1, 0.2)
    if setting.imagenet:
        start_from_imagenet(network, imagenet)
    if setting.kept is not None:
        network.features = network.features[: setting.kept]
        with torch.inference_mode():
            channels = network.features.eval()(torch.zeros(1, 1, 64, 64)).shape[1]
        network.head = torch.nn.Linear(channels, 1)
    return network


def heart_or_nothing(folder: Path, split: str, cache: Path, limit: int | None = None) -> Binary:
    """Films with cardiomegaly, and films without any finding."""
    films = read_films(folder, split, 128, cache, limit).films
    cases = read_cases(folder, split)[:limit]
    heart = np.array(["Cardiomegaly" in case.findings for case in cases])
    nothing = np.array([case.row["No_Finding"] == "1" for case in cases])
    kept = heart | nothing
    return Binary(films[kept], heart[kept].astype(np.float32))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data set folder")
    parser.add_argument("--cache", type=Path, required=True, help="folder for prepared films")
    parser.add_argument("--out", type=Path, required=True, help="folder for tables and weights")
    parser.add_argument("--start", type=Path, required=True, help="ImageNet weights")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--negatives", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    imagenet = torch.load(options.start, map_location="cpu", weights_only=True)
    whole = heart_or_nothing(options.data, "train", options.cache)
    validation = thinned(heart_or_nothing(options.data, "val", options.cache), 400, seed=0)
    (options.out / "scores").mkdir(parents=True, exist_ok=True)
    table = options.out / "experiments.csv"
    if not table.is_file():
        table.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    for seed in range(options.seeds):
        for number, setting in enumerate(SETTINGS):
            kept = options.out / "scores" / f"{number}_{seed}.npy"
            if kept.is_file():
                continue
            start = time.time()
            training = thinned(whole, options.negatives, seed)
            network = network_of(setting, imagenet, seed)
            plan = Plan(epochs=options.epochs, batch=16, rate=5e-4, ema=0.97, seed=seed)
            shipped = options.out / SHIPPED[setting.setting] if setting.setting in SHIPPED else None
            state = fit(
                network,
                training,
                plan,
                setting.strength,
                trained_from=setting.trained_from,
                out=shipped if seed == 0 else None,
            )
            network.load_state_dict(state)
            scores = validation.scores(network)
            np.save(kept, scores)
            low, high = bootstrap_interval(auroc, validation.truth, scores, draws=400)
            row = [setting.factor, setting.setting, seed]
            row += [round(v, 4) for v in (auroc(validation.truth, scores), low, high)]
            row += [len(training.truth), len(validation.truth), int(validation.truth.sum())]
            row += [options.epochs, round(time.time() - start)]
            with table.open("a", newline="", encoding="utf-8") as handle:
                csv.writer(handle).writerow(row)
            print(*row, flush=True)


if __name__ == "__main__":
    main()
