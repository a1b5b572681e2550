"""What a recipe of a chest network can ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from core.metrics.statistics import auroc
from models.cards import ModelCard, load_card
from models.chest.augment import Strength
from models.chest.dataset import FINDINGS, network_inputs, read_mask_cases
from models.chest.export import fit_card, shipped_state
from models.chest.network import ChestNet, start_from_imagenet
from models.chest.segment_network import UNet
from models.chest.train import EXTRA, Plan, read_films, train
from models.chest.train_cardiomegaly import (
    fit,
    heart_or_nothing,
    ratio_truth,
    report_truth,
    thinned,
)
from models.chest.train_segment import measured, square_masks
from models.chest.train_segment import train as train_outlines
from models.chest.weights import write_classifier, write_segmenter
from models.onnx_file import initialisers
from models.training.loop import CHECKPOINT
from models.training.recipe import file_sha256
from models.training.record import Run, Step


def findings(
    run: Run,
    folder: Path,
    *,
    start: str,
    architecture: str,
    side_px: int,
    views: Mapping[str, float],
    plan: Mapping[str, Any],
) -> None:
    """Train the classifier of all findings."""
    cache = run.folder("films")
    films = [read_films(run.data, s, side_px, cache, run.limit) for s in ("train", "val")]
    torch.manual_seed(run.recipe.seed)
    chosen = Plan(**plan, seed=run.recipe.seed)
    network = ChestNet(architecture, len(FINDINGS) + len(EXTRA), chosen.dropout)
    _begin(network, run.weights(start))
    train(network, films[0], films[1], folder, chosen, Strength(**views))


def cardiomegaly(
    run: Run,
    folder: Path,
    *,
    start: str,
    truth: str,
    negatives: int,
    views: Mapping[str, float],
    plan: Mapping[str, Any],
) -> dict[str, float]:
    """Train a network that says yes or no to an enlarged heart.

    Args:
        truth: "report" (against all other films), "ratio" (a measured one above one half), or
            "report or nothing" (against films without any finding).
        negatives: How many films without it, drawn at random; 0 for all.
    """
    cache, limit = run.folder("films"), run.limit
    read = {
        "report": lambda split: report_truth(run.data, split, cache, limit=limit),
        "report or nothing": lambda split: heart_or_nothing(run.data, split, cache, limit=limit),
        "ratio": lambda split: ratio_truth(run.data, split, limit=limit),
    }[truth]
    training, validation = read("train"), read("val")
    if negatives:
        training = thinned(training, negatives, run.recipe.seed)
    torch.manual_seed(run.recipe.seed)
    chosen = Plan(**plan, seed=run.recipe.seed)
    network = ChestNet("mobilenet_v2", 1, chosen.dropout)
    _begin(network, run.weights(start))
    strength = Strength(**views)
    state = fit(network, training, chosen, strength, validation=validation, out=folder)
    network.load_state_dict(state)
    return {"val_auroc": auroc(validation.truth, validation.scores(network))}


def outlines(
    run: Run, folder: Path, *, side_px: int, plan: Mapping[str, Any], start: str = ""
) -> None:
    """Train the network that outlines heart and lungs."""
    cases = read_mask_cases(run.data, "train")[: run.limit]
    films = network_inputs([case.path for case in cases], side_px)
    torch.manual_seed(run.recipe.seed)
    network = UNet()
    if start:
        network.load_state_dict(_state(run.weights(start)))
    validation = read_mask_cases(run.data, "val")[: run.limit]
    chosen = Plan(**plan, seed=run.recipe.seed)
    train_outlines(network, films, square_masks(cases, side_px), validation, folder, chosen)


def better(run: Run, folder: Path, *, of: Sequence[str], side_px: int) -> dict[str, Any]:
    """Keep the weights of the step, or the mean of all, whose hearts are best on val."""
    states = {name: _state(run.weights(name)) for name in of}
    firsts = list(states.values())
    states["mean"] = {
        key: torch.stack([s[key].float() for s in firsts]).mean(0).to(value.dtype)
        for key, value in firsts[0].items()
    }
    cases, found = read_mask_cases(run.data, "val")[: run.limit], {}
    for name, state in states.items():
        network = UNet()
        network.load_state_dict(state)
        found[name] = [round(value, 4) for value in measured(network, cases, side_px)]
    best = min(found, key=lambda name: (found[name][2], -found[name][0]))
    torch.save({"average": states[best]}, folder / CHECKPOINT)
    return {"chosen": best, "dice_heart, dice_lungs, ctr_mae": found}


def export(run: Run, folder: Path, *, of: str) -> dict[str, str]:
    """Write the file that answers."""
    card = load_card("chest", run.recipe.name)
    write = write_segmenter if "heart" in card.labels else write_classifier
    state = shipped_state(run.weights(of), len(card.labels))
    return {"sha256": write(state, card, folder / card.file)}


def calibrate(run: Run, folder: Path, *, of: str) -> dict[str, Any]:
    """Calibration and operating points on val, for the card."""
    fitted = fit_card(run.data, made_card(run, of), run.limit)
    return {f"{table}.{name}": value for (table, name), value in fitted.items()}


def made_card(run: Run, of: str) -> ModelCard:
    """The card with the file that this run made in place of the shipped one."""
    card = load_card("chest", run.recipe.name)
    path = (run.folder(of) / card.file).resolve()
    return replace(card, file=str(path), sha256=file_sha256(path))


def _begin(network: ChestNet, path: Path) -> None:
    """Start from ImageNet, from a run, or from a file that ships."""
    if path.suffix == ".onnx" or path.name == CHECKPOINT:
        network.load_state_dict({**network.state_dict(), **_state(path)})
    else:
        start_from_imagenet(network, torch.load(path, map_location="cpu", weights_only=True))


def _state(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == ".onnx":
        return {name: torch.from_numpy(array) for name, array in initialisers(path).items()}
    state: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state["average"]  # type: ignore[return-value]  # a checkpoint holds more than tensors


STEPS: dict[str, Step] = {
    "findings": findings,
    "cardiomegaly": cardiomegaly,
    "outlines": outlines,
    "better": better,
    "export": export,
    "calibrate": calibrate,
}
