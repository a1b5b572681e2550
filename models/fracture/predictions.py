"""What the fracture models say of each film: image scores, candidate boxes and true boxes."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.detections import Detections
from core.images import Radiograph
from models.cards import load_card
from models.fracture.classify import load_classifier, probability
from models.fracture.evaluate import data_set_cases, phantom_cases, score_cases
from models.fracture.predict import after_second_look, load_model, proposals
from models.fracture.settings import detector_settings, fusion_of

DATA_SET = "FracAtlas (part)"
PHANTOM_SET = "Seeded limb phantoms"
PHANTOMS = 100
LEAST_SCORE = 0.005
Row = dict[str, Any]


def tables(data: Path | None, split: str, limit: int | None = None) -> dict[str, pd.DataFrame]:
    """A row a film, and under "boxes" a row a box: found ones with their score, and true ones.

    Under "first" are the boxes that the detector found by itself, before the second look.
    """
    detector, classifier = load_card("fracture", "detector"), load_card("fracture", "classifier")
    model, second = load_model(detector), load_classifier(classifier)
    if data is None or split == "phantoms":
        cases = phantom_cases(PHANTOMS)
    else:
        cases = data_set_cases(data, split)
    iou = detector_settings(detector).iou
    first: list[Detections] = []

    def both_looks(image: Radiograph) -> Detections:
        found = proposals(model, image)
        first.append(found.suppressed(iou).above(LEAST_SCORE))
        return after_second_look(model, image, found)[0]

    scored = score_cases(
        islice(cases, limit),
        both_looks,
        lambda image: probability(second, image),
        fusion_of(classifier),
        iou=iou,
    )
    films = [
        {
            "file": one.case.file,
            "fractured": int(one.case.fractured),
            "body_part": " | ".join(one.case.body_parts),
            "larger_original": one.case.larger_original,
            **one.image_scores,
        }
        for one in scored
    ]
    boxes: list[Row] = []
    alone: list[Row] = []
    for one, before in zip(scored, first, strict=True):
        truth = Detections(one.case.boxes_xyxy, np.ones(len(one.case.boxes_xyxy), np.float32))
        boxes += _rows(one.case.file, "true", truth)
        boxes += _rows(one.case.file, "found", one.found.above(LEAST_SCORE))
        alone += _rows(one.case.file, "found", before)
    tables = {"": pd.DataFrame(films), "boxes": pd.DataFrame(boxes)}
    return tables | {"first": pd.DataFrame(alone)} if model.rescorer else tables


def _rows(file: str, kind: str, some: Detections) -> list[Row]:
    rows = []
    for box, score in zip(some.boxes_xyxy, some.scores, strict=True):
        corners = dict(zip(("x0", "y0", "x1", "y1"), box.round(2), strict=True))
        rows.append({"file": file, "kind": kind, "score": float(score), **corners})
    return rows
