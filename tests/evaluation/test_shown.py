"""What the Evaluation page shows beside the answers: runs with their curves, experiments, tools."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.metrics.paired import means
from models import predictions
from models.cards import ModelCard, load_card, task_cards
from models.training.record import Run, carry_out
from pages.tasks.evaluation import (
    chest,
    report,
    run_shown,
    shared,
    side_by_side,
    skull_strip,
    tools,
    training,
)
from tests.page_runner import opened, page
from tests.training.test_recipes import tiny


def test_real_run_is_shown_with_curve_recipe_and_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, runs = tiny(tmp_path), tmp_path / "runs"
    made = carry_out(Run(recipe, tmp_path / "no data", runs / "film_kind" / "film_kind"))
    card = load_card("film_kind", "film_kind")
    shipped = replace(card, sha256=made["result"]["sha256"])

    def cards(task: str) -> list[ModelCard]:
        if task == "film_kind":
            return [shipped]
        unknown = replace(load_card("fracture", "classifier"), sha256="0" * 64)
        return [unknown if one.name == unknown.name else one for one in task_cards(task)]

    monkeypatch.setattr(training, "RUNS", runs)
    monkeypatch.setattr(training, "task_cards", cards)
    test = opened("evaluation")
    assert f"seed 3, commit {made['commit'][:9]}" in test.words
    assert f"**{card.title}**: recipe `film_kind film_kind`" in test.words
    assert f"weights of {load_card('fracture', 'classifier').title}" in test.words
    assert card.title not in test.words.split("training curve are kept")[1]
    tables = [one.value for one in test.dataframe]
    hashes = [list(one["SHA-256"]) for one in tables if "SHA-256" in one]
    assert [recipe.sha256, shipped.sha256] in hashes
    steps = [list(one["does"]) for one in tables if "minutes" in one]
    assert ["film_kind", "export"] in steps
    charts = [one.proto.id for one in test.get("plotly_chart") if "film_kind" in one.proto.id]
    assert len(charts) == 1 and charts[0].endswith("training_curves_loss")


def test_columns_of_one_unit_share_a_chart() -> None:
    found = run_shown.grouped(["train_loss", "val_loss", "val_auroc", "val_mae_months"])
    assert found == {
        "loss": ["train_loss", "val_loss"],
        "score": ["val_auroc"],
        "error (months)": ["val_mae_months"],
    }


@pytest.mark.parametrize(
    ("mode", "task", "said"),
    [
        ("Fracture", "fracture", "VGG-16"),
        ("Bone age", "bone_age", "published claims and choices"),
        ("Chest", "chest", "ranked augmentations"),
        ("Skull stripping", "skull_strip", "No experiment was repeated"),
    ],
)
def test_experiments_lie_in_one_appendix_that_is_closed_at_first(
    mode: str, task: str, said: str
) -> None:
    test = page("evaluation")
    test.session_state["evaluation_mode"] = mode
    test.run()
    assert said not in test.words
    test.session_state[f"evaluation_experiments_{task}"] = True
    test.run()
    assert said in test.words


def test_tools_stand_by_time_and_accuracy_with_the_difference_from_ours() -> None:
    rng = np.random.default_rng(0)
    heads = [f"{number}.nii.gz" for number in range(9)]
    dice = 0.9 + rng.normal(0, 0.005, 9)
    rows = pd.concat(
        pd.DataFrame({"file": heads, "tool": tool, "processor_seconds": seconds,
                      "dice_mask2": dice + change, "hd95_mask2_mm": 2.0})
        for tool, seconds, change in (
            ("ours", 2.0, 0.0),
            ("worse 0.1", 8.0, -0.05 + rng.normal(0, 0.005, 9)),
            ("alike 1.0", 4.0, rng.normal(0, 0.005, 9)),
        )
    )  # fmt: skip
    table = tools.against_ours(rows).set_index("tool")
    assert list(table["verdict"]) == ["", "ours is better", "cannot be decided"]
    assert table.loc["worse 0.1", "processor seconds a head"] == "8.0"
    figure = tools.scatter(rows)
    means = [trace for trace in figure.data if len(trace.x) == 1]
    assert [trace.x[0] for trace in means] == [2.0, 8.0, 4.0]
    assert figure.layout.xaxis.type == "log"


def test_heart_network_stands_beside_that_of_many_findings() -> None:
    test = page("evaluation")
    test.session_state["evaluation_mode"] = "Chest"
    test.run()
    (beside,) = [one.value for one in test.dataframe if "verdict" in one.value]
    assert list(beside["figure"]) == ["AUROC: Cardiomegaly, 128 px", "AUROC: Cardiomegaly, 64 px"]
    before = beside["2"].tolist()
    names = test.selectbox(key="evaluation_heart").options
    assert len(names) == 4
    test.selectbox(key="evaluation_heart").set_value(names[-1]).run()
    (other,) = [one.value for one in test.dataframe if "verdict" in one.value]
    assert other["2"].tolist() != before and other["1"].tolist() == beside["1"].tolist()
    test.selectbox(key="evaluation_finding").set_value("Effusion").run()
    assert not [one for one in test.dataframe if "verdict" in one.value]


def test_names_of_heart_networks_come_from_the_columns() -> None:
    columns = ["true Cardiomegaly", "p Cardiomegaly", "blur Cardiomegaly", "p Effusion"]
    assert chest.others_of(pd.DataFrame(columns=columns)) == ["blur"]


@pytest.mark.parametrize(
    ("more", "shift", "said"),
    [(True, 1, "2 is better"), (False, 1, "1 is better"), (None, 1, "they differ"),
     (None, 0, "the same"), (True, 0, "the same")],
)  # fmt: skip
def test_verdict_says_which_is_better_only_where_one_can_be(
    more: bool | None, shift: float, said: str
) -> None:
    values = np.arange(20.0)
    found = means("figure", values, values + shift, more=more)
    assert found is not None and side_by_side.verdict(found) == said


@pytest.mark.parametrize("split", predictions.SPLITS)
def test_tools_were_measured_beside_the_weights_that_ship(split: str) -> None:
    """Else run `python -m tests.benchmarks.skull_strip --peers deepbet deepbrain --keep …` anew."""
    heads = predictions.read("skull_strip", split)
    found = predictions.read("skull_strip", split, "tools")
    assert heads is not None and found is not None
    assert found.about.is_of(load_card("skull_strip", "unet"))
    ours = found.rows[found.rows["tool"] == "ours with N4"].set_index("file")["dice_mask2"]
    told = heads.rows.set_index("file")["dice_mask2"]
    assert ours.sub(told).abs().max() < 0.001


def test_each_brain_network_is_shown_and_compared_on_the_same_heads() -> None:
    test = page("evaluation")
    test.session_state["evaluation_mode"] = "Skull stripping"
    test.run()
    found = predictions.read("skull_strip", "test", "published")
    assert found is not None
    told = f"{found.rows['dice'].mean():.3f}"
    ours = dict(test.metrics)
    (beside,) = [one.value for one in test.dataframe if "difference" in one.value]
    first = beside.set_index("figure").loc["Dice"]
    assert (first["1"], first["2"]) == (ours["Dice"], told) and first["n"] == len(found.rows)
    title = load_card("skull_strip", "published").title
    test.selectbox(key="evaluation_network").set_value(title).run()
    assert test.metrics["Dice"] == told != ours["Dice"]
    other = test.selectbox(key="evaluation_network_second")
    assert title not in other.options and other.value == load_card("skull_strip", "unet").title
    (beside,) = [one.value for one in test.dataframe if "difference" in one.value]
    turned = beside.set_index("figure").loc["Dice"]
    assert (turned["1"], turned["2"]) == (told, ours["Dice"])


def test_answers_to_take_away_are_of_the_network_shown() -> None:
    heads = predictions.read("skull_strip", "val")
    other = predictions.read("skull_strip", "val", "published")
    assert heads is not None and other is not None
    answers = shared.kept("skull_strip", heads, "val")
    networks = skull_strip.networks_of(answers)
    names = [load_card("skull_strip", name).title for name in ("unet", "published")]
    assert list(networks)[:2] == names
    assert networks[names[1]].rows["dice"].to_list() == other.rows["dice"].to_list()
    shown = report.Shown(("published",), {}, rows=other.rows)
    assert shown.answers(heads).rows is other.rows
    assert report.Shown(("unet",), {}).answers(heads) is heads
    labelled = replace(answers, card="published")  # answers given here are of one network
    assert list(skull_strip.networks_of(labelled)) == [names[1]]
