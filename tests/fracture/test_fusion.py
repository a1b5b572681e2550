"""One probability from both models: fitted and monotonic."""

from __future__ import annotations

import numpy as np
import pytest

from core.fracture.fusion import Fusion, fit
from models.cards import load_card
from models.fracture.settings import fusion_of


def test_fit_finds_the_coefficients_that_made_the_data() -> None:
    rng = np.random.default_rng(3)
    best, chance = rng.uniform(0.01, 0.99, (2, 20_000))
    made = Fusion(-0.8, 0.5, 1.2)
    fractured = rng.random(20_000) < made.probabilities(best, chance)
    found = fit(best, chance, fractured)
    assert (found.bias, found.detector, found.classifier) == pytest.approx(
        (-0.8, 0.5, 1.2), abs=0.1
    )


def test_fit_needs_both_kinds() -> None:
    with pytest.raises(ValueError, match="normal"):
        fit([0.1, 0.2], [0.3, 0.4], [1, 1])


def test_shipped_fusion_rises_with_both_models_and_survives_the_ends() -> None:
    fusion = fusion_of(load_card("fracture", "classifier"))
    assert fusion.probability(0.6, 0.5) > fusion.probability(0.1, 0.5)
    assert fusion.probability(0.3, 0.9) > fusion.probability(0.3, 0.1)
    assert 0 < fusion.probability(0, 0) < 0.2 < 0.8 < fusion.probability(1, 1) < 1
