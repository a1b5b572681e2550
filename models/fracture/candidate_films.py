"""Films in memory with what the detector proposed on them: what the second reader learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.datasets import read_fracture_cases, read_grey
from core.detections import Boxes, Detections
from core.stages import run_stages
from models.fracture.preprocess import contrast_stages


@dataclass(frozen=True, eq=False)
class Film:
    """A film held in memory.

    Attributes:
        grey: uint8 (V, H, W): the film at several strengths of local equalisation; the first is
            that of an answer.
        truth_xyxy: (N, 4) true boxes.
        found: The detector's candidates after suppression.
        fractured: The label of the film.
    """

    grey: NDArray[np.uint8]
    truth_xyxy: Boxes
    found: Detections
    fractured: bool


def keep_proposals(path: Path, found: Sequence[Detections]) -> None:
    """Write the candidates of films, in the order of their table."""
    film = np.repeat(np.arange(len(found)), [len(one) for one in found])
    boxes = np.concatenate([one.boxes_xyxy for one in found])
    scores = np.concatenate([one.scores for one in found])
    np.savez(path, films=len(found), film=film, boxes_xyxy=boxes, scores=scores)


def read_films(
    data: Path, split: str, proposals: Path, limits: Sequence[float], count: int | None = None
) -> list[Film]:
    """The films of a split with their kept candidates.

    Args:
        data: The data set.
        split: Which films.
        proposals: What `keep_proposals` wrote of the same films.
        limits: Strengths of local equalisation; 0 is none.
        count: Only so many films, the first ones.
    """
    cases = list(islice(read_fracture_cases(data, split), count))
    with np.load(proposals) as kept:
        if int(kept["films"]) != len(cases):
            raise ValueError(f"candidates of {kept['films']} films, not of {len(cases)}")
        film, boxes, scores = kept["film"], kept["boxes_xyxy"], kept["scores"]
    films = []
    for number, case in enumerate(cases):
        pixels = read_grey(case.path).astype(np.float32) / np.float32(255)
        greys = []
        for limit in limits:
            seen = run_stages(pixels, contrast_stages(limit)[: 2 if limit else 1])[-1].image
            greys.append(np.rint(seen * 255).astype(np.uint8))
        own = film == number
        found = Detections(boxes[own], scores[own])
        films.append(Film(np.stack(greys), case.boxes_xyxy, found, case.fractured))
    return films
