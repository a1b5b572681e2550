"""Train a 3D U-Net, as a recipe's plan says.

Data are prepared by the same functions as on the page (`core.skull_strip`), half of the heads
with N4 and half without, so that the network works either way. Soft labels: where a head has two
masks, the target is their mean. After two thirds of the steps the batch normalisation's
statistics are frozen: what is learnt last is what runs later.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from core.images import FloatArray
from core.metrics.statistics import dice
from core.skull_strip import OURS
from core.skull_strip.pipeline import PIPELINES, normalised
from core.skull_strip.post import fill_holes, largest_component
from models.keras_to_onnx import fill_keras
from models.skull_strip import network
from models.skull_strip.heads import Head, background, phantom_heads, read_heads, samples
from models.training.keras_state import keep, take_up

BLOCK = 100
"""Steps after which a run is kept and its randomness begins anew; it is measured after two."""


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


def probabilities(
    model: keras.Model, heads: list[Head], normalisation: str = OURS.normalisation
) -> list[FloatArray]:
    """What a network says of heads without N4, on the working grid."""
    found = []
    for head in heads:
        image = normalised(head.plain.astype(np.float32), normalisation)[None, ..., None]
        found.append(tf.sigmoid(model(image, training=False))[0, ..., 0].numpy())
    return found


def mean_dice(found: list[FloatArray], heads: list[Head], threshold: float = 0.5) -> float:
    """Mean Dice of probabilities against the mean mask's half, on the working grid."""
    scores = []
    for one, head in zip(found, heads, strict=True):
        brain = (one > threshold).astype(np.uint8)
        scores.append(dice(fill_holes(largest_component(brain)), head.label >= 128))
    return float(np.mean(scores))


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        network: Name in `network.NETWORKS`.
        pipeline: Name in `core.skull_strip.PIPELINES`: what prepares its heads.
        sources: "IXI", "all" heads, or "others": all but IXI.
        without: Beginning of the names of files that are left out; empty for none.
        filters: Channels of the network at full resolution.
        phantoms, phantom_share: How many head phantoms, and their share of the draws.
        frozen_from: Fraction of the run after which batch statistics stay as they are.
    """

    steps: int = 1500
    rate: float = 2e-3
    filters: int = 16
    loss: str = "dice+ce"
    phantoms: int = 12
    phantom_share: float = 0.15
    sources: str = "all"
    without: str = ""
    frozen_from: float = 0.67
    network: str = "residual"
    pipeline: str = "lightbox"
    seed: int = 0


def chosen(heads: list[Head], plan: Plan) -> list[Head]:
    """The heads that a plan takes, training and validation.

    Raises:
        ValueError: If no head has a name of those that are to be left out.
    """
    if plan.sources == "IXI":
        heads = [head for head in heads if head.source == "IXI"]
    elif plan.sources == "others":  # measured on IXI's validation heads all the same
        heads = [head for head in heads if head.source != "IXI" or head.split == "val"]
    if not plan.without:
        return heads
    left = [head for head in heads if not Path(head.name).name.startswith(plan.without)]
    if len(left) == len(heads):
        raise ValueError(f"no head has a name that begins with {plan.without!r}")
    return left


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
    settings = PIPELINES[plan.pipeline]
    heads = read_heads(data, cache, limit, settings)
    heads = chosen(heads, plan)
    held_out = [head for head in heads if head.split == "val"]
    heads = [head for head in heads if head.split == "train"]
    heads += phantom_heads(plan.phantoms, settings=settings, cache=cache)
    # bfloat16: 2.2 times faster than float32 on processors that multiply it.
    model = network.NETWORKS[plan.network](plan.filters, mixed=network.fast_bfloat16())
    if start is not None:
        fill_keras(model, start)
    return train(model, heads, held_out, plan, out)


def train(
    model: keras.Model, heads: list[Head], held_out: list[Head], plan: Plan, out: Path
) -> float:
    """Fit `model`, its weights in `out` after every block, and return the Dice on `held_out`.

    Goes on where it stopped to the same bits: randomness begins anew with each block.
    """
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
    normalisation = PIPELINES[plan.pipeline].normalisation
    state, variables = out.with_suffix(".resume.npz"), [*model.variables, *optimiser.variables]
    number, before = take_up(state, variables)
    start, losses, done, found = time.time() - before, [], number / plan.steps, float("nan")
    if done >= 1.0 and held_out:  # stopped after the last step
        found = mean_dice(probabilities(model, held_out, normalisation), held_out)
    left = 0
    while done < 1.0:
        if not left:
            left = BLOCK - number % BLOCK
            seed = (plan.seed, number // BLOCK)
            source = samples(heads, plan.phantom_share, seed, normalisation=normalisation)
            draw = background(islice(source, left))
        left -= 1
        warm = min(1.0, (number + 1) / 50)
        optimiser.learning_rate = (
            plan.rate * warm * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * done)))
        )
        image, truth = draw()
        losses.append(
            float(steppers[done < plan.frozen_from](tf.constant(image), tf.constant(truth)))
        )
        number += 1
        done = number / plan.steps
        if number % 50 == 0:
            print(
                f"step {number} loss {np.mean(losses[-50:]):.4f} "
                f"{(time.time() - start) / 60:.1f} min, {100 * done:.0f} %",
                flush=True,
            )
        if number % (2 * BLOCK) == 0 or done >= 1.0:
            found = float("nan")
            if held_out:
                found = mean_dice(probabilities(model, held_out, normalisation), held_out)
            print(f"  val Dice {found:.4f}", flush=True)
            network.save(model, out)
            curve = out.with_name("curves.csv")
            begun = curve.is_file()
            with curve.open("a", encoding="utf-8", newline="") as handle:
                rows = csv.writer(handle)
                if not begun:
                    rows.writerow(["step", "train_loss", "val_dice"])
                rows.writerow([number, np.mean(losses[-2 * BLOCK :]).round(4), round(found, 4)])
        if number % BLOCK == 0 or done >= 1.0:
            keep(state, variables, number, time.time() - start)
    return found
