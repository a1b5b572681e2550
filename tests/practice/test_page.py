"""The Practice page: nothing tells the truth before the answer is kept, and what is kept stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from core.detections import Detections
from core.errors import StoreError
from core.images import Radiograph, Volume
from core.practice.answers import (
    Answer,
    BoneAgeAnswer,
    ChestAnswer,
    FractureAnswer,
    HeadAnswer,
)
from core.practice.cases import Case
from core.practice.link import from_link, to_link
from core.practice.series import Series, to_json
from core.practice.sources import PhantomSource, Source
from core.practice.store import Store
from core.practice.truths import BoneAgeTruth, ChestTruth, FractureTruth, HeadTruth, Truth
from models.fracture import predict as fracture
from models.skull_strip.predict import BrainMask
from pages.tasks.practice import film, kept, model_answers
from pages.tasks.skull_strip import loaders as skull_strip
from tests import page_runner
from tests.page_runner import PageTest

SHAPE = (48, 64)
BOX = (11.0, 7.0, 37.0, 29.0)
OUTLINE = ((11.0, 7.0), (37.0, 13.0), (23.0, 29.0))
CASES = (PhantomSource(3), PhantomSource(4), PhantomSource(5))
FINDINGS = ("Cardiomegaly", "Effusion")
LINES = {"heart": (20.0, 30.0, 41.0, 30.0), "chest": (5.0, 33.0, 59.0, 33.0)}
SPOT = (13.0, 11.0, 8.0)
SPACING = (2.0, 2.0, 3.0)
TRUTHS: dict[str, tuple[Truth, Truth]] = {
    "fracture": (FractureTruth((BOX,), (OUTLINE,)), FractureTruth()),
    "bone_age": (BoneAgeTruth(101.0, "F"), BoneAgeTruth(43.0, "F")),
    "chest": (
        ChestTruth({"Cardiomegaly": True, "Effusion": False}, 21 / 54, LINES),
        ChestTruth({"Cardiomegaly": False, "Effusion": True}),
    ),
    "skull_strip": (
        HeadTruth("A", SPOT, 4.0, SPACING, "missing"),
        HeadTruth("B", (4.0, 5.0, 6.0), 4.0, SPACING, "added"),
    ),
}
MODEL: dict[str, tuple[Answer, Answer]] = {
    "fracture": (FractureAnswer((BOX,), 91, (91,), 0.91), FractureAnswer((), 93, (), 0.07)),
    "bone_age": (BoneAgeAnswer(97.0, 71), BoneAgeAnswer(57.0, 72)),
    "chest": (
        ChestAnswer({"Cardiomegaly": 83.0}, LINES, {"Cardiomegaly": 0.83, "Effusion": 0.04}),
        ChestAnswer({}, None, {"Cardiomegaly": 0.02, "Effusion": 0.03}),
    ),
    "skull_strip": (HeadAnswer("A", 61, SPOT), HeadAnswer("B", 62, None)),
}
IN_WORDS = {
    "fracture": "fracture, 1 box",
    "bone_age": "8 years 5 months",
    "chest": "Cardiomegaly",
    "skull_strip": "A is right; in B brain is missing",
}


def case_of(task: str, source: Source, truth: Truth) -> Case:
    """A small case; its image is the same whatever is true of it."""
    rng = np.random.default_rng(source.seed if isinstance(source, PhantomSource) else 0)
    if task == "skull_strip":
        voxels = rng.random((20, 24, 16), np.float32)
        volume = Volume(voxels, np.diag([*SPACING, 1.0]), f"head {source}", is_public=True)
        masks = {side: np.zeros(voxels.shape, np.uint8) for side in "AB"}
        masks["A"][4:16, 5:19, 3:13] = 1
        masks["B"][4:13, 5:19, 3:13] = 1
        return Case(task, source, volume, truth, masks=masks)
    image = Radiograph(rng.random(SHAPE, np.float32), f"film {source}", is_public=True)
    findings = FINDINGS if task == "chest" else ()
    return Case(task, source, image, truth, findings, "F" if task == "bone_age" else None)


class World:
    """What the page finds: a truth and a model's answer for every case, and a store."""

    def __init__(self, folder: Path) -> None:
        self.variant = 0
        self.store = Store(folder / "practice.sqlite")
        self.fails = False
        self.says: int | None = None

    def open_case(self, task: str, source: Source) -> Case:
        return case_of(task, source, TRUTHS[task][self.variant])

    def answer(self, case: Case) -> Answer:
        return MODEL[case.task][self.variant if self.says is None else self.says]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    st.cache_resource.clear()
    st.cache_data.clear()
    made = World(tmp_path)
    monkeypatch.setattr(kept, "open_case", made.open_case)
    monkeypatch.setattr(kept, "Store", lambda: made.store)
    monkeypatch.setattr(model_answers, "answer", made.answer)
    yield made
    made.store.close()
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Everything that is sent to the browser to be shown, in order."""
    messages: list[bytes] = []
    enqueue = ForwardMsgQueue.enqueue

    def noted(self: ForwardMsgQueue, message: Any) -> None:
        if message.WhichOneof("type") == "delta":
            messages.append(message.SerializeToString(deterministic=True))
        enqueue(self, message)

    monkeypatch.setattr(ForwardMsgQueue, "enqueue", noted)
    return messages


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Boxes as the browser would send them."""
    boxes: list[tuple[float, ...]] = []

    def component(**given: Any) -> Any:
        return SimpleNamespace(drawn={"id": given["data"]["id"], "boxes": boxes})

    monkeypatch.setattr(film, "_boxes", component)

    def draw(*now: tuple[float, ...]) -> None:
        boxes[:] = now

    return draw


def series_of(task: str, **how: str) -> Series:
    return Series(task, CASES, order="fixed", title="Three to read", **how)


def opened(series: Series, reader: str = "Kestrel") -> PageTest:
    return page_runner.opened("practice", series=to_link(series), reader=reader)


def press(page: PageTest, label: str) -> PageTest:
    next(button for button in page.button if button.label.startswith(label)).click().run()
    return page


def commit(page: PageTest, task: str, final: bool = False) -> PageTest:
    """Answer the case on the screen: normal, eight years, or mask A."""
    if task == "bone_age" and not final:
        next(one for one in page.number_input if one.label == "Years").set_value(8).run()
    if task == "skull_strip" and not final:
        side = next(one for one in page.button_group if one.key.endswith("_side"))
        side.set_value("A").run()
    labels = {"fracture": "No fracture", "chest": "No finding"}
    return press(page, labels.get(task, "Keep my answer"))


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


def read_all(page: PageTest, task: str) -> PageTest:
    """Read the three cases of a series that reveals after each."""
    for _ in CASES:
        commit(page, task)
        label = "Next case" if any(one.label == "Next case" for one in page.button) else "Finish"
        press(page, label)
    return page


@pytest.mark.parametrize("task", TRUTHS)
def test_results_have_figures_every_plot_and_every_case_again(task: str, world: World) -> None:
    page = read_all(opened(series_of(task)), task)
    page.button_group(key="practice_mode").set_value("Results").run()
    assert page.metrics["Right"].endswith("%")
    plots = page.button_group(key=f"practice_plot_{task}")
    keys = {one.case for one in world.store.readings()}
    for name in plots.options:
        page.button_group(key=f"practice_plot_{task}").set_value(name).run()
        charts = page.get("plotly_chart")
        assert charts or "Not enough cases" in page.words
        for traces in [json.loads(chart.proto.spec)["data"] for chart in charts]:
            marks = [row[0] for trace in traces for row in trace.get("customdata") or ()]
            assert keys & set(marks)  # a click on a mark opens its case
    assert len(page.dataframe[0].value) == len(CASES)


def test_teacher_sees_all_readers_only_after_asking(world: World) -> None:
    for reader in ("Kestrel", "Osprey", "Merlin"):
        read_all(opened(series_of("fracture"), reader), "fracture")
    page = opened(series_of("fracture"), "Kestrel")
    page.button_group(key="practice_mode").set_value("Results").run()
    page.button_group(key="practice_view").set_value("Compare readers").run()
    assert "Neither this page nor a nickname is protected" in page.warning[0].value
    assert not page.dataframe
    page.toggle(key=f"practice_teacher_{series_of('fracture').key}").set_value(True).run()
    assert list(page.dataframe[0].value["wrong"]) == ["3 of 3"] * 3
    assert set(page.dataframe[1].value["statistic"]) == {"Cohen's kappa", "Fleiss' kappa"}


def test_deleting_a_reader_names_what_goes_and_asks(world: World) -> None:
    page = read_all(opened(series_of("fracture")), "fracture")
    page.button_group(key="practice_mode").set_value("Results").run()
    page.button_group(key="practice_view").set_value("Kept data").run()
    page.selectbox(key="practice_kill_reader").set_value("Kestrel").run()
    assert "Kestrel with 3 answers" in page.warning[0].value
    assert page.button(key="practice_kill_go").disabled
    page.checkbox(key="practice_kill_sure_Kestrel").set_value(True).run()
    page.button(key="practice_kill_go").click().run()
    assert world.store.readers() == ()


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
