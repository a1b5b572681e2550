"""The chest page with networks whose answers are known: what reruns, what is said, what stays."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import samples
from core.chest import ctr
from core.chest import report as chest_report
from core.images import Radiograph
from models.chest import segment
from models.film_kind import recognise
from pages.shared import inputs, views
from pages.tasks.chest import loaders as chest_loaders
from pages.tasks.chest import sidebar
from tests.chest.stand_in import (
    BROKEN,
    FILM,
    OTHER,
    finding,
    in_a_thread,
    kind_of,
    masks_of,
    opened,
    seen_as,
    with_upload,
)
from tests.files.radiograph_files import dicom, raster
from tests.page_runner import modules_after


def test_page_opens_on_a_phantom_with_answer_and_ratio(calls: Counter[str]) -> None:
    app = opened()
    assert app.metrics["Findings"] == "2 of 3"
    assert app.metrics["Cardiomegaly"] == "60\u00a0%"
    assert app.metrics["Heart ÷ chest (CTR)"] == "0.50"
    assert app.metrics["True CTR"] == "0.62"
    assert "**2 findings above threshold**, strongest cardiomegaly 60\u00a0%" in app.words
    assert "CTR 0.50, heart not enlarged" in app.words
    assert "**Flagged: cardiomegaly** 60\u00a0%, 2.0 × its threshold" in app.words
    assert "Weakly flagged: effusion 10\u00a0%" in app.words


def test_first_answer_needs_no_training_framework() -> None:
    code = (
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('pages/chest.py', default_timeout=120).run()\n"
        "assert not app.exception and app.metric, app.exception"
    )
    assert not {"torch", "tensorflow", "onnx", "pytorch_grad_cam"} & modules_after(code, 180)


def test_networks_and_ruler_are_compared_in_words(calls: Counter[str]) -> None:
    app = opened()
    assert "On the heart they disagree" in app.words  # 60 % against a ratio of 0.5
    assert "| CTR, network’s lines | 0.500 | 0.5 | not enlarged |" in app.words
    assert "| CTR, ground truth | 0.62" in app.words


def test_sliders_and_choices_that_only_show_do_not_rerun_the_networks(
    calls: Counter[str],
) -> None:
    app = opened()
    before = dict(calls)
    app.slider(key="chest_threshold").set_value(50).run()
    app.toggle(key="chest_outlines").set_value(False).run()
    app.slider(key="chest_level").set_value(20).run()
    app.toggle(key="chest_invert").set_value(True).run()
    assert calls == before


def test_another_finding_costs_one_heat_map_and_no_answer(calls: Counter[str]) -> None:
    app = opened()
    before = dict(calls)
    finding(app).set_value("Pleural thickening").run()
    assert calls == before | {"heat": before["heat"] + 1}


def test_heart_size_slider_draws_another_phantom(calls: Counter[str]) -> None:
    app = opened()
    app.slider(key="chest_ratio").set_value(0.42).run()
    assert app.metrics["True CTR"] == "0.42"
    assert "| CTR, ground truth | 0.42" in app.words


def test_simulated_finding_is_marked_and_its_heat_map_scored(calls: Counter[str]) -> None:
    app = opened()
    app.multiselect(key="chest_simulated").set_value(["Effusion"]).run()
    assert "Effusion" in app.words
    app.slider(key="chest_severity").set_value(1.5).run()
    finding(app).set_value("Effusion").run()
    app.button_group(key="chest_more").set_value("Explain").run()
    assert "lies in the box of the simulated finding" in app.words


@pytest.mark.parametrize(
    "part",
    ["Steps", "Explain", "Robustness", "Heart size", "Model card", "Download"],
)
def test_every_part_opens(part: str, calls: Counter[str]) -> None:
    app = opened()
    app.button_group(key="chest_more").set_value(part).run()
    assert not app.error


def test_methods_with_gradients_run_on_demand_and_once(calls: Counter[str]) -> None:
    app = opened().more("Explain")
    before = calls["heat"]
    assert not calls["workers"]
    app.button_group(key="chest_methods").set_value(["Grad-CAM", "Score-CAM"]).run()
    assert calls["heat"] == before + 1
    assert calls["workers"] == 1
    assert "lies in the heart’s outline" in app.words
    app.slider(key="chest_opacity").set_value(20).run()
    app.more("Steps").more("Explain")
    assert calls["heat"] == before + 1


def test_without_pytorch_a_sentence_says_which_line_to_run(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chest_loaders, "find_spec", lambda name: None)
    app = opened().more("Explain")
    assert not app.error
    app.button_group(key="chest_layer_findings").set_value("1/8").run()
    assert "pip install -r requirements.txt" in app.error[0].value


def test_opacity_does_not_rerun_a_method(calls: Counter[str]) -> None:
    app = opened()
    app.button_group(key="chest_more").set_value("Explain").run()
    before = dict(calls)
    app.slider(key="chest_opacity").set_value(20).run()
    assert calls == before


def test_small_change_is_read_when_the_slider_is_let_go(calls: Counter[str]) -> None:
    app = opened()
    app.button_group(key="chest_more").set_value("Robustness").run()
    assert app.metrics["Largest move"] == "0.0 points"
    before = calls["classify"]
    app.slider(key="chest_blur").set_value(1.0).run()
    assert calls["classify"] == before + 1
    assert "blurred by 1 % of its width" in app.words
    app.slider(key="chest_blur").set_value(0.0).run()
    app.slider(key="chest_rotate").set_value(0.0).run()
    assert "Move a slider" in app.words


def test_growing_heart_is_swept_once(calls: Counter[str]) -> None:
    app = opened()
    app.button_group(key="chest_more").set_value("Robustness").run()
    app.button_group(key="chest_robust").set_value("A heart that grows").run()
    assert "The measured ratio is off by" in app.words
    before = dict(calls)
    app.slider(key="chest_threshold").set_value(50).run()
    app.more("Steps").more("Robustness")
    assert "The measured ratio is off by" in app.words
    assert calls == before


def test_hand_is_refused_and_shown_on_demand(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_as(monkeypatch, kind_of("hand"))
    app = with_upload(FILM)
    assert "Findings" not in app.metrics
    assert "This looks like one whole hand" in app.words
    app.button(key="chest_anyway").click().run()
    assert app.metrics["Findings"] == "2 of 3"
    assert "The answers below mean nothing for it" in app.words
    app.button(key="chest_refuse").click().run()
    assert "Findings" not in app.metrics


def test_turned_and_inverted_film_is_put_right_by_one_click(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    came = kind_of(orientation="turned left", inverted=1.0)
    monkeypatch.setattr(
        recognise,
        "recognise",
        lambda model, image: came if image.shape == (48, 64) else kind_of(),
    )
    app = with_upload(FILM)
    assert "turned by 90° to the left and inverted" in app.words
    app.button(key="chest_fix").click().run()
    assert app.metrics["Findings"] == "2 of 3"
    assert "48 × 64 px" in app.words
    assert "was put right on this page" in app.words
    app.button(key="chest_undo").click().run()
    assert "Findings" not in app.metrics


@pytest.mark.parametrize("kind", sidebar.KINDS[1:])
def test_phantoms_that_should_be_refused_reach_the_input_check(
    kind: str, calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_as(monkeypatch, kind_of("limb"))
    app = opened()
    app.selectbox(key="chest_kind").set_value(kind).run()
    assert "Not read." in app.words


@pytest.mark.parametrize(
    ("view", "said"), [("PA", "PA view"), ("AP", "AP film"), ("LL", "lateral"), ("RLO", "RLO")]
)
def test_view_of_the_file_decides(view: str, said: str, calls: Counter[str]) -> None:
    app = with_upload(("film", dicom(ViewPosition=view), "application/dicom"))
    assert ("Findings" in app.metrics) == (view in ("PA", "AP"))
    if view in ("PA", "AP"):
        app.button_group(key="chest_more").set_value("Heart size").run()
    assert said in app.words


def test_broken_upload_is_one_sentence_and_the_page_lives_on(calls: Counter[str]) -> None:
    app = with_upload(BROKEN)
    assert len(app.error) == 1
    app.file_uploader(key="chest_upload").set_value([FILM]).run()
    assert not app.error
    assert app.metrics["Findings"] == "2 of 3"
    assert "True CTR" not in app.metrics


def test_film_without_a_heart_keeps_its_findings(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(model: Any, image: Radiograph) -> dict[str, np.ndarray]:
        return {name: np.zeros(image.shape, bool) for name in masks_of(image.shape)}

    monkeypatch.setattr(segment, "segment", nothing)
    app = with_upload(FILM)
    assert app.metrics["Findings"] == "2 of 3"
    assert "could not be found on this film" in app.words
    for part in ("Heart size", "Explain", "Download", "Robustness"):
        app.button_group(key="chest_more").set_value(part).run()


def test_experiments_open(calls: Counter[str]) -> None:
    app = opened()
    app.button_group(key="chest_mode").set_value("Experiments").run()
    assert not app.error
    assert not calls - Counter({"classify": 9, "heat": 9, "segment": 9})


def test_real_sample_shows_its_labels_and_where_they_come_from(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    film = tmp_path / "film.png"
    film.write_bytes(raster())
    monkeypatch.setattr(inputs, "is_cached", lambda sample: True)
    monkeypatch.setattr(inputs, "fetch", lambda sample: film)
    app = opened()
    app.radio(key="chest_source").set_value("Real sample").run()
    assert "atelectasis, cardiomegaly, pneumonia" in app.words
    assert "Labelled with a large heart: move the two lines" in app.words
    assert "mined from the radiologists' reports" in app.words
    number = next(i for i, row in enumerate(samples.samples("chest")) if row.truth["age"] == "12")
    app.selectbox(key="chest_sample").set_value(number).run()
    assert "(12 years, female):** no finding" in app.words
    app.button_group(key="chest_more").set_value("Heart size").run()
    assert "meant for adults, and this person is 12 years old" in app.words


def test_downloads_are_made_without_a_session(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: dict[str, views.Download] = {}

    def kept(key: str, files: list[views.Download]) -> None:
        offered.update({file.label: file for file in files})

    monkeypatch.setattr(views, "downloads", kept)
    app = opened()
    app.button_group(key="chest_more").set_value("Download").run()
    made = {label: in_a_thread(file.content) for label, file in offered.items()}
    assert b"not for diagnosis" in made["Report (HTML)"]
    assert made["Table (CSV)"].decode().splitlines()[-1].startswith('"CTR, network\'s lines",0.5')
    assert made["Heat map (PNG)"].startswith(b"\x89PNG")
    assert np.load(io.BytesIO(made["Heat map (NPY)"])).shape == (320, 352)
    assert chest_report.read_label_map(made["Masks (PNG)"]).max() == 3


def test_ap_film_is_not_judged_and_the_choice_goes_with_the_film(calls: Counter[str]) -> None:
    app = with_upload(FILM)
    view = next(one for one in app.button_group if str(one.key).startswith("chest_view_"))
    assert view.value == "Not known"
    assert "CTR 0.50, heart not enlarged" in app.words
    view.set_value("AP").run()
    assert "CTR 0.50, heart not judged: an AP film magnifies the heart" in app.words
    assert "| CTR, network’s lines | 0.500 | 0.5 | not judged |" in app.words
    assert "The ratio is not judged on this film" in app.words
    app.file_uploader(key="chest_upload").set_value([OTHER]).run()
    assert "heart not enlarged" in app.words


def test_implausible_outline_is_said_in_the_verdict(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def across(model: Any, image: Radiograph) -> dict[str, np.ndarray]:
        masks = masks_of(image.shape)
        heart = np.zeros_like(masks["heart"])
        heart[image.shape[0] * 3 // 4 :, image.shape[1] // 10 : -image.shape[1] // 10] = True
        return {**masks, "heart": heart}

    monkeypatch.setattr(segment, "segment", across)
    app = with_upload(FILM)
    assert "heart not judged: the outline is implausible" in app.words
    assert "Mirroring was not checked" in app.words
    app.more("Heart size")
    assert "Not judged: the outline is implausible" in app.words


def test_mirrored_film_is_said_in_the_verdict(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def shifted(model: Any, image: Radiograph) -> dict[str, np.ndarray]:
        masks = masks_of(image.shape)
        return {**masks, "heart": np.roll(masks["heart"], -image.shape[1] // 10, axis=1)}

    monkeypatch.setattr(segment, "segment", shifted)
    app = with_upload(FILM)
    assert "**mirrored film?**" in app.words
    assert "The heart lies on the viewer’s left" in app.words


def test_lines_moved_by_hand_reach_verdict_table_and_csv(calls: Counter[str]) -> None:
    app = opened()
    digest = sidebar.made(sidebar.Phantom()).image.digest
    by_hand = ctr.CardiothoracicRatio(100, 220, 200, 50, 250, 210)
    app.session_state["chest_moved"] = {digest: by_hand}
    app.run()
    assert "CTR 0.60 (lines moved by hand), heart enlarged" in app.words
    assert "| CTR, by hand | 0.600 | 0.5 | enlarged |" in app.words
    assert app.metrics["Heart ÷ chest (CTR)"] == "0.60"


def test_large_heart_on_a_film_of_unknown_view_is_large_only_if_it_is_pa(
    calls: Counter[str],
) -> None:
    app = with_upload(FILM)
    by_hand = ctr.CardiothoracicRatio(100, 220, 200, 50, 250, 210)
    app.session_state["chest_moved"] = {app.session_state["chest_case"]: by_hand}
    app.run()
    assert "heart enlarged if this is a PA film" in app.words
    view = next(one for one in app.button_group if str(one.key).startswith("chest_view_"))
    view.set_value("PA").run()
    assert "heart enlarged" in app.words
    assert "if this is a PA film" not in app.words


def test_finding_below_its_threshold_says_so_in_the_viewer(calls: Counter[str]) -> None:
    app = opened()
    assert "below its threshold" not in str(app.get("plotly_chart")[0].proto)
    finding(app).set_value("Pleural thickening").run()
    assert "below its threshold" in str(app.get("plotly_chart")[0].proto)
