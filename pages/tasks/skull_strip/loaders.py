"""Runs of the 3D pipeline in the background: watched, cancelled, and kept for the session.

A press of any button starts the page's script anew and ends the run that is under way, so long
work cannot live in the script. It lives in a worker thread that knows nothing of Streamlit; the
page asks how far it is, and tells it to stop through an event.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.files.browser_volume import Compact, compact
from core.images import Volume
from core.skull_strip import Cancelled, Settings, prepare
from core.stages import Step
from models.cards import ModelCard
from models.skull_strip import predict
from models.skull_strip.predict import BrainMask, BrainProbability
from models.skull_strip.worker import Apart

KEPT_RUNS = 3
PREPARING = 0.85  # share of the progress bar; the rest is the network


@st.cache_resource(show_spinner=False)
def _network() -> Apart:
    """The process that holds the network, for all users."""
    return Apart()


def network() -> Apart:
    """The process that holds the network, for work in the background."""
    return _network()


@st.cache_resource(show_spinner=False)
def _worker() -> ThreadPoolExecutor:
    """One worker for all users: two runs at once would only take each other's processor."""
    return ThreadPoolExecutor(1, thread_name_prefix="volume")


@dataclass(eq=False)
class Run:
    """One run of the pipeline; written by the worker, read by the page.

    Attributes:
        future: Holds the result, or what went wrong.
        stop: Set to cancel.
        fraction, stage: How far it is, and what it is doing.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    fraction: float = 0.0
    stage: str = "Waiting for the processor"
    future: Future[BrainProbability] = field(default_factory=Future)
    _after: tuple[float, list[Step]] | None = None

    @property
    def state(self) -> str:
        """ "running", "cancelled", "failed" or "done"."""
        if not self.future.done():
            return "running"
        if self.future.cancelled() or isinstance(self.future.exception(), Cancelled):
            return "cancelled"
        return "failed" if self.future.exception() else "done"

    def cancel(self) -> None:
        """Ask the worker to stop; it looks at every stage and every iteration of N4."""
        self.stop.set()
        self.future.cancel()

    def result(self) -> BrainProbability:
        """What the network said.

        Raises:
            ImagingError: What a person's input or installation broke.
        """
        return self.future.result(0)

    def steps_after(self, threshold: float) -> list[Step]:
        """The stages behind the network at a threshold; the last one asked for is kept."""
        if self._after is None or self._after[0] != threshold:
            self._after = (threshold, self.result().steps(threshold))
        return self._after[1]

    def mask(self, threshold: float) -> NDArray[np.uint8]:
        """The brain on the input grid."""
        found: NDArray[np.uint8] = self.steps_after(threshold)[-1].image
        return found

    def report(self, fraction: float, stage: str) -> None:
        self.fraction, self.stage = fraction, stage


def skull_strip(key: str, volume: Volume, settings: Settings, card: ModelCard) -> Run:
    """The run of a volume with these settings: started if it is new, found again if not.

    The threshold is no part of it: changing it runs nothing. A run that is still under way for
    other settings is cancelled.
    """
    runs: dict[str, Run] = st.session_state.setdefault(f"{key}_runs", {})
    wanted = f"{volume.digest}|{replace(settings, threshold=0.5)}|{card.sha256}"
    for other, run in runs.items():
        if other != wanted and run.state == "running":
            run.cancel()
    if wanted not in runs:
        while len(runs) >= KEPT_RUNS:
            runs.pop(next(iter(runs)))
        runs[wanted] = _started(volume, settings, card, _network())
    return runs[wanted]


def segment(card: ModelCard, volume: Volume, settings: Settings) -> BrainMask:
    """The brain of one head among many, in one call; for work in the background.

    Raises:
        ImagingError: If the weights or the head are at fault.
    """
    return _network().probability(card, prepare(volume, settings), lambda: False).mask()


def forget(key: str, run: Run) -> None:
    """Drop a run, so that the next look at the page starts it again."""
    runs: dict[str, Run] = st.session_state.get(f"{key}_runs", {})
    for name in [name for name, kept in runs.items() if kept is run]:
        del runs[name]


def _started(volume: Volume, settings: Settings, card: ModelCard, network: Apart) -> Run:
    run = Run()

    def work() -> BrainProbability:
        prepared = prepare(
            volume,
            settings,
            lambda share, stage: run.report(PREPARING * share, stage),
            run.stop.is_set,
        )
        run.report(PREPARING, predict.NETWORK)
        return network.probability(card, prepared, run.stop.is_set)

    run.future = _worker().submit(work)
    return run


@st.cache_resource(max_entries=6, scope="session", show_spinner=False)
def for_viewer(digest: str, what: str, _voxels: np.ndarray, _affine: Any) -> Compact:
    """A volume packed for the browser; `digest` and `what` name it."""
    return compact(_voxels, _affine)
