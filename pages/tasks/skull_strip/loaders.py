"""The skull-stripping page's model and runs: started once, watched, cancelled, kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.files.browser_volume import Compact, compact
from core.images import Volume
from core.skull_strip import Settings, prepare
from core.stages import Step
from models.cards import ModelCard
from models.skull_strip.predict import (
    NETWORK,
    BrainMask,
    BrainProbability,
    Model,
    load_model,
    probability,
)
from models.skull_strip.settings import settings_of
from pages.shared import background, caching

Measured = TypeVar("Measured")
PREPARING = 0.35  # share of the progress bar; the rest is the network
KEPT_FOR_ALL_VOXELS = 3_000_000  # a larger phantom takes too much memory to stay on the server


@caching.model(max_entries=2)
def model(card: ModelCard) -> Model:
    """The network, opened once for all users; ONNX Runtime runs it in any thread."""
    return load_model(card)


@dataclass(eq=False)
class Measures:
    """What was made of one result; of each kind what the last threshold gave."""

    after: tuple[float, list[Step]] | None = None
    kept: dict[str, tuple[float, Any]] = field(default_factory=dict)


@st.cache_resource(max_entries=4, show_spinner=False)
def _public_measures(question: str) -> Measures:
    """Of a phantom's or sample's head: every visitor would measure the same."""
    return Measures()


@dataclass(eq=False)
class Run:
    """What the page knows of one head's run.

    Attributes:
        key, question: Where it is kept.
        work: The run itself.
        measures: All users' where the head is public.
    """

    key: str
    question: str
    work: background.Run[BrainProbability]
    measures: Measures = field(default_factory=Measures)

    @property
    def state(self) -> str:
        """ "running", "cancelled", "failed" or "done"."""
        return self.work.state

    def result(self) -> BrainProbability:
        """What the network said.

        Raises:
            ImagingError: What a person's input or installation broke.
        """
        return self.work.result()

    def steps_after(self, threshold: float) -> list[Step]:
        """The stages behind the network at a threshold; the last one asked for is kept."""
        after = self.measures.after  # another visitor may change it meanwhile
        if after is None or after[0] != threshold:
            after = self.measures.after = (threshold, self.result().steps(threshold))
        return after[1]

    def mask(self, threshold: float) -> NDArray[np.uint8]:
        """The brain on the input grid."""
        found: NDArray[np.uint8] = self.steps_after(threshold)[-1].image
        return found

    def once(self, what: str, threshold: float, measure: Callable[[], Measured]) -> Measured:
        """A measurement of the mask at a threshold; the last threshold's is kept."""
        kept = self.measures.kept.get(what)
        if kept is None or kept[0] != threshold:
            kept = self.measures.kept[what] = (threshold, measure())
        found: Measured = kept[1]
        return found

    def forget(self) -> None:
        """Drop the run, so that the next look at the page starts it again."""
        background.forget(self.key, self.question)
        st.session_state.pop(f"{self.key}_shown_run", None)


def skull_strip(key: str, volume: Volume, settings: Settings, card: ModelCard) -> Run:
    """The run of a volume with these settings: started if it is new, found again if not.

    The threshold is no part of it: changing it runs nothing. A run that is still under way for
    other settings is cancelled.
    """
    place = f"{key}_strip"
    small = volume.voxels.size <= KEPT_FOR_ALL_VOXELS
    question = _question(volume, settings, card)
    work = _work(volume, settings, card)
    is_public = volume.is_public and small
    found = background.run(place, question, work, is_public=is_public, is_head=True)
    shown: Run | None = st.session_state.get(f"{place}_shown_run")
    if shown is None or shown.work is not found:
        measures = _public_measures(question) if is_public else Measures()
        shown = Run(place, question, found, measures)
        st.session_state[f"{place}_shown_run"] = shown
    return shown


def ahead(
    key: str, volume: Volume, settings: Settings, card: ModelCard, rest: Callable[[], None]
) -> None:
    """Strip a phantom before anybody asks for it; between its stages it may `rest`.

    Raises:
        ImagingError: If the weights are at fault.
    """
    question, work = _question(volume, settings, card), _work(volume, settings, card)
    background.ahead(f"{key}_strip", question, work, rest)


def _question(volume: Volume, settings: Settings, card: ModelCard) -> str:
    return f"{volume.digest}|{replace(settings, threshold=0.5)}|{card.sha256}"


def _work(
    volume: Volume, settings: Settings, card: ModelCard
) -> Callable[[background.Run[BrainProbability]], BrainProbability]:
    """All stages and the network, with progress."""

    def work(run: background.Run[BrainProbability]) -> BrainProbability:
        prepared = prepare(
            volume,
            settings,
            lambda share, stage: run.report(PREPARING * share, stage),
            run.stop.is_set,
        )
        run.report(PREPARING, NETWORK)
        return probability(model(card), prepared, cancelled=run.stop.is_set)

    return work


def segment(card: ModelCard, volume: Volume, settings: Settings | None = None) -> BrainMask:
    """The brain of one head among many, in one call; for work in the background.

    Without settings those of the card are taken.

    Raises:
        ImagingError: If the weights or the head are at fault.
    """
    return probability(model(card), prepare(volume, settings or settings_of(card))).mask()


@caching.answer(max_entries=4)
def as_read(volume: Volume) -> Compact:
    """A head packed for the browser; once for all visitors where it is nobody's."""
    return compact(volume.voxels, volume.affine)


@st.cache_resource(max_entries=6, scope="session", show_spinner=False)
def reference_packed(
    digest: str, _mask: NDArray[np.uint8], _affine: NDArray[np.float64]
) -> Compact:
    """A reference packed for the browser; it may be a person's own, also that of a phantom."""
    return compact(_mask, _affine)
