"""Repeat the published experiments: `python -m models.bone_age.train_experiments --data F --out F`.

Two student projects say which choices lowered their error: grey against binarised regions,
augmentation, a small batch, regions against the whole hand, preprocessing. Here a network is
trained for each setting, from random weights, on the same training films, one thing changed at a
time; it is scored once, after the last epoch, on the validation films. Test is not touched.

The folder of the runs keeps what is done. `experiments.csv` gets a row for each setting and seed,
with the setting's paired change; `experiment_curves.csv` the means over epochs;
`experiment_answers.csv` the answer for every film.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from core.bone_age.cases import BoneAgeCase, read_bone_age_cases
from models.bone_age.augment import NO_AUGMENTATION, Augmentation, augmented
from models.bone_age.experiment_films import (
    ALIGNED,
    BINARY_REGIONS,
    GREY_REGIONS,
    MASKED,
    RAW,
    prepare,
)
from models.bone_age.experiment_network import SmallNet, months_of
from models.bone_age.preprocess import MEAN_MONTHS, SEX_INPUT, SPREAD_MONTHS
from models.bone_age.study import Run, write
from models.training.loop import (
    CHECKPOINT,
    CURVE,
    Loss,
    Training,
    adamw,
    growing,
    run,
    warmed_cosine,
)

RATE, WARM_UP, WEIGHT_DECAY, DECAY = 2e-3, 0.1, 1e-2, 0.97


@dataclass(frozen=True)
class Setting:
    """What a network is trained with.

    Attributes:
        pictures: How the films are shown, see `experiment_films`.
        how: Augmentation, of each region by itself.
        batch: Films a step.
        with_sex: Whether the network is told the sex.
        longer: Epochs, as a multiple of the plan's.
    """

    pictures: str = GREY_REGIONS
    how: Augmentation = NO_AUGMENTATION
    batch: int = 16
    with_sex: bool = True
    longer: int = 1


PLAIN = Setting()
ALIGNED_HAND = Setting(ALIGNED)
ALL, ROTATION = Augmentation(), Augmentation(20, 0, 0, False, 0, 0, 0)
WORDS = {ALL: "all", ROTATION: "rotation"}
FACTORS: dict[str, dict[str, Setting]] = {
    "crops": {"grey": PLAIN, "binarised": Setting(BINARY_REGIONS)},
    "augmentation": {
        "none": PLAIN,
        "all": Setting(how=ALL),
        "rotation up to 20°": Setting(how=ROTATION),
    },
    "batch size": {"16": PLAIN, "64": Setting(batch=64)},
    "what is shown": {"four regions": PLAIN, "whole hand": ALIGNED_HAND},
    "preprocessing": {
        "landmark pipeline": ALIGNED_HAND,
        "film as it is": Setting(RAW),
        "segmented hand": Setting(MASKED),
    },
    "sex": {"told": PLAIN, "not told": Setting(with_sex=False)},
    "length of training": {"once": PLAIN, "twice as long": Setting(longer=2)},
    "augmentation, twice as long": {
        "none": Setting(longer=2),
        "all": Setting(how=ALL, longer=2),
    },
}
"""By factor, the settings by name; the first is what the others are compared with."""


def settings() -> list[Setting]:
    """Every setting once, the first two of each factor before further ones.

    One run serves all factors that its setting stands in.
    """
    in_turn = zip_longest(*(named.values() for named in FACTORS.values()))
    return list(dict.fromkeys(one for row in in_turn for one in row if one is not None))


@dataclass(frozen=True, eq=False)
class Hands:
    """Films uint8 (N, H, W) in one way, with months (N,) and sexes (N, 2)."""

    films: NDArray[np.uint8]
    months: NDArray[np.float32]
    sexes: NDArray[np.float32]


def hands_of(films: NDArray[np.uint8], cases: Sequence[BoneAgeCase], setting: Setting) -> Hands:
    """The films of a split as a setting shows them."""
    sexes = [SEX_INPUT[case.sex if setting.with_sex else None] for case in cases]
    months = np.array([case.months for case in cases], np.float32)
    return Hands(films, months, np.array(sexes, np.float32))


def view(
    film: NDArray[np.uint8], setting: Setting, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A training film, float32 (H, W) in [0, 1]: regions vary each for itself."""
    if setting.how == NO_AUGMENTATION:
        return np.divide(film, 255, dtype=np.float32)
    if setting.pictures not in (GREY_REGIONS, BINARY_REGIONS):
        return augmented(film, setting.how, rng)
    rows = [np.hsplit(half, 2) for half in np.vsplit(film, 2)]
    varied = [[augmented(np.ascontiguousarray(part), setting.how, rng) for part in row]
              for row in rows]  # fmt: skip
    return np.block(varied).astype(np.float32)


def fit(
    network: nn.Module,
    training: Hands,
    validation: Hands,
    setting: Setting,
    epochs: int,
    seed: int,
    out: Path | None = None,
) -> nn.Module:
    """Train a network, and return it with its averaged weights."""
    target = torch.from_numpy((training.months - MEAN_MONTHS) / SPREAD_MONTHS)
    steps = len(target) // setting.batch

    def losses(epoch: int, rng: np.random.Generator) -> Iterator[Loss]:
        order = rng.permutation(len(target))[: steps * setting.batch]
        for chosen in order.reshape(steps, setting.batch):
            films = np.stack([view(training.films[i], setting, rng) for i in chosen])[:, None]
            inputs = torch.from_numpy(films).to(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                answers = network(inputs, torch.from_numpy(training.sexes[chosen]))
            loss = (answers.float() - target[chosen]).abs().mean()
            yield loss, {"train_mae_months": float(loss.detach()) * SPREAD_MONTHS}

    def measure(average: nn.Module, epoch: int) -> dict[str, float]:
        answers = months_of(average, validation.films, validation.sexes)
        return {"val_mae_months": float(np.abs(answers - validation.months).mean())}

    optimiser = adamw(network, RATE, WEIGHT_DECAY)
    total = epochs * steps
    plan = Training(
        network,
        optimiser,
        warmed_cosine(optimiser, total, round(WARM_UP * total)),
        growing(DECAY),
        epochs,
        losses,
        measure,
        seed=seed,
    )
    network.load_state_dict(run(plan, out, say=partial(print, flush=True) if out else _nothing))
    return network.eval()


def _nothing(line: str) -> None:
    """Said to nobody."""


def runs(
    cases: dict[str, list[BoneAgeCase]],
    films: dict[str, dict[str, NDArray[np.uint8]]],
    chosen: Sequence[Setting],
    out: Path,
    epochs: int,
    seeds: Sequence[int],
    until: float = float("inf"),
) -> Iterator[Run]:
    """Every setting with every seed, from what was kept where it is.

    Args:
        cases, films: By split; the films by the way they are shown.
        until: No run is begun after this time (seconds since 1970).
    """
    for seed in seeds:
        for setting in chosen:
            folder = out / f"{_name(setting)}_{seed}"
            kept = folder / "answers.npy"
            if not kept.is_file():
                if time.time() > until:
                    continue
                start = time.process_time()
                training, validation = (
                    hands_of(films[split][setting.pictures], cases[split], setting)
                    for split in ("train", "val")
                )
                torch.manual_seed(seed)
                network = fit(
                    SmallNet(), training, validation, setting, epochs * setting.longer, seed, folder
                )
                (folder / "seconds").write_text(f"{time.process_time() - start:.0f}")
                np.save(kept, months_of(network, validation.films, validation.sexes))
                (folder / CHECKPOINT).unlink()
            yield Run(
                setting,
                seed,
                epochs * setting.longer,
                np.load(kept),
                pd.read_csv(folder / CURVE),
                float((folder / "seconds").read_text()),
            )


def _name(setting: Setting) -> str:
    """A folder's name, of what differs from the plain setting."""
    words = [
        setting.pictures.replace(" ", "_").replace(",", ""),
        *([WORDS[setting.how]] if setting.how in WORDS else []),
        *([f"batch{setting.batch}"] if setting.batch != PLAIN.batch else []),
        *([] if setting.with_sex else ["no_sex"]),
        *([f"times{setting.longer}"] if setting.longer != 1 else []),
    ]
    return "_".join(words)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data set folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of films and runs")
    parser.add_argument("--tables", type=Path, default=Path(__file__).parent)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--seeds", type=int, nargs="*", default=(0, 1, 2))
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no run after")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    until = time.time() + 60 * options.minutes
    cases = {split: read_bone_age_cases(options.data, split) for split in ("train", "val")}
    films = {split: prepare(some, options.out / "films") for split, some in cases.items()}
    folder = options.out / "runs"
    done = runs(cases, films, settings(), folder, options.epochs, options.seeds, until)
    write(cases["val"], len(cases["train"]), list(done), FACTORS, options.tables)


if __name__ == "__main__":
    main()
