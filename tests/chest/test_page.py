"""The chest page with networks whose answers are known: what reruns, what is said, what stays."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st

from core import samples
from core.chest import ctr
from core.chest import projection as chest_film
from core.chest import report as chest_report
from core.chest.plots import FindingRow, finding_bars, outlines, percent
from core.chest.result import Findings
from core.film_kind import KINDS, ORIENTATIONS, FilmKind
from core.images import Radiograph
from core.phantoms.chest.phantom import chest_phantom
from core.stages import Step
from models.chest import heatmaps, predict, segment
from models.film_kind import recognise
from pages.shared import inputs, views
from pages.tasks.chest import loaders as chest_loaders
from pages.tasks.chest import reading as chest_reading
from pages.tasks.chest import sidebar as chest_inputs
from tests import page_runner
from tests.files.radiograph_files import dicom, raster
from tests.page_runner import PageTest

ROOT = Path(__file__).parents[2]
FILM = ("film.png", raster(), "image/png")
OTHER = ("other.png", raster(pixels=np.fliplr(np.eye(64, dtype=np.uint8) * 200)), "image/png")
BROKEN = ("broken.png", b"\x89PNG\r\n\x1a\nnothing more", "image/png")
LABELS = ("Cardiomegaly", "Effusion", "Pleural_Thickening")
CHANCES = {"Cardiomegaly": 0.6, "Effusion": 0.1, "Pleural_Thickening": 0.05}
POINTS = {"Cardiomegaly": 0.3, "Effusion": 0.08, "Pleural_Thickening": 0.07}


def masks_of(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Lungs over the middle four fifths, and a heart of half their width."""
    height, width = shape
    masks = {name: np.zeros(shape, bool) for name in ("left_lung", "right_lung", "heart")}
    tenth = width // 10
    masks["right_lung"][height // 5 : -height // 5, tenth : 4 * tenth] = True
    masks["left_lung"][height // 5 : -height // 5, 6 * tenth : 9 * tenth] = True
    masks["heart"][height // 2 : -height // 5, 3 * tenth : 7 * tenth] = True
    return masks


def kind_of(kind: str = "chest", orientation: str = "upright", inverted: float = 0.0) -> FilmKind:
    kinds = dict.fromkeys(KINDS, 0.0) | {kind: 1.0}
    orientations = dict.fromkeys(ORIENTATIONS, 0.0) | {orientation: 1.0}
    return FilmKind(kinds, orientations, inverted, 1.0)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """All networks answer the same on every film, and every call of theirs is counted."""
    counted: Counter[str] = Counter()

    def classify(model: Any, image: Radiograph) -> Findings:
        counted["classify"] += 1
        kept = {label: CHANCES[label] for label in model.labels}
        points = {label: POINTS[label] for label in model.labels}
        return Findings(kept, points, "stand-in", 128)

    def segmented(model: Any, image: Radiograph) -> dict[str, np.ndarray]:
        counted["segment"] += 1
        return masks_of(image.shape)

    def class_map(
        model: Any, image: Radiograph, finding: str, method: str = "Grad-CAM", layer: str = "last"
    ) -> heatmaps.HeatMap:
        counted["heat"] += 1
        values = np.zeros(image.shape, np.float32)
        values[image.shape[0] // 2 :, image.shape[1] // 3 :] = 0.4
        values[-4:, -4:] = 1
        return heatmaps.HeatMap(values, finding, method, layer, (8, 8))

    def features(
        model: Any, image: Radiograph, count: int, layer: str = "last"
    ) -> heatmaps.FeatureMaps:
        maps = np.linspace(0, 1, count * 12, dtype=np.float32).reshape(count, 3, 4)
        return heatmaps.FeatureMaps(maps, tuple(range(count)), (1.0,) * count, layer, 99)

    class Worker:
        """Stands in for the process that holds PyTorch."""

        def __init__(self, network: str) -> None:
            counted["workers"] += 1

        def call(self, function: str, card: Any, image: Radiograph, *asked: Any) -> Any:
            if function.endswith(":explain"):
                return class_map(None, image, *asked)
            return features(None, image, asked[1], asked[0])

    def load(card: Any) -> Any:
        labels = LABELS if len(card.labels) > 1 else ("Cardiomegaly",)
        return SimpleNamespace(labels=labels)

    monkeypatch.setattr(predict, "load_model", load)
    monkeypatch.setattr(predict, "classify", classify)
    monkeypatch.setattr(
        predict, "steps", lambda model, image: [Step("Square", image.pixels, {}, "Because.")]
    )
    monkeypatch.setattr(segment, "load_model", lambda card: None)
    monkeypatch.setattr(segment, "segment", segmented)
    monkeypatch.setattr(heatmaps, "class_map", class_map)
    monkeypatch.setattr(heatmaps, "last_features", features)
    monkeypatch.setattr(chest_loaders, "Apart", Worker)
    monkeypatch.setattr(recognise, "load_model", lambda card: None)
    monkeypatch.setattr(recognise, "recognise", lambda model, image: kind_of())
    st.cache_resource.clear()
    st.cache_data.clear()
    yield counted
    st.cache_resource.clear()
    st.cache_data.clear()


def opened() -> PageTest:
    return page_runner.opened("chest")


def with_upload(*files: tuple[str, bytes, str]) -> PageTest:
    return opened().upload(*files)


def in_a_thread(task: Callable[[], bytes]) -> bytes:
    """What a task returns in a thread without a session, as downloads are made."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(task).result()


def seen_as(monkeypatch: pytest.MonkeyPatch, kind: FilmKind) -> None:
    monkeypatch.setattr(recognise, "recognise", lambda model, image: kind)


def test_page_opens_on_a_phantom_with_answer_and_ratio(calls: Counter[str]) -> None:
    app = opened()
    assert not app.exception
    assert app.metrics["Findings"] == "2 of 3"
    assert app.metrics["Cardiomegaly"] == "60%"
    assert app.metrics["Heart ÷ chest (CTR)"] == "0.50"
    assert app.metrics["True CTR"] == "0.62"
    assert "**Above the operating point:** cardiomegaly (60%), effusion (10%)" in app.words


def test_networks_and_ruler_are_compared_in_words(calls: Counter[str]) -> None:
    app = opened()
    assert "On the heart they disagree" in app.words  # 60 % against a ratio of 0.5
    assert "| CTR, network’s lines | 0.500 | 0.5 | not enlarged |" in app.words
    assert "| CTR, truth | 0.62" in app.words


def test_sliders_and_choices_that_only_show_do_not_rerun_the_networks(
    calls: Counter[str],
) -> None:
    app = opened()
    before = dict(calls)
    app.slider(key="chest_threshold").set_value(50).run()
    app.toggle(key="chest_outlines").set_value(False).run()
    app.slider(key="chest_level").set_value(20).run()
    app.toggle(key="chest_invert").set_value(True).run()
    assert not app.exception
    assert calls == before


def test_another_finding_costs_one_heat_map_and_no_answer(calls: Counter[str]) -> None:
    app = opened()
    before = dict(calls)
    app.selectbox(key="chest_finding").set_value("Pleural thickening").run()
    assert not app.exception
    assert calls == before | {"heat": before["heat"] + 1}


def test_heart_size_slider_draws_another_phantom(calls: Counter[str]) -> None:
    app = opened()
    app.slider(key="chest_ratio").set_value(0.42).run()
    assert app.metrics["True CTR"] == "0.42"
    assert "| CTR, truth | 0.42" in app.words


def test_drawn_finding_is_marked_and_its_heat_map_scored(calls: Counter[str]) -> None:
    app = opened()
    app.multiselect(key="chest_drawn").set_value(["Effusion"]).run()
    assert not app.exception
    assert "Effusion" in app.words
    app.slider(key="chest_severity").set_value(1.5).run()
    app.selectbox(key="chest_finding").set_value("Effusion").run()
    app.button_group(key="chest_more").set_value("Explain").run()
    assert not app.exception
    assert "lies in the box of what was drawn" in app.words


@pytest.mark.parametrize(
    "part",
    ["Steps", "Explain", "Robustness", "Heart size", "Two trainings", "Model card", "Download"],
)
def test_every_part_opens(part: str, calls: Counter[str]) -> None:
    app = opened()
    app.button_group(key="chest_more").set_value(part).run()
    assert not app.exception
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
    assert app.metrics["Largest move"] == "+0.0 points"
    before = calls["classify"]
    app.slider(key="chest_blur").set_value(1.0).run()
    assert not app.exception
    assert calls["classify"] == before + 1
    assert "blurred by 1 % of its width" in app.words
    app.slider(key="chest_blur").set_value(0.0).run()
    app.slider(key="chest_rotate").set_value(0.0).run()
    assert "Move a slider" in app.words


def test_growing_heart_is_swept_once(calls: Counter[str]) -> None:
    app = opened()
    app.button_group(key="chest_more").set_value("Robustness").run()
    app.button_group(key="chest_robust").set_value("A heart that grows").run()
    assert not app.exception
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
    assert not app.exception
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
    assert not app.exception
    assert app.metrics["Findings"] == "2 of 3"
    assert "48 × 64 px" in app.words
    assert "was put right on this page" in app.words
    app.button(key="chest_undo").click().run()
    assert "Findings" not in app.metrics


@pytest.mark.parametrize("kind", chest_inputs.KINDS[1:])
def test_phantoms_that_should_be_refused_reach_the_gate(
    kind: str, calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_as(monkeypatch, kind_of("limb"))
    app = opened()
    app.selectbox(key="chest_kind").set_value(kind).run()
    assert not app.exception
    assert "Not read." in app.words


@pytest.mark.parametrize(
    ("view", "said"), [("PA", "PA view"), ("AP", "AP film"), ("LL", "lateral"), ("RLO", "RLO")]
)
def test_view_of_the_file_decides(view: str, said: str, calls: Counter[str]) -> None:
    app = with_upload(("film", dicom(ViewPosition=view), "application/dicom"))
    assert not app.exception
    assert ("Findings" in app.metrics) == (view in ("PA", "AP"))
    if view in ("PA", "AP"):
        app.button_group(key="chest_more").set_value("Heart size").run()
    assert said in app.words


def test_broken_upload_is_one_sentence_and_the_page_lives_on(calls: Counter[str]) -> None:
    app = with_upload(BROKEN)
    assert not app.exception
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
    assert not app.exception
    assert app.metrics["Findings"] == "2 of 3"
    assert "could not be found on this film" in app.words
    for part in ("Heart size", "Explain", "Download", "Robustness"):
        app.button_group(key="chest_more").set_value(part).run()
        assert not app.exception


def test_batch_goes_on_past_a_broken_and_a_foreign_film(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = raster(pixels=np.tile(np.arange(64, dtype=np.uint8), (64, 1)))

    def seen(model: Any, image: Radiograph) -> FilmKind:
        return kind_of("limb") if image.shape == (64, 64) else kind_of()

    monkeypatch.setattr(recognise, "recognise", seen)
    app = opened()
    app.button_group(key="chest_mode").set_value("Many radiographs").run()
    assert "python -m models.score chest" in app.code[0].value
    files = [FILM, BROKEN, ("foot.png", foreign, "image/png")]
    app.file_uploader(key="chest_batch").set_value(files).run()
    assert not app.exception
    assert app.metrics["Films read"] == "1 of 3"
    table = app.dataframe[0].value.set_index("file")
    assert table.loc["film.png", "CTR"] == 0.5
    assert "another part of the limbs" in app.words
    before = dict(calls)
    app.slider(key="chest_level").set_value(20).run()
    assert calls == before
    app.button(key="chest_tile_0").click().run()
    assert app.metrics["Findings"] == "2 of 3"


def test_batch_turns_films_unless_it_is_told_not_to(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_as(monkeypatch, kind_of(orientation="turned left"))
    app = opened()
    app.button_group(key="chest_mode").set_value("Many radiographs").run()
    app.file_uploader(key="chest_batch").set_value([FILM]).run()
    assert app.metrics["Put right"] == "1"
    app.toggle(key="chest_batch_right").set_value(False).run()
    assert app.metrics["Films read"] == "0 of 1"


def test_experiments_open(calls: Counter[str]) -> None:
    app = opened()
    app.button_group(key="chest_mode").set_value("Experiments").run()
    assert not app.exception
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
    assert not app.exception
    assert "atelectasis, cardiomegaly, pneumonia" in app.words
    assert "mined from the radiologists' reports" in app.words
    number = next(i for i, row in enumerate(samples.samples("chest")) if row.truth["age"] == "12")
    app.selectbox(key="chest_sample").set_value(number).run()
    assert "(12 years, female):** no finding" in app.words
    app.button_group(key="chest_more").set_value("Heart size").run()
    assert "meant for adults; this person is 12 years old" in app.words


def test_samples_of_the_task_have_labels() -> None:
    rows = samples.samples("chest")
    assert len(rows) == 9
    assert all("findings" in row.truth and row.truth["view"] in ("PA", "AP") for row in rows)


def test_phantom_of_the_first_look_is_enlarged_and_spoiled_ones_have_no_masks() -> None:
    first = chest_inputs.Phantom()
    assert chest_inputs.made(first).truth["ctr"] > ctr.LIMIT
    turned = chest_inputs.made(replace(first, kind=chest_inputs.KINDS[1]))
    assert "masks" not in turned.truth
    assert turned.image.shape == chest_inputs.made(first).image.shape[::-1]


def test_change_of_nothing_keeps_the_pixels_and_rotation_turns_left() -> None:
    pixels = np.zeros((48, 64), np.float32)
    pixels[24, 50] = 1
    image = Radiograph(pixels, "dot")
    assert np.array_equal(chest_film.changed(image, chest_film.Change()).pixels, image.pixels)
    turned = chest_film.changed(image, chest_film.Change(rotation_deg=30)).pixels
    row, column = np.unravel_index(turned.argmax(), turned.shape)
    assert row < 24
    assert column < 50
    flat = chest_film.changed(image, chest_film.Change(contrast=0.5)).pixels
    assert flat.max() == pytest.approx(0.5, abs=0.01)


def test_bars_say_above_and_below_in_words() -> None:
    rows = [FindingRow("Effusion", 0.123, 0.1), FindingRow("Mass", 0.004, 0.02, "labelled")]
    figure = finding_bars(rows, "Mass")
    texts = next(one.text for one in figure.data if one.type == "scatter" and one.mode == "text")
    assert texts == ("<b>12%, above its 10%</b>", "0.4%, below its 2.0%, labelled")
    assert FindingRow("Hernia", 0.5, 0.1, judged=False).words == "50%, not judged"
    assert percent(0.0996) == "10%"


def test_outline_follows_the_mask() -> None:
    mask = np.zeros((48, 64), bool)
    mask[10:20, 30:50] = True
    (line,) = outlines(mask)
    assert line.min(axis=0).tolist() == [30.5, 10.5]
    assert line.max(axis=0).tolist() == [49.5, 19.5]
    assert outlines(np.zeros((8, 8), bool)) == []


def test_report_holds_its_pictures_escapes_titles_and_says_what_it_is_not() -> None:
    phantom = chest_phantom(1, heart_ratio=0.6, shape=(96, 104))
    ratio = ctr.measure(phantom.masks)
    grey = np.zeros(phantom.image.shape, np.uint8)
    drawn = chest_report.with_anatomy(grey, phantom.masks, ratio)
    assert drawn.shape[2] == 3
    assert drawn.any()
    page = chest_report.html(
        "<b>a film</b>",
        "known",
        [chest_report.ReportPicture(drawn, "anatomy")],
        [FindingRow("Effusion", 0.5, 0.1)],
        [{"asked": "CTR", "value": "0.600"}],
        ["A sentence."],
        ["A model."],
    ).decode()
    assert "<b>a film" not in page
    assert "data:image/png;base64," in page
    assert "not for diagnosis" in page
    assert "http" not in page


def test_label_map_comes_back_and_table_has_both_limits() -> None:
    masks = masks_of((48, 64))
    labels = chest_report.read_label_map(chest_report.label_map(masks))
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    assert np.array_equal(labels == 3, masks["heart"])
    text = chest_report.csv(
        [FindingRow("Effusion", 0.5, 0.1)], {"CTR": ctr.measure(masks)}
    ).decode()
    assert text.splitlines()[1].startswith("Effusion,0.5,0.1,True")
    assert text.splitlines()[2].startswith("CTR,0.5,0.5,False")


def test_downloads_are_made_without_a_session(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: dict[str, views.Download] = {}

    def kept(key: str, files: list[views.Download]) -> None:
        offered.update({file.label: file for file in files})

    monkeypatch.setattr(views, "downloads", kept)
    app = opened()
    app.button_group(key="chest_more").set_value("Download").run()
    assert not app.exception
    made = {label: in_a_thread(file.content) for label, file in offered.items()}
    assert b"not for diagnosis" in made["Report (HTML)"]
    assert made["Table (CSV)"].decode().splitlines()[-1].startswith('"CTR, network\'s lines",0.5')
    assert made["Heat map (PNG)"].startswith(b"\x89PNG")
    assert np.load(io.BytesIO(made["Heat map (NPY)"])).shape == (320, 352)
    assert chest_report.read_label_map(made["Masks (PNG)"]).max() == 3


def test_zip_of_a_batch_holds_table_masks_and_films(calls: Counter[str]) -> None:
    from models.score.chest import ChestReading
    from models.score.tasks import tasks
    from pages.shared.many_films import Batch, Film
    from pages.tasks.chest import many_films as chest_sets

    display = SimpleNamespace(level=0.5, width=1.0, invert=False)
    findings = Findings({"Effusion": 0.5}, {"Effusion": 0.1}, "stand-in", 128)
    outlines = masks_of((48, 64))
    reading = ChestReading(findings, {}, ctr.measure(outlines), "", None)
    good = Film("film.png", kept=reading, mask=chest_report.label_map(outlines))
    found = [good, Film("broken.png", "It is broken.")]
    added = SimpleNamespace(name=FILM[0], file_id="1", getvalue=lambda: FILM[1])
    batch = Batch("chest", tasks()["chest"], None, None)
    settings = SimpleNamespace(display=display, outlines=True)
    packed = in_a_thread(
        lambda: chest_sets._zip(batch, found, {"film.png": ("Effusion",)}, [added], settings)  # type: ignore[arg-type]
    )
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = ["films.csv", "masks/film.png.png", "overlays/film.png.png"]
        assert archive.namelist() == names
        lines = archive.read("films.csv").decode().splitlines()
        assert lines[1].startswith("film.png,0.5,Effusion,0.5")
        assert "It is broken." in lines[2]


def test_operating_points_say_what_they_cost() -> None:
    card = SimpleNamespace(
        labels=("Effusion", "Hernia"),
        operating_points={"Effusion": 0.2, "Hernia": 0.01},
        extra={
            "sensitivity": {"Effusion": 0.6, "Hernia": 0.0},
            "specificity": {"Effusion": 0.9, "Hernia": 0.7},
            "positives": {"Effusion": 80, "Hernia": 1},
        },
    )
    assert chest_reading.judged(card) == {"Effusion"}  # type: ignore[arg-type]
    assert chest_reading.false_calls(card) == pytest.approx(0.1)  # type: ignore[arg-type]
    first = chest_reading.operating_rows(card)[0]  # type: ignore[arg-type]
    assert first["called where labelled"] == "60%"
    assert first["called where not"] == "10%"


def test_finding_that_cannot_be_judged_is_last_and_not_called() -> None:
    found = Findings({"Effusion": 0.1, "Hernia": 0.9}, {"Effusion": 0.2, "Hernia": 0.01}, "m", 128)
    card = SimpleNamespace(labels=("Effusion", "Hernia"), extra={"positives": {"Hernia": 1}})
    rows = chest_reading.finding_rows(found, card)  # type: ignore[arg-type]
    assert [(row.name, row.above) for row in rows] == [("Effusion", False), ("Hernia", False)]
