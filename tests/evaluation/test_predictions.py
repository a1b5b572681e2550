"""Kept predictions: of the weights that ship, read as written, and what the page makes of them."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.errors import UnsuitableInputError, WeightsError
from core.metrics.estimates import Estimate
from core.metrics.statistics import auroc
from models import predictions
from models.cards import load_card, task_cards
from models.predictions import FOLDERS, SPLITS, About, Predictions
from models.training.record import made as kept_at
from models.training.record import record_of
from pages.tasks.evaluation import report, training
from tests.page_runner import opened


def test_table_comes_back_with_what_it_is_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "MODELS", tmp_path)
    about = About("a set", "val", 2, "2026-11-29", {"detector": "abc"})
    rows = pd.DataFrame({"file": ["a.png", "b.png"], "p": [0.25, np.nan]})
    predictions.write(Predictions(about, rows), predictions.path_of("fracture", "val"))
    found = predictions.read("fracture", "val")
    assert found is not None and found.about == about
    pd.testing.assert_frame_equal(found.rows, rows)
    assert predictions.read("fracture", "test") is None


def test_damaged_table_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "MODELS", tmp_path)
    path = predictions.path_of("chest", "val")
    path.parent.mkdir(parents=True)
    path.write_text("no header\n1,2\n")
    with pytest.raises(WeightsError, match=r"val\.csv of chest"):
        predictions.read("chest", "val")


@pytest.mark.parametrize("task", FOLDERS)
@pytest.mark.parametrize("split", SPLITS)
def test_kept_predictions_are_of_the_weights_that_ship(task: str, split: str) -> None:
    found = predictions.read(task, split)
    assert found is not None
    assert found.about.n == len(found.rows) > 0
    assert [card.name for card in task_cards(task) if not found.about.is_of(card)] == []


def test_card_and_predictions_tell_the_same_area() -> None:
    films = predictions.read("fracture", "test")
    assert films is not None
    card = load_card("fracture", "detector")
    told = next(m for m in card.metrics if m.name.startswith("Image-level AUROC"))
    found = auroc(films.rows["fractured"], films.rows["detector"])
    assert found == pytest.approx(told.value, abs=0.002)


def made_by_run(folder: Path, sha256: str) -> None:
    """A run's record with a curve, as training leaves it."""
    (folder / "first").mkdir(parents=True)
    (folder / "first" / "curve.csv").write_text("epoch,loss\n1,0.5\n2,0.25\n")
    record = {"begun": "2026-11-30T01:00:00Z", "seed": 7, "commit": "0123456789abcdef",
              "steps": {"first": {"seconds": 7200.0}}, "curves": ["first/curve.csv"],
              "result": {"sha256": sha256}}  # fmt: skip
    (folder / "run.json").write_text(json.dumps(record))


@pytest.mark.parametrize("mode", ["Fracture", "Bone age", "Chest", "Skull stripping"])
def test_every_task_opens_for_both_splits(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_by_run(tmp_path / "skull_strip" / "unet", load_card("skull_strip", "unet").sha256)
    made_by_run(tmp_path / "fracture" / "detector", "other weights")
    monkeypatch.setattr(training, "RUNS", tmp_path)
    given: list[tuple[Any, ...]] = []
    monkeypatch.setattr(report, "offer", lambda *some: given.append(some))
    page = opened("evaluation")
    page.button_group(key="evaluation_mode").set_value(mode).run()
    first = dict(page.metrics)
    assert first and not page.error
    page.radio(key="evaluation_split").set_value("val").run()
    assert set(page.metrics) == set(first) and page.metrics != first
    title, _, found, split, shown = given[-1]
    made = report.made(*given[-1]).decode()
    assert title == mode and split == "val" and f"n = {found.about.n:,}" in made
    for label, value in page.metrics.items():
        assert f"<td>{label}</td><td>{value}</td>" in made
    assert made.count("data:image/svg+xml") == len(shown.plots) > 0
    for name in shown.cards:
        card = load_card(given[-1][1], name)
        assert card.sha256 in made and escape(card.limitations[0]) in made
    missed = "Target missed" in page.words
    assert (": missed" in made) == missed
    task = given[-1][1]
    assert all(card.rebuild in page.words for card in task_cards(task))
    assert ("seed 7, commit 012345678, 2 h 0 min" in page.words) == (task == "skull_strip")
    without = page.words.partition("No run.json and no training curve")[2].partition("`python")[0]
    for card in task_cards(task):
        run = record_of(card.sha256, kept_at(task, card.name)) or card.name == "unet"
        assert (card.title in without) == (not run), card.name
    assert 'src="http' not in made and "Answered by other weights" not in made


def test_report_says_where_other_weights_answered_and_a_target_is_missed() -> None:
    about = About("a <set>", "test", 2, "2026-11-29", {"unet": "abc"})
    found = Predictions(about, pd.DataFrame({"file": ["a", "b"]}))
    table = pd.DataFrame({"source": ["x<", None]})
    shown = report.Shown(
        ("unet",), {"Dice": Estimate(0.9, 0.8, 0.95, 2)}, lines=["**Here** is"], tables={"T": table}
    )
    made = report.made("Skull stripping", "skull_strip", found, "test", shown).decode()
    assert "0.97: missed" in made and "<td>0.800 to 0.950</td>" in made
    assert "other weights than those that ship now: " in made and "abc" in made
    assert "a &lt;set&gt;" in made and "<td>x&lt;</td>" in made and "<li>Here is</li>" in made


def test_threshold_moves_the_counts_and_not_the_areas() -> None:
    page = opened("evaluation")
    before, said = page.metrics, page.words
    page.slider(key="evaluation_threshold").set_value(0.6).run()
    assert page.metrics == before
    assert "At 0.60" in page.words and "At 0.60" not in said


def test_second_threshold_stands_beside_the_first_with_the_paired_difference() -> None:
    page = opened("evaluation")
    assert "Report (HTML)" in [one.proto.label for one in page.get("download_button")]
    alone, tables = page.metrics, len(page.dataframe)
    page.slider(key="evaluation_threshold").set_value(0.1).run()
    page.toggle(key="evaluation_two").set_value(True).run()
    for second, verdict in ((0.6, "fewer"), (0.1, "the same")):
        page.slider(key="evaluation_threshold_2").set_value(second).run()
        beside = next(one.value for one in page.dataframe if "verdict" in one.value)
        assert list(beside["verdict"]) == [verdict] * 2
    assert page.metrics == alone
    page.toggle(key="evaluation_two").set_value(False).run()
    assert len(page.dataframe) == tables


def test_wrong_folder_is_a_sentence(tmp_path: Path) -> None:
    page = opened("evaluation")
    page.text_input(key="evaluation_folder_fracture").set_value(str(tmp_path / "none")).run()
    assert "no folder" in page.error[0].value
    assert page.metrics


def test_one_card_is_asked_anew_beside_what_others_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "MODELS", tmp_path)
    cards = {card.name: card.sha256 for card in task_cards("chest")}
    old = dict.fromkeys(cards, "before")
    rows = pd.DataFrame({"file": ["a.png", "b.png"], "blur p": [0.1, 0.2], "p": [0.3, 0.4]})
    path = predictions.path_of("chest", "val")
    predictions.write(Predictions(About("a set", "val", 2, "2026-01-01", old), rows), path)

    class Chest:
        DATA_SET, PHANTOM_SET = "a set", ""

        @staticmethod
        def tables(
            data: Path | None, split: str, limit: int | None, only: tuple[str, ...] = ()
        ) -> dict[str, pd.DataFrame]:
            assert only == ("blur",)
            said = pd.DataFrame({"file": ["a.png", "b.png"], "blur p": [0.5, 0.6]})
            return {"": said, "more": said}

    monkeypatch.setattr(predictions, "import_module", lambda name: Chest)
    found = predictions.made("chest", None, "val", only=("blur",))
    kept = found[""]
    assert list(kept.rows["blur p"]) == [0.5, 0.6] and list(kept.rows["p"]) == [0.3, 0.4]
    assert kept.about.weights == old | {"blur": cards["blur"]}
    assert list(found["more"].rows["blur p"]) == [0.5, 0.6]
    monkeypatch.setattr(Chest, "tables", staticmethod(lambda data, split, limit: {}))
    with pytest.raises(UnsuitableInputError, match="one by one"):
        predictions.made("chest", None, "val", only=("blur",))


def test_other_cases_are_not_put_beside_kept_ones() -> None:
    about = About("a set", "val", 1, "2026-01-01", {})
    one, other = (pd.DataFrame({"file": [name]}) for name in ("a.png", "b.png"))
    with pytest.raises(WeightsError, match="other cases"):
        predictions.beside(Predictions(about, one), about, other, ("blur",))
