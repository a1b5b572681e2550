"""What the fracture models say of each film: image scores, candidate boxes and true boxes."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from models.cards import load_card
from models.fracture.classify import load_classifier, probability
from models.fracture.evaluate import data_set_cases, phantom_cases, score_cases
from models.fracture.predict import candidates, load_model
from models.fracture.settings import detector_settings, fusion_of

DATA_SET = "FracAtlas (part)"
PHANTOM_SET = "Seeded limb phantoms"
PHANTOMS = 100
LEAST_SCORE = 0.005


def tables(data: Path | None, split: str, limit: int | None = None) -> dict[str, pd.DataFrame]:
    """A row a film, and under "boxes" a row a box: found ones with their score, and true ones."""
    detector, classifier = load_card("fracture", "detector"), load_card("fracture", "classifier")
    model, second = load_model(detector), load_classifier(classifier)
    if data is None or split == "phantoms":
        cases = phantom_cases(PHANTOMS)
    else:
        cases = data_set_cases(data, split)
    scored = score_cases(
        islice(cases, limit),
        lambda image: candidates(model, image),
        lambda image: probability(second, image),
        fusion_of(classifier),
        iou=detector_settings(detector).iou,
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
    boxes = []
    for one in scored:
        found = one.found.above(LEAST_SCORE)
        for kind, some, scores in (
            ("true", one.case.boxes_xyxy, np.ones(len(one.case.boxes_xyxy))),
            ("found", found.boxes_xyxy, found.scores),
        ):
            for box, score in zip(some, scores, strict=True):
                corners = dict(zip(("x0", "y0", "x1", "y1"), box.round(2), strict=True))
                row = {"file": one.case.file, "kind": kind, "score": float(score)}
                boxes.append({**row, **corners})
    return {"": pd.DataFrame(films), "boxes": pd.DataFrame(boxes)}
