"""The headline on test and val side by side, and a sentence only where they differ."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.cards import Metric, ModelCard, load_card
from models.headline import beside, expectation, sentence

TEST = Metric("mAP50", 0.5, 0.4, 0.6, "a set", "test", 20)
OTHERS = (
    Metric("recall", 0.9, 0.8, 1.0, "a set", "val", 30),
    Metric("mAP50", 0.9, 0.8, 1.0, "another set", "val", 30),
)


def card(*metrics: Metric) -> ModelCard:
    return replace(load_card("fracture", "detector"), metrics=metrics)


@pytest.mark.parametrize(
    ("val", "expected"),
    [
        (None, ""),
        (Metric("mAP50", 0.45, 0.35, 0.55, "a set", "val", 40), ""),
        (Metric("mAP50", 0.39, 0.3, 0.6, "a set", "val", 40), "between 0.39 and 0.5"),
        (Metric("mAP50", 0.45, 0.43, 0.47, "a set", "val", 40), "between 0.45 and 0.5"),
    ],
)
def test_expectation_is_said_only_where_the_splits_differ(
    val: Metric | None, expected: str
) -> None:
    metrics = (TEST, *OTHERS, *([val] if val else []))
    assert expected in expectation(card(*metrics))
    assert bool(expectation(card(*metrics))) == bool(expected)
    assert beside(card(*metrics)) == ((TEST, val) if val else (TEST,))


def test_sentence_has_both_splits_and_is_empty_without_figures() -> None:
    val = Metric("mAP50", 0.39, 0.3, 0.6, "a set", "val", 40)
    said = sentence(card(TEST, val))
    assert "test, n = 20; val 0.39 (0.3 to 0.6, n = 40). One lies outside" in said
    assert sentence(card()) == ""
