"""The bone-age page with networks whose answers are known: what reruns and what is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import samples
from models.bone_age.pipelines import stages_of
from models.cards import load_card
from pages.shared import input_check
from pages.shared.inputs import Case
from pages.tasks.bone_age import download
from pages.tasks.bone_age import loaders as bone_age_loaders
from pages.tasks.bone_age import sidebar as bone_age_inputs
from pages.tasks.bone_age import views as bone_age_views
from pages.tasks.bone_age.pipelines import FOUR_REGIONS, OURS, PIPELINES
from pages.tasks.bone_age.sidebar import FIRST, PAGE, made
from tests.bone_age.stand_in import BROKEN, FILM, FOOT, Networks, opened, with_upload
from tests.files.radiograph_files import raster
from tests.page_runner import PageTest

ROOT = Path(__file__).parents[2]


PHANTOM = "bone_age_phantom_F"


def more(app: PageTest, part: str, view: str = "", key: str = "") -> PageTest:
    app.button_group(key="bone_age_more").set_value(part).run()
    if view:
        app.selectbox(key=f"bone_age_{key}").set_value(view).run()
    return app


def test_page_opens_on_a_phantom_with_its_known_age(network: Networks) -> None:
    app = opened()
    assert not app.error
    shown = app.metrics
    assert shown["Bone age"] == "8 years 4 months"
    assert shown["90 % interval"] == "7 y 6 m – 9 y 4 m"
    assert shown["Reference age"] == "8 years"
    assert shown["Error"] == "+4 months"
    assert "Standard deviations" not in shown
    assert "**Bone age 8 y 4 m** (90 %: 7 y 6 m – 9 y 4 m) · reference 8 y 0 m" in app.words
    assert "On simulated hands" in app.words
    assert network.calls == {"estimate": 1}  # the map beside the film needs no gradients


def test_display_window_and_tabs_do_not_run_the_network(network: Networks) -> None:
    app = opened()
    app.slider(key="bone_age_level").set_value(20).run()
    app.toggle(key="bone_age_looked").set_value(False).run()
    more(app, "Model card")
    assert network.calls["estimate"] == 1


def test_sex_is_told_to_the_network(network: Networks) -> None:
    app = opened()
    key = "bone_age_sex_phantom_F"
    app.button_group(key=key).set_value("M").run()
    assert app.metrics["Bone age"] == "8 years 10 months"
    app.button_group(key=key).set_value("unknown").run()
    assert app.metrics["Bone age"] == "8 years 4 months"
    assert "No sex was entered" in app.words
    app.selectbox(key="bone_age_phantom_sex").set_value("M").run()
    assert app.metrics["Bone age"] == "8 years 10 months"


def test_chronological_age_gives_difference_and_deviations(network: Networks) -> None:
    app = opened()
    app.selectbox(key=f"{PHANTOM}_age_way").set_value("Age").run()
    assert "Chronological age" not in app.metrics  # nobody has entered one yet
    app.number_input(key=f"{PHANTOM}_years").set_value(10).run()
    shown = app.metrics
    assert shown["Chronological age"] == "10 years"
    assert shown["Difference"] == "-20 months"
    assert shown["Standard deviations"] == "-2.2"  # girls of 10: 125.66 ± 11.73 months
    assert "delayed by 1 y 8 m (-2.2 SD)" in app.words and "Not a diagnosis" in app.words
    assert "Brush Foundation" in app.words
    assert network.calls["estimate"] == 1


def test_birth_and_examination_give_the_age(network: Networks) -> None:
    app = opened()
    app.selectbox(key=f"{PHANTOM}_age_way").set_value("Birth and examination").run()
    app.number_input(key=f"{PHANTOM}_birth_year").set_value(2010).run()
    app.selectbox(key=f"{PHANTOM}_birth_month").set_value("January").run()
    app.number_input(key=f"{PHANTOM}_examination_year").set_value(2018).run()
    assert "Chronological age" not in app.metrics
    app.selectbox(key=f"{PHANTOM}_examination_month").set_value("April").run()
    assert app.metrics["Chronological age"] == "8 years 3 months"


def test_birth_after_the_examination_is_a_sentence_and_the_answer_stays(network: Networks) -> None:
    app = opened()
    app.selectbox(key=f"{PHANTOM}_age_way").set_value("Birth and examination").run()
    for when, year in (("birth", 2030), ("examination", 2018)):
        app.selectbox(key=f"{PHANTOM}_{when}_month").set_value("May")
        app.number_input(key=f"{PHANTOM}_{when}_year").set_value(year).run()
    assert "lies after" in app.error[0].value
    assert "Bone age" in app.metrics and "Difference" not in app.metrics


def test_no_deviations_where_the_sex_is_unknown(network: Networks) -> None:
    app = with_upload(FILM)
    next(one for one in app.selectbox if one.label == "Chronological age").set_value("Age").run()
    next(one for one in app.number_input if one.label == "Years").set_value(8).run()
    shown = app.metrics
    assert "Difference" in shown and "Standard deviations" not in shown
    assert "No normal variation is published" in app.words


def test_not_a_hand_is_refused_and_shown_anyway(
    network: Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_check, "problem", lambda image, wanted: (FOOT, None))
    app = with_upload(FILM)
    assert FOOT in app.words
    assert "Bone age" not in app.metrics
    assert network.calls["estimate"] == 1  # the phantom before it
    app.button(key="bone_age_anyway").click().run()
    assert FOOT in app.warning[0].value
    assert app.metrics["Bone age"] == "8 years 4 months"


def test_broken_upload_is_one_sentence_and_the_page_lives_on(network: Networks) -> None:
    app = with_upload(BROKEN)
    assert len(app.error) == 1 and app.error[0].value.endswith(".")
    app.file_uploader(key="bone_age_upload").set_value([FILM]).run()
    assert not app.error
    assert "Reference age" not in app.metrics


def test_one_of_several_films_is_chosen(network: Networks) -> None:
    app = with_upload(FILM, BROKEN)
    assert not app.error
    app.selectbox(key="bone_age_film").set_value(1).run()
    assert len(app.error) == 1


def test_stage_left_out_stands_beside_the_default(network: Networks) -> None:
    app = opened()
    app.button_group(key="bone_age_skip_ours").set_value(["CLAHE"]).run()
    shown = app.metrics
    assert shown["Default steps"] == "8 years 4 months"
    assert shown["As changed"] == "8 years 9 months"
    assert shown["Change"] == "+5.0 months"
    assert "Left out." in app.words


def test_live_parameter_stands_beside_the_default(network: Networks) -> None:
    app = opened()
    app.slider(key="bone_age_ours_clip").set_value(4.0).run()
    assert app.metrics["Change"] == "+3.0 months"
    assert "contrast limit 4" in app.words


def test_failed_step_is_told_where_it_happened_and_the_others_go_on(network: Networks) -> None:
    app = with_upload(FILM)  # a bar, not a hand
    more(app, "Steps", "Landmarks", "pipeline")
    assert len(app.error) == 1
    assert app.metrics["Through these steps"] == "none"
    more(app, "Steps", "Before and after", "pipeline")
    assert any("Landmarks" in warning.value for warning in app.warning)


@pytest.mark.parametrize("view", ["Landmarks", "Segmentation", "Side by side", "Before and after"])
def test_every_view_of_the_steps_opens(view: str, network: Networks) -> None:
    app = more(opened(), "Steps", view, "pipeline")
    assert not app.error


@pytest.mark.parametrize(
    "view", ["Attention", "Grad-CAM", "Each model", "Neighbouring ages", "How readers do it"]
)
def test_every_explanation_opens(view: str, network: Networks) -> None:
    app = more(opened(), "Explain", view, "explanation")
    assert not app.error


@pytest.mark.parametrize("part", ["Growth", "Accuracy", "Model card", "Download"])
def test_every_part_opens(part: str, network: Networks) -> None:
    app = more(opened(), part)
    assert not app.error
    if part == "Accuracy":
        app.button_group(key="bone_age_accuracy").set_value("Published experiments, repeated").run()
        assert not app.exception
        assert "claims and choices" in app.words and "With 3 runs a setting" in app.words
        beside = next(one.value for one in app.dataframe if "verdict" in one.value)
        assert "Grey crops are better than binarised ones." in beside["published"].tolist()
        app.selectbox(key="bone_age_experiment_factor").set_value("batch size").run()
        assert "a quarter of the steps" in app.words


def test_occlusion_runs_on_request_only_and_once(network: Networks) -> None:
    app = more(opened(), "Explain", "Occlusion", "explanation")
    assert network.calls["occlusion"] == 0
    app.button(key="bone_age_occlude").click().run()
    assert "moves the answer by 7.0 months" in app.words
    app.selectbox(key="bone_age_occlusion_way").set_value("Older").run()
    assert "Hiding no place moves the answer this way" in app.words
    assert network.calls["occlusion"] == 1


def test_growing_child_is_read_at_the_slider_s_age(network: Networks) -> None:
    app = more(opened(), "Growth")
    app.slider(key="bone_age_growing").set_value(14.0).run()
    assert app.metrics["Simulated age"] == "14 y 0 m"


def test_model_without_attention_says_so(network: Networks) -> None:
    network.blind = True
    app = more(opened(), "Explain")
    assert "has no attention" in app.words


def test_maps_of_networks_are_weighted_by_their_shares(network: Networks) -> None:
    found = network.estimate(load_card(PAGE, "hand_age"), made(FIRST).image, "F")
    maps = {"lite0": np.eye(4, dtype=np.float32), "landmark": np.eye(4, dtype=np.float32)[::-1]}
    heat = bone_age_loaders.weighted(maps, found)
    assert heat[0, 3] == pytest.approx(1) and heat[0, 0] == pytest.approx(1 / 3)
    more(opened(), "Explain", "Grad-CAM", "explanation").run()
    assert network.calls["grad_cam"] == 1


def test_sex_and_age_stay_with_their_film(network: Networks) -> None:
    other = ("other.png", raster(pixels=np.eye(60, 50, dtype=np.uint8) * 200), "image/png")
    app = with_upload(FILM, other)
    sexes = lambda: next(b for b in app.button_group if b.label == "Sex given to the model")  # noqa: E731 (read anew after each run)
    sexes().set_value("M").run()
    assert "sex entered: boy" in app.words
    app.selectbox(key="bone_age_film").set_value(1).run()
    assert sexes().value == "unknown" and "sex entered: none" in app.words
    app.selectbox(key="bone_age_film").set_value(0).run()
    assert "sex entered: boy" in app.words


def test_hand_with_dark_bones_is_said_to_be_inverted(network: Networks) -> None:
    hand = np.uint8(255 * made(FIRST).image.pixels)
    files = [("hand.png", hand), ("inverted.png", 255 - hand)]
    said = [with_upload((name, raster(pixels=pixels), "image/png")).words for name, pixels in files]
    assert ["**Inverted?**" in words for words in said] == [False, True]


def test_dark_film_is_windowed_for_the_eye_unless_switched_off(network: Networks) -> None:
    case, settings = made(replace(FIRST, exposure=0.2)), reading(network).settings
    assert bone_age_views.needs_window(case.image.pixels)
    bright = bone_age_views.picture(case, settings)
    as_read = bone_age_views.picture(case, replace(settings, automatic=False))
    assert bright.mean() > 2 * as_read.mean()
    clear = made(FIRST).image.pixels
    assert not bone_age_views.needs_window(clear)


def reading(network: Networks, **changes: Any) -> bone_age_views.Reading:
    case = made(FIRST)
    card = load_card(PAGE, "hand_age")
    settings = bone_age_inputs.Settings(card, "F", None, True, bone_age_inputs.Display())
    found = network.estimate(card, case.image, "F")
    return bone_age_views.Reading(case, found, replace(settings, **changes))


def test_report_holds_answer_interval_card_and_disclaimer(network: Networks) -> None:
    text = download.report(reading(network, age_months=120.0)).decode()
    for part in ("8 years 4 months", "7 y 6 m – 9 y 4 m", "not for diagnosis", "-2.2 standard"):
        assert part in text
    assert load_card(PAGE, "hand_age").title in text
    assert text.count("data:image") == 2


def test_row_of_the_csv_has_the_difference_only_where_an_age_was_given(network: Networks) -> None:
    assert "difference_months" not in download.row(reading(network))
    row = download.row(reading(network, age_months=120.0))
    assert row["difference_months"] == -20
    assert row["known_months"] == 96
    assert row["error_months"] == 4


def test_sidebar_gives_the_same_child_at_another_age() -> None:
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
    for pipeline in (OURS, FOUR_REGIONS, *PIPELINES.values()):
        defaults = {knob.name: knob.default for knob in pipeline.knobs}
        ours, theirs = stages_of(pipeline.key, **defaults), stages_of(pipeline.key)
        names = [stage.name for stage in ours]
        assert pipeline.aligned in names and pipeline.read in names
        assert names == [stage.name for stage in theirs]
        assert [one.parameters for one in ours] == [one.parameters for one in theirs]
