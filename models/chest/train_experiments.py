"""Repeat the published experiments: `python -m models.chest.train_experiments --data F --out F`.

Cardiomegaly against films without a finding, MobileNetV2 at 128 px, one change at a time. The
published project ranked augmentations by validation accuracy: small rotations best, Gaussian blur
worst. Three things would decide such a ranking by themselves and are kept out: all films are
brought to 64 px first and every film with a large heart has its counterpart of the same size and
view; no patient is on both sides; and each film is scored once for each seed by a network that has
not seen it (three parts, of training and validation together), so that all films count and not the
few of one split.

The folder of the runs holds what a stopped one goes on from. `experiments.csv` gets a row for each
setting and seed, with the setting's paired change; `experiment_curves.csv` the means over epochs;
`experiment_scores.csv` the scores of every film.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from models.chest.augment import Strength
from models.chest.dataset import Case, network_inputs, read_cases
from models.chest.network import ChestNet, start_from_imagenet
from models.chest.study import PARTS, Run, write
from models.chest.train import Plan
from models.chest.train_cardiomegaly import Binary, fit
from models.training.loop import CHECKPOINT, CURVE

AS_IT_IS = Strength()
SIDE_PX, COMMON_PX = 128, 64
"""Sides of what the network sees, and of what every film is brought to before."""


@dataclass(frozen=True)
class Setting:
    """One change from the plain run.

    Attributes:
        factor, setting: How the tables call it.
        strength: Augmentation.
        imagenet: Whether it starts from ImageNet.
    """

    factor: str
    setting: str
    strength: Strength = AS_IT_IS
    imagenet: bool = True


PLAIN = Setting("augmentation", "none")
SETTINGS = (
    PLAIN,
    # 5 % of a full turn, as Keras counts rotation
    Setting("augmentation", "rotation up to 18°", Strength(rotation_deg=18.0)),
    Setting("augmentation", "Gaussian blur up to 2 px", Strength(blur_px=2.0)),
    Setting("augmentation", "shift up to 10 %", Strength(shift=0.1)),
    Setting("augmentation", "zoom up to 15 %", Strength(zoom=0.14)),
    Setting("augmentation", "shear up to 11°", Strength(shear=0.2)),
    Setting("augmentation", "brightness up to 0.2", Strength(brightness=0.2)),
    Setting("augmentation", "horizontal flip", Strength(mirror=0.5)),
    Setting("start", "random weights", imagenet=False),
)


def network_of(setting: Setting, imagenet: dict[str, torch.Tensor], seed: int) -> ChestNet:
    """The network that a setting starts from."""
    torch.manual_seed(seed)
    network = ChestNet("mobilenet_v2", 1, 0.2)
    if setting.imagenet:
        start_from_imagenet(network, imagenet)
    return network


def matched(cases: Sequence[Case], seed: int = 0) -> list[Case]:
    """All films with cardiomegaly, then as many without a finding, of the same sizes and views.

    The latter are of other patients, one film of each.
    """
    hearts = [case for case in cases if "Cardiomegaly" in case.findings]
    wanted = Counter((case.px, case.row["view"]) for case in hearts)
    seen = {case.row["patient"] for case in hearts}
    chosen = []
    for index in np.random.default_rng(seed).permutation(len(cases)):
        case = cases[index]
        kind, patient = (case.px, case.row["view"]), case.row["patient"]
        if case.row["No_Finding"] == "1" and wanted[kind] and patient not in seen:
            wanted[kind] -= 1
            seen.add(patient)
            chosen.append(case)
    return hearts + chosen


def parts(cases: Sequence[Case], seed: int) -> NDArray[np.int64]:
    """Part (N,) that each film is scored in, patients together, sizes and hearts spread alike."""
    from sklearn.model_selection import StratifiedGroupKFold

    kinds = [f"{case.px} {'Cardiomegaly' in case.findings}" for case in cases]
    patients = [case.row["patient"] for case in cases]
    found = np.zeros(len(cases), np.int64)
    by = StratifiedGroupKFold(PARTS, shuffle=True, random_state=seed)
    for number, (_, scored) in enumerate(by.split(kinds, kinds, patients)):
        found[scored] = number
    return found


def films_of(cases: Sequence[Case]) -> NDArray[np.uint8]:
    """All films at one resolution, uint8 (N, `SIDE_PX`, `SIDE_PX`)."""
    small = network_inputs([case.path for case in cases], COMMON_PX)
    side = (SIDE_PX, SIDE_PX)
    return np.stack([cv2.resize(film, side, interpolation=cv2.INTER_LINEAR) for film in small])


def runs(
    cases: Sequence[Case],
    settings: Sequence[Setting],
    imagenet: dict[str, torch.Tensor],
    out: Path,
    plan: Plan,
    seeds: int,
) -> Iterator[Run]:
    """Every setting with every seed on every part, from what was kept where it is."""
    films = films_of(cases)
    truth = np.array([float("Cardiomegaly" in case.findings) for case in cases], np.float32)
    for seed in range(seeds):
        part = parts(cases, seed)
        for number, setting in enumerate(settings):
            for scored in range(PARTS):
                folder = out / f"{number:02d}_{seed}_{scored}"
                kept = folder / "scores.npy"
                start, own = time.time(), seed * PARTS + scored
                if not kept.is_file():
                    mine = part == scored
                    network = network_of(setting, imagenet, own)
                    found = fit(
                        network,
                        Binary(films[~mine], truth[~mine]),
                        replace(plan, seed=own),
                        setting.strength,
                        validation=Binary(films[mine], truth[mine]),
                        out=folder,
                    )
                    network.load_state_dict(found)
                    np.save(kept, Binary(films[mine], truth[mine]).scores(network))
                    (folder / CHECKPOINT).unlink()
                    (folder / "seconds").write_text(f"{time.time() - start:.0f}")
                    print(f"{setting.setting}, seed {seed}, part {scored} done", flush=True)
                yield Run(
                    setting.factor,
                    setting.setting,
                    seed,
                    scored,
                    np.flatnonzero(part == scored),
                    np.load(kept),
                    pd.read_csv(folder / CURVE),
                    float((folder / "seconds").read_text()),
                )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data set folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--tables", type=Path, default=Path(__file__).parent)
    parser.add_argument("--start", type=Path, required=True, help="ImageNet weights")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    imagenet = torch.load(options.start, map_location="cpu", weights_only=True)
    cases = matched(read_cases(options.data, "train") + read_cases(options.data, "val"))
    plan = Plan(epochs=options.epochs, batch=16, rate=5e-4, ema=0.97)
    done = list(runs(cases, SETTINGS, imagenet, options.out, plan, options.seeds))
    write(cases, done, options.epochs, options.tables)


if __name__ == "__main__":
    main()
