"""The bone-age page with networks whose answers are known: what reruns and what is said."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st

from core import samples
from core.bone_age.result import BoneAge
from core.images import FloatArray, Radiograph
from core.phantoms.hand.phantom import hand_phantom
from core.stages import run_stages
from models.bone_age.pipelines import stages_of
from models.cards import ModelCard, load_card
from pages.shared import input_check
from pages.shared.inputs import Case
from pages.tasks.bone_age import loaders as bone_age_loaders
from pages.tasks.bone_age import many_films as bone_age_sets
from pages.tasks.bone_age import sidebar as bone_age_inputs
from pages.tasks.bone_age import views as bone_age_views
from pages.tasks.bone_age.pipelines import OURS, PIPELINES
from pages.tasks.bone_age.sidebar import FIRST, PAGE, made
from tests import page_runner
from tests.files.radiograph_files import raster
from tests.page_runner import PageTest

ROOT = Path(__file__).parents[2]
FILM = ("film.png", raster(), "image/png")
BROKEN = ("broken.png", b"\x89PNG\r\n\x1a\nnothing more", "image/png")
FOOT = "This looks like another part of the limbs (98%). Expected is one whole hand."


class Network:
    """Answers 100 months, 6 more for a boy, 5 more for every stage left out; counts its calls."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.blind = False

    def estimate(
        self,
        card: ModelCard,
        image: Radiograph,
        sex: str | None,
        skip: Collection[str] = (),
        parameters: Mapping[str, Any] | None = None,
    ) -> BoneAge:
        self.calls["estimate"] += 1
        steps = run_stages(image.pixels, stages_of("whole_hand", **(parameters or {})), skip=skip)
        months = 100.0 + 6 * (sex == "M") + 5 * len(skip) + 3 * len(parameters or {})
        seen = np.zeros((8, 6), np.float32)
        return BoneAge(
            months, months - 10, months + 12, sex, card.name, steps, seen, {"one": months}
        )

    def attention(self, card: ModelCard, image: Radiograph, sex: str | None) -> FloatArray | None:
        self.calls["attention"] += 1
        return None if self.blind else np.eye(*image.shape, dtype=np.float32)

    def grad_cam(self, card: ModelCard, image: Radiograph, sex: str | None) -> FloatArray:
        self.calls["grad_cam"] += 1
        return np.eye(*image.shape, dtype=np.float32)

    def occlusion(
        self, card: ModelCard, image: Radiograph, sex: str | None, progress: Any = None
    ) -> FloatArray:
        self.calls["occlusion"] += 1
        progress(0.5, "half")
        return np.eye(*image.shape, dtype=np.float32) * -7


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """One fake network for the page; every film is taken for a hand."""
    found = Network()
    monkeypatch.setattr(bone_age_loaders, "_network", lambda: found)
    monkeypatch.setattr(input_check, "problem", lambda image, wanted: ("", None))
    small = partial(hand_phantom, shape=(160, 128))
    monkeypatch.setattr(bone_age_inputs, "hand_phantom", small)
    st.cache_data.clear()  # PageTest gives every test the same session; phantoms stay
    return found


def opened() -> PageTest:
    return page_runner.opened("bone_age")


def with_upload(*files: tuple[str, bytes, str]) -> PageTest:
    return opened().upload(*files)


def more(app: PageTest, part: str, view: str = "", key: str = "") -> PageTest:
    app.button_group(key="bone_age_more").set_value(part).run()
    if view:
        app.button_group(key=f"bone_age_{key}").set_value(view).run()
    assert not app.exception
    return app


def test_page_opens_on_a_phantom_with_its_known_age(network: Network) -> None:
    app = opened()
    assert not app.exception and not app.error
    shown = app.metrics
    assert shown["Bone age"] == "8 years 4 months"
    assert shown["90 % interval"] == "7 y 6 m to 9 y 4 m"
    assert shown["Known bone age"] == "8 years"
    assert shown["Error"] == "+4 months"
    assert "Standard deviations" not in shown
    assert network.calls == {"estimate": 1, "grad_cam": 1}


def test_display_window_and_tabs_do_not_run_the_network(network: Network) -> None:
    app = opened()
    app.slider(key="bone_age_level").set_value(20).run()
    app.toggle(key="bone_age_looked").set_value(False).run()
    more(app, "Model card")
    assert network.calls["estimate"] == 1


def test_sex_is_told_to_the_network(network: Network) -> None:
    app = opened()
    key = "bone_age_sex_phantom_F"
    app.button_group(key=key).set_value("M").run()
    assert app.metrics["Bone age"] == "8 years 10 months"
    app.button_group(key=key).set_value("unknown").run()
    assert app.metrics["Bone age"] == "8 years 4 months"
    assert "was not told the sex" in app.words
    app.selectbox(key="bone_age_phantom_sex").set_value("M").run()
    assert app.metrics["Bone age"] == "8 years 10 months"


def test_chronological_age_gives_difference_and_deviations(network: Network) -> None:
    app = opened()
    app.selectbox(key="bone_age_age_way").set_value("Age").run()
    app.number_input(key="bone_age_years").set_value(10).run()
    shown = app.metrics
    assert shown["Chronological age"] == "10 years"
    assert shown["Difference"] == "-20 months"
    assert shown["Standard deviations"] == "-1.7"  # girls of 10: 11.73 months
    assert "behind the calendar" in app.words and "no diagnosis" in app.words
    assert "Brush Foundation" in app.words
    assert network.calls["estimate"] == 1


def test_birth_and_examination_give_the_age(network: Network) -> None:
    app = opened()
    app.selectbox(key="bone_age_age_way").set_value("Birth and examination").run()
    app.number_input(key="bone_age_birth_year").set_value(2010).run()
    app.number_input(key="bone_age_examination_year").set_value(2018).run()
    app.selectbox(key="bone_age_examination_month").set_value("April").run()
    assert app.metrics["Chronological age"] == "8 years 3 months"


def test_birth_after_the_examination_is_a_sentence_and_the_answer_stays(network: Network) -> None:
    app = opened()
    app.selectbox(key="bone_age_age_way").set_value("Birth and examination").run()
    app.number_input(key="bone_age_birth_year").set_value(2030).run()
    assert not app.exception
    assert "lies after" in app.error[0].value
    assert "Bone age" in app.metrics and "Difference" not in app.metrics


def test_no_deviations_where_the_sex_is_unknown(network: Network) -> None:
    app = with_upload(FILM)
    app.selectbox(key="bone_age_age_way").set_value("Age").run()
    shown = app.metrics
    assert "Difference" in shown and "Standard deviations" not in shown
    assert "No normal variation is published" in app.words


def test_not_a_hand_is_refused_and_shown_anyway(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_check, "problem", lambda image, wanted: (FOOT, None))
    app = with_upload(FILM)
    assert not app.exception
    assert FOOT in app.words
    assert "Bone age" not in app.metrics
    assert network.calls["estimate"] == 1  # the phantom before it
    app.button(key="bone_age_anyway").click().run()
    assert FOOT in app.warning[0].value
    assert app.metrics["Bone age"] == "8 years 4 months"


def test_broken_upload_is_one_sentence_and_the_page_lives_on(network: Network) -> None:
    app = with_upload(BROKEN)
    assert not app.exception
    assert len(app.error) == 1 and app.error[0].value.endswith(".")
    app.file_uploader(key="bone_age_upload").set_value([FILM]).run()
    assert not app.error
    assert "Known bone age" not in app.metrics


def test_one_of_several_films_is_chosen(network: Network) -> None:
    app = with_upload(FILM, BROKEN)
    assert not app.exception and not app.error
    app.selectbox(key="bone_age_film").set_value(1).run()
    assert len(app.error) == 1


def test_stage_left_out_stands_beside_the_default(network: Network) -> None:
    app = opened()
    app.button_group(key="bone_age_skip_ours").set_value(["CLAHE"]).run()
    shown = app.metrics
    assert shown["As it is"] == "8 years 4 months"
    assert shown["As changed"] == "8 years 9 months"
    assert shown["Change"] == "+5.0 months"
    assert "Left out." in app.words


def test_live_parameter_stands_beside_the_default(network: Network) -> None:
    app = opened()
    app.slider(key="bone_age_ours_clip").set_value(4.0).run()
    assert app.metrics["Change"] == "+3.0 months"
    assert "clip = 4" in app.words


def test_failed_step_is_told_where_it_happened_and_the_others_go_on(network: Network) -> None:
    app = with_upload(FILM)  # a bar, not a hand
    more(app, "Steps", "Landmarks", "pipeline")
    assert len(app.error) == 1
    assert app.metrics["Through these steps"] == "none"
    more(app, "Steps", "Before and after", "pipeline")
    assert any("Landmarks" in warning.value for warning in app.warning)


@pytest.mark.parametrize("view", ["Landmarks", "Segmentation", "Side by side", "Before and after"])
def test_every_view_of_the_steps_opens(view: str, network: Network) -> None:
    app = more(opened(), "Steps", view, "pipeline")
    assert not app.error


@pytest.mark.parametrize(
    "view", ["Heat maps", "Each model", "Neighbouring ages", "How readers do it"]
)
def test_every_explanation_opens(view: str, network: Network) -> None:
    app = more(opened(), "Explain", view, "explanation")
    assert not app.error


@pytest.mark.parametrize("part", ["Growth", "Experiments", "Model card", "Download"])
def test_every_part_opens(part: str, network: Network) -> None:
    assert not more(opened(), part).error


def test_occlusion_runs_on_request_only_and_once(network: Network) -> None:
    app = more(opened(), "Explain", "Occlusion", "explanation")
    assert network.calls["occlusion"] == 0
    app.button(key="bone_age_occlude").click().run()
    assert "moves the answer by 7.0 months" in app.words
    app.button_group(key="bone_age_occlusion_way").set_value("Older").run()
    assert "Hiding no place moves the answer this way" in app.words
    assert network.calls["occlusion"] == 1


def test_growing_child_is_read_at_the_slider_s_age(network: Network) -> None:
    app = more(opened(), "Growth")
    app.slider(key="bone_age_growing").set_value(14.0).run()
    assert not app.exception
    assert app.metrics["Drawn age"] == "14 years"


def test_model_without_attention_says_so(network: Network) -> None:
    app = opened()
    app.session_state["bone_age_heat"] = "Attention"
    app.session_state["bone_age_explanation"] = "Heat maps"
    network.blind = True
    more(app, "Explain")
    assert "has no attention map" in app.words


def test_batch_goes_on_past_broken_and_refused_files(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("film.png", FILM[1])
    other = ("foot.png", raster(pixels=np.eye(40, 50, dtype=np.uint8) * 200), "image/png")
    monkeypatch.setattr(
        input_check,
        "problem",
        lambda image, wanted: (FOOT if image.shape == (40, 50) else "", None),
    )
    table = (
        "t.csv",
        b"file,sex,chronological_months,known_months\nfilm.png,M,96,110\n",
        "text/csv",
    )
    app = opened()
    app.button_group(key="bone_age_mode").set_value("Many radiographs").run()
    assert "python -m models.score bone_age" in app.code[0].value
    app.file_uploader(key="bone_age_children").set_value([table]).run()
    app.file_uploader(key="bone_age_batch").set_value(
        [("all.zip", packed.getvalue(), "application/zip"), BROKEN, other]
    ).run()
    assert not app.exception
    assert app.metrics["Films answered"] == "1 of 3"
    assert app.metrics["Mean absolute error"] == "4.0 months"
    row = app.dataframe[0].value.iloc[0]
    assert row["bone age months"] == 106 and row["error months"] == -4
    assert row["difference months"] == 10
    assert app.words.count(FOOT) == 1
    app.button(key="bone_age_tile_0").click().run()
    assert "all.zip/film.png** (1 of 1)" in app.words
    assert "Films answered" not in app.metrics


@pytest.mark.parametrize(
    "source", [b"\xff\xfe\x00", b"name,sex\na,F\n", b"file,known_months\na.png,ten\n", b""]
)
def test_unfit_table_of_children_is_a_sentence(source: bytes) -> None:
    with pytest.raises(Exception, match=r"patient table.*\.$"):
        bone_age_sets.read_children(source)


def reading(network: Network, **changes: Any) -> bone_age_views.Reading:
    case = made(FIRST)
    card = load_card(PAGE, "hand_age")
    settings = bone_age_inputs.Settings(card, "F", None, True, bone_age_inputs.Display())
    found = network.estimate(card, case.image, "F")
    return bone_age_views.Reading(
        case, found, np.eye(*case.image.shape, dtype=np.float32), replace(settings, **changes)
    )


def test_report_holds_answer_interval_card_and_disclaimer(network: Network) -> None:
    text = bone_age_views.report(reading(network, age_months=120.0)).decode()
    for part in ("8 years 4 months", "7 y 6 m to 9 y 4 m", "not for diagnosis", "-1.7 standard"):
        assert part in text
    assert load_card(PAGE, "hand_age").title in text
    assert text.count("data:image") == 2


def test_row_of_the_csv_has_the_difference_only_where_an_age_was_given(network: Network) -> None:
    assert "difference_months" not in bone_age_views.row(reading(network))
    row = bone_age_views.row(reading(network, age_months=120.0))
    assert row["difference_months"] == -20
    assert row["known_months"] == 96
    assert row["error_months"] == 4


def test_sidebar_draws_the_same_child_at_another_age() -> None:
    older = FIRST.aged(168)
    assert older.truth["age_months"] == 168
    assert older.truth["sex"] == FIRST.sex
    assert FIRST.aged(1000).truth["age_months"] == 240


def test_samples_of_the_task_have_an_age_and_a_sex() -> None:
    rows = samples.samples(PAGE)
    assert len(rows) == 8
    for row in rows:
        assert bone_age_loaders.known_months(Case(made(FIRST).image, row.truth)) is not None
        assert row.truth["sex"] in ("F", "M")


def test_pipelines_know_their_own_steps_and_parameters() -> None:
    """A stage or keyword that was renamed would leave a view without its picture."""
    for pipeline in (OURS, *PIPELINES.values()):
        defaults = {knob.name: knob.default for knob in pipeline.knobs}
        ours, theirs = stages_of(pipeline.key, **defaults), stages_of(pipeline.key)
        names = [stage.name for stage in ours]
        assert pipeline.aligned in names and pipeline.read in names
        assert names == [stage.name for stage in theirs]
        assert [one.parameters for one in ours] == [one.parameters for one in theirs]
