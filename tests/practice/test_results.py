"""From kept readings to tables, plots and pictures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.metrics.estimates import calibration
from core.plots.pictures import picture
from core.practice import plots, tables
from core.practice.answers import BoneAgeAnswer, ChestAnswer, FractureAnswer, HeadAnswer
from core.practice.change import changes, count, distance
from core.practice.free_response import froc
from core.practice.results import (
    Results,
    confidences,
    figures,
    findings_of,
    load,
    results_of,
    roc_of,
)
from core.practice.series import TASKS
from core.practice.store import Store
from tests.practice.readers import answer_of, case_of, model_reads, read_all, series_of

HEADLINES = {
    "fracture": {"sensitivity", "specificity", "AUC", "false boxes per film"},
    "bone_age": {"mean error (months)", "bias (months)"},
    "chest": {"CTR mean error"},
    "skull_strip": {"wrong spots found"},
}


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Results]:
    """Three readers and a model of an aided series of each task."""
    store = Store(tmp_path_factory.mktemp("study") / "practice.sqlite")
    found = {}
    for task in TASKS:
        series = series_of(task, 12, mode="aided")
        for number, name in enumerate(("Ann", "Ben", "Cleo")):
            read_all(store, series, name, 0.7, number)
        model_reads(store, series)
        found[task] = load(store, series)
    store.close()
    return found


def test_nothing_read_gives_empty_tables() -> None:
    empty = results_of(series_of(), [])
    assert empty.everyone == ()
    for table in (
        tables.cases_table(empty),
        tables.change_table(empty),
        tables.agreement_table(empty),
        tables.learning_table(empty),
        tables.against_model_table(empty),
    ):
        assert table.empty
    plots.wrong_plot(tables.cases_table(empty))
    plots.learning_plot(tables.learning_table(empty))
    plots.change_plot(tables.change_table(empty))
    plots.time_plot(tables.learning_table(empty))


@pytest.mark.parametrize("task", TASKS)
def test_tables_agree_with_the_readings(studies: dict[str, Results], task: str) -> None:
    study = studies[task]
    assert [one.label for one in study.everyone][:2] == ["Ann", "Ann, aided"]
    assert study.model is not None and len(study.model.answers) == 12
    ben = figures(next(one for one in study.readers if one.label == "Ben"))
    assert set(ben) >= HEADLINES[task] | {"right"}
    first = [one for one in study.readings if one.round == 1 and one.reader == "Ben"]
    assert ben["right"].value == np.mean([one.verdict.right for one in first])
    cases = tables.cases_table(study)
    assert cases["wrong"].sum() == sum(
        not one.verdict.right for one in study.readings if one.round == 1
    )
    assert cases["share_wrong"].is_monotonic_decreasing
    learning = tables.learning_table(study)
    assert learning[learning["reader"] == "Ben"]["case"].tolist() == [one.case for one in first]
    change = tables.change_table(study)
    assert (change[["better", "worse", "still_right", "still_wrong"]].sum(axis=1) == 12).all()
    kappas = tables.agreement_table(study)
    assert len(kappas) == {"bone_age": 0, "chest": 8}.get(task, 4)
    whole = [tables.reading_row(one) for one in study.readings]
    assert len(whole) == 72 and {row["right"] for row in whole} <= {True, False}


def test_reader_is_compared_with_the_model_on_the_same_cases(studies: dict[str, Results]) -> None:
    table = tables.against_model_table(studies["fracture"])
    ann = table[table["reader"] == "Ann"].iloc[0]
    curve = roc_of(studies["fracture"].readers[0])
    assert curve is not None and ann["reader_auc"] == pytest.approx(curve.area.value)
    assert ann["difference"] == pytest.approx(ann["reader_auc"] - ann["model_auc"])
    assert set(findings_of(studies["chest"].readers[0])) == {"Effusion", "Nodule"}
    assert not tables.against_model_table(studies["chest"], "Nodule").empty


def test_following_a_wrong_model_is_counted(tmp_path: Path) -> None:
    """Case 0: misled. Case 1: helped. Case 2: held out. Case 3: only surer."""
    series = series_of("fracture", 4, mode="aided", order="fixed")
    store = Store(tmp_path / "practice.sqlite")
    plan = [(True, False, False), (False, True, True), (True, True, False), (True, True, True)]
    for index, (first, second, model) in enumerate(plan):
        case = case_of(series, index)
        store.keep("Ann", series, case, answer_of("fracture", index, right=first), seconds=1)
        store.keep_model_answer(case, "m", answer_of("fracture", index, right=model))
        answer = answer_of("fracture", index, right=second, confidence=99)
        store.keep("Ann", series, case, answer, seconds=1, round=2, model="m")
    study = load(store, series)
    found = changes(study.readers[0], study.readers[1], study.model)
    assert [one.kind for one in found] == ["worse", "better", "still right", "still right"]
    assert [one.misled for one in found] == [True, False, False, False]
    assert [one.changed for one in found] == [True, True, False, False]
    counts = count(found)
    assert (counts.followed_wrong, counts.followed_right, counts.kept_against_wrong) == (1, 1, 1)
    assert counts.p == 1


def test_distance_of_answers() -> None:
    box, far = (0.0, 0, 10, 10), (50.0, 50, 60, 60)
    assert distance(FractureAnswer(), FractureAnswer((box,))) == 1
    assert distance(FractureAnswer((far,)), FractureAnswer((box,))) == 2
    assert distance(FractureAnswer((box,), 10), FractureAnswer((box,), 90)) == 0
    assert distance(BoneAgeAnswer(40), BoneAgeAnswer(50)) == 10
    assert distance(ChestAnswer({"A": 3}), ChestAnswer({"B": 3})) == 2
    assert distance(HeadAnswer("A"), HeadAnswer("B")) == 1
    with pytest.raises(ValueError, match="cannot be compared"):
        distance(HeadAnswer("A"), BoneAgeAnswer(3))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (FractureAnswer(), "no fracture"),
        (
            FractureAnswer(((0, 0, 1, 1),), probability=0.4),
            "fracture, 1 box (probability 40\u00a0%)",
        ),
        (BoneAgeAnswer(71.6), "6 years 0 months"),
        (ChestAnswer({"Pleural_Thickening": 60}), "Pleural Thickening"),
        (HeadAnswer("B"), "mask B"),
    ],
)
def test_answer_in_words(answer: FractureAnswer, words: str) -> None:
    assert tables.answer_words(answer) == words


def test_figures_in_words(studies: dict[str, Results]) -> None:
    found = figures(studies["fracture"].readers[0])
    assert "to" in tables.worded("AUC", found["AUC"])
    assert tables.worded("right", found["right"]).count("%") == 3
    assert tables.worded("AUC", figures(studies["bone_age"].readers[0])["right"])


def test_every_plot_becomes_a_picture(studies: dict[str, Results]) -> None:
    study = studies["fracture"]
    learning, cases = tables.learning_table(study), tables.cases_table(study)
    own = [one for one in study.everyone if one.round != 2]
    rows = confidences(study.readers[0])
    curves = {one.label: curve for one in own if (curve := roc_of(one))}
    boxes = {one.label: _froc(one) for one in own}
    bins = calibration([row[1] for row in rows], [row[2] for row in rows])
    figures_made = {
        "roc": plots.roc_plot(curves, "model detector"),
        "froc": plots.froc_plot(boxes, "model detector"),
        "calibration": plots.calibration_plot({"Ann": bins}),
        "bland": plots.bland_altman_plot(studies["bone_age"].readers[0]),
        "learning": plots.learning_plot(learning),
        "wrong": plots.wrong_plot(cases),
        "change": plots.change_plot(tables.change_table(study)),
        "time": plots.time_plot(learning),
    }
    for name, figure in figures_made.items():
        drawn = np.asarray(Image.open(io.BytesIO(picture(figure, "png", name))).convert("L"))
        assert drawn.shape[1] == 1080 and drawn.std() > 5, name
    svg = picture(figures_made["wrong"], "svg", "Wrong answers")
    assert svg.lstrip().startswith(b"<?xml") and b"Wrong answers" in svg
    # A click on a mark knows its case.
    keys = {row[0] for row in figures_made["wrong"].data[0].customdata}
    assert keys == set(cases["case"])
    bars = {row[0] for trace in figures_made["change"].data for row in trace.customdata}
    assert bars - {np.nan} <= keys and bars & keys
    # The model's curve is solid, all readers' are not.
    dashes = {trace.name.split(":")[0]: trace.line.dash for trace in figures_made["roc"].data}
    assert dashes.pop("model detector") == "solid"
    assert "solid" not in dashes.values()


def _froc(given: object) -> object:
    return froc(list(given.answers.values()), list(given.truths.values()))  # type: ignore[attr-defined]
