"""Below the steps: what the second reader was shown of each candidate, and what it made of it."""

from __future__ import annotations

import streamlit as st

from core.images import FloatArray
from models.cards import ModelCard, load_card
from models.fracture.settings import detector_settings
from pages.tasks.fracture import loaders
from pages.tasks.fracture.sidebar import Settings
from pages.tasks.fracture.views import Reading

MOST = 4


def show(reading: Reading, settings: Settings) -> None:
    """The crops of the film's first candidates, with the scores of both looks."""
    second, seen = card_of(settings.detector), loaders.looks(settings.detector, reading.image)
    if second is None or seen is None:
        return
    looks, crops = seen
    st.markdown("##### The second look")
    st.markdown(
        "Each box that the detector proposes is cut out of the film with its surroundings, "
        "enlarged and read once more by a second network, which knows nothing of the detector’s "
        f"score. The score on the page is made of both: {second.title}, under “Model card”."
    )
    if not len(looks.first):
        st.caption("The detector proposed no box on this film.")
        return
    order = looks.scores.argsort()[::-1][:MOST]
    for column, i in zip(st.columns(MOST), order, strict=False):
        words = (
            f"detector {looks.first.scores[i]:.2f}, second look {looks.own[i]:.2f}: "
            f"score {looks.scores[i]:.2f}"
        )
        alt = f"A candidate, enlarged: {words}."
        column.image(framed(crops[i]), width="stretch", alt=alt)
        column.caption(words)
    left = len(looks.first) - len(order)
    if left > 0:
        st.caption(f"{left} more with lower scores.")


def card_of(detector: ModelCard) -> ModelCard | None:
    """The card of a detector's second look; None where it has none."""
    name = detector_settings(detector).rescorer
    return load_card("fracture", name) if name else None


def framed(crop: FloatArray) -> FloatArray:
    """A crop (2, S, S) with its box a little brighter, as grey (S, S)."""
    grey, mask = crop
    return (0.8 * grey + 0.2 * mask * grey.max()).clip(0, 1)
