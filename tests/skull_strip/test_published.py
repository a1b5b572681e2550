"""The published network on the page: its own pipeline, threshold and card."""

from __future__ import annotations

from core.skull_strip import OURS
from models.cards import load_card
from models.skull_strip.settings import settings_of
from tests.skull_strip.test_page import PAGE, Counted, answered, network, opened, prepared_once

__all__ = ["network", "prepared_once"]  # fixtures


def test_published_network_brings_its_own_pipeline(network: Counted) -> None:
    app = answered(opened())
    app.selectbox(key=f"{PAGE}_model").set_value("published").run()
    app.until(lambda page: network.runs == 2 and page.metric)
    own = settings_of(load_card(PAGE, "published"))
    assert (own.grid, own.normalisation) == ((96, 128, 160), "min-max")
    assert network.settings[-1] == own
    assert "Pipeline: as published" in app.words and "no longer" not in app.words
    assert app.slider(key=f"{PAGE}_published_threshold").value == own.threshold
    app.selectbox(key=f"{PAGE}_model").set_value("unet").run()
    assert app.slider(key=f"{PAGE}_threshold").value == OURS.threshold
    assert "as published" not in app.words
