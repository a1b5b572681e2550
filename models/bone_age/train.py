"""Train a bone-age network, as a recipe's plan says."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from core.bone_age.cases import BoneAgeCase, read_bone_age_cases
from models.bone_age import network
from models.bone_age.augment import Augmentation
from models.bone_age.pipelines import PIPELINES, stages_of
from models.bone_age.preprocess import SEX_INPUT
from models.bone_age.simulated import (
    CHECK_SEED,
    TRAIN_SEED,
    SimulatedHand,
    prepare_simulated,
    simulated_hands,
    varied,
)
from models.bone_age.train_films import Films, prepare


def predicted(
    model: keras.Model,
    films: NDArray[np.uint8],
    cases: Sequence[BoneAgeCase | SimulatedHand],
    *,
    with_sex: bool = True,
    mirror: bool = False,
) -> NDArray[np.float64]:
    """Months of all films, (N,)."""
    sex = np.array([SEX_INPUT[case.sex if with_sex else None] for case in cases], np.float32)
    months = []
    for start in range(0, len(films), 16):
        part = films[start : start + 16].astype(np.float32)[..., None] / 255
        some = model((part, sex[start : start + 16]), training=False).numpy()[:, 0]
        if mirror:
            other = model((part[:, :, ::-1], sex[start : start + 16]), training=False).numpy()
            some = (some + other[:, 0]) / 2
        months.append(some)
    return np.concatenate(months).astype(np.float64)


def freeze(model: keras.Model, *, norms: bool, until: str | None = None) -> None:
    """Keep ImageNet's batch statistics, and all layers up to `until`, as they are.

    On a processor, batch normalisation in training costs as much as the convolutions.
    """
    body = True
    frozen = until is not None
    for layer in model.layers:
        body = body and layer.name != "attention_norm"
        if frozen or (norms and body and isinstance(layer, keras.layers.BatchNormalization)):
            layer.trainable = False
        frozen = frozen and layer.name != until


def fit(
    model: keras.Model,
    batches: Films,
    validate: Callable[[], float],
    *,
    epochs: int,
    rate: float,
    loss: str = "mae",
    average: float | None = None,
    backup: Path | None = None,
    on_epoch: Callable[[int, float], None] = lambda epoch, error: None,
    report: bool = True,
) -> None:
    """Fit with AdamW, a short warm-up and a cosine; goes on from `backup` where there is one.

    A run that was stopped between two epochs and goes on ends with the same bits.

    With `average`, the weights that are validated and kept are a moving average over the steps,
    of that momentum.
    """
    steps = epochs * len(batches)
    warm = min(100, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / 20, steps - warm, alpha=0.01, warmup_target=rate, warmup_steps=warm
    )
    optimiser = keras.optimizers.AdamW(
        schedule,
        weight_decay=1e-4,
        global_clipnorm=5.0,
        use_ema=average is not None,
        ema_momentum=average or 0.99,
    )
    model.compile(optimizer=optimiser, loss=loss, jit_compile=False)
    start = time.time()

    def say(epoch: int, logs: dict) -> None:
        trained = model.get_weights()
        if average is not None:  # Keras' own callback for it rounds the weights that are trained
            optimiser.finalize_variable_values(model.trainable_variables)
        error = validate()
        print(
            f"epoch {epoch + 1} loss {logs['loss']:.2f} val MAE {error:.2f} "
            f"{(time.time() - start) / 60:.1f} min",
            flush=True,
        )
        on_epoch(epoch, error)
        model.set_weights(trained)

    def begin(epoch: int, logs: dict | None = None) -> None:
        batches.begin(epoch)
        for layer in model.layers:  # Keras keeps the state of dropout in no backup
            if (chance := getattr(layer, "seed_generator", None)) is not None:
                chance.state.assign([batches.seed, epoch << 16])

    callbacks: list = [keras.callbacks.LambdaCallback(on_epoch_begin=begin)]
    if backup is not None:
        callbacks.append(keras.callbacks.BackupAndRestore(str(backup)))
    if report:
        callbacks.append(keras.callbacks.LambdaCallback(on_epoch_end=say))
    model.fit(batches, epochs=epochs, callbacks=callbacks, verbose=0, shuffle=False)


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        network, pipeline: Names in `NETWORKS` and `PIPELINES`.
        dropout: Of the network; None for its own.
        freeze_until: Name of the last layer that stays as it is.
        freeze_norms: Whether the batch statistics stay, as after a start from ImageNet.
        mixed: Compute in bfloat16.
        simulated: Simulated hands to train with.
        simulated_an_epoch: How many of these an epoch takes, drawn anew each time; 0 for all.
        average: Momentum of the weights' moving average; None for none.
    """

    network: str
    pipeline: str
    epochs: int = 20
    batch: int = 16
    rate: float = 3e-4
    loss: str = "mae"
    dropout: float | None = None
    freeze_until: str | None = None
    freeze_norms: bool = False
    mixed: bool = False
    simulated: int = 0
    simulated_an_epoch: int = 0
    average: float | None = None
    seed: int = 0


def train(
    data: Path,
    plan: Plan,
    out: Path,
    cache: Path,
    *,
    start: Path | None = None,
    go_on_from: Path | None = None,
    limit: int | None = None,
) -> float:
    """Train, keeping the weights in `out` after every epoch; returns the last error on val.

    Args:
        data: Data set folder.
        plan: What to do.
        out: The .npz file to write; beside it the errors as CSV, and what a stopped run goes on
            from.
        cache: Folder for prepared films.
        start: ImageNet weights (.npz or .pth).
        go_on_from: Weights of an earlier run (.npz or .onnx).
        limit: Only so many films of each split.
    """
    keras.utils.set_random_seed(plan.seed)
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if plan.mixed else "float32")
    shape = PIPELINES[plan.pipeline].shape
    films, cases = {}, {}
    for split in ("train", "val"):
        cases[split] = read_bone_age_cases(data, split)[:limit]
        kept = cache / f"{plan.pipeline}_{split}.npy"
        films[split] = prepare(cases[split], stages_of(plan.pipeline), shape, kept)
    training: list[BoneAgeCase | SimulatedHand] = [*cases["train"]]
    check = simulated_hands(40, CHECK_SEED)[:limit]
    if plan.simulated:
        more = varied(simulated_hands(plan.simulated, TRAIN_SEED)[:limit])
        for name, hands in (("simulated", more), ("check", check)):
            kept = cache / f"{plan.pipeline}_{name}.npy"
            films[name] = prepare_simulated(hands, stages_of(plan.pipeline), shape, kept)
        films["train"] = np.concatenate([films["train"], films["simulated"]])
        training += more
    further = {} if plan.dropout is None else {"dropout": plan.dropout}
    model = network.NETWORKS[plan.network](shape, **further)
    if start is not None:
        network.start(model, plan.network, start)
    if go_on_from is not None:
        network.load_weights(model, go_on_from)
    freeze(model, norms=plan.freeze_norms or start is not None, until=plan.freeze_until)
    batches = Films(
        films["train"],
        training,
        Augmentation(),
        batch=plan.batch,
        seed=plan.seed,
        some=plan.simulated_an_epoch,
        of_last=len(training) - len(cases["train"]) if plan.simulated_an_epoch else 0,
    )
    truth = np.array([case.months for case in cases["val"]])
    errors = [float("nan")]
    simulated = [float("nan")]

    def validate() -> float:
        if plan.simulated:
            found = predicted(model, films["check"], check, mirror=True)
            wrong = np.abs(found - [hand.months for hand in check])
            simulated.append(float(wrong.mean()))
            print(f"simulated hands MAE {simulated[-1]:.2f}, ", end="")
        found = predicted(model, films["val"], cases["val"], mirror=True)
        return float(np.abs(found - truth).mean())

    out.parent.mkdir(parents=True, exist_ok=True)

    def on_epoch(epoch: int, error: float) -> None:
        network.save_weights(model, out)
        errors.append(error)
        curve = out.with_suffix(".csv")
        begun = curve.exists()
        with curve.open("a", newline="") as handle:
            writer = csv.writer(handle)
            if not begun:
                writer.writerow(["epoch", "val_mae_months", "simulated_mae_months"])
            writer.writerow([epoch + 1, f"{error:.3f}", f"{simulated[-1]:.3f}"])

    fit(
        model,
        batches,
        validate,
        epochs=plan.epochs,
        rate=plan.rate,
        loss=plan.loss,
        average=plan.average,
        backup=out.parent / f"{out.stem}_backup",
        on_epoch=on_epoch,
    )
    return errors[-1]
