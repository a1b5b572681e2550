"""What a recipe of a fracture network can ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.datasets import FractureCase, read_fracture_cases, read_outlines
from core.fracture.fusion import fit
from core.metrics.detection import match_image
from models.cards import ModelCard, load_card
from models.fracture import network as networks
from models.fracture.candidate_films import Film, keep_proposals, read_films
from models.fracture.classifier_network import YoloClassifier, start_from_detector
from models.fracture.classify import load_classifier, probability
from models.fracture.evaluate import data_set_cases
from models.fracture.export import averaged, export, export_classifier, export_rescorer
from models.fracture.predict import candidates, load_first, load_model, onnx_forward
from models.fracture.rescore import onnx_read, places
from models.fracture.rescorer_network import Rescorer, start_from_imagenet
from models.fracture.settings import detector_settings
from models.fracture.train import (
    Plan,
    hard_normals,
    load_samples,
    measure,
    phantom_samples,
    some_views,
    train,
)
from models.fracture.train_classifier import ClassifierPlan, train_classifier
from models.fracture.train_rescorer import RescorerPlan, train_rescorer
from models.fracture.weigh import (
    SHARES,
    best_threshold,
    choose,
    looked_at,
    map50,
    matched,
    scores_apart,
)
from models.onnx_runtime import open_file
from models.training.loop import CHECKPOINT
from models.training.recipe import file_sha256
from models.training.record import Run, Step

FUSED = ("bias", "detector", "classifier")
START, HARD = "start.pt", "hard.txt"
NORM_BATCHES = 24
EQUALISED = (2.0, 0.0, 3.5)
"""Strengths of local equalisation that the second reader learns from; it answers with the first."""


def hard_films(run: Run, folder: Path, *, of: str, least: float) -> dict[str, int]:
    """Note the normal training films on which a detector sees something, as `hard.txt`."""
    forward = onnx_forward(open_file(run.weights(of)))
    cases = [case for case in _cases(run, "train") if not case.fractured]
    files = hard_normals(forward, cases, least)
    (folder / HARD).write_text("".join(f"{file}\n" for file in files), encoding="utf-8")
    return {"normal": len(cases), "hard": len(files)}


def detector(
    run: Run, folder: Path, *, start: str, plan: Mapping[str, Any], hard: str = ""
) -> None:
    """Train the detector from published weights, from an earlier step or from a file that answers.

    Args:
        run, folder, start, plan: As of every training.
        hard: The step that noted hard normal films.
    """
    chosen = Plan(**_tuples(plan), seed=run.recipe.seed)
    torch.manual_seed(run.recipe.seed)
    network = networks.build("yolo26n")
    path, training = run.weights(start), _cases(run, "train")
    samples = load_samples(training, read_outlines(run.data))
    if start not in run.recipe.parents:
        network.load_state_dict(averaged([path]))
    elif path.suffix == ".onnx":
        networks.start_from_answering(network, path)
        networks.measure_norms(network, some_views(samples, chosen, NORM_BATCHES))
        torch.save(network.state_dict(), folder / START)
    else:
        networks.start_from_coco(network, path)
    if hard:
        files = set(run.weights(hard, HARD).read_text(encoding="utf-8").split())
        names = [case.file for case in training if not case.fractured]
        normals = zip(names, samples["normal"], strict=True)
        samples["hard"] = [sample for name, sample in normals if name in files]
    if chosen.phantoms:
        samples["phantom"] = phantom_samples(chosen.phantoms * 6, first_seed=100_000)
    cases = _cases(run, "val")
    fractured = [case for case in cases if case.fractured]
    normal = [case for case in cases if not case.fractured]
    # A third of the normal ones: each look costs a minute.
    train(network, samples, fractured + normal[::3], folder, chosen)


def between(run: Run, folder: Path, *, of: str, shares: Sequence[float]) -> dict[str, float]:
    """Weights on the line from where a training began (0) to where it ended (1), the best on val.

    Fine-tuning costs some of what was known before; a mean of both sets of weights often keeps
    it (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022).
    """
    begins = torch.load(run.weights(of, START), weights_only=True)
    ends = averaged([run.weights(of)])
    network = networks.build("yolo26n").eval()
    iou = detector_settings(load_card("fracture", run.recipe.name)).iou
    found: dict[float, tuple[float, float]] = {}

    def put(share: float) -> None:
        mixed = {
            name: begins[name].lerp(end, share) if end.is_floating_point() else end
            for name, end in ends.items()
        }
        network.load_state_dict(mixed)

    for share in shares:
        put(share)
        found[share] = measure(network, _cases(run, "val"), mirrored=True, iou=iou)
    best = max(found, key=lambda share: found[share][0])
    put(best)
    torch.save(network.state_dict(), folder / CHECKPOINT)
    rows = "".join(f"{share},{ap:.4f},{auc:.4f}\n" for share, (ap, auc) in found.items())
    heading = "share,val_map50,val_auroc\n"
    (folder / "shares.csv").write_text(heading + rows, encoding="utf-8")
    return {"share": best, "val_map50": round(found[best][0], 4)}


def classifier(run: Run, folder: Path, *, start: str, plan: Mapping[str, Any]) -> None:
    """Train the classifier from a detector's checkpoint."""
    chosen = ClassifierPlan(**_tuples(plan), seed=run.recipe.seed)
    torch.manual_seed(run.recipe.seed)
    network = YoloClassifier()
    start_from_detector(network, averaged([run.weights(start)]))
    samples = load_samples(_cases(run, "train"))
    if chosen.phantoms:
        samples["phantom"] = phantom_samples(chosen.phantoms * 4, first_seed=200_000)
    validation = _cases(run, "val")
    train_classifier(network, samples, validation, folder, chosen)


def first_look(run: Run, folder: Path, *, of: str) -> dict[str, int]:
    """What a detector proposes by itself on the films of train and val, as `<split>.npz`."""
    run.weights(of)
    card = load_card("fracture", run.recipe.parents[of].card)
    model, iou, counted = load_first(card), detector_settings(card).iou, {}
    for split in ("train", "val"):
        cases = islice(data_set_cases(run.data, split), run.limit)
        found = [places(candidates(model, image), iou) for _, image in cases]
        keep_proposals(folder / f"{split}.npz", found)
        counted[split] = sum(len(one) for one in found)
    return counted


def rescorer(run: Run, folder: Path, *, start: str, of: str, plan: Mapping[str, Any]) -> None:
    """Train the second reader on the candidates that an earlier step kept."""
    chosen = RescorerPlan(**_tuples(plan), seed=run.recipe.seed)
    torch.manual_seed(run.recipe.seed)
    network = Rescorer()
    start_from_imagenet(network, run.weights(start))
    training = _candidate_films(run, of, "train")
    train_rescorer(network, training, _candidate_films(run, of, "val"), folder, chosen)


def weigh_looks(run: Run, folder: Path, *, of: str, start: str) -> dict[str, float]:
    """Choose on val what makes one answer of both looks; what it gains there; the threshold.

    Args:
        run, folder: As of every step.
        of: The step that wrote the file.
        start: The step that kept the candidates.
    """
    read, films = onnx_read(_made_card(run, of)), _candidate_films(run, start, "val")
    looks = {share: looked_at(read, films, share) for share in SHARES}
    choice = choose(looks, np.arange(len(films)))
    seen, own = looks[choice.share]
    fusion = choice.fusion
    both = [fusion.probabilities(f.found.scores, one) for f, one in zip(seen, own, strict=True)]
    best, f1 = best_threshold(matched(seen, both))
    return {
        **{f"settings.fusion.{name}": round(getattr(fusion, name), 4) for name in FUSED},
        "settings.share": choice.share,
        "weight": choice.weight,
        "map50_before": round(map50(films, [film.found.scores for film in films]), 4),
        "map50": round(map50(seen, both), 4),
        "map50_by_choices_on_other_folds": round(map50(*scores_apart(looks)), 4),
        "threshold": best,
        "f1": f1,
    }


def _candidate_films(run: Run, of: str, split: str) -> list[Film]:
    limits = EQUALISED if split == "train" else EQUALISED[:1]
    return read_films(run.data, split, run.weights(of, f"{split}.npz"), limits, run.limit)


def exported(run: Run, folder: Path, *, of: Sequence[str]) -> dict[str, str]:
    """Write the file that answers, from one step's averaged weights or the mean of several."""
    card = load_card("fracture", run.recipe.name)
    state = averaged([run.weights(name) for name in of])
    if card.role == "rescorer":
        third = Rescorer()
        third.load_state_dict(state)
        return {"sha256": export_rescorer(third, folder / card.file)}
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
    images = []
    for number, (case, image) in enumerate(data_set_cases(run.data, "val")):
        if run.limit is not None and number >= run.limit:
            break
        found = candidates(model, image).suppressed(iou)
        images.append(match_image(found, case.boxes_xyxy, (0.5,)))
    best, f1 = best_threshold(images)
    return {"operating_points.fracture": best, "f1": f1}


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
    return {f"settings.fusion.{name}": round(getattr(fusion, name), 4) for name in FUSED}


def _cases(run: Run, split: str) -> list[FractureCase]:
    return read_fracture_cases(run.data, split)[: run.limit]


def _made_card(run: Run, of: str) -> ModelCard:
    card = load_card("fracture", run.recipe.name)
    path = (run.folder(of) / card.file).resolve()
    return replace(card, file=str(path), sha256=file_sha256(path))


def _tuples(plan: Mapping[str, Any]) -> dict[str, Any]:
    """A plan whose shapes are tuples, as in Python."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in plan.items()}


STEPS: dict[str, Step] = {
    "hard normals": hard_films,
    "detector": detector,
    "between": between,
    "classifier": classifier,
    "first look": first_look,
    "rescorer": rescorer,
    "weigh": weigh_looks,
    "export": exported,
    "threshold": threshold,
    "fuse": fuse,
}
