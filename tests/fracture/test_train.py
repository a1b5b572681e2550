"""Training views keep their boxes in place, and a stopped run goes on where it stopped."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.fracture.augment import Sample, Strength, training_view

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


def test_vgg16_experiment_keeps_its_curves(tmp_path: Path) -> None:
    from models.fracture.train_vgg16 import COLUMNS, PLAIN, run_experiment

    samples = {"fractured": [spot((20, 20))] * 2, "normal": [NORMAL] * 3}
    path = run_experiment(
        samples, samples, tmp_path, seed=0, side_px=32, epochs=2, variants=(PLAIN,)
    )
    with path.open(encoding="utf-8") as handle:
        rows = list(csv.reader(handle))
    assert tuple(rows[0]) == COLUMNS
    assert [row[:2] for row in rows[1:]] == [["plain", "1"], ["plain", "2"]]


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
