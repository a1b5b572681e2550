"""The fracture page with models whose answers are known: what reruns, what is said, what stays."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import streamlit as st

from core import samples
from core.detections import Detections
from core.errors import DownloadError
from core.files.box_labels import write_coco, write_yolo
from core.fracture.degrade import DEGRADATIONS
from core.fracture.fusion import Fusion
from core.images import Radiograph
from models.film_kind import recognise
from models.fracture import predict
from models.fracture.rescore import Rescorer
from pages.shared import inputs
from pages.tasks.fracture import loaders
from tests.files.radiograph_files import dicom
from tests.fracture.stand_in import BOX, BROKEN, FILM, WEAK, kind_of, opened, threshold, with_upload

ROOT = Path(__file__).parents[2]


def test_page_opens_on_a_phantom_with_its_truth(calls: Counter[str]) -> None:
    app = opened()
    assert app.metrics["Boxes"] == "2"  # the third candidate overlaps the first
    assert app.metrics["Misses"] == "1"
    assert app.metrics["Together"].endswith("%")
    assert "Simulated film" in app.words
    assert "This film is simulated" in app.words  # with the models' error on such films
    assert "Fracture suspected by the detector alone" in app.words
    assert calls == {"detector": 1, "classifier": 1}


def test_threshold_and_overlap_do_not_rerun_the_models(calls: Counter[str]) -> None:
    app = opened()
    app.slider(key=threshold(app)).set_value(0.5).run()
    assert app.metrics["Boxes"] == "1"
    overlap = next(slider for slider in app.slider if slider.label.startswith("Overlap"))
    overlap.set_value(0.95).run()
    assert app.metrics["Boxes"] == "2"
    assert calls == {"detector": 1, "classifier": 1}


def test_a_film_that_was_read_is_never_taken_away(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened()
    places: list[str] = []
    monkeypatch.setattr(st, "empty", lambda: places.append("an empty place"))
    app.toggle(key="fracture_boxes_on").set_value(False).run()
    assert places == []
    assert app.metrics["Boxes"] == "2"


def test_display_window_does_not_reach_the_models(calls: Counter[str]) -> None:
    app = opened()
    app.slider(key="fracture_level").set_value(20).run()
    app.toggle(key="fracture_invert").set_value(True).run()
    assert calls == {"detector": 1, "classifier": 1}


def test_no_box_above_the_threshold_is_said_in_words(calls: Counter[str]) -> None:
    app = opened()
    app.slider(key=threshold(app)).set_value(0.99).run()
    assert app.metrics["Boxes"] == "0"
    assert app.metrics["Highest score"] == "none"
    assert "no proof that nothing is broken" in app.words
    assert not app.dataframe


def test_disagreement_of_detector_and_classifier_is_said(calls: Counter[str]) -> None:
    app = opened()
    assert "The models disagree" in app.words


def test_heat_is_compared_with_the_area_of_the_boxes(calls: Counter[str]) -> None:
    app = with_upload(FILM, truth=("film.txt", write_yolo([BOX], (48, 64)), "text/plain"))
    app.more("Explain")
    assert "Where the classifier looked" in app.words
    assert "100\u00a0% of the heat lies inside the ground truth (10\u00a0% of the film" in app.words
    app.more("Steps").more("Explain")
    assert app.get("plotly_chart")


def test_heat_away_from_the_truth_is_headed_so(calls: Counter[str]) -> None:
    app = with_upload(FILM, truth=("film.txt", write_yolo([WEAK], (48, 64)), "text/plain"))
    app.more("Explain")
    assert "The classifier looked elsewhere" in app.words


def test_maps_that_need_gradients_say_what_to_install(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaders, "find_spec", lambda name: None)
    app = opened()
    app.more("Explain")
    app.button_group(key="fracture_method").set_value("Grad-CAM").run()
    assert "pip install -r requirements.txt" in app.words


def test_what_is_no_limb_is_refused_until_it_is_shown_anyway(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognise, "recognise", lambda model, image: kind_of("chest"))
    app = with_upload(FILM)
    assert "This looks like a chest from the front" in app.words
    assert "Boxes" not in app.metrics
    app.button(key="fracture_anyway").click().run()
    assert app.metrics["Boxes"] == "2"
    assert "Shown anyway" in app.words
    app.button(key="fracture_refuse").click().run()
    assert "Boxes" not in app.metrics


def test_a_ct_is_refused_by_its_header(calls: Counter[str]) -> None:
    app = with_upload(("slice", dicom(Modality="CT"), "application/dicom"))
    assert "its modality is CT" in app.words
    assert "Boxes" not in app.metrics


def test_a_missed_fracture_is_said(calls: Counter[str]) -> None:
    app = with_upload(FILM, truth=("film.txt", write_yolo([BOX], (48, 64)), "text/plain"))
    app.slider(key=threshold(app)).set_value(0.99).run()
    assert "Fracture missed** (1 fracture in the ground truth)" in app.words


@pytest.mark.parametrize("part", ["Steps", "Measure", "Model card", "Download"])
def test_every_part_opens(part: str, calls: Counter[str]) -> None:
    app = opened()
    app.button_group(key="fracture_more").set_value(part).run()
    assert not app.error


def test_steps_show_what_the_second_look_saw(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.full(len(seen), 2.0, np.float32), np.zeros((len(seen), 4), np.float32)

    def proposals(model: object, image: Radiograph) -> Detections:
        return Detections(np.array([BOX, WEAK], np.float32), np.array([0.9, 0.3], np.float32))

    assert "The second look" not in opened().more("Steps").words
    second = Rescorer(read, Fusion(0.0, 1.0, 0.5), 0.0, 0.6)
    monkeypatch.setattr(
        predict, "load_model", lambda card: predict.Model(lambda seen: None, rescorer=second)
    )  # type: ignore[arg-type,return-value]
    monkeypatch.setattr(predict, "proposals", proposals)
    st.cache_resource.clear()
    st.cache_data.clear()
    words = opened().more("Steps").words
    assert "The second look" in words
    assert "detector 0.90, second look 0.88: score 0.96" in words
    assert "detector 0.30, second look 0.88: score 0.54" in words


def test_parameters_of_steps_are_in_words(calls: Counter[str]) -> None:
    app = opened()
    app.more("Steps")
    assert "low percent 0.5, high percent 99.5" in app.words
    assert "long side 640 px, square no" in app.words


def test_robustness_makes_the_film_on_screen_worse(calls: Counter[str]) -> None:
    app = with_upload(FILM)
    before = calls["detector"]
    app.more("Robustness")
    values = len(DEGRADATIONS["Noise"].values)
    assert calls["detector"] - before == values
    app.slider(key=threshold(app)).set_value(0.6).run()
    app.more("Steps").more("Robustness")
    assert app.get("plotly_chart")
    assert calls["detector"] - before == values
    app.button_group(key="fracture_worsen").set_value("Contrast").run()
    assert "From contrast 1 to 0.08" in app.words


def test_phantom_study_runs_every_value_once(calls: Counter[str]) -> None:
    app = opened()
    app.session_state["fracture_count"] = 1
    app.button_group(key="fracture_mode").set_value("Phantom study").run()
    after = calls["detector"]
    assert 8 <= after <= 9  # the first film may be the one on screen
    app.slider(key=threshold(app)).set_value(0.6).run()
    assert app.get("plotly_chart")
    again = opened()  # another visitor, the same question
    again.session_state["fracture_count"] = 1
    again.button_group(key="fracture_mode").set_value("Phantom study").run()
    assert "the mean score on the fracture goes" in again.words
    assert calls["detector"] == after


def test_broken_upload_is_one_sentence_and_the_page_lives_on(calls: Counter[str]) -> None:
    app = with_upload(BROKEN)
    assert len(app.error) == 1
    assert app.error[0].value.endswith(".")
    assert threshold(app)
    app.file_uploader(key="fracture_upload").set_value([FILM]).run()
    assert not app.error
    assert app.metrics["Boxes"] == "2"


def test_settings_survive_a_broken_upload(calls: Counter[str]) -> None:
    app = opened()
    app.slider(key=threshold(app)).set_value(0.5).run()
    app.radio(key="fracture_source").set_value("Upload").run()
    app.file_uploader(key="fracture_upload").set_value([BROKEN]).run()
    app.radio(key="fracture_source").set_value("Phantom").run()
    assert app.slider(key=threshold(app)).value == 0.5


def test_truth_of_an_upload_is_not_invented(calls: Counter[str]) -> None:
    app = with_upload(FILM)
    assert "Hits" not in app.metrics
    assert "The truth of this film is not known" in app.words


@pytest.mark.parametrize(
    "label",
    [
        ("film.txt", write_yolo([BOX], (48, 64)), "text/plain"),
        ("labels.json", write_coco([("film.png", (48, 64), [BOX], [])], "f"), "application/json"),
    ],
)
def test_label_file_is_counted(label: tuple[str, bytes, str], calls: Counter[str]) -> None:
    app = with_upload(FILM, truth=label)
    assert not app.error
    shown = app.metrics
    assert (shown["Hits"], shown["False alarms"], shown["Misses"]) == ("1 of 1", "1", "0")


def test_junk_label_file_is_a_sentence_and_the_film_stays(calls: Counter[str]) -> None:
    app = with_upload(FILM, truth=("film.txt", b"\xff\xfe\x00nothing", "text/plain"))
    assert len(app.error) == 1
    assert app.metrics["Boxes"] == "2"


def test_another_window_preset_is_read_again_and_said(calls: Counter[str]) -> None:
    source = dicom(
        WindowCenter=[128, 60],
        WindowWidth=[255, 40],
        WindowCenterWidthExplanation=["BONE", "SOFT"],
        PixelSpacing=[0.5, 0.2],
        ImageLaterality="L",
    )
    app = with_upload(("film", source, "application/dicom"))
    assert "left side" in app.words
    assert "0.2 × 0.5 mm per pixel" in app.words
    assert calls["detector"] == 2  # the phantom before it, and this film
    preset = next(box for box in app.selectbox if box.label == "Window preset")
    preset.set_value(1).run()
    assert "read again with window preset" in app.words
    assert calls["detector"] == 3


def test_one_of_several_films_is_chosen(calls: Counter[str]) -> None:
    app = with_upload(FILM, BROKEN)
    assert not app.error
    app.selectbox(key="fracture_film").set_value(1).run()
    assert len(app.error) == 1


def test_sample_that_cannot_be_fetched_is_said_and_the_phantoms_stay(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise DownloadError("example.org cannot be reached.")

    monkeypatch.setattr(inputs, "is_cached", lambda sample: False)
    monkeypatch.setattr(inputs, "fetch", offline)
    app = opened()
    app.radio(key="fracture_source").set_value("Real sample").run()
    assert "not on this computer yet" in app.words
    assert "CC BY 4.0" in app.words
    app.button(key="fracture_download").click().run()
    assert "The phantoms work without a network" in app.error[0].value
    app.radio(key="fracture_source").set_value("Phantom").run()
    assert app.metrics["Boxes"] == "2"


def test_samples_of_the_task_have_boxes_or_say_that_there_are_none() -> None:
    rows = samples.samples("fracture")
    assert len(rows) == 8
    assert all("boxes_xyxy" in row.truth and row.look.endswith((".", "?")) for row in rows)
