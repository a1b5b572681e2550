"""The try-out: what the network received of two phantoms, and what it said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.plots import draw
from models.cards import ModelCard
from models.own.roles import NOT_MEASURED
from models.own.try_out import Seen, TryOut, try_out

TILE_PX, WIDTH = 360, 166
SHOWN_BOX, MOST_BOXES, SHOWN_ANSWERS = 0.05, 8, 8


def show(card: ModelCard) -> None:
    """Both phantoms with what the network received, its answers, and what looks wrong.

    Raises:
        ImagingError: If the network cannot run, or its answers are not finite.
    """
    st.markdown("##### Tried on two phantoms")
    found = _tried(card)
    for warning in found.warnings:
        st.warning(warning, icon=":material/warning:")
    if not found.warnings:
        st.caption(":material/check: The answers are finite and move from image to image.")
    with st.container(horizontal=True, gap="small"):
        for seen in found.seen:
            _answered(seen)
            _received(seen)
    st.dataframe(
        pd.DataFrame(_rows(found)).set_index("").T.reset_index(names=""),
        hide_index=True,
        alt="What the network received and gave for each phantom.",
    )
    st.caption(f"{NOT_MEASURED} Phantoms are simulated: an answer here may be far from the truth.")


@st.cache_data(
    max_entries=16, show_spinner="Trying it on two phantoms …", hash_funcs={ModelCard: repr}
)
def _tried(card: ModelCard) -> TryOut:
    return try_out(card)


def _answered(seen: Seen) -> None:
    """What came in, with the answer on it."""
    shown = draw.windowed(np.clip(_unit(seen.image), 0, 1))
    words = "The phantom"
    if seen.boxes is not None:
        boxes = seen.boxes.above(SHOWN_BOX)
        labels = [f"{score:.2f}" for score in boxes.scores[:MOST_BOXES]]
        shown = draw.with_boxes(shown, boxes.boxes_xyxy[:MOST_BOXES], labels)
        several = "" if len(boxes) == 1 else "es"
        words = f"{len(boxes)} box{several} with a score of {SHOWN_BOX} or more"
    if seen.mask is not None:
        shown = draw.with_heat(shown, np.clip(seen.mask, 0, 1), 0.6)
        shown, words = np.rot90(shown), "What counts as brain"
    st.image(draw.tile(shown, TILE_PX, TILE_PX), words, width=WIDTH, alt=words)


def _received(seen: Seen) -> None:
    """Exactly what the network received: the first channel."""
    received = _unit(seen.received[0])
    if seen.mask is not None:
        received = np.rot90(received)
    sides = " × ".join(map(str, seen.received.shape[1:]))
    words = f"What the network received, {sides}"
    picture = draw.tile(draw.windowed(np.ascontiguousarray(received)), TILE_PX, TILE_PX)
    st.image(picture, words, width=WIDTH, alt=words)


def _rows(found: TryOut) -> list[dict[str, Any]]:
    rows = []
    for number, seen in enumerate(found.seen, start=1):
        row: dict[str, Any] = {"": f"phantom {number}"}
        row["received"] = f"{seen.low:.3g} to {seen.high:.3g}, mean {seen.mean:.3g}"
        row["given"] = f"{seen.raw_low:.3g} to {seen.raw_high:.3g}"
        most = sorted(seen.answers, key=lambda name: -abs(seen.answers[name]))[:SHOWN_ANSWERS]
        row |= {name: f"{seen.answers[name]:.3g}" for name in sorted(most)}
        rows.append(row)
    return rows


def _unit(array: np.ndarray) -> np.ndarray:
    low, high = float(array.min()), float(array.max())
    return ((array - low) / max(high - low, 1e-9)).astype(np.float32)
