"""Cards say what their files do: figures from kept predictions, and what finds a difference."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from core.errors import WeightsError
from models import verify
from models.cards import MODELS, ModelCard, load_card, task_cards
from models.figures import same, write_metrics, write_settings
from models.predictions import FOLDERS
from models.verify import answers_differ, compared, further_tables, kept

CARDS = [(task, card.name) for task in FOLDERS for card in task_cards(task)]


@pytest.mark.parametrize(("task", "name"), CARDS)
def test_card_says_what_the_kept_predictions_give(task: str, name: str) -> None:
    found = list(compared(load_card(task, name), kept(task)))
    assert found
    assert [one.line for one in found if not one.agrees] == []


@pytest.mark.parametrize(("task", "name"), CARDS)
def test_every_interval_holds_its_figure(task: str, name: str) -> None:
    assert [m for m in load_card(task, name).metrics if not m.low <= m.value <= m.high] == []


@pytest.mark.parametrize("task", FOLDERS)
def test_further_tables_are_those_of_the_predictions(task: str) -> None:
    for path, table in further_tables(task, kept(task)).items():
        assert answers_differ(pd.read_csv(path), table) == []


def changed(card: ModelCard, how: Callable[[ModelCard], ModelCard]) -> list[str]:
    return [one.name for one in compared(how(card), kept(card.task)) if not one.agrees]


def test_differences_are_found() -> None:
    card = load_card("fracture", "classifier")
    first, *rest = card.metrics
    by_hand = replace(first, name="Right by eye")
    assert changed(card, lambda c: replace(c, metrics=(replace(first, value=9.0), *rest))) == [
        first.name
    ]
    assert changed(card, lambda c: replace(c, metrics=tuple(rest))) == [first.name]
    assert changed(card, lambda c: replace(c, metrics=(*c.metrics, by_hand))) == ["Right by eye"]
    fusion = {**card.settings["fusion"], "bias": 3.0}
    assert "bias" in changed(card, lambda c: replace(c, settings={"fusion": fusion}))


def test_predictions_of_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = [replace(card, sha256="0" * 64) for card in task_cards("fracture")]
    monkeypatch.setattr(verify, "task_cards", lambda task: cards)
    with pytest.raises(WeightsError, match="are not of"):
        kept("fracture")("val")


@pytest.mark.parametrize(
    ("told", "measured", "equal"),
    [
        (0.508, 0.5083, True),
        (0.508, 0.507, False),
        (8.65, 8.647, True),
        (8.65, 8.70, False),
        (float("nan"), float("nan"), True),
        (0.5, float("nan"), False),
    ],
)
def test_figures_are_the_same_up_to_rounding(told: float, measured: float, equal: bool) -> None:
    assert same(told, measured) == equal


def test_rerun_answers_are_compared_row_by_row() -> None:
    before = pd.DataFrame({"file": ["a", "b", "c"], "p": [0.1, 0.2, None], "seconds": [1.0, 2, 3]})
    same_rows = before.assign(seconds=9.0).iloc[:2]
    assert answers_differ(before, same_rows) == []
    (said,) = answers_differ(before, before.assign(p=[0.1, 0.3, None]))
    assert said.startswith("p: 1 of 3 rows, first row 1, 0.2 kept, 0.3 now")


def test_writer_replaces_figures_and_sets_values(tmp_path: Path) -> None:
    path = tmp_path / "classifier.toml"
    shutil.copy(MODELS / "fracture" / "classifier.toml", path)
    before = tomllib.loads(path.read_text(encoding="utf-8"))
    row = {"name": "MAE “x”", "value": 0.25, "low": 0.1, "high": 1.0, "split": "val", "n": 3}
    write_settings(
        path, {("settings.fusion", "bias"): 0.125, ("operating_points", "fracture"): 0.4}
    )
    for _ in range(2):
        write_metrics(path, [row])
    after = tomllib.loads(path.read_text(encoding="utf-8"))
    assert after["metrics"] == [row]
    assert (after["settings"]["fusion"]["bias"], after["operating_points"]["fracture"]) == (
        0.125,
        0.4,
    )
    for table in (before, after):
        del table["metrics"], table["settings"]["fusion"]["bias"], table["operating_points"]
    assert after == before
    with pytest.raises(ValueError, match="no slope"):
        write_settings(path, {("settings.fusion", "slope"): 1.0})
