"""A quick look at what networks might gain: `python -m models.bone_age.train_quick_look`.

`train_experiments` trains a network for each setting. Here none is trained: a setting is judged by
what a fixed network sees, the features of EfficientNet-Lite0 at 128 px, as ImageNet left it, and a
ridge regression on them. One factor is changed at a time; a seed draws four fifths of the training
films and the augmented copies. The error is that on the validation split; test is not touched.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.bone_age import landmark, whole_hand
from core.bone_age.cases import BoneAgeCase, read_bone_age_cases
from core.files.radiograph import read_radiograph
from core.stages import Stage, run_stages
from models.bone_age import network
from models.bone_age.augment import NO_AUGMENTATION, Augmentation, augmented
from models.bone_age.preprocess import SEX_INPUT, network_input

SHAPE = (128, 128)
COPIES = 3  # augmented copies of a training film, beside the film itself
SHARE = 0.8  # of the training films that a seed draws
PENALTIES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)
COLUMNS = ("factor", "setting", "seed", "val_mae_months", "n", "network", "n_train")
ROTATION = Augmentation(20, 0, 0, False, 0, 0, 0)
NOISE = Augmentation(0, 0, 0, False, 0, 0.05, 0)

Features = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """One setting; everything but the factor stays as the base."""

    factor: str
    setting: str
    pictures: str = "ours"
    how: Augmentation = NO_AUGMENTATION
    with_sex: bool = True
    imagenet: bool = True


RUNS = (
    Run("augmentation", "none"),
    Run("augmentation", "rotation", how=ROTATION),
    Run("augmentation", "noise", how=NOISE),
    Run("augmentation", "all", how=Augmentation()),
    Run("crops", "grey regions", pictures="regions grey"),
    Run("crops", "binarised regions", pictures="regions binary"),
    Run("what is shown", "four regions", pictures="regions grey"),
    Run("what is shown", "whole hand", pictures="hand grey"),
    Run("preprocessing", "ours (window, crop, CLAHE)"),
    Run("preprocessing", "landmark pipeline", pictures="hand grey"),
    Run("preprocessing", "raw film", pictures="raw"),
    Run("sex", "with"),
    Run("sex", "without", with_sex=False),
    Run("start", "ImageNet"),
    Run("start", "random", imagenet=False),
)


def pictures_of(case: BoneAgeCase) -> dict[str, NDArray[np.uint8]]:
    """All variants of one film, uint8 (128, 128)."""
    pixels = read_radiograph(case.path.read_bytes(), name=case.file).pixels
    found = {
        "raw": network_input(pixels, [], SHAPE)[1],
        "ours": network_input(pixels, whole_hand.stages(shape=SHAPE), SHAPE)[1],
    }
    hand = run_stages(pixels, landmark.stages(output="whole hand")[:-1])
    last = hand[-1].image
    for binary in (False, True):
        word = "binary" if binary else "grey"
        for name, function, side in (
            ("hand", landmark.fit, SHAPE[0]),
            ("regions", landmark.crop_regions, SHAPE[0] // 2),
        ):
            stage = Stage(name, function, {"side_px": side, "binary": binary})
            failed = hand[-1].error or (step := run_stages(last, [stage])[0]).error
            picture = network_input(pixels, [], SHAPE)[1] if failed else step.image / 255.0
            found[f"{name} {word}"] = picture.astype(np.float32)
    return {name: (255 * picture).round().astype(np.uint8) for name, picture in found.items()}


def prepare(cases: Sequence[BoneAgeCase], cache: Path) -> dict[str, NDArray[np.uint8]]:
    """All variants of all films, by name, (N, 128, 128); made once and kept in `cache`."""
    if not cache.is_file():
        each = [pictures_of(case) for case in cases]
        cache.parent.mkdir(parents=True, exist_ok=True)
        arrays = {name: np.stack([one[name] for one in each]) for name in each[0]}
        np.savez(cache, **arrays)  # type: ignore[arg-type]  # the stub takes no mapping
    with np.load(cache, allow_pickle=False) as kept:
        return dict(kept)


class Probe:
    """EfficientNet-Lite0 up to its last feature map, averaged; ImageNet or random weights."""

    def __init__(self, imagenet: Path | None, seed: int = 0) -> None:
        keras.utils.set_random_seed(seed)
        model = network.attention_lite0(SHAPE)
        if imagenet is not None:
            network.start(model, "attention_lite0", imagenet)
        pooled = keras.ops.mean(model.get_layer("head_relu").output, axis=(1, 2))
        self.body = keras.Model(model.inputs[0], pooled)

    def __call__(self, films: NDArray[np.floating]) -> Features:
        """(N, H, W) in [0, 1] to (N, 1280)."""
        parts = [
            self.body(films[start : start + 32][..., None], training=False).numpy()
            for start in range(0, len(films), 32)
        ]
        return np.concatenate(parts).astype(np.float64)


def ridge(train: Features, months: Features, penalty: float) -> tuple[Features, float]:
    """Weights and offset of a ridge regression (Hoerl and Kennard 1970) on centred features."""
    mean, level = train.mean(axis=0), float(months.mean())
    centred = train - mean
    gram = centred.T @ centred + penalty * np.eye(train.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (months - level))
    return weights, level - float(mean @ weights)


def fitted(train: Features, months: Features, films: NDArray[np.integer]) -> tuple[Features, float]:
    """The ridge regression with the penalty that is best on a fifth of the training films.

    Args:
        train, months: (N, C) and (N,).
        films: (N,) number of the film that each row shows: copies of one stay together.
    """
    aside = films % 5 == 0
    errors = []
    for penalty in PENALTIES:
        weights, offset = ridge(train[~aside], months[~aside], penalty)
        errors.append(np.abs(train[aside] @ weights + offset - months[aside]).mean())
    return ridge(train, months, PENALTIES[int(np.argmin(errors))])


def with_sexes(features: Features, cases: Sequence[BoneAgeCase], with_sex: bool) -> Features:
    """The features scaled to a common spread, with the sex beside them where it is told."""
    if not with_sex:
        return features
    sex = np.array([SEX_INPUT[case.sex] for case in cases]) * 5.0  # not to be penalised away
    return np.concatenate([features, sex], axis=1)


def carry_out(
    run: Run,
    seed: int,
    films: dict[str, dict[str, NDArray[np.uint8]]],
    cases: dict[str, list[BoneAgeCase]],
    probe: Probe,
) -> tuple[float, int]:
    """The mean absolute error of one setting on `val` in months, and how many films it learnt."""
    rng = np.random.default_rng(seed)
    count = len(cases["train"])
    drawn = np.sort(rng.choice(count, round(SHARE * count), replace=False))
    chosen = [cases["train"][i] for i in drawn]
    pictures = films["train"][run.pictures][drawn]
    rounds = 1 if run.how == NO_AUGMENTATION else 1 + COPIES
    shown = []
    for number in range(rounds):
        how = run.how if number else NO_AUGMENTATION
        shown.append(np.stack([augmented(picture, how, rng) for picture in pictures]))
    features = np.concatenate([with_sexes(probe(s), chosen, run.with_sex) for s in shown])
    spread = features[: len(chosen)].std(axis=0) + 1e-3
    months = np.tile([case.months for case in chosen], rounds)
    numbers = np.tile(np.arange(len(chosen)), rounds)
    weights, offset = fitted(features / spread, months, numbers)
    plain = films["val"][run.pictures].astype(np.float32) / 255
    held_out = with_sexes(probe(plain), cases["val"], run.with_sex) / spread
    truth = np.array([case.months for case in cases["val"]])
    return float(np.abs(held_out @ weights + offset - truth).mean()), len(chosen)


def main() -> None:
    """Read the arguments, carry all settings out and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="folder for prepared films")
    parser.add_argument("--out", type=Path, required=True, help="the table, CSV")
    parser.add_argument("--imagenet", type=Path, required=True, help="Lite0 weights (.pth)")
    parser.add_argument("--seeds", type=int, nargs="*", default=(0, 1, 2))
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    cases = {s: read_bone_age_cases(options.data, s) for s in ("train", "val")}
    films = {s: prepare(cases[s], options.cache / f"experiments_{s}.npz") for s in cases}

    @lru_cache
    def probe(imagenet: bool, seed: int) -> Probe:
        return Probe(options.imagenet if imagenet else None, 0 if imagenet else seed)

    done: dict[tuple, tuple[float, int]] = {}  # one run may serve several factors
    rows = []
    for seed in options.seeds:
        for run in RUNS:
            same = (seed, *(getattr(run, f) for f in list(Run.__dataclass_fields__)[2:]))
            if same not in done:
                done[same] = carry_out(run, seed, films, cases, probe(run.imagenet, seed))
            mae, n_train = done[same]
            name = "EfficientNet-Lite0 features, ridge"
            row = (run.factor, run.setting, seed, f"{mae:.2f}", len(cases["val"]), name, n_train)
            rows.append(row)
            with options.out.open("w", newline="", encoding="utf-8") as handle:
                writer = csv.writer(handle)
                writer.writerow(COLUMNS)
                writer.writerows(rows)


if __name__ == "__main__":
    main()
