"""Train the residual 3D U-Net.

    python -m models.skull_strip.train --data ../shared/data/brain --out unet.onnx \
        --steps 1500 --phantoms 12 --sources IXI

Data are prepared by the same functions as on the page (`core.skull_strip`), half of the heads
with N4 and half without, so that the network works either way. Soft labels: where a head has two
masks, the target is their mean. After two thirds of the steps the batch normalisation's
statistics are frozen: what is learnt last is what runs later.
"""

from __future__ import annotations

import argparse
import csv
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import keras
import nibabel as nib
import numpy as np
import tensorflow as tf

from core.images import FloatArray, Volume
from core.metrics.statistics import dice
from core.skull_strip import OURS, n4_field, place_grid, to_grid
from core.skull_strip.pipeline import rescale, z_score
from core.skull_strip.post import fill_holes, largest_component
from models.keras_to_onnx import fill_keras
from models.skull_strip import augmentation, network

CROP = (80, 112, 96)
"""Voxels of a training crop: the whole brain with some way to go, at half the cost of a head."""


@dataclass(frozen=True, eq=False)
class Head:
    """A training head on the working grid.

    Attributes:
        name, source, split: Where it comes from.
        plain, corrected: float16, rescaled, without and with N4.
        label: uint8, 255 times the mean of its masks.
    """

    name: str
    source: str
    split: str
    plain: np.ndarray
    corrected: np.ndarray
    label: np.ndarray


def read_mask(path: Path) -> FloatArray:
    """A mask file as float32 zeros and ones."""
    return (np.asarray(nib.load(path).dataobj) > 0).astype(np.float32)


def prepare_head(
    volume: Volume, masks: list[FloatArray], name: str, source: str, split: str
) -> Head:
    """Bring a head and the mean of its masks to the working grid, with and without N4."""
    grid = place_grid(volume, OURS.grid, (OURS.spacing_mm,) * 3)
    field = n4_field(volume.voxels, volume.spacing_mm, OURS.shrink, OURS.iterations)
    label = to_grid(np.mean(masks, axis=0, dtype=np.float32), grid)
    return Head(
        name,
        source,
        split,
        rescale(to_grid(volume.voxels, grid)).astype(np.float16),
        rescale(to_grid(volume.voxels / field, grid)).astype(np.float16),
        np.round(255 * label).astype(np.uint8),
    )


def read_heads(data: Path, cache: Path | None, limit: int | None = None) -> list[Head]:
    """Every head of the table or the first, from the cache where it has been filled."""
    if cache is not None and cache.is_file():
        stored = np.load(cache)
        return [
            Head(*names, *(stored[f"{kind}_{number}"] for kind in ("plain", "n4", "label")))
            for number, names in enumerate(stored["names"].tolist())
        ]
    heads = []
    with (data / "brain.csv").open(encoding="utf-8") as handle:
        for row in islice(csv.DictReader(handle), limit):
            image = nib.load(data / row["file"])
            volume = Volume(np.asarray(image.dataobj, np.float32), image.affine, row["file"])
            ixi = row["source"].startswith("IXI")
            # The other sources' second masks are imprecise or of another kind (brain.csv).
            paths = [row["mask"], row["mask2"]] if ixi and row["mask2"] else [row["mask"]]
            masks = [read_mask(data / path) for path in paths]
            source = "IXI" if ixi else row["source"]
            heads.append(prepare_head(volume, masks, row["file"], source, row["split"]))
    if cache is not None:
        arrays = {"names": np.array([(h.name, h.source, h.split) for h in heads])}
        for number, head in enumerate(heads):
            arrays[f"plain_{number}"], arrays[f"n4_{number}"] = head.plain, head.corrected
            arrays[f"label_{number}"] = head.label
        np.savez(cache, **arrays)  # type: ignore[arg-type]  # numpy's stub takes no mapping here
    return heads


def phantom_heads(count: int, first_seed: int = 10_000) -> list[Head]:
    """Head phantoms with seeds that no test uses."""
    from core.phantoms.head.phantom import random_head

    heads = []
    for seed in range(first_seed, first_seed + count):
        made = random_head(seed, OURS.spacing_mm)
        mask = made.mask.astype(np.float32)
        heads.append(prepare_head(made.volume, [mask], f"phantom {seed}", "phantom", "train"))
    return heads


def crop(
    image: FloatArray, label: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """A box of `CROP` voxels around the brain, its place jittered; one time in seven all of it."""
    if rng.random() < 1 / 7:
        return image, label
    corner = []
    for axis, side in enumerate(CROP):
        others = tuple(other for other in range(3) if other != axis)
        profile = label.sum(axis=others)
        centre = (
            (profile * np.arange(len(profile))).sum() / profile.sum()
            if profile.sum() > 0
            else len(profile) / 2
        )
        first = round(centre - side / 2 + rng.uniform(-12, 12))
        corner.append(int(np.clip(first, 0, image.shape[axis] - side)))
    box = tuple(slice(first, first + side) for first, side in zip(corner, CROP, strict=True))
    return image[box], label[box]


def samples(
    heads: list[Head], phantom_share: float, seed: int, repeats: int = 3
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Endless augmented heads (1, I, J, K, 1) with their soft labels.

    A warp costs more than all the rest, so each warped head is disturbed `repeats` times, and
    three are mixed to keep its copies apart.
    """
    rng = np.random.default_rng(seed)
    real = [head for head in heads if head.source != "phantom"]
    made = [head for head in heads if head.source == "phantom"]
    order: list[Head] = []
    pool: list[tuple[FloatArray, FloatArray]] = []
    while True:
        if made and rng.random() < phantom_share:
            head = made[int(rng.integers(len(made)))]
        else:
            if not order:
                order = [real[number] for number in rng.permutation(len(real))]
            head = order.pop()
        image = (head.plain if rng.random() < 0.5 else head.corrected).astype(np.float32)
        label = head.label.astype(np.float32) / np.float32(255)
        if rng.random() < 0.75:  # the rest stays as sharp as it was
            image, label = augmentation.warp(image, label, rng)
        pool += [(image, label)] * repeats
        while len(pool) > 3 * repeats:
            image, label = augmentation.disturb(*pool.pop(int(rng.integers(len(pool)))), rng)
            image, label = crop(image, label, rng)
            yield z_score(rescale(image))[None, ..., None], label[None, ..., None]


def background(source: Iterator[tuple[FloatArray, FloatArray]]) -> Callable[[], tuple]:
    """Draw from an iterator in a thread, a few ahead."""
    line: queue.Queue = queue.Queue(maxsize=6)

    def fill() -> None:
        for item in source:
            line.put(item)

    threading.Thread(target=fill, daemon=True).start()
    return line.get


def dice_loss(truth: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """1 - soft Dice with squares below the line (Milletari et al. 2016), fit for soft labels."""
    p = tf.sigmoid(logits)
    both = 2.0 * tf.reduce_sum(p * truth) + 1.0
    return 1.0 - both / (tf.reduce_sum(p * p) + tf.reduce_sum(truth * truth) + 1.0)


def focal_loss(truth: tf.Tensor, logits: tf.Tensor, gamma: float = 2.0) -> tf.Tensor:
    """Cross-entropy that turns from what is already right (Lin et al., ICCV 2017)."""
    error = tf.abs(truth - tf.sigmoid(logits))
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)
    return 10.0 * tf.reduce_mean(error**gamma * entropy)


def combined_loss(truth: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Dice plus cross-entropy: the second keeps probabilities between two masks honest."""
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)
    return dice_loss(truth, logits) + tf.reduce_mean(entropy)


LOSSES = {"dice": dice_loss, "focal": focal_loss, "dice+ce": combined_loss}


def validate(model: keras.Model, heads: list[Head], threshold: float = 0.5) -> float:
    """Mean Dice against the mean mask's half, on the working grid."""
    scores = []
    for head in heads:
        image = z_score(rescale(head.plain.astype(np.float32)))[None, ..., None]
        found = (tf.sigmoid(model(image, training=False))[0, ..., 0].numpy() > threshold).astype(
            np.uint8
        )
        scores.append(dice(fill_holes(largest_component(found)), head.label >= 128))
    return float(np.mean(scores))


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        sources: "IXI" or "all" heads.
        filters: Channels of the network at full resolution.
        phantoms, phantom_share: How many head phantoms, and their share of the draws.
        frozen_from: Fraction of the run after which batch statistics stay as they are.
        minutes: Where the time would run out before the steps, the learning rate falls faster.
    """

    steps: int = 1500
    rate: float = 2e-3
    filters: int = 16
    loss: str = "dice+ce"
    phantoms: int = 12
    phantom_share: float = 0.15
    sources: str = "all"
    frozen_from: float = 0.67
    minutes: float = 1e9
    seed: int = 0


def train_plan(
    data: Path,
    plan: Plan,
    out: Path,
    cache: Path | None,
    *,
    start: Path | None = None,
    limit: int | None = None,
) -> float:
    """Train on the heads of a folder, from `start` where given; returns the Dice on val."""
    keras.utils.set_random_seed(plan.seed)
    heads = read_heads(data, cache, limit)
    if plan.sources == "IXI":
        heads = [head for head in heads if head.source == "IXI"]
    held_out = [head for head in heads if head.split == "val"]
    heads = [head for head in heads if head.split == "train"] + phantom_heads(plan.phantoms)
    # bfloat16: 2.2 times faster than float32 on a processor with AMX.
    model = network.build(plan.filters, mixed=network.fast_bfloat16())
    if start is not None:
        fill_keras(model, start)
    return train(model, heads, held_out, plan, out)


def train(
    model: keras.Model, heads: list[Head], held_out: list[Head], plan: Plan, out: Path
) -> float:
    """Fit `model`, save its weights to `out` every 200 steps, and return the Dice on `held_out`."""
    optimiser = keras.optimizers.AdamW(plan.rate, weight_decay=1e-4, global_clipnorm=1.0)
    optimiser.build(model.trainable_variables)
    loss_of = LOSSES[plan.loss]

    def step_function(training: bool) -> Callable:
        @tf.function(reduce_retracing=False)
        def step(image: tf.Tensor, truth: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                loss = loss_of(truth, model(image, training=training))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimiser.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            return loss

        return step

    steppers = {True: step_function(True), False: step_function(False)}
    draw = background(samples(heads, plan.phantom_share, plan.seed))
    start, losses, number, done, found = time.time(), [], 0, 0.0, float("nan")
    while done < 1.0:
        warm = min(1.0, (number + 1) / 50)
        optimiser.learning_rate = (
            plan.rate * warm * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * done)))
        )
        image, truth = draw()
        losses.append(
            float(steppers[done < plan.frozen_from](tf.constant(image), tf.constant(truth)))
        )
        number += 1
        done = max(number / plan.steps, (time.time() - start) / 60 / plan.minutes)
        if number % 50 == 0:
            print(
                f"step {number} loss {np.mean(losses[-50:]):.4f} "
                f"{(time.time() - start) / 60:.1f} min, {100 * done:.0f} %",
                flush=True,
            )
        if number % 200 == 0 or done >= 1.0:
            found = validate(model, held_out) if held_out else float("nan")
            print(f"  val Dice {found:.4f}", flush=True)
            network.save(model, out)
            with out.with_name("curves.csv").open("a", encoding="utf-8", newline="") as handle:
                csv.writer(handle).writerow([number, np.mean(losses[-200:]).round(4), found])
    return found


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="an .onnx file")
    parser.add_argument("--cache", type=Path, help="an .npz file for the prepared heads")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--loss", choices=sorted(LOSSES), default="dice+ce")
    parser.add_argument("--phantoms", type=int, default=12)
    parser.add_argument("--phantom-share", type=float, default=0.15)
    parser.add_argument("--sources", choices=("IXI", "all"), default="all")
    parser.add_argument("--frozen-from", type=float, default=0.67)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    chosen = {name: getattr(options, name) for name in Plan.__dataclass_fields__}
    train_plan(options.data, Plan(**chosen), options.out, options.cache, start=options.start)


if __name__ == "__main__":
    main()
