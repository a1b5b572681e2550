"""The figures of the fracture cards, from kept predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.datasets import BODY_PARTS, FractureCase
from core.detections import Detections
from core.fracture.fusion import fit
from core.metrics.detection import match_image
from models.cards import ModelCard
from models.figures import DRAWS, Figure, Rows
from models.fracture.evaluate import SOURCES, Scored, figures_of

FILMS, PHANTOMS, SEEDS = "FracAtlas (part)", "Seeded limb phantoms", "seeds 0 to 99"
CORNERS = ["x0", "y0", "x1", "y1"]
BOXES = (
    ("mAP50", "map50", ""),
    ("mAP50-95", "map50_95", ""),
    ("Precision at the shipped threshold", "precision", "of boxes, overlap 0.5"),
    ("Recall at the shipped threshold", "recall", "of boxes, overlap 0.5"),
    (
        "Sensitivity at 0.1 false boxes an image",
        "sensitivity_at_0.1_false_positives_per_image",
        "",
    ),
    (
        "Sensitivity at 0.5 false boxes an image",
        "sensitivity_at_0.5_false_positives_per_image",
        "",
    ),
    ("Image-level AUROC", "image_auroc_detector", "best box score of the image"),
)
IMAGES = (
    ("Image-level AUROC", "image_auroc_classifier", ""),
    ("Image-level AUROC, detector and classifier fused", "image_auroc_fused", "fitted on val"),
    ("Brier score of the fused probability", "brier_fused", "fitted on val"),
)
CHOSEN = {"test": "", "val": "used to choose"}


def figures(card: ModelCard, rows: Rows) -> list[Figure]:
    """Test first, then val, groups of the test films, phantoms."""
    of_role = {"detector": _boxes, "classifier": _images, "rescorer": _second_look}
    return list(of_role[card.role](card, rows))


def settings(card: ModelCard, rows: Rows) -> dict[tuple[str, str], float]:
    """The fusion of both models, fitted on val."""
    if card.role != "classifier":
        return {}
    films = rows("val")
    found = fit(films["detector"], films["classifier"], films["fractured"])
    names = ("bias", "detector", "classifier")
    return {("settings.fusion", name): round(getattr(found, name), 4) for name in names}


def scored_of(films: pd.DataFrame, boxes: pd.DataFrame, split: str) -> NDArray[Any]:
    """The cases with what the models said of them, as `models.fracture.evaluate` scores them."""
    of_film = dict(iter(boxes.groupby("file", sort=False)))
    none = boxes.iloc[:0]
    scored = np.empty(len(films), object)
    for number, film in enumerate(films.to_dict("records")):
        own = of_film.get(film["file"], none)
        true, found = (own[own["kind"] == kind] for kind in ("true", "found"))
        truth = true[CORNERS].to_numpy(np.float32)
        detections = Detections(
            found[CORNERS].to_numpy(np.float32), found["score"].to_numpy(np.float32)
        )
        part, larger = film["body_part"], film["larger_original"]
        case = FractureCase(
            film["file"],
            Path(),
            split,
            truth,
            bool(film["fractured"]),
            tuple(part.split(" | ")) if isinstance(part, str) else (),
            bool(larger) if isinstance(larger, bool | np.bool_) else None,
        )
        scores = {source: float(film[source]) for source in SOURCES}
        scored[number] = Scored(case, detections, match_image(detections, truth), scores)
    return scored


def _boxes(card: ModelCard, rows: Rows) -> Iterator[Figure]:
    told = figures_of(card.operating_points["fracture"], "detector")
    for split, chosen in CHOSEN.items():
        cases = scored_of(rows(split), rows(split, "boxes"), split)
        for name, key, note in BOXES:
            counted = _counted(cases, boxes=True) if key == "map50" else note
            said = "; ".join(part for part in (counted, chosen) if part)
            draws = DRAWS // 5 if key == "map50_95" else DRAWS
            yield Figure(name, FILMS, split, (cases,), told[key], note=said, draws=draws)
        if split == "test":
            yield from _groups(cases, told["map50"])
    cases = scored_of(rows("phantoms"), rows("phantoms", "boxes"), "phantoms")
    note = "training used other seeds"
    yield Figure("mAP50 (phantoms)", PHANTOMS, SEEDS, (cases,), told["map50"], note=note)


def _groups(cases: NDArray[Any], map50: Any) -> Iterator[Figure]:
    """By body part, and by whether the original was larger, which may be a shortcut."""
    groups: dict[str, list[bool]] = {
        f"mAP50, {'composite views' if part == 'mixed' else part}": [
            part in one.case.body_parts for one in cases
        ]
        for part in BODY_PARTS
    }
    groups["mAP50, films from larger originals"] = [bool(c.case.larger_original) for c in cases]
    for name, inside in groups.items():
        members = cases[np.array(inside)]
        if any(one.matched.truths for one in members):
            note = _counted(members, boxes=True)
            yield Figure(name, FILMS, "test", (members,), map50, note=note)


def _images(card: ModelCard, rows: Rows) -> Iterator[Figure]:
    told = figures_of(card.operating_points["fracture"], "classifier")
    for split, chosen in CHOSEN.items():
        cases = scored_of(rows(split), rows(split, "boxes"), split)
        for name, key, note in IMAGES:
            said = "; ".join(part for part in (_counted(cases), note, chosen) if part)
            yield Figure(name, FILMS, split, (cases,), told[key], note=said)
    cases = scored_of(rows("phantoms"), rows("phantoms", "boxes"), "phantoms")
    auroc = told["image_auroc_classifier"]
    yield Figure("Image-level AUROC (phantoms)", PHANTOMS, SEEDS, (cases,), auroc)


def _second_look(card: ModelCard, rows: Rows) -> Iterator[Figure]:
    """What the second look adds to the detector, on the same films."""
    told = figures_of(0.5, "detector")
    for split, chosen in CHOSEN.items():
        films, boxes, first = rows(split), rows(split, "boxes"), rows(split, "first")
        best = films["file"].map(first.groupby("file")["score"].max()).fillna(0.0)
        true = boxes[boxes["kind"] == "true"]
        after = scored_of(films, boxes, split)
        before = scored_of(films.assign(detector=best), pd.concat([true, first]), split)
        for name, key in (("mAP50", "map50"), ("image-level AUROC of the best box", "image_auroc")):
            said = "; ".join(part for part in ("on the same films", chosen) if part)
            gain, both = partial(_gain, told[key]), (after, before)
            yield Figure(f"Gain in {name}", FILMS, split, both, gain, said, DRAWS // 2)
            alone = f"Without it: {name}"
            yield Figure(alone, FILMS, split, (before,), told[key], chosen, DRAWS // 2)


def _gain(figure: Callable[[Any], float], after: NDArray[Any], before: NDArray[Any]) -> float:
    return figure(after) - figure(before)


def _counted(cases: Sequence[Scored] | NDArray[Any], *, boxes: bool = False) -> str:
    fractured = sum(one.case.fractured for one in cases)
    if not boxes:
        return f"{fractured} fractured and {len(cases) - fractured} normal images"
    truths = sum(one.matched.truths for one in cases)
    return f"{fractured} fractured images with {truths} boxes; found ones from a score of 0.005"
