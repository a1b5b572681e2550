"""A person's own model on every page that offers models: added, answering, and said unmeasured."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.own import keep
from models.own.convert import RISK
from models.own.roles import NOT_MEASURED, ROLES
from models.worker import Worker
from tests.own.conftest import card, guessed, kept
from tests.page_runner import PageTest, opened, page

HEAD = "skull_strip"


def ready(test: PageTest) -> bool:
    """Whether the head's run is over."""
    return any("Brain" in metric.label for metric in test.metric)


def opened_on(model: object, **state: object) -> PageTest:
    """The page of a model's task with the model chosen."""
    test = page(model.task)  # type: ignore[attr-defined]
    test.session_state[ROLES[model.role].choice] = model.name  # type: ignore[attr-defined]
    for key, value in state.items():
        test.session_state[key] = value
    test.run()
    return test


def test_file_is_uploaded_tried_out_kept_and_listed(made: Path) -> None:
    test = opened("your_models")
    assert "models" in test.words and "No file" not in test.words
    test.selectbox(key="your_models_role").set_value("findings").run()
    source = made / "small.onnx"
    upload = ("small.onnx", source.read_bytes(), "application/octet-stream")
    test.file_uploader(key="your_models_upload").set_value(upload).run()
    assert "The file names no labels" in test.words and "move from image to image" in test.words
    area = test.text_area[0]
    area.set_value("Effusion, Cardiomegaly").run()
    assert "gives 3 outputs, but 2 different labels" in test.error[0].value
    test.text_area[0].set_value("Effusion, Cardiomegaly, Mass").run()
    test.text_input[0].set_value("From the north").run()
    test.button(key="your_models_keep").click().run()
    assert "Kept as “From the north”" in test.success[0].value
    (mine,), problems = keep.all_cards()
    assert mine.labels == ("Effusion", "Cardiomegaly", "Mass") and not problems
    test.button_group(key="your_models_mode").set_value("Kept models").run()
    assert "From the north" in test.words and "No measured figures" in test.words
    test.button(key="your_models_remove_chest_from_the_north").click().run()
    assert keep.all_cards() == ([], [])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("renamed.onnx", "holds no network"), ("no_image.onnx", "Needed is an input of 4 axes")],
)
def test_file_that_is_no_network_leaves_a_sentence(made: Path, name: str, sentence: str) -> None:
    test = opened("your_models")
    upload = (name, (made / name).read_bytes(), "application/octet-stream")
    test.file_uploader(key="your_models_upload").set_value(upload).run()
    assert sentence in test.error[0].value and "draft-" not in test.error[0].value


def test_pickle_is_converted_only_after_the_person_trusts_it(made: Path) -> None:
    test = opened("your_models")
    upload = ("yolo.pt", (made / "yolo.pt").read_bytes(), "application/octet-stream")
    test.file_uploader(key="your_models_upload").set_value(upload).run()
    assert RISK in test.checkbox[0].label
    next(one for one in test.button if one.label == "Convert to ONNX").click().run()
    assert "confirm that you trust" in test.error[0].value


def test_own_detector_and_classifier_answer_on_the_fracture_page(made: Path) -> None:
    finder = kept(made / "detector.onnx", "detector", "My boxes")
    second = kept(made / "mobilenet.onnx", "classifier", "My opinion")
    test = opened_on(finder, fracture_classifier=second.name)
    assert test.words.count(NOT_MEASURED) >= 4  # in the sidebar and under the answer, twice
    assert test.metrics["Together"] and "not calibrated" in {one.delta for one in test.metric}
    test.more("Explain")
    assert "Occlusion" in test.words
    test.more("Model card")
    assert "not said" in test.words


def test_own_classifier_answers_on_the_chest_page(made: Path) -> None:
    mine = kept(made / "mobilenet.onnx", "findings")
    test = opened_on(mine)
    assert NOT_MEASURED in test.words and "nothing calibrated it" in test.words
    test.more("Explain")
    assert "Each cell was hidden" in test.words


def test_own_regressor_answers_on_the_bone_age_page(made: Path, worker: Worker) -> None:
    file, told = guessed(made / "age.keras", "age", worker)
    mine = keep.keep(card(file, told, "age"), file.path)
    test = opened_on(mine)
    assert NOT_MEASURED in test.words
    assert test.metrics["90 % interval"] == "not measured"
    assert "inside the interval" not in test.words and "outside the interval" not in test.words


def test_own_segmenter_answers_on_the_page_of_the_head(made: Path) -> None:
    mine = kept(made / "labels.onnx", "brain")
    test = opened_on(mine).until(ready)
    assert NOT_MEASURED in test.words


def test_evaluation_and_practice_name_an_own_model(made: Path) -> None:
    mine = kept(made / "detector.onnx", "detector", "My boxes")
    assert "**My boxes**: no measured figures" in opened("evaluation").words
    test = page("practice")
    test.session_state["practice_model_fracture"] = mine.name
    test.run()
    assert NOT_MEASURED in test.words
