"""The skull-stripping network in a process of its own (see `models.worker`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from core.images import FloatArray, Volume
from core.skull_strip import Prepared
from models import worker as apart
from models.cards import ModelCard, load_card
from models.skull_strip import predict
from models.skull_strip.predict import BrainProbability


class Apart(apart.Apart):
    """One process that holds the network, shared by all users; it loads while others prepare."""

    def __init__(self) -> None:
        super().__init__("models.skull_strip.network")

    def probability(
        self, card: ModelCard, prepared: Prepared, cancelled: Callable[[], bool]
    ) -> BrainProbability:
        """As `predict.probability`, in the other process.

        Raises:
            Cancelled: As soon as `cancelled` says so; the other process ends its work unheard.
            WeightsError: As `predict.load_model`.
            ImagingError: If the other process was ended from outside; the next call starts one.
        """
        # Only what the network receives crosses over, not the head and every stage.
        empty = Volume(np.zeros((1, 1, 1), np.float32), prepared.volume.affine, "")
        light = replace(prepared, volume=empty, steps=prepared.steps[-1:])
        function = f"{__name__}:answer"
        values, seconds = self.call(function, card.name, card.sha256, light, cancelled=cancelled)
        return BrainProbability(values, prepared, seconds)


def answer(name: str, sha256: str, prepared: Prepared) -> tuple[FloatArray, float]:
    """In the other process: what the network says, and the seconds it took."""
    found = predict.probability(_model(name, sha256), prepared)
    return found.values, found.seconds


@lru_cache(maxsize=1)
def _model(name: str, sha256: str) -> predict.Model:
    """The model, loaded once in the other process; a changed card loads it again."""
    return predict.load_model(load_card("skull_strip", name))
