"""The Practice page: nothing tells the truth before the answer is kept, and what is kept stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st

from core.detections import Detections
from core.errors import StoreError
from core.practice.answers import (
    BoneAgeAnswer,
    FractureAnswer,
    HeadAnswer,
)
from core.practice.link import from_link, to_link
from core.practice.series import to_json
from models.fracture import predict as fracture
from models.skull_strip.predict import BrainMask
from pages.tasks.practice import film, kept, model_answers
from pages.tasks.skull_strip import loaders as skull_strip
from tests import page_runner
from tests.practice.stand_in import (
    BOX,
    CASES,
    IN_WORDS,
    OUTLINE,
    TRUTHS,
    World,
    case_of,
    commit,
    opened,
    press,
    series_of,
)


@pytest.mark.parametrize("mode", ["unaided", "aided"])
@pytest.mark.parametrize("task", TRUTHS)
def test_browser_gets_nothing_that_depends_on_the_truth_before_the_answer_is_kept(
    task: str, mode: str, world: World, sent: list[bytes]
) -> None:
    before, after = [], []
    world.says = 0 if mode == "aided" else None  # seen before the final answer, whatever is true
    for variant, reader in enumerate(("Kestrel", "kestrel")):
        world.variant = variant
        page = opened(series_of(task, mode=mode), "Kestrel")
        if task in ("fracture", "chest"):
            next(one for one in page.slider if one.key.endswith("_confidence")).set_value(80).run()
        if mode == "aided":
            commit(page, task)
            assert "The model says" in page.words
        before.append(list(sent))
        sent.clear()
        commit(page, task, final=mode == "aided")
        after.append(list(sent))
        sent.clear()
        assert ("truth" in page.words) or page.table
        world.store.delete_reader(reader)
        st.cache_resource.clear()
    assert before[0] and before[0] == before[1]
    assert after[0] != after[1]  # the comparison would have seen it


@pytest.mark.parametrize("task", TRUTHS)
def test_truth_model_and_time_stand_beside_the_answer_once_it_is_kept(
    task: str, world: World
) -> None:
    page = commit(opened(series_of(task)), task)
    table = page.table[0].value
    assert list(table.index) == ["Truth", "You", "Model"]
    assert IN_WORDS[task] in table.loc["Truth", "answer"]
    assert table.loc["You", "verdict"].startswith(("✓ right", "✗ wrong"))
    assert table.loc["You", "time"].endswith(" s")
    reading = world.store.readings()[0]
    assert (reading.reader, reading.task, reading.round) == ("Kestrel", task, 1)
    press(page, "Next case")
    assert not page.table


def test_answer_that_could_not_be_kept_is_not_called_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(series_of("fracture"))

    def full(*_: object, **__: object) -> None:
        raise StoreError("The disk is full; free some space.")

    monkeypatch.setattr(world.store, "keep", full)
    commit(page, "fracture")
    assert [one.value for one in page.error] == ["Not kept. The disk is full; free some space."]
    assert not page.toast
    assert not page.table
    monkeypatch.undo()


def test_reader_goes_on_at_the_next_case_in_another_session(world: World) -> None:
    press(commit(opened(series_of("fracture")), "fracture"), "Next case")
    again = opened(series_of("fracture"))
    commit(again, "fracture")
    assert [one.case for one in world.store.readings()] == [
        case_of("fracture", source, TRUTHS["fracture"][0]).key for source in CASES[:2]
    ]


def test_without_a_nickname_nothing_can_be_kept(world: World) -> None:
    page = page_runner.opened("practice", series=to_link(series_of("fracture")))
    assert all(one.disabled for one in page.button if one.label.startswith(("Keep", "No fract")))
    page.text_input(key="practice_nickname").set_value("someone@example.org").run()
    assert "e-mail" in page.error[0].value
    page.text_input(key="practice_nickname").set_value("Kestrel").run()
    commit(page, "fracture")
    assert world.store.readers() == ("Kestrel",)


def test_outline_of_the_truth_is_revealed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []

    def component(**given: Any) -> Any:
        shown.append(given["data"])
        return SimpleNamespace(drawn=None)

    monkeypatch.setattr(film, "_boxes", component)
    page = opened(series_of("fracture"))
    assert shown and not shown[-1]["layers"]
    commit(page, "fracture")
    (truth,) = [layer for layer in shown[-1]["layers"] if layer["style"] == "truth"]
    assert truth["shapes"] == [
        {"words": "truth", "box": list(BOX)},
        {"words": "", "outline": [list(corner) for corner in OUTLINE]},
    ]


def test_boxes_are_kept_as_they_were_drawn(world: World, drawn: Callable[..., None]) -> None:
    drawn(BOX, (1.0, 2.0, 5.0, 9.0))
    page = opened(series_of("fracture"))
    assert next(b for b in page.button if b.label == "No fracture").disabled
    next(one for one in page.slider if one.label == "Box 2").set_value(20).run()
    press(page, "Keep 2 boxes")
    answer = world.store.readings()[0].answer
    assert isinstance(answer, FractureAnswer)
    assert answer.boxes_xyxy == (BOX, (1.0, 2.0, 5.0, 9.0))
    assert answer.ratings == (50.0, 20.0)


def test_aided_series_keeps_both_answers_and_shows_the_truth_after_the_second(
    world: World,
) -> None:
    page = opened(series_of("bone_age", mode="aided"))
    commit(page, "bone_age")
    assert not page.table
    assert "The model says: 8 years 1 month" in page.info[0].value
    next(one for one in page.number_input if one.label == "Years").set_value(9).run()
    commit(page, "bone_age", final=True)
    assert list(page.table[0].value.index) == ["Truth", "You", "You, after the model", "Model"]
    months = [
        one.answer.months for one in world.store.readings() if isinstance(one.answer, BoneAgeAnswer)
    ]
    assert months == [96.0, 108.0]


def test_series_that_reveals_at_the_end_keeps_its_truth_until_then(world: World) -> None:
    page = opened(series_of("fracture", reveal="end"))
    for read in range(3):
        assert not page.table
        assert read == len(world.store.readings())
        commit(page, "fracture")
    assert "All 3 cases" in page.success[0].value


def test_series_that_is_made_opens_by_its_link_and_its_file(world: World) -> None:
    page = page_runner.opened("practice")
    page.button_group(key="practice_mode").set_value("Make a series").run()
    page.slider(key="practice_count").set_value(6).run()
    page.selectbox(key="practice_mode_made").set_value("aided").run()
    link = page.code[0].value
    made = from_link(link.partition("series=")[2])
    assert (len(made.cases), made.mode, made.task) == (6, "aided", "fracture")
    page.file_uploader(key="practice_upload").set_value(
        ("series.json", to_json(made)[:-40], "application/json")
    ).run()
    assert len(page.error) == 1
    page.file_uploader(key="practice_upload").set_value(
        ("series.json", to_json(replace(made, title="From a file")), "application/json")
    ).run()
    page.button(key="practice_read_file").click().run()
    assert page.button_group(key="practice_mode").value == "Read"
    assert [one.title for one in world.store.series()] == ["From a file"]


def test_series_of_one_title_are_told_apart(world: World) -> None:
    for task in ("fracture", "chest"):
        world.store.add_series(series_of(task))
    page = opened(series_of("bone_age"))
    assert "Bone age, 3 cases" in page.words
    names = page.selectbox[0].options
    assert len(set(names)) == len(names)


def test_damaged_link_is_one_sentence_and_the_page_lives_on(world: World) -> None:
    page = page_runner.opened("practice", series="nothing-of-the-kind")
    assert len(page.error) == 1
    page.button_group(key="practice_mode").set_value("Make a series").run()
    assert page.code


def test_models_answer_through_their_tasks_own_functions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(kept, "Store", lambda: world.store)
    monkeypatch.setattr(fracture, "load_model", lambda card: None)
    found = Detections(
        np.array([BOX, np.add(BOX, 1), (40, 30, 60, 44)], np.float32),
        np.array([0.9, 0.8, 0.01], np.float32),
    )
    monkeypatch.setattr(fracture, "both_looks", lambda model, image: (found, None))
    case = case_of("fracture", CASES[0], TRUTHS["fracture"][0])
    said = model_answers.answer(case)
    assert isinstance(said, FractureAnswer)
    assert said.boxes_xyxy == (BOX,)  # the others: one overlaps it, one is below the threshold
    assert said.probability == pytest.approx(0.9)

    head = case_of("skull_strip", CASES[0], TRUTHS["skull_strip"][0])
    brain = BrainMask(head.masks["B"], head.volume.affine, 0.5)
    monkeypatch.setattr(skull_strip, "segment", lambda model, volume: brain)
    chosen = model_answers.answer(head)
    assert isinstance(chosen, HeadAnswer)
    assert (chosen.side, chosen.confidence) == ("B", 100)
