"""Train the network that finds the hand."""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.bone_age.cases import read_bone_age_cases
from core.bone_age.geometry import fitted
from core.files.radiograph import read_radiograph
from core.images import FloatArray
from core.phantoms.hand.phantom import hand_phantom
from models.bone_age import hand_network
from models.bone_age.hand_augment import augmented
from models.bone_age.hand_labels import LEFT_OUT, clear_mask
from models.bone_age.hand_mask import contrast_channels
from models.training.keras_state import keep, take_up

PHANTOM_SEEDS = range(1000, 1060)
"""Phantoms to learn from; figures are from seeds below 1000."""

KEPT_EVERY = 50
"""Steps after which a run is kept."""

Pairs = tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Plan:
    """What a run does; `phantoms` is their share of the draws."""

    steps: int = 500
    batch: int = 8
    phantoms: float = 0.25
    rate: float = 3e-3
    seed: int = 0


def prepare(
    folder: Path, cache: Path, side_px: int = hand_network.SIDE_PX, limit: int | None = None
) -> tuple[Pairs, Pairs]:
    """Clear training films (or the first) and phantoms on squares with masks, made once.

    Returns:
        (films, masks) of films and of phantoms, each float32 (N, S, S) in [0, 1].
    """
    if not cache.is_file():
        real, made = [], []
        for case in read_bone_age_cases(folder, "train")[:limit]:
            if case.file in LEFT_OUT:
                continue
            pixels = read_radiograph(case.path.read_bytes(), name=case.file).pixels
            mask = clear_mask(pixels)
            if mask is not None:
                real.append(_squares(pixels, mask, side_px))
        for seed in PHANTOM_SEEDS:
            phantom = hand_phantom(seed, shape=(320, 256))
            made.append(_squares(phantom.image.pixels, phantom.mask, side_px))
        np.savez(cache, real=np.stack(real), made=np.stack(made))
    with np.load(cache) as kept:
        real_pairs, made_pairs = kept["real"], kept["made"]
    return (real_pairs[:, 0], real_pairs[:, 1]), (made_pairs[:, 0], made_pairs[:, 1])


def _squares(pixels: FloatArray, mask: NDArray[np.bool_], side_px: int) -> FloatArray:
    return np.stack([fitted(pixels, side_px)[0], fitted(mask.astype(np.float32), side_px)[0]])


def batch(
    real: Pairs, made: Pairs, size: int, made_share: float, rng: np.random.Generator
) -> Pairs:
    """Augmented inputs (N, S, S, 2) and masks (N, S, S, 1)."""
    inputs, targets = [], []
    for _ in range(size):
        films, masks = made if rng.random() < made_share else real
        number = int(rng.integers(len(films)))
        film, mask = augmented(films[number], masks[number], rng)
        inputs.append(contrast_channels(film).transpose(1, 2, 0))
        targets.append(mask[..., None])
    return np.stack(inputs), np.stack(targets)


def loss(truth: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Cross-entropy and one minus soft Dice (Milletari et al., 3DV 2016)."""
    entropy = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(truth, logits))
    found = tf.sigmoid(logits)
    both = 2 * tf.reduce_sum(found * truth, axis=[1, 2, 3]) + 1
    all_ = tf.reduce_sum(found + truth, axis=[1, 2, 3]) + 1
    return entropy + tf.reduce_mean(1 - both / all_)


def train(data: Path, plan: Plan, out: Path, work: Path, limit: int | None = None) -> str:
    """Train, and return the SHA-256 of the ONNX file; goes on from the state in `work`.

    Args:
        data: Data set folder.
        plan: What to do.
        out: ONNX file to write.
        work: Folder for prepared squares and the state.
        limit: Only so many films.
    """
    work.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(plan.seed)
    real, made = prepare(data, work / "squares.npz", limit=limit)
    print(f"{len(real[0])} clear films, {len(made[0])} phantoms", flush=True)
    model = hand_network.build()
    schedule = keras.optimizers.schedules.CosineDecay(plan.rate, plan.steps, alpha=0.02)
    optimizer = keras.optimizers.Adam(schedule)
    optimizer.build(model.trainable_variables)
    state, variables = work / "state.npz", [*model.variables, *optimizer.variables]
    start, before = take_up(state, variables)

    @tf.function
    def step(films: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = loss(masks, model(films, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return value

    begun, values = time.perf_counter() - before, []
    for number in range(start, plan.steps):
        rng = np.random.default_rng([plan.seed, number])
        films, masks = batch(real, made, plan.batch, plan.phantoms, rng)
        values.append(float(step(tf.constant(films), tf.constant(masks))))
        if (number + 1) % KEPT_EVERY == 0 or number + 1 == plan.steps:
            spent = time.perf_counter() - begun
            print(f"step {number + 1} loss {np.mean(values[-50:]):.4f} {spent:.0f} s", flush=True)
            keep(state, variables, number + 1, spent)
            with (work / "curves.csv").open("a", newline="", encoding="utf-8") as handle:
                csv.writer(handle).writerow([number + 1, round(float(np.mean(values[-50:])), 4)])
    return hand_network.export(model, out)
