"""A person's own models: guessed, converted, tried out, kept, and refused with a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from core.errors import ImagingError
from core.phantoms.limb.phantom import limb_phantom, random_limb
from models.cards import cards_of, load_card, own_files, own_folder
from models.fracture import classify, predict
from models.onnx_runtime import open_network
from models.own import keep, network_file
from models.own.adapter import occluded
from models.own.boxes import decode
from models.own.guess import guess
from models.own.network_file import look
from models.own.reads import CLASSES, FINAL, LOGITS, OBJECTNESS, PROBABILITIES, Reads
from models.own.roles import card_of
from models.own.try_out import try_out
from models.score.tasks import task_with
from models.worker import Worker
from tests.own.conftest import CONVERT, card, guessed, kept
from tests.own.made import bomb


def test_torchvision_classifier_exported_to_onnx_is_guessed_and_tried_out(made: Path) -> None:
    file, told = guessed(made / "mobilenet.onnx", "findings")
    assert told.reads.shape == (96, 96) and told.reads.outputs == 3
    assert told.reads.answer == LOGITS and told.reads.mean == (0.485, 0.456, 0.406)
    assert not told.is_named
    found = try_out(card(file, told, "findings"))
    seen = found.seen[0]
    assert seen.received.shape == (3, 96, 96)
    assert seen.low == pytest.approx(-0.485 / 0.229, abs=0.02)  # black, through mean and scale
    assert set(seen.answers) == {"output 1", "output 2", "output 3"}
    assert not any("do not move" in one for one in found.warnings)


def test_state_dict_answers_as_the_network_it_came_from(made: Path, worker: Worker) -> None:
    given = {"architecture": "mobilenet_v3_small", "side": 96}
    file, _ = guessed(made / "mobilenet.pth", "findings", worker, **given)
    image = np.random.default_rng(0).random((1, 3, 96, 96)).astype(np.float32)
    ours, theirs = (
        onnxruntime.InferenceSession(str(path)).run(None, {"image": image})[0]
        for path in (file.path, made / "mobilenet.onnx")
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
    with pytest.raises(ImagingError, match="not those of torchvision's resnet18"):
        worker.call(CONVERT, made / "mobilenet.pth", file.path, "findings", "resnet18", 96, False)
    with pytest.raises(ImagingError, match="choose which network"):
        worker.call(CONVERT, made / "mobilenet.pth", file.path, "findings", "", 96, False)


def test_keras_file_with_a_nested_network_tells_an_age(made: Path, worker: Worker) -> None:
    file, told = guessed(made / "age.keras", "age", worker)
    assert (told.reads.shape, told.reads.channels_last) == ((64, 48), True)
    assert told.reads.sex == "boy is 1"
    years = replace(told, reads=replace(told.reads, factor=12.0, offset=6.0))
    ages = [try_out(card(file, one, "age")).seen[0].answers["months"] for one in (told, years)]
    assert ages[1] == pytest.approx(12 * ages[0] + 6, rel=1e-4)


def test_three_class_segmenter_marks_the_labels_that_count(made: Path) -> None:
    file, told = guessed(made / "labels.onnx", "brain")
    assert told.reads.outputs == 3 and told.reads.exclusive
    head = np.random.default_rng(0).normal(size=(1, 1, 40, 48, 32)).astype(np.float32)
    parts = []
    for counted in ((0,), (1,), (2,), (1, 2)):
        draft = card(file, replace(told, reads=replace(told.reads, counted=counted)), "brain")
        (found,) = open_network(draft)(head)
        assert found.shape == head.shape  # on the grid that came in, not on the network's
        parts.append(found)
    np.testing.assert_allclose(sum(parts[:3]), 1, atol=1e-4)
    np.testing.assert_allclose(parts[1] + parts[2], parts[3], atol=1e-4)


def test_ultralytics_file_is_opened_only_when_trusted(made: Path, worker: Worker) -> None:
    with pytest.raises(ImagingError, match="confirm that you trust its origin") as err:
        guessed(made / "yolo.pt", "detector", worker)
    assert "read, change or delete the files" in str(err.value)
    file, told = guessed(made / "yolo.pt", "detector", worker, side=160, trusted=True)
    assert told.is_named and told.reads.outputs == len(told.labels) == 80
    assert told.reads.shape == (160, 160) and told.reads.answer == CLASSES
    model = keep.keep(card(file, told, "detector"), file.path)
    image, _ = limb_phantom(random_limb(3, fractured=True))
    loaded = predict.load_model(model)
    assert predict.steps(loaded, image)[-1].image.shape == (160, 160)
    assert predict.candidates(loaded, image).boxes_xyxy.shape[1] == 4
    assert sorted(path.name for path in made.glob("yolo*")) == ["yolo.pt"]


@pytest.mark.parametrize("name", ["bomb.pt", "bomb.pth"])
def test_pickle_that_would_write_a_file_is_not_opened(
    name: str, tmp_path: Path, worker: Worker
) -> None:
    harm = tmp_path / "written"
    source = bomb(tmp_path / name, harm)
    for role in ("detector", "findings"):
        with pytest.raises(ImagingError, match="It was not opened"):
            worker.call(CONVERT, source, tmp_path / "out.onnx", role, "resnet18", 0, False)
    assert not harm.exists()
    with pytest.raises(ImagingError):  # the bomb is one: trusted, it goes off
        worker.call(CONVERT, source, tmp_path / "out.onnx", "findings", "resnet18", 0, True)
    assert harm.exists()


@pytest.mark.parametrize(
    ("name", "role", "sentence"),
    [
        ("renamed.onnx", "findings", "holds no network that can be opened"),
        ("cut_short.onnx", "findings", "cut short or damaged"),
        ("empty.onnx", "findings", "is empty"),
        ("no_image.onnx", "findings", "Needed is an input of 4 axes"),
        ("mobilenet.onnx", "brain", "Needed is an input of 5 axes"),
        ("labels.onnx", "classifier", "Needed is an input of 4 axes"),
        ("small.onnx", "detector", "expected are 1 × boxes"),
        ("small.onnx", "age", "needed is one number, the age"),
        ("not_finite.onnx", "findings", "not finite"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(made: Path, name: str, role: str, sentence: str) -> None:
    with pytest.raises(ImagingError, match=sentence):
        file, told = guessed(made / name, role)
        try_out(card(file, told, role))


@pytest.mark.parametrize("name", ["renamed.keras", "renamed.pt"])
def test_renamed_text_is_said_by_the_converter(made: Path, name: str, worker: Worker) -> None:
    with pytest.raises(ImagingError, match="it was renamed, cut short or damaged"):
        guessed(made / name, "findings", worker)


def test_file_over_one_gigabyte_is_refused_unread(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_file, "MOST_BYTES", 1000)
    with pytest.raises(ImagingError, match="at most 1 GB"):
        look(made / "mobilenet.onnx")


def test_answers_that_do_not_move_are_warned_of(made: Path) -> None:
    file, told = guessed(made / "still.onnx", "findings")
    warnings = try_out(card(file, told, "findings")).warnings
    assert any("answers do not move" in one for one in warnings)


def test_numbers_far_too_large_are_warned_of(made: Path) -> None:
    file, told = guessed(made / "small.onnx", "findings")
    wrong = replace(told, reads=replace(told.reads, scale=(1e-4,)))
    warnings = " ".join(try_out(card(file, wrong, "findings")).warnings)
    assert "Every answer is 0 or 1" in warnings and "more than networks" in warnings


def test_kept_model_is_offered_scored_and_removed(made: Path) -> None:
    mine = kept(made / "mobilenet.onnx", "classifier", "Kept, by É. Student")
    assert mine.name == "kept_by_e_student" and mine.is_own and not mine.metrics
    assert cards_of("fracture", "classifier", ("classifier",))[-1] == mine
    assert load_card("fracture", mine.name) == mine
    assert "measured nothing" in mine.limitations[0]
    task = task_with("fracture", [mine.name])
    assert task.cards[:2] == (("fracture", "detector"), ("fracture", mine.name))
    with pytest.raises(ImagingError, match="no model “other” for fracture"):
        task_with("fracture", ["other"])
    with pytest.raises(ImagingError, match="for one place"):
        task_with("fracture", [mine.name, "classifier"])
    with pytest.raises(ImagingError, match="choose another name"):
        kept(made / "mobilenet.onnx", "classifier", "Kept by E Student")
    keep.remove(mine)
    assert mine not in cards_of("fracture", "classifier")
    assert not (own_files() / mine.file).exists()


def test_kept_classifier_answers_with_a_map_that_needs_no_gradients(made: Path) -> None:
    image, _ = limb_phantom(random_limb(3, fractured=True))
    model = classify.load_classifier(kept(made / "mobilenet.onnx", "classifier"))
    found = classify.classify(model, image)
    assert found.probability == pytest.approx(classify.probability(model, image))
    assert found.heat_map.shape == image.shape and found.method.startswith("Occlusion")


def test_two_ways_to_read_a_file_have_two_hashes_and_the_file_tells_them(made: Path) -> None:
    file, told = guessed(made / "small.onnx", "findings")
    one = keep.keep(card(file, told, "findings", "One"), file.path)
    other = replace(told, reads=replace(told.reads, top=255.0))
    two = keep.keep(card(file, other, "findings", "Two"), file.path)
    assert one.sha256 != two.sha256
    noted = look(own_files() / two.file).noted
    assert noted["reads"] == json.loads(json.dumps(dict(two.reads)))
    again = guess(look(own_files() / two.file), "findings")
    assert again.reads == replace(other.reads, names=told.labels) and again.labels == told.labels


def test_kept_detector_brought_again_has_all_its_classes(made: Path) -> None:
    mine = kept(made / "detector.onnx", "detector")
    again = guess(look(own_files() / mine.file), "detector")
    assert again.labels == ("class 1", "class 2") and mine.labels == ("fracture",)


def test_changed_file_is_found_before_it_is_opened(made: Path) -> None:
    mine = kept(made / "small.onnx", "findings")
    path = own_files() / mine.file
    path.write_bytes(path.read_bytes() + b"\x00")
    with pytest.raises(ImagingError, match="Add the model again"):
        open_network(mine)
    path.unlink()
    with pytest.raises(ImagingError, match="is missing from"):
        open_network(mine)


def test_card_that_cannot_be_read_is_said_and_disturbs_no_page(made: Path) -> None:
    mine = kept(made / "small.onnx", "findings")
    (own_folder() / "chest" / "broken.toml").write_text("title = ")
    cards, problems = keep.all_cards()
    assert cards == [mine] and "broken.toml" in problems[0]
    assert cards_of("chest", "findings")[-1] == mine


def test_files_copied_into_the_folder_wait_there(made: Path) -> None:
    own_folder().mkdir(parents=True)
    (own_folder() / "copied.onnx").write_bytes((made / "small.onnx").read_bytes())
    (own_folder() / "notes.txt").write_text("no network")
    assert [path.name for path in keep.waiting()] == ["copied.onnx"]


ROW = [10.0, 20.0, 4.0, 8.0]  # centre, width, height: corners 8, 16, 12, 24


@pytest.mark.parametrize(
    ("answer", "outputs", "counted", "row", "score"),
    [
        (CLASSES, 3, (0, 1, 2), [*ROW, 0.1, 0.7, 0.2], 0.7),
        (CLASSES, 3, (0, 2), [*ROW, 0.1, 0.7, 0.2], 0.2),
        (OBJECTNESS, 2, (0, 1), [*ROW, 0.5, 0.8, 0.6], 0.4),
        (FINAL, 80, (5,), [8.0, 16.0, 12.0, 24.0, 0.9, 5.0], 0.9),
        (FINAL, 80, (4,), [8.0, 16.0, 12.0, 24.0, 0.9, 5.0], 0.0),
    ],
)
def test_rows_of_detectors_become_corners_and_a_score(
    answer: str, outputs: int, counted: tuple, row: list, score: float
) -> None:
    reads = Reads((64, 64), answer=answer, outputs=outputs, counted=counted)
    rows = np.tile(np.array(row, np.float32), (1, 50, 1))
    for raw in (rows, rows.swapaxes(1, 2)):
        found = decode(raw, reads)
        np.testing.assert_allclose(found[0, 7], [8, 16, 12, 24, score], rtol=1e-6)
    unit = replace(reads, unit_boxes=True, shape=(32, 64))
    assert decode(rows, unit)[0, 0, :4] == pytest.approx([8 * 64, 16 * 32, 12 * 64, 24 * 32])


def test_occlusion_is_hot_where_the_answer_comes_from() -> None:
    films = np.full((1, 1, 48, 64), 0.2, np.float32)
    films[..., 6:12, 40:48] = 1.0  # one cell of 8 × 8

    def brightest(seen: np.ndarray) -> np.ndarray:
        return seen.max(axis=(1, 2, 3))[:, None]

    found = occluded(brightest, films)[0, 0]
    assert np.unravel_index(found.argmax(), found.shape) == (1, 5)
    assert np.count_nonzero(found) == 1


def test_mean_and_scale_act_by_channel_in_the_order_of_the_network(tmp_path: Path) -> None:
    taken, given = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 4, 4]) for name in ("x", "y")
    )
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [taken], [given])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    own_files().mkdir(parents=True)
    path = own_files() / "identity.onnx"
    path.write_bytes(model.SerializeToString())
    reads = Reads((4, 4), top=255.0, mean=(1.0, 2.0, 3.0), scale=(1.0, 1.0, 2.0), blue_first=True,
                  answer=PROBABILITIES)  # fmt: skip
    file = look(path)
    draft = card_of("classifier", path.name, file.sha256, reads, ["a"], title="x")
    white = open_network(draft).received(np.ones((1, 1, 4, 4), np.float32))  # type: ignore[attr-defined]
    assert white[0, :, 0, 0].tolist() == [126.0, 253.0, 254.0]
