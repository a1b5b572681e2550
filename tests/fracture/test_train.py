"""Training views keep their boxes in place, and a stopped run goes on where it stopped."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.datasets import FractureCase, read_grey, read_outlines
from core.detections import Boxes
from core.images import FloatArray, Radiograph, digest_of
from models.cards import load_card, verified_weights
from models.fracture.augment import Sample, Strength, training_view
from models.fracture.predict import Forward, Model, proposals
from models.fracture.train import hard_normals

SHAPE = (96, 64)


def spot(position_xy: tuple[int, int]) -> Sample:
    """A film with one bright square, which its box surrounds."""
    grey = np.full((120, 80), 20, np.uint8)
    x, y = position_xy
    grey[y : y + 14, x : x + 14] = 250
    return Sample(grey, np.array([[x, y, x + 14, y + 14]], np.float32))


NORMAL = Sample(np.full((80, 120), 20, np.uint8), np.zeros((0, 4), np.float32))
GENTLE = Strength(long_side_px=96, scale=(0.9, 1.1), shear=0.0)


@pytest.mark.parametrize("seed", range(12))
def test_box_follows_the_fracture_through_a_view(seed: int) -> None:
    rng = np.random.default_rng(seed)
    view, boxes = training_view(spot((30, 50)), None, SHAPE, GENTLE, rng)
    assert view.shape == SHAPE
    assert view.dtype == np.float32
    (x0, y0, x1, y1) = boxes[0].round().astype(int)
    middle = view[(y0 + y1) // 2 - 1 : (y0 + y1) // 2 + 2, (x0 + x1) // 2 - 1 : (x0 + x1) // 2 + 2]
    assert middle.mean() > view.mean() + 0.2


def test_same_seed_makes_the_same_view() -> None:
    first, second = (
        training_view(spot((30, 50)), NORMAL, SHAPE, Strength(), np.random.default_rng(4))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_normal_image_has_no_box() -> None:
    _, boxes = training_view(NORMAL, None, SHAPE, Strength(), np.random.default_rng(0))
    assert boxes.shape == (0, 4)


@pytest.mark.parametrize("seed", range(6))
def test_box_of_an_outline_is_as_tight_after_a_turn(seed: int) -> None:
    """A thin oblique line: turned upright its box is narrow, which its old box does not know."""
    grey = np.full((120, 80), 20, np.uint8)
    line = np.array([[20.0, 40.0], [60.0, 80.0], [61.0, 80.0], [21.0, 40.0]])
    for x in range(20, 61):
        grey[x + 20, x : x + 2] = 250
    strong = Strength(long_side_px=96, scale=(0.9, 1.1), rotation_deg=45.0, quarter_turn=0.0)
    sample = Sample(grey, np.array([[20, 40, 61, 80]], np.float32), (line,))
    view, boxes = training_view(sample, None, SHAPE, strong, np.random.default_rng(seed))
    rows, columns = np.nonzero(view > (view.max() + np.median(view)) / 2)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(boxes[0], found, atol=3)


def test_outlines_are_read_where_each_object_has_one(tmp_path: Path) -> None:
    assert read_outlines(tmp_path) == {}
    images = [{"id": i, "file_name": f"{i}.jpg"} for i in (1, 2)]
    one = [[1, 2, 5, 2, 5, 9]]
    annotations = [
        {"image_id": 1, "segmentation": one},
        {"image_id": 2, "segmentation": one},
        {"image_id": 2, "segmentation": one * 2},
    ]
    text = json.dumps({"images": images, "annotations": annotations})
    (tmp_path / "annotations_coco.json").write_text(text, encoding="utf-8")
    found = read_outlines(tmp_path)
    assert list(found) == ["1.jpg"]
    np.testing.assert_array_equal(found["1.jpg"][0], [[1, 2], [5, 2], [5, 9]])


def test_hard_normals_are_those_with_a_box_of_a_score(tmp_path: Path) -> None:
    cases = []
    for number, brightness in enumerate((40, 200, 120)):
        path = tmp_path / f"{number}.png"
        grey = np.full((64, 48), brightness, np.uint8)
        grey[:8], grey[-8:] = 0, 255
        path.write_bytes(cv2.imencode(".png", grey)[1].tobytes())
        cases.append(FractureCase(path.name, path, "train", np.zeros((0, 4), np.float32), False))

    def middle(inputs: FloatArray) -> tuple[Boxes, FloatArray]:
        height, width = inputs.shape[2:]
        box = np.array([[0, 0, width / 2, height / 2]], np.float32)
        return box, inputs[0, 0, height // 2, width // 2 :][:1]

    dark, *bright = [middle_score(middle, case) for case in cases]
    assert dark < min(bright)
    assert hard_normals(middle, cases, min(bright)) == ["1.png", "2.png"]


def middle_score(forward: Forward, case: FractureCase) -> float:
    pixels = read_grey(case.path).astype(np.float32) / np.float32(255)
    found = proposals(Model(forward=forward), Radiograph(pixels, digest_of(pixels)))
    return float(found.scores[0])


def test_an_epoch_takes_hard_normals_beside_the_others() -> None:
    from models.fracture.train import Plan, _epoch_samples, _epoch_size

    hard = replace(NORMAL)
    pools = {"fractured": [spot((30, 50))] * 2, "normal": [NORMAL] * 4, "hard": [hard] * 3}
    plan = Plan(normals=2, hard=5)
    chosen = _epoch_samples(pools, plan, 0, np.random.default_rng(0))
    assert len(chosen) == _epoch_size(pools, plan) == 2 + 2 + 3
    assert sum(one is hard for one in chosen) == 3


def test_file_that_answers_fills_the_network_that_learns() -> None:
    """The same answers; and norms that know their inputs, so that learning begins from there."""
    import torch

    from models.fracture import network as networks
    from models.fracture.predict import onnx_forward, torch_forward
    from models.onnx_runtime import open_file

    path = verified_weights(load_card("fracture", "detector"))
    network = networks.build("yolo26n")
    networks.start_from_answering(network, path)
    rng = np.random.default_rng(0)
    batch = torch.from_numpy(rng.random((4, 1, 96, 64), dtype=np.float32))
    networks.measure_norms(network, [batch])
    one = batch[:1].numpy()
    boxes, scores = onnx_forward(open_file(path))(one)
    found_boxes, found_scores = torch_forward(network.eval())(one)
    np.testing.assert_allclose(found_boxes, boxes, atol=0.05)
    np.testing.assert_allclose(found_scores, scores, atol=1e-4)

    first = next(m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))
    seen: list[torch.Tensor] = []
    first.register_forward_hook(lambda norm, inputs, output: seen.append(output.detach()))
    with torch.no_grad():
        network(batch)
        network.train()
        network(batch)
    np.testing.assert_allclose(seen[1], seen[0], atol=0.02)


def test_stopped_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    import torch

    from models.fracture import network as networks
    from models.fracture.train import Plan, train

    torch.manual_seed(0)
    training = {"fractured": [spot((10 * i, 20 * i)) for i in range(1, 5)], "normal": [NORMAL]}
    plan = Plan(epochs=1, normals=0, batch=2, shape_hw=(96, 64))
    network = networks.build("yolo26n")
    before = {name: t.clone() for name, t in network.state_dict().items()}
    train(network, training, [], tmp_path, plan)
    assert any(not torch.equal(before[n], t) for n, t in network.state_dict().items())

    checkpoint = train(networks.build("yolo26n"), training, [], tmp_path, replace(plan, epochs=2))
    with (tmp_path / "curves.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(np.isfinite(float(row["loss"])) for row in rows)
    saved = torch.load(checkpoint, weights_only=True)
    assert (saved["epoch"], saved["updates"]) == (2, 4)


def test_export_gives_the_boxes_of_the_network(tmp_path: Path) -> None:
    import torch

    from models.fracture import network as networks
    from models.fracture.export import export
    from models.fracture.predict import onnx_forward, torch_forward
    from models.onnx_runtime import open_file

    torch.manual_seed(0)
    network = networks.build("yolo26n").eval()
    grey = np.random.default_rng(0).random((1, 1, 96, 64), dtype=np.float32)
    boxes, scores = torch_forward(network)(grey)
    export(network, tmp_path / "detector.onnx")
    exported_boxes, exported_scores = onnx_forward(open_file(tmp_path / "detector.onnx"))(grey)
    np.testing.assert_allclose(exported_boxes, boxes, atol=0.5)
    np.testing.assert_allclose(exported_scores, scores, atol=0.005)
    np.testing.assert_array_equal(torch_forward(network)(grey)[0], boxes)  # left as it was


def test_stopped_classifier_training_goes_on(tmp_path: Path) -> None:
    import torch

    from models.fracture.classifier_network import YoloClassifier
    from models.fracture.train_classifier import ClassifierPlan, train_classifier

    training = {"fractured": [spot((30, 50))] * 2, "normal": [NORMAL] * 2}
    plan = ClassifierPlan(epochs=1, batch=4, long_side_px=96, shape_hw=(96, 64))
    train_classifier(YoloClassifier(), training, [], tmp_path, plan)
    longer = replace(plan, epochs=2)
    checkpoint = train_classifier(YoloClassifier(), training, [], tmp_path, longer)
    saved = torch.load(checkpoint, weights_only=True)
    assert (saved["epoch"], saved["updates"]) == (2, 2)
