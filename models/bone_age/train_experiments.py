"""The published experiments, repeated small: `python -m models.bone_age.train_experiments`.

One factor is changed at a time against a base setting, with several seeds, and the mean absolute
error on the validation split is written, a row a run. The test split is not touched.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.bone_age import landmark, whole_hand
from core.bone_age.cases import BoneAgeCase, read_bone_age_cases
from core.readers import read_radiograph
from core.stages import Stage, run_stages
from models.bone_age import network
from models.bone_age.preprocess import network_input
from models.bone_age.train import (
    NO_AUGMENTATION,
    Augmentation,
    Films,
    fit,
    freeze,
    predicted,
)

SHAPE = (128, 128)
FILTERS = 8  # of the small network's first stage; the shipped one has 16
COLUMNS = ("factor", "setting", "seed", "val_mae_months", "n", "network", "epochs", "minutes")

ALL = Augmentation()


@dataclass(frozen=True)
class Run:
    """One setting; everything but the factor stays as the base."""

    factor: str
    setting: str
    pictures: str = "ours"
    how: Augmentation = ALL
    with_sex: bool = True
    batch: int = 16
    network: str = "small_cnn"
    imagenet: bool = False
    epochs: int = 6


ROTATION = Augmentation(20, 0, 0, False, 0, 0, 0)
NOISE = Augmentation(0, 0, 0, False, 0, 0.05, 0)
RUNS = (
    Run("augmentation", "all"),
    Run("augmentation", "none", how=NO_AUGMENTATION),
    Run("augmentation", "rotation", how=ROTATION),
    Run("augmentation", "noise", how=NOISE),
    Run("crops", "grey regions", pictures="regions grey"),
    Run("crops", "binarised regions", pictures="regions binary"),
    Run("preprocessing", "ours (window, crop, CLAHE)"),
    Run("preprocessing", "landmark pipeline", pictures="hand grey"),
    Run("preprocessing", "raw film", pictures="raw"),
    Run("what is shown", "whole hand", pictures="hand grey"),
    Run("what is shown", "four regions", pictures="regions grey"),
    Run("sex", "with"),
    Run("sex", "without", with_sex=False),
    Run("batch size", "8", batch=8),
    Run("batch size", "16"),
    Run("batch size", "64", batch=64),
    Run("start", "ImageNet", network="attention_lite0", imagenet=True, epochs=3),
    Run("start", "random", network="attention_lite0", epochs=3),
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


def carry_out(
    run: Run,
    seed: int,
    films: dict[str, dict[str, NDArray[np.uint8]]],
    cases: dict[str, list[BoneAgeCase]],
    imagenet: Path | None,
) -> float:
    """Train one setting; the mean absolute error on `val` after the last epoch, in months."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    size = {"filters": FILTERS} if run.network == "small_cnn" else {}
    model = network.NETWORKS[run.network](SHAPE, **size)
    if run.imagenet:
        assert imagenet is not None
        network.start(model, run.network, imagenet)
        freeze(model, norms=True)
    batches = Films(
        films["train"][run.pictures],
        cases["train"],
        run.how,
        batch=run.batch,
        seed=seed,
        with_sex=run.with_sex,
    )
    truth = np.array([case.months for case in cases["val"]])

    def error() -> float:
        found = predicted(model, films["val"][run.pictures], cases["val"], with_sex=run.with_sex)
        return float(np.abs(found - truth).mean())

    rate = 2e-3 if run.network == "small_cnn" else 7e-4
    fit(model, batches, lambda: 0.0, epochs=run.epochs, rate=rate, report=False)
    return error()


def main() -> None:
    """Read the arguments, and carry out what the table does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="folder for prepared films")
    parser.add_argument("--out", type=Path, required=True, help="the table, CSV")
    parser.add_argument("--imagenet", type=Path, help="EfficientNet-Lite0 weights (.pth)")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--prepare-only", action="store_true")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    cases = {s: read_bone_age_cases(options.data, s) for s in ("train", "val")}
    films = {s: prepare(cases[s], options.cache / f"experiments_{s}.npz") for s in cases}
    if options.prepare_only:
        return
    done: dict[tuple[str, str, str], dict[str, str]] = {}
    if options.out.is_file():
        with options.out.open(newline="", encoding="utf-8") as handle:
            for row in csv.DictReader(handle):
                done[row["factor"], row["setting"], row["seed"]] = row
    results: dict[tuple, tuple[float, float]] = {}  # one run may serve several factors
    for seed in range(options.seeds):
        for run in RUNS:
            if (run.factor, run.setting, str(seed)) in done:
                continue
            same = (seed, *(getattr(run, f) for f in list(Run.__dataclass_fields__)[2:]))
            if same not in results:
                start = time.time()
                mae = carry_out(run, seed, films, cases, options.imagenet)
                results[same] = mae, (time.time() - start) / 60
            mae, minutes = results[same]
            row = dict(
                zip(
                    COLUMNS,
                    (
                        run.factor,
                        run.setting,
                        str(seed),
                        f"{mae:.2f}",
                        str(len(cases["val"])),
                        run.network,
                        str(run.epochs),
                        f"{minutes:.1f}",
                    ),
                    strict=True,
                )
            )
            done[run.factor, run.setting, str(seed)] = row
            print(*row.values(), flush=True)
            with options.out.open("w", newline="", encoding="utf-8") as handle:
                writer = csv.DictWriter(handle, COLUMNS)
                writer.writeheader()
                writer.writerows(done.values())


if __name__ == "__main__":
    main()
