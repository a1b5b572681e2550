"""Simulated hands as training and validation films, of seeds far from those of pages and tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.phantoms.hand.phantom import AGES_MONTHS, HandPhantom, hand_phantom
from core.stages import Stage
from models.bone_age.preprocess import network_input

TRAIN_SEED, CHECK_SEED = 50_000, 90_000
"""First seeds for training and for choosing between trainings."""
SHAPES = ((640, 512), (640, 480), (600, 560), (560, 600))
"""(H, W) of training films: as on the pages, narrower, squarer, wider than high."""


@dataclass(frozen=True)
class SimulatedHand:
    """Seed, age and sex of one simulated hand; the others as of `hand_phantom`."""

    seed: int
    months: float
    sex: str
    density: float = 1.0
    noise: float = 1.0
    shape: tuple[int, int] = SHAPES[0]

    @property
    def drawn(self) -> HandPhantom:
        """Its film and truth."""
        return hand_phantom(
            self.seed,
            age_months=self.months,
            sex=self.sex,
            density=self.density,
            noise=self.noise,
            shape=self.shape,
        )


def simulated_hands(count: int, first_seed: int) -> list[SimulatedHand]:
    """`count` hands whose ages are spread evenly from 1 to 19 years, boys and girls in turn."""
    youngest, oldest = AGES_MONTHS[0], 228.0
    ages = np.linspace(youngest, oldest, count)
    return [
        SimulatedHand(first_seed + number, float(age), "FM"[number % 2])
        for number, age in enumerate(ages)
    ]


def varied(hands: Sequence[SimulatedHand]) -> list[SimulatedHand]:
    """The same hands with mineral, noise and film sides of their own, beside what a seed chooses.

    So that a network which trains with them takes none of these for the mark of an age, or of a
    hand that is not real.
    """
    made = []
    for hand in hands:
        rng = np.random.default_rng([hand.seed, 11])
        made.append(
            replace(
                hand,
                density=float(rng.uniform(0.8, 1.15)),
                noise=float(np.exp(rng.uniform(np.log(0.4), np.log(2.5)))),
                shape=SHAPES[int(rng.integers(len(SHAPES)))],
            )
        )
    return made


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
        seen = network_input(hand.drawn.image.pixels, stages, shape)[1]
        films[number] = (255 * seen).round()
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.save(cache, films)
    return films
