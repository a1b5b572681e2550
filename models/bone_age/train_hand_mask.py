"""Train the hand mask: `python -m models.bone_age.train_hand_mask --data … --out … --work …`."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
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

PHANTOM_SEEDS = range(1000, 1060)
"""Phantoms to learn from; `evaluate_hand_mask` takes seeds below 1000."""

Pairs = tuple[FloatArray, FloatArray]


def prepare(folder: Path, cache: Path, side_px: int = hand_network.SIDE_PX) -> tuple[Pairs, Pairs]:
    """Clear training films and phantoms on squares with their masks, made once.

    Returns:
        (films, masks) of films and of phantoms, each float32 (N, S, S) in [0, 1].
    """
    if not cache.is_file():
        real, made = [], []
        for case in read_bone_age_cases(folder, "train"):
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


def train(options: argparse.Namespace) -> None:
    real, made = prepare(options.data, options.work / "squares.npz")
    print(f"{len(real[0])} clear films, {len(made[0])} phantoms", flush=True)
    model = hand_network.build()
    schedule = keras.optimizers.schedules.CosineDecay(3e-3, options.steps, alpha=0.02)
    optimizer = keras.optimizers.Adam(schedule)
    optimizer.build(model.trainable_variables)
    state, weights = options.work / "state.json", options.work / "state.npz"
    start, spent = 0, 0.0
    if state.is_file():
        kept = json.loads(state.read_text())
        start, spent = kept["step"], kept["seconds"]
        with np.load(weights) as arrays:
            for number, variable in enumerate([*model.variables, *optimizer.variables]):
                variable.assign(arrays[f"v{number}"])

    @tf.function
    def step(films: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = loss(masks, model(films, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return value

    since, values = time.perf_counter(), []
    for number in range(start, options.steps):
        rng = np.random.default_rng([options.seed, number])
        films, masks = batch(real, made, options.batch, options.phantoms, rng)
        values.append(float(step(tf.constant(films), tf.constant(masks))))
        if (number + 1) % 50 == 0 or number + 1 == options.steps:
            spent += time.perf_counter() - since
            since = time.perf_counter()
            print(f"step {number + 1} loss {np.mean(values[-50:]):.4f} {spent:.0f} s", flush=True)
            every = [*model.variables, *optimizer.variables]
            arrays = {f"v{index}": np.asarray(value) for index, value in enumerate(every)}
            np.savez(weights, **arrays)
            state.write_text(json.dumps({"step": number + 1, "seconds": spent}))
            print(options.out.name, hand_network.export(model, options.out), flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="ONNX file to write")
    parser.add_argument("--work", type=Path, required=True, help="folder for squares and state")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--phantoms", type=float, default=0.25, help="share of phantom draws")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    train(options)


if __name__ == "__main__":
    main()
