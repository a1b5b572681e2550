"""The network in a process of its own, for a server that must not hold Keras.

Streamlit clears Keras' session and kernels after every run of a script, progress bars included,
while another thread may be loading or running the network: the page froze on it. In a second
process nothing of that reaches Keras, and the page keeps its own processor time.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import lru_cache
from multiprocessing import get_context

import numpy as np

from core.errors import ImagingError
from core.images import FloatArray, Volume
from core.skull_strip import Cancelled, Prepared
from models.cards import ModelCard, load_card
from models.skull_strip import predict
from models.skull_strip.predict import BrainProbability

LOOK_SECONDS = 0.2


class Apart:
    """One process that holds the network; started at the first use, shared by all users."""

    def __init__(self) -> None:
        self._pool = _new_pool()

    def probability(
        self, card: ModelCard, prepared: Prepared, cancelled: Callable[[], bool]
    ) -> BrainProbability:
        """As `predict.probability`, in the other process.

        Raises:
            Cancelled: As soon as `cancelled` says so; the other process ends its work unheard.
            WeightsError: As `predict.load_model`.
            ImagingError: If the other process was ended from outside.
        """
        # Only what the network receives crosses over, not the head and every stage.
        empty = Volume(np.zeros((1, 1, 1), np.float32), prepared.volume.affine, "")
        light = replace(prepared, volume=empty, steps=prepared.steps[-1:])
        try:
            future = self._pool.submit(_probability, card.name, card.sha256, light)
            while True:
                try:
                    values, seconds = future.result(LOOK_SECONDS)
                except TimeoutError:
                    if cancelled():
                        future.cancel()
                        raise Cancelled from None
                    continue
                return BrainProbability(values, prepared, seconds)
        except BrokenProcessPool as err:
            self._pool = _new_pool()
            raise ImagingError(
                "The process that runs the network was ended, probably for lack of memory. "
                "Close other programs and run it again."
            ) from err


def _new_pool() -> ProcessPoolExecutor:
    # A fork would copy the server's threads in whatever state they are.
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _probability(name: str, sha256: str, prepared: Prepared) -> tuple[FloatArray, float]:
    found = predict.probability(_model(name, sha256), prepared)
    return found.values, found.seconds


@lru_cache(maxsize=1)
def _model(name: str, sha256: str) -> predict.Model:
    """The model, loaded once in the other process; a changed card loads it again."""
    return predict.load_model(load_card("skull_strip", name))
