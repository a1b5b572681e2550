"""What the recipes of the skull stripping networks can ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from core.skull_strip import PIPELINES
from models.keras_to_onnx import fill_keras
from models.skull_strip import network
from models.skull_strip.heads import read_heads
from models.skull_strip.train import Plan, mean_dice, probabilities, train_plan
from models.training.recipe import file_sha256
from models.training.record import Run, Step

WEIGHTS, HEADS = "unet.onnx", "heads.npz"


def unet(run: Run, folder: Path, *, plan: Mapping[str, Any], start: str = "") -> dict[str, float]:
    """Train the network from nothing or from an earlier step."""
    cache = run.folder("heads") / HEADS
    cache.parent.mkdir(parents=True, exist_ok=True)
    dice = train_plan(
        run.data,
        Plan(**plan, seed=run.recipe.seed),
        folder / WEIGHTS,
        cache,
        start=run.weights(start, WEIGHTS) if start else None,
        limit=run.limit,
    )
    return {"val_dice": round(dice, 4)}


def mix(
    run: Run,
    folder: Path,
    *,
    of: Sequence[str],
    filters: int,
    shares: Sequence[float],
    thresholds: Sequence[float],
) -> dict[str, Any]:
    """The mean of two steps' weights that ships: share and threshold with the best Dice on val."""
    first, last = (run.weights(name, WEIGHTS) for name in of)
    heads = read_heads(run.data, run.folder("heads") / HEADS, run.limit)
    held_out = [head for head in heads if head.split == "val"] or heads
    model, found = network.build(filters), {}
    for share in shares:
        fill_mixed(model, first, last, share)
        said = probabilities(model, held_out)
        for threshold in thresholds:
            found[share, threshold] = mean_dice(said, held_out, threshold)
    share, threshold = max(found, key=lambda pair: found[pair])
    fill_mixed(model, first, last, share)
    sha256 = network.save(model, folder / file_of(run))
    told = {"share_of_last": share, "operating_points.brain": threshold}
    return {**told, "val_dice": round(found[share, threshold], 4), "sha256": sha256}


def best(
    run: Run, folder: Path, *, of: Sequence[str], thresholds: Sequence[float]
) -> dict[str, Any]:
    """Of several trainings the one that ships, with its threshold: the best Dice on val."""
    plans = {step["name"]: Plan(**step["plan"]) for step in run.recipe.steps if "plan" in step}
    found = {}
    for name in of:
        settings = PIPELINES[plans[name].pipeline]
        heads = read_heads(run.data, run.folder("heads") / HEADS, run.limit, settings)
        held_out = [head for head in heads if head.split == "val"] or heads
        model = network.NETWORKS[plans[name].network](plans[name].filters)
        fill_keras(model, run.weights(name, WEIGHTS))
        said = probabilities(model, held_out, settings.normalisation)
        for threshold in thresholds:
            found[name, threshold] = round(mean_dice(said, held_out, threshold), 4)
    chosen, threshold = max(found, key=lambda pair: found[pair])
    rows = "".join(f"{name},{level},{dice}\n" for (name, level), dice in found.items())
    (folder / "thresholds.csv").write_text(f"training,threshold,val_dice\n{rows}", encoding="utf-8")
    path = folder / file_of(run)
    path.write_bytes(run.weights(chosen, WEIGHTS).read_bytes())
    told = {"training": chosen, "operating_points.brain": threshold}
    return {**told, "val_dice": found[chosen, threshold], "sha256": file_sha256(path)}


def file_of(run: Run) -> str:
    """Name of the file that ships; the recipe may be older than its card."""
    return f"{run.recipe.task}_{run.recipe.name}.onnx"


def fill_mixed(model: keras.Model, first: Path, last: Path, share: float) -> None:
    """Give a network (1 - share) of one file's weights and share of the other's."""
    fill_keras(model, first)
    before = [np.asarray(variable.value) for variable in model.variables]
    fill_keras(model, last)
    for variable, value in zip(model.variables, before, strict=True):
        if "seed_generator" not in variable.path:
            variable.assign((1 - share) * value + share * np.asarray(variable.value))


STEPS: dict[str, Step] = {"unet": unet, "mix": mix, "best": best}
