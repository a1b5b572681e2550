"""Score the shipped fracture models: `python -m models.fracture.evaluate --data F --json FILE`.

The folder has the layout of `core.datasets.read_fracture_cases`. Everything runs on the CPU at the
settings of the model cards. Groups of films and phantoms: `python -m models.predictions`, whose
figures `models.verify` puts on the cards.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets import FractureCase, read_fracture_cases, read_grey
from core.detections import Boxes, Detections
from core.fracture.fusion import Fusion
from core.images import Radiograph, digest_of
from core.metrics.detection import (
    MatchedImage,
    average_precision,
    match_image,
    precision_recall,
    sensitivity_at,
)
from core.metrics.statistics import auroc, bootstrap_interval
from core.stages import Progress
from models.cards import load_card
from models.figures import without_nan
from models.fracture.classify import load_classifier, probability
from models.fracture.predict import candidates, load_model
from models.fracture.settings import detector_settings, fusion_of

FALSE_POSITIVE_RATES = (0.1, 0.5)
SOURCES = ("detector", "classifier", "fused")
FIRST_PHANTOM_SEED = 0
"""Training takes its phantoms from seed 100,000 upwards."""


@dataclass(frozen=True, eq=False)
class Scored:
    """One case with what the models said about it.

    Attributes:
        case: Where it came from and what is true of it.
        found: Candidates after the shipped suppression.
        matched: The same against the truth.
        image_scores: Score of the whole image by `SOURCES`.
    """

    case: FractureCase
    found: Detections
    matched: MatchedImage
    image_scores: dict[str, float]


def score_cases(
    cases: Iterable[tuple[FractureCase, Radiograph]],
    detector: Callable[[Radiograph], Detections],
    classifier: Callable[[Radiograph], float],
    fusion: Fusion,
    *,
    iou: float,
) -> list[Scored]:
    """Run both models on every case; `detector` returns candidates before suppression."""
    scored = []
    for case, image in cases:
        found = detector(image).suppressed(iou)
        best = float(found.scores[0]) if len(found) else 0.0
        chance = classifier(image)
        scores = {
            "detector": best,
            "classifier": chance,
            "fused": fusion.probability(best, chance),
        }
        scored.append(Scored(case, found, match_image(found, case.boxes_xyxy), scores))
    return scored


def report(
    scored: Sequence[Scored], threshold: float, image_auroc_from: str, *, draws: int = 1000
) -> dict[str, Any]:
    """All figures with bootstrap 95 % intervals over images, and the predictions per case."""
    figures = figures_of(threshold, image_auroc_from)
    cases = np.empty(len(scored), object)
    cases[:] = list(scored)
    whole = {name: figure(cases) for name, figure in figures.items()}
    fast = {name: figure for name, figure in figures.items() if name != "map50_95"}
    intervals = {
        name: bootstrap_interval(figure, cases, draws=draws) for name, figure in fast.items()
    }
    intervals["map50_95"] = bootstrap_interval(figures["map50_95"], cases, draws=max(1, draws // 5))
    top = ("map50", "map50_95", "precision", "recall", "image_auroc")
    result: dict[str, Any] = {name: whole[name] for name in top}
    result["image_auroc_from"] = image_auroc_from
    result["n"] = len(scored)
    result["n_fractured"] = sum(one.case.fractured for one in scored)
    result["n_boxes"] = sum(one.matched.truths for one in scored)
    result["threshold"] = threshold
    result["figures"] = whole
    result["intervals"] = intervals
    result["cases"] = [
        {
            "file": one.case.file,
            "fractured": one.case.fractured,
            "detector": one.image_scores["detector"],
            "classifier": one.image_scores["classifier"],
            "fused": one.image_scores["fused"],
            "boxes_xyxy": one.found.above(0.01).boxes_xyxy.round(1).tolist(),
            "scores": one.found.above(0.01).scores.round(4).tolist(),
            "hit": one.matched.hits[one.matched.scores >= 0.01, 0].tolist(),
        }
        for one in scored
    ]
    return result


def figures_of(threshold: float, image_auroc_from: str) -> dict[str, Callable[[Any], float]]:
    """Every figure as a function of the scored cases."""

    def at_50(cases: Sequence[Scored]) -> list[MatchedImage]:
        return [
            MatchedImage(one.matched.scores, one.matched.hits[:, :1], one.matched.truths)
            for one in cases
        ]

    def image_auroc(source: str) -> Callable[[Sequence[Scored]], float]:
        return lambda cases: auroc(
            [one.case.fractured for one in cases], [one.image_scores[source] for one in cases]
        )

    def sensitivity(rate: float) -> Callable[[Sequence[Scored]], float]:
        return lambda cases: sensitivity_at([one.matched for one in cases], rate)

    figures: dict[str, Callable[[Any], float]] = {
        "map50": lambda cases: float(average_precision(at_50(cases))[0]),
        "map50_95": lambda cases: float(average_precision([c.matched for c in cases]).mean()),
        "precision": lambda cases: precision_recall([c.matched for c in cases], threshold)[0],
        "recall": lambda cases: precision_recall([c.matched for c in cases], threshold)[1],
        "image_auroc": image_auroc(image_auroc_from),
        **{f"image_auroc_{source}": image_auroc(source) for source in SOURCES},
        "brier_fused": lambda cases: float(
            np.mean([(one.image_scores["fused"] - one.case.fractured) ** 2 for one in cases])
        ),
    }
    for rate in FALSE_POSITIVE_RATES:
        figures[f"sensitivity_at_{rate}_false_positives_per_image"] = sensitivity(rate)
    return figures


def data_set_cases(folder: Path, split: str) -> Iterable[tuple[FractureCase, Radiograph]]:
    """The cases of a split, each image read when its turn comes."""
    for case in read_fracture_cases(folder, split):
        pixels = read_grey(case.path).astype(np.float32) / np.float32(255)
        yield case, Radiograph(pixels, digest_of(pixels))


def phantom_cases(count: int) -> Iterable[tuple[FractureCase, Radiograph]]:
    """Seeded phantoms, every second one fractured."""
    from core.phantoms.limb.phantom import limb_phantom, random_limb

    for seed in range(FIRST_PHANTOM_SEED, FIRST_PHANTOM_SEED + count):
        radiograph, boxes = limb_phantom(random_limb(seed, fractured=seed % 2 == 0))
        yield _phantom_case(seed, boxes), radiograph


def _phantom_case(seed: int, boxes: Boxes) -> FractureCase:
    return FractureCase(f"phantom {seed}", Path(), "phantoms", boxes, len(boxes) > 0)


def evaluate(
    cases: Sequence[tuple[FractureCase, Radiograph]] | Iterable[tuple[FractureCase, Radiograph]],
    *,
    draws: int = 1000,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Score the shipped models on cases."""
    card = load_card("fracture", "detector")
    model = load_model(card)
    settings, second = detector_settings(card), load_card("fracture", "classifier")
    classifier = load_classifier(second)
    done = 0

    def detector(image: Radiograph) -> Detections:
        nonlocal done
        done += 1
        if progress is not None:
            progress(0.0, f"image {done}")
        return candidates(model, image)

    scored = score_cases(
        cases,
        detector,
        lambda image: probability(classifier, image),
        fusion_of(second),
        iou=settings.iou,
    )
    return report(scored, card.operating_points["fracture"], settings.image_auroc_from, draws=draws)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data set folder")
    parser.add_argument("--split", default="test")
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap resamples")
    options = parser.parse_args(arguments)

    def progress(_: float, what: str) -> None:
        print(what, end="\r", flush=True)

    cases = data_set_cases(options.data, options.split)
    found = without_nan(evaluate(cases, draws=options.draws, progress=progress))
    options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    for name, value in found["figures"].items():
        low, high = found["intervals"][name]
        print(f"{name}: {_shown(value)} ({_shown(low)} to {_shown(high)})")
    print(f"n = {found['n']}, image AUROC from the {found['image_auroc_from']}")


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
