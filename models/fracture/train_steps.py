"""What a recipe of a fracture network can ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.datasets import read_fracture_cases
from core.fracture.fusion import fit
from core.metrics.detection import match_image, precision_recall
from models.cards import ModelCard, load_card
from models.fracture import network as networks
from models.fracture.classifier_network import YoloClassifier, start_from_detector
from models.fracture.classify import load_classifier, probability
from models.fracture.evaluate import data_set_cases
from models.fracture.export import averaged, export, export_classifier
from models.fracture.predict import candidates, load_model
from models.fracture.settings import detector_settings
from models.fracture.train import Plan, load_samples, phantom_samples, train
from models.fracture.train_classifier import ClassifierPlan, train_classifier
from models.training.recipe import file_sha256
from models.training.record import Run, Step

THRESHOLDS = np.arange(0.02, 0.8, 0.01)


def detector(run: Run, folder: Path, *, start: str, plan: Mapping[str, Any]) -> None:
    """Train the detector from published weights or from an earlier step."""
    chosen = Plan(**_tuples(plan), seed=run.recipe.seed)
    torch.manual_seed(run.recipe.seed)
    network = networks.build("yolo26n")
    path = run.weights(start)
    if start in run.recipe.parents:
        networks.start_from_coco(network, path)
    else:
        network.load_state_dict(averaged([path]))
    samples = load_samples(read_fracture_cases(run.data, "train")[: run.limit])
    if chosen.phantoms:
        samples["phantom"] = phantom_samples(chosen.phantoms * 6, first_seed=100_000)
    cases = read_fracture_cases(run.data, "val")[: run.limit]
    fractured = [case for case in cases if case.fractured]
    normal = [case for case in cases if not case.fractured]
    # A third of the normal ones: each look costs a minute.
    train(network, samples, fractured + normal[::3], folder, chosen)


def classifier(run: Run, folder: Path, *, start: str, plan: Mapping[str, Any]) -> None:
    """Train the classifier from a detector's checkpoint."""
    chosen = ClassifierPlan(**_tuples(plan), seed=run.recipe.seed)
    torch.manual_seed(run.recipe.seed)
    network = YoloClassifier()
    start_from_detector(network, averaged([run.weights(start)]))
    samples = load_samples(read_fracture_cases(run.data, "train")[: run.limit])
    if chosen.phantoms:
        samples["phantom"] = phantom_samples(chosen.phantoms * 4, first_seed=200_000)
    validation = read_fracture_cases(run.data, "val")[: run.limit]
    train_classifier(network, samples, validation, folder, chosen)


def exported(run: Run, folder: Path, *, of: Sequence[str]) -> dict[str, str]:
    """Write the file that answers, from one step's averaged weights or the mean of several."""
    card = load_card("fracture", run.recipe.name)
    state = averaged([run.weights(name) for name in of])
    if card.role == "classifier":
        second = YoloClassifier()
        second.load_state_dict(state)
        return {"sha256": export_classifier(second, folder / card.file)}
    network = networks.build("yolo26n")
    network.load_state_dict(state)
    return {"sha256": export(network, folder / card.file)}


def threshold(run: Run, folder: Path, *, of: str) -> dict[str, float]:
    """The score with the largest F1 of boxes on val, for the card's operating point."""
    card = _made_card(run, of)
    model, iou = load_model(card), detector_settings(card).iou
    matched = []
    for number, (case, image) in enumerate(data_set_cases(run.data, "val")):
        if run.limit is not None and number >= run.limit:
            break
        found = candidates(model, image).suppressed(iou)
        matched.append(match_image(found, case.boxes_xyxy, (0.5,)))

    def f1(score: float) -> float:
        precision, recall = precision_recall(matched, score)
        total = precision + recall
        return 2 * precision * recall / total if total > 0 else 0.0  # NaN too is not above

    best = max(THRESHOLDS, key=f1)
    return {"operating_points.fracture": round(float(best), 2), "f1": round(f1(best), 4)}


def fuse(run: Run, folder: Path, *, of: str) -> dict[str, float]:
    """Fit the probability of detector and classifier together on val, for the card."""
    detector_model = load_model(load_card("fracture", "detector"))
    second = load_classifier(_made_card(run, of))
    best, chances, truth = [], [], []
    for number, (case, image) in enumerate(data_set_cases(run.data, "val")):
        if run.limit is not None and number >= run.limit:
            break
        found = candidates(detector_model, image)
        best.append(float(found.scores[0]) if len(found) else 0.0)
        chances.append(probability(second, image))
        truth.append(case.fractured)
    fusion = fit(best, chances, truth)
    names = ("bias", "detector", "classifier")
    return {f"settings.fusion.{name}": round(getattr(fusion, name), 4) for name in names}


def _made_card(run: Run, of: str) -> ModelCard:
    card = load_card("fracture", run.recipe.name)
    path = (run.folder(of) / card.file).resolve()
    return replace(card, file=str(path), sha256=file_sha256(path))


def _tuples(plan: Mapping[str, Any]) -> dict[str, Any]:
    """A plan whose shapes are tuples, as in Python."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in plan.items()}


STEPS: dict[str, Step] = {
    "detector": detector,
    "classifier": classifier,
    "export": exported,
    "threshold": threshold,
    "fuse": fuse,
}
