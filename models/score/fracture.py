"""What the scorer asks of a limb film: boxes and probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.detections import Detections
from core.fracture.matching import above
from core.images import Radiograph
from models.cards import ModelCard, load_card
from models.fracture.settings import detector_settings, fusion_of
from models.score.input_check import FILM_KIND, Refused, check, load_film_kind, refused_by
from models.score.task import SIZE, Answer, Ask, Task, size_of

LEAST_SCORE = 0.05
"""Boxes below are not kept: thousands a film would be, and none would ever be looked at."""


@dataclass(frozen=True, eq=False)
class FractureReaders:
    """What reads a limb film: candidates before suppression, classifier, input check, and cards."""

    candidates: Callable[[Radiograph], Detections]
    probability: Callable[[Radiograph], float]
    refused: Refused
    detector: ModelCard
    classifier: ModelCard


def fracture(detector: str = "detector", classifier: str = "classifier") -> Task:
    """The task, with the cards of these names."""
    second = detector_settings(load_card("fracture", detector)).rescorer
    looks = (("fracture", second),) if second else ()
    return Task(
        name="fracture",
        cards=(("fracture", detector), ("fracture", classifier), *looks, FILM_KIND),
        columns=(
            *SIZE,
            ("boxes", "int64"),
            ("highest_score", "float64"),
            ("classifier_probability", "float64"),
            ("fracture_probability", "float64"),
            ("classifier_card", "string"),
            ("classifier_sha256", "string"),
        ),
        box_columns=(
            ("box", "int64"),
            ("score", "float64"),
            ("xmin", "float64"),
            ("ymin", "float64"),
            ("xmax", "float64"),
            ("ymax", "float64"),
        ),
        load=partial(load_fracture, detector, classifier),
        score=score_fracture,
    )


def load_fracture(detector: str, classifier: str) -> FractureReaders:
    """Load detector, classifier and film-kind check."""
    from models.fracture import classify, predict

    first, second = load_card("fracture", detector), load_card("fracture", classifier)
    return FractureReaders(
        partial(predict.candidates, predict.load_model(first)),
        partial(classify.probability, classify.load_classifier(second)),
        partial(refused_by, load_film_kind(), "limb"),
        first,
        second,
    )


def score_fracture(readers: FractureReaders, image: Radiograph, ask: Ask) -> Answer:
    """Boxes after suppression and the probabilities; `detail` is all candidates."""
    check(readers.refused(image))
    card, classifier = readers.detector, readers.classifier
    candidates = readers.candidates(image)
    found = candidates.suppressed(detector_settings(card).iou)
    best = float(found.scores[0]) if len(found) else 0.0
    chance = float(readers.probability(image))
    columns = {
        **size_of(image),
        "boxes": len(above(found, card.operating_points["fracture"])),
        "highest_score": best,
        "classifier_probability": chance,
        "fracture_probability": fusion_of(classifier, card).probability(best, chance),
        "classifier_card": classifier.name,
        "classifier_sha256": classifier.sha256,
    }
    return Answer(columns, _box_rows(found.above(LEAST_SCORE)), detail=candidates)


def _box_rows(found: Detections) -> list[dict[str, Any]]:
    return [
        {"box": number, "score": float(score)}
        | dict(zip(("xmin", "ymin", "xmax", "ymax"), map(float, box), strict=True))
        for number, (box, score) in enumerate(
            zip(found.boxes_xyxy, found.scores, strict=True), start=1
        )
    ]
