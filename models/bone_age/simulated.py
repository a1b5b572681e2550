"""Simulated hands as training and validation films, of seeds far from those of pages and tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.phantoms.hand.phantom import AGES_MONTHS, hand_phantom
from core.stages import Stage
from models.bone_age.preprocess import network_input

TRAIN_SEED, CHECK_SEED = 50_000, 90_000
"""First seeds for training and for choosing between trainings."""


@dataclass(frozen=True)
class SimulatedHand:
    """Seed, age and sex of one simulated hand."""

    seed: int
    months: float
    sex: str


def simulated_hands(count: int, first_seed: int) -> list[SimulatedHand]:
    """`count` hands whose ages are spread evenly from 1 to 19 years, boys and girls in turn."""
    youngest, oldest = AGES_MONTHS[0], 228.0
    ages = np.linspace(youngest, oldest, count)
    return [
        SimulatedHand(first_seed + number, float(age), "FM"[number % 2])
        for number, age in enumerate(ages)
    ]


def prepare_simulated(
    hands: Sequence[SimulatedHand], stages: Sequence[Stage], shape: tuple[int, int], cache: Path
) -> NDArray[np.uint8]:
    """The network's inputs of simulated hands, uint8 (N, H, W), made once and kept in `cache`."""
    if cache.is_file():
        kept = np.load(cache)
        if kept.shape == (len(hands), *shape):
            return kept
    films = np.zeros((len(hands), *shape), np.uint8)
    for number, hand in enumerate(hands):
        phantom = hand_phantom(hand.seed, age_months=hand.months, sex=hand.sex)
        seen = network_input(phantom.image.pixels, stages, shape)[1]
        films[number] = (255 * seen).round()
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.save(cache, films)
    return films
