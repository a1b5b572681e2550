"""The augmentation lab with models whose answers are known: pipeline, flags, runs, links, code."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
import streamlit as st

from core.augment.labels import Labels, Moved
from core.augment.pipeline import Draw
from core.augment.report import Measure
from core.errors import WeightsError
from models.cards import load_card
from pages.shared.send_to_lab import SENT
from pages.tasks.augmentation import modalities as augmentation_modalities
from pages.tasks.augmentation import views as lab_views
from pages.tasks.augmentation.modalities import MODALITIES
from pages.tasks.augmentation.models import Answering, Cards, Looked, limb
from pages.tasks.augmentation.subjects import Subject
from pages.tasks.fracture import loaders as fracture_loaders
from pages.tasks.fracture.sidebar import FIRST, made
from tests import page_runner
from tests.files.radiograph_files import raster
from tests.page_runner import PageTest, modules_after

PAGE = "augmentation"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Every modality answers with the mean grey value, and every image asked is counted."""
    counted: Counter[str] = Counter()

    def answering(subject: Subject, cards: Cards) -> Answering:
        def answer(many: Sequence[Moved], stopped: Callable[[], bool]) -> list[dict[str, float]]:
            counted["batches"] += 1
            counted["images"] += len(many)
            while counted["hold"] and not stopped():
                time.sleep(0.02)
            found = [float(np.mean(moved.pixels)) for moved in many]
            return [{"grey": mean, "dark": 1 - mean} for mean in found]

        def look(moved: Moved) -> Looked:
            return Looked(np.zeros((40, 30, 3), np.uint8), "seen")

        card = load_card("fracture", "detector")
        measures = Measure("grey", "Mean grey", limits=None), Measure("dark", "Darkness")
        return Answering(measures, answer, look, card, batch=4)

    for name, modality in MODALITIES.items():
        changed = type(modality)(**{**vars(modality), "answering": answering})
        monkeypatch.setitem(augmentation_modalities.MODALITIES, name, changed)
    st.cache_data.clear()
    yield counted
    counted["hold"] = 0


def opened(**query: str) -> PageTest:
    return page_runner.opened(PAGE, **query)


def look_at(app: PageTest, view: str) -> PageTest:
    app.segmented_control(key=f"{PAGE}_more").set_value(view).run()
    return app


def add(app: PageTest, name: str, kind: str = "film") -> PageTest:
    return app.selectbox(key=f"{PAGE}_add_{kind}").set_value(name).run()


def query(app: PageTest, name: str) -> str:
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def test_page_opens_with_a_gentle_pipeline_and_says_what_was_drawn(calls: Counter[str]) -> None:
    app = opened()
    said = app.words
    assert "**Rotation" in said
    assert "Chlap et al." in said
    assert "No label became false" in said
    assert len(app.get("image")) == 9
    assert query(app, "pipeline").startswith("rotate,degrees=-12~12")
    assert calls["images"] == 0  # no model runs until it is asked for


@pytest.mark.parametrize("view", ["Histograms", "All transforms", "Experiments", "Code and link"])
def test_every_view_draws(calls: Counter[str], view: str) -> None:
    look_at(opened(image="limb", pipeline="rotate;noise", draw="3"), view)


def test_a_second_look_at_all_transforms_carries_none_out_again(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = look_at(opened(image="limb", pipeline="rotate", draw="3"), "All transforms")
    shown = len(app.get("image"))
    assert shown >= len(MODALITIES["limb"].catalogue)

    carried_out, real = [], Subject.after

    def after(subject: Subject, one: Draw) -> Moved:
        carried_out.extend(one.parts)
        return real(subject, one)

    monkeypatch.setattr(Subject, "after", after)
    app.run()
    assert len(app.get("image")) == shown
    assert not carried_out


def test_second_visitor_of_a_phantom_carries_out_no_draw(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    carried_out, real = [], Subject.after

    def after(subject: Subject, one: Draw) -> Moved:
        carried_out.extend(one.parts)
        return real(subject, one)

    monkeypatch.setattr(Subject, "after", after)
    st.cache_resource.clear()
    opened(image="limb", pipeline="rotate", draw="3")
    assert len(carried_out) == lab_views.GRID
    # Another session has kept nothing yet.
    monkeypatch.setattr(lab_views, "_after", lambda digest, what, subject, one: subject.after(one))
    opened(image="limb", pipeline="rotate", draw="3")
    assert len(carried_out) == lab_views.GRID


def test_what_a_draw_makes_of_an_upload_stays_in_its_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    film = np.random.default_rng(3).random((48, 64)).astype(np.float32)
    upload = Subject("limb", film, Labels(), "digest of an upload", "", "")
    kept: list[str] = []
    monkeypatch.setattr(lab_views, "_after", lambda *asked: kept.append("session"))
    monkeypatch.setattr(lab_views, "_after_for_all", lambda *asked: kept.append("all"))
    head = replace(upload, pixels=np.zeros((8, 9, 10), np.float32), is_public=True)
    for subject in (upload, replace(upload, is_public=True), head):
        lab_views.after(subject, Draw(1, ()))
    assert kept == ["session", "all", "session"]  # a head would take too much room for all


def test_wrong_transform_is_badged_and_false_labels_are_flagged(calls: Counter[str]) -> None:
    app = opened(pipeline="invert;mirror;shift,x=0~0,y=40~40;shift,x=0~0,y=40~40")
    said = app.words
    assert "block: wrong" in said
    assert "its label is gone" in said
    assert "A left limb is now a right one" in said


def test_order_range_and_probability_change_the_pipeline(calls: Counter[str]) -> None:
    app = opened(pipeline="rotate;blur")
    add(app, "jpeg")
    assert query(app, "pipeline") == ("rotate,degrees=-10~10;blur,sigma=0.3~1.2;jpeg,quality=40~90")
    next(one for one in app.button if one.help == "Apply jpeg compression earlier").click().run()
    next(one for one in app.button if one.help == "Remove rotation").click().run()
    assert query(app, "pipeline") == "jpeg,quality=40~90;blur,sigma=0.3~1.2"
    quality = next(one for one in app.slider if one.label == "Quality")
    quality.set_value((5, 10)).run()
    next(one for one in app.slider if one.label == "How often").set_value(25).run()
    assert query(app, "pipeline") == "jpeg,quality=5~10,p=0.25;blur,sigma=0.3~1.2"


def test_values_stay_with_their_transform_when_the_order_changes(calls: Counter[str]) -> None:
    app = opened(pipeline="noise,spread=3~9,p=0.4;blur,sigma=0.5~2;noise,spread=1~2")
    parts = query(app, "pipeline").split(";")
    assert len(set(parts)) == 3
    for _ in range(2):  # the same transform twice: its values go by the card, not by the name
        earlier = [one for one in app.button if (one.help or "").endswith("earlier")]
        earlier[1].click().run()
        parts[0], parts[1] = parts[1], parts[0]
        assert query(app, "pipeline").split(";") == parts
    [one for one in app.button if (one.help or "").endswith("earlier")][2].click().run()
    assert query(app, "pipeline").split(";") == [parts[0], parts[2], parts[1]]
    chances = [one.value for one in app.slider if one.label == "How often"]
    assert chances == [40, 100, 100]


def test_empty_pipeline_leaves_the_image(calls: Counter[str]) -> None:
    app = opened(pipeline="blur")
    next(one for one in app.button if one.help == "Remove gaussian blur").click().run()
    assert "The pipeline is empty" in app.words
    app.selectbox(key=f"{PAGE}_example_film").set_value("Harsh").run()
    assert "crop" in query(app, "pipeline")


def test_link_with_too_many_transforms_says_how_many_are_used(calls: Counter[str]) -> None:
    app = opened(image="limb", pipeline=";".join(["mirror"] * 11))
    assert "The link asks for 11 transforms; the first 8 are used." in app.words


def test_broken_link_is_said_and_the_page_goes_on(calls: Counter[str]) -> None:
    app = opened(image="limb", pipeline="teleport", draw="x")
    assert "not in the catalogue" in app.words
    assert query(app, "pipeline").startswith("rotate")


def test_next_draw_and_a_tile_change_the_draw(calls: Counter[str]) -> None:
    app = opened(pipeline="rotate", draw="5")
    app.button(key=f"{PAGE}_again").click().run()
    assert query(app, "draw") == "6"
    app.button(key=f"{PAGE}_show9").click().run()
    assert query(app, "draw") == "9"


def test_effect_runs_in_batches_and_is_kept(calls: Counter[str]) -> None:
    app = look_at(opened(pipeline="brightness,added=10~40"), "Effect on the model")
    assert "will answer 24 images" in app.words
    app.button(key=f"{PAGE}_run").click().run()
    app.until(lambda page: "over 24 draws" in page.words)
    assert calls == {"batches": 7, "images": 25}  # the original, then six batches
    assert len(app.get("download_button")) == 2
    assert "Least harmed" in app.words
    app.segmented_control(key=f"{PAGE}_limb_judged").set_value("dark").run()
    assert "darkness" in app.words
    look_at(app, "Draws")
    look_at(app, "Effect on the model")
    assert calls["images"] == 25


def test_stopped_run_keeps_what_it_has_and_can_run_again(calls: Counter[str]) -> None:
    calls["hold"] = 1
    app = look_at(opened(pipeline="blur"), "Effect on the model")
    app.button(key=f"{PAGE}_run").click().run()
    app.button(key=f"{PAGE}_stop").click().run()
    app.until(lambda page: "Stopped" in page.words)
    calls["hold"] = 0
    app.button(key=f"{PAGE}_run").click().run()
    app.until(lambda page: "over 24 draws" in page.words)


def test_sweep_is_a_curve_over_one_parameter(calls: Counter[str]) -> None:
    app = look_at(opened(pipeline="brightness"), "Sweep")
    app.button(key=f"{PAGE}_run").click().run()
    app.until(lambda page: "Mean grey: " in page.words)
    assert calls["images"] == 1 + 13
    assert "at -50 %" in app.words
    app.selectbox(key=f"{PAGE}_film_swept").set_value("rotate").run()
    assert app.slider(key=f"{PAGE}_rotate_degrees_sweep").value == (-30, 30)


def test_missing_weights_are_said_in_a_sentence(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answering(subject: Subject, cards: Cards) -> Answering:
        raise WeightsError("The weights are missing.")

    limb = MODALITIES["limb"]
    changed = type(limb)(**{**vars(limb), "answering": answering})
    monkeypatch.setitem(augmentation_modalities.MODALITIES, "limb", changed)
    app = look_at(opened(), "Effect on the model")
    assert "The weights are missing." in app.words


def test_json_of_a_draw_runs_again_to_identical_pixels(calls: Counter[str]) -> None:
    app = look_at(opened(pipeline="rotate;noise"), "Code and link")
    text = next(block.value for block in app.code if block.language == "json")
    area = app.text_area(key=f"{PAGE}_film_json")
    area.set_value(text).run()
    assert "Identical pixels" in app.words
    app.number_input(key="augmentation_limb_seed").set_value(77).run()
    assert "made on another image" in app.words
    app.text_area(key=f"{PAGE}_film_json").set_value("{}").run()
    assert "no draw of the augmentation lab" in app.words


def test_link_is_whole_and_opens_the_same_draw(calls: Counter[str]) -> None:
    app = look_at(opened(image="limb", pipeline="rotate,degrees=-5~5", draw="7"), "Code and link")
    link = next(block.value for block in app.code if "image=limb" in block.value)
    asked = dict(parse_qsl(urlsplit(link).query))
    again = look_at(opened(**asked), "Code and link")
    assert link in [block.value for block in again.code]
    assert asked == {"image": "limb", "pipeline": "rotate,degrees=-5~5", "draw": "7"}


def test_labels_of_a_model_are_no_truth_to_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("detector", "classifier"):
        monkeypatch.setattr(fracture_loaders, name, lambda card: None)
    film, labels = np.zeros((40, 30), np.float32), Labels(np.array([[5, 5, 20, 20]]), ("box",))
    cards = {name: load_card("fracture", name) for name in ("detector", "classifier")}
    found = {
        from_model: limb(Subject("limb", film, labels, "", "", "", from_model=from_model), cards)
        for from_model in (False, True)
    }
    assert found[False].measures[0].better == "high"
    assert {measure.better for measure in found[True].measures} == {"same"}


def test_sent_image_is_shown_until_another_is_chosen(calls: Counter[str]) -> None:
    app = page_runner.page(PAGE)
    case = made(type(FIRST)(seed=31, kind="hand"))
    app.session_state[SENT] = {"limb": case}
    app.run()
    assert "Simulated film 31" in app.words
    app.segmented_control(key="augmentation_limb_sent").set_value("Choose here").run()
    assert "Simulated film 5:" in app.words


def test_upload_is_worked_on_and_a_broken_one_is_said(calls: Counter[str]) -> None:
    app = opened(image="hand", pipeline="rotate")
    app.radio(key="augmentation_hand_source").set_value("Upload").run()
    app.file_uploader(key="augmentation_hand_upload").set_value(
        [("broken.png", b"\x89PNG\r\n\x1a\nnothing more", "image/png")]
    ).run()
    assert app.error
    app.file_uploader(key="augmentation_hand_upload").set_value(
        [("film.png", raster(), "image/png")]
    ).run()
    assert "the age alone is followed" in app.words or "film.png" in app.words


@pytest.mark.parametrize("name", ["hand", "chest"])
def test_other_films_open_on_their_phantom(calls: Counter[str], name: str) -> None:
    app = opened(image=name, pipeline="stretch,x=1.5~1.5,y=0.8~0.8;mirror")
    assert not app.error
    assert "block: wrong" in app.words
    assert "stretched by" in app.words


def test_head_opens_with_its_mask_and_three_draws(calls: Counter[str]) -> None:
    app = opened(image="head", pipeline="mirror;noise,spread=2~4")
    assert "hemispheres are exchanged" in app.words
    assert len(app.get("image")) == 3
    app.segmented_control(key=f"{PAGE}_plane").set_value("sagittal").run()
    look_at(app, "Code and link")
    assert any("import torchio" in block.value for block in app.code)


@pytest.mark.parametrize("name", ["hand", "chest"])
def test_experiments_stand_beside_the_transform(calls: Counter[str], name: str) -> None:
    app = look_at(opened(image=name, pipeline="rotate"), "Experiments")
    assert "Trained with rotation" in app.words
    assert "runs a setting, " in app.words
    assert "in this pipeline" in app.dataframe[0].value.columns


def test_the_lab_transforms_films_without_pytorch_which_can_still_be_imported() -> None:
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('pages/augmentation.py', default_timeout=120).run()\n"
        "assert not app.exception, app.exception\n"
        "assert 'albumentations' in sys.modules\n"
        "assert not {'torch', 'tensorflow'} & set(sys.modules)\n"
        "import torch\n"
        "assert torch.zeros(2).sum() == 0"
    )
    assert "torch" in modules_after(code, 180)
