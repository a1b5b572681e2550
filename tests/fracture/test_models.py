"""The fracture detector and classifier, on a stand-in network and on the shipped weights."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.datasets import read_fracture_cases
from core.detections import Boxes
from core.errors import UnreadableImageError, UnsuitableInputError, WeightsError
from core.images import FloatArray, Radiograph, digest_of
from core.metrics.detection import average_precision, match_image
from core.phantoms.limb.phantom import limb_phantom, random_limb
from core.stages import run_stages
from models.cards import load_card
from models.fracture import evaluate
from models.fracture.predict import Model, candidates, detect, load_model, steps
from models.fracture.preprocess import input_stages, letterbox, letterbox_geometry
from models.fracture.settings import detector_settings


def radiograph(shape_hw: tuple[int, int], bright_xyxy: tuple[int, int, int, int]) -> Radiograph:
    """A dark film with one bright box."""
    pixels = np.full(shape_hw, 0.1, np.float32)
    x0, y0, x1, y1 = bright_xyxy
    pixels[y0:y1, x0:x1] = 0.9
    return Radiograph(pixels, digest_of(pixels))


def bright_box(network_input: FloatArray) -> tuple[Boxes, FloatArray]:
    """Stands in for a network: every cell of its grid reports the bright region it lies in.

    Cells outside report a box turned inside out, as a real network may.
    """
    image = network_input[0, 0]
    rows, columns = np.nonzero(image > 0.8)
    region = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float32)
    boxes, scores = [], []
    for stride in (8, 16, 32):
        ys, xs = np.mgrid[0 : image.shape[0] // stride, 0 : image.shape[1] // stride]
        centre = np.stack([xs, ys], axis=-1).reshape(-1, 2) * stride + stride / 2
        inside = (centre >= region[:2]).all(1) & (centre <= region[2:]).all(1)
        boxes.append(np.where(inside[:, None], region, [9, 9, 3, 3]))
        scores.append(np.where(inside, 0.9 - stride / 100, 0.05))
    return np.concatenate(boxes).astype(np.float32), np.concatenate(scores).astype(np.float32)


STAND_IN = Model(forward=bright_box, long_sides_px=(320,))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(
    ("shape_hw", "box"),
    [
        ((300, 200), (40, 180, 100, 260)),
        ((200, 300), (40, 30, 120, 80)),
        ((97, 61), (9, 20, 40, 60)),
    ],
)
def test_boxes_lie_on_the_original_pixels(
    shape_hw: tuple[int, int], box: tuple[int, int, int, int], mirrored: bool
) -> None:
    model = replace(STAND_IN, mirrored=mirrored)
    found = detect(model, radiograph(shape_hw, box), threshold=0.5, iou=0.5)
    assert len(found) == 1
    np.testing.assert_allclose(found.boxes_xyxy[0], box, atol=2.0)


def test_second_scale_finds_the_same_box() -> None:
    image = radiograph((300, 200), (40, 180, 100, 260))
    model = replace(STAND_IN, long_sides_px=(320, 480))
    found = detect(model, image, threshold=0.5, iou=0.5)
    assert len(found) == 1


def test_detect_is_candidates_above_and_suppressed() -> None:
    image = radiograph((300, 200), (40, 180, 100, 260))
    direct = detect(STAND_IN, image, threshold=0.6, iou=0.4)
    cached = candidates(STAND_IN, image).above(0.6).suppressed(0.4)
    np.testing.assert_array_equal(direct.boxes_xyxy, cached.boxes_xyxy)
    np.testing.assert_array_equal(direct.scores, cached.scores)


def test_candidates_hold_overlapping_boxes_and_no_more_than_a_thousand() -> None:
    found = candidates(STAND_IN, radiograph((320, 310), (0, 0, 300, 310)))
    assert 1 < len(found) <= 1000
    assert found.scores.min() >= 0.001


def test_last_step_is_what_the_network_receives() -> None:
    seen: list[FloatArray] = []

    def spy(network_input: FloatArray) -> tuple[Boxes, FloatArray]:
        seen.append(network_input)
        return bright_box(network_input)

    image = radiograph((300, 200), (40, 180, 100, 260))
    model = Model(forward=spy, long_sides_px=(320,))
    candidates(model, image)
    np.testing.assert_array_equal(steps(model, image)[-1].image, seen[0][0, 0])


@pytest.mark.parametrize("shape_hw", [(48, 64), (64, 48), (500, 20), (1, 1)])
def test_letterbox_keeps_the_aspect_and_fills_the_grid(shape_hw: tuple[int, int]) -> None:
    pixels = np.ones(shape_hw, np.float32)
    scale, left, top, outer = letterbox_geometry(shape_hw, 160)
    boxed = letterbox(pixels, long_side_px=160)
    assert boxed.shape == outer
    assert all(side % 32 == 0 for side in outer)
    height, width = max(1, round(shape_hw[0] * scale)), max(1, round(shape_hw[1] * scale))
    assert boxed[top : top + height, left : left + width].min() == pytest.approx(1.0)
    assert boxed.sum() == pytest.approx(height * width)


def test_exposure_does_not_change_what_the_network_receives() -> None:
    image, _ = limb_phantom(random_limb(3))
    darker = image.pixels * np.float32(0.5) + np.float32(0.1)
    stages = input_stages(320)
    seen = run_stages(image.pixels, stages)[-1].image
    seen_darker = run_stages(darker, stages)[-1].image
    assert np.abs(seen - seen_darker).mean() < 0.01


def test_preprocessing_leaves_its_input_alone() -> None:
    image, _ = limb_phantom(random_limb(4))
    before = image.pixels.copy()
    run_stages(image.pixels, input_stages(320))
    np.testing.assert_array_equal(image.pixels, before)


def write_tables(folder: Path, *, optional_columns: bool = True) -> None:
    """A data set in this project's layout: one fractured and one normal phantom per split."""
    (folder / "images").mkdir(parents=True)
    images, boxes = [], []
    for number, (split, fractured) in enumerate(
        [("train", True), ("train", False), ("test", True), ("test", False)]
    ):
        film, truth = limb_phantom(replace(random_limb(number, fractured), shape=(300, 240)))
        file = f"IMG{number:07d}.png"
        cv2.imwrite(str(folder / "images" / file), np.rint(film.pixels * 255).astype(np.uint8))
        row = {"file": file, "split": split, "fractured": int(fractured)}
        if optional_columns:
            row |= {"orig_width": 240, "orig_height": 300 + 200 * number, "hand": 1, "leg": 0}
        images.append(row)
        boxes += [
            dict(zip(("file", "xmin", "ymin", "xmax", "ymax"), (file, *box), strict=True))
            for box in truth.tolist()
        ]
    for name, rows in (("images.csv", images), ("boxes.csv", boxes)):
        with (folder / name).open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)


def test_adapter_reads_this_projects_layout(tmp_path: Path) -> None:
    write_tables(tmp_path / "set")
    cases = read_fracture_cases(tmp_path / "set", "test")
    assert [case.fractured for case in cases] == [True, False]
    assert len(cases[0].boxes_xyxy) >= 1
    assert cases[1].boxes_xyxy.shape == (0, 4)
    assert cases[0].body_parts == ("hand",)
    assert cases[0].larger_original is True


def test_adapter_reads_fracatlas_as_published(tmp_path: Path) -> None:
    for kind in ("Fractured", "Non_fractured"):
        (tmp_path / "images" / kind).mkdir(parents=True)
    (tmp_path / "Annotations" / "YOLO").mkdir(parents=True)
    grey = np.zeros((100, 200), np.uint8)
    cv2.imwrite(str(tmp_path / "images/Fractured/IMG0000205.jpg"), grey)
    cv2.imwrite(str(tmp_path / "images/Non_fractured/IMG0000001.jpg"), grey)
    label = tmp_path / "Annotations/YOLO/IMG0000205.txt"
    label.write_text("0 0.5 0.25 0.1 0.2\n", encoding="ascii")
    (tmp_path / "dataset.csv").write_text(
        "image_id,hand,leg,fractured\nIMG0000205.jpg,0,1,1\nIMG0000001.jpg,1,0,0\n",
        encoding="utf-8",
    )
    broken, sound = read_fracture_cases(tmp_path)
    np.testing.assert_allclose(broken.boxes_xyxy, [[90, 15, 110, 35]], atol=1e-3)
    assert (broken.split, sound.split) == ("val", "train")
    assert (broken.body_parts, sound.fractured) == (("leg",), False)


def test_adapter_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UnsuitableInputError, match=r"images\.csv"):
        read_fracture_cases(tmp_path)
    write_tables(tmp_path / "set")
    with pytest.raises(UnsuitableInputError, match="test, train"):
        read_fracture_cases(tmp_path / "set", "holdout")
    (tmp_path / "set" / "boxes.csv").write_text("file,xmin\n", encoding="utf-8")
    with pytest.raises(UnsuitableInputError, match="lacks the column"):
        read_fracture_cases(tmp_path / "set")


def test_evaluation_reports_a_damaged_image(tmp_path: Path) -> None:
    write_tables(tmp_path / "set")
    (tmp_path / "set" / "images" / "IMG0000002.png").write_bytes(b"no image")
    with pytest.raises(UnreadableImageError, match="IMG0000002"):
        list(evaluate.data_set_cases(tmp_path / "set", "test"))


@pytest.mark.parametrize("optional_columns", [True, False])
def test_evaluate_writes_the_contract(tmp_path: Path, optional_columns: bool) -> None:
    write_tables(tmp_path / "set", optional_columns=optional_columns)
    out = tmp_path / "figures.json"
    evaluate.main(
        ["--data", str(tmp_path / "set"), "--split", "test", "--json", str(out), "--draws", "20"]
    )
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["n"] == 2
    for key in ("map50", "map50_95", "precision", "recall", "image_auroc"):
        assert key in found
        assert found[key] is None or 0 <= found[key] <= 1
    assert found["image_auroc_from"] in evaluate.SOURCES
    assert [case["file"] for case in found["cases"]] == ["IMG0000002.png", "IMG0000003.png"]


@pytest.mark.parametrize("name", ["detector", "classifier"])
def test_wrong_hash_is_found_before_the_file_is_opened(name: str) -> None:
    from models.fracture.classify import load_classifier

    card = replace(load_card("fracture", name), sha256="0" * 64)
    with pytest.raises(WeightsError, match="not opened"):
        (load_model if name == "detector" else load_classifier)(card)


def test_shipped_detector_finds_fractures_of_phantoms() -> None:
    card = load_card("fracture", "detector")
    model = load_model(card)
    matched = []
    for seed in range(500, 510):
        image, truth = limb_phantom(random_limb(seed, fractured=seed % 2 == 0))
        found = candidates(model, image).suppressed(detector_settings(card).iou)
        matched.append(match_image(found, truth, (0.5,)))
    assert average_precision(matched)[0] > 0.5


FRACATLAS = Path(__file__).parents[2] / ".." / "shared" / "data" / "fracture"


def films() -> list[Radiograph]:
    """20 phantoms, and 4 real films where the data set is present."""
    found = [limb_phantom(random_limb(seed, fractured=seed % 2 == 0))[0] for seed in range(20)]
    if FRACATLAS.is_dir():
        for case in read_fracture_cases(FRACATLAS, "val")[:40:10]:
            pixels = evaluate.read_grey(case.path).astype(np.float32) / np.float32(255)
            found.append(Radiograph(pixels, digest_of(pixels)))
    return found


def unit(heat: FloatArray) -> FloatArray:
    """A map on the scale [0, 1], as grad-cam does it."""
    low = heat - heat.min()
    return low / (1e-7 + low.max())


def test_one_file_answers_and_fills_the_framework_with_the_same_result() -> None:
    import torch
    from pytorch_grad_cam import HiResCAM

    from models.fracture.classify import EVIDENCE, LOGIT, load_classifier
    from models.fracture.explain import torch_network

    card = load_card("fracture", "classifier")
    shipped, network = load_classifier(card).network, torch_network(card)
    offset = network.head[1].bias.item()
    with HiResCAM(model=network, target_layers=[network.features.layers[-1]]) as cam:
        for number, image in enumerate(films()):
            seen = run_stages(image.pixels, input_stages(448))[-1].image[None, None]
            logit, evidence = shipped(seen, only=(LOGIT, EVIDENCE))
            with torch.inference_mode():
                expected = network(torch.from_numpy(seen)).numpy()
            np.testing.assert_allclose(logit, expected, atol=1e-4)
            assert evidence.sum() == pytest.approx(logit[0, 0] - offset, abs=1e-3)
            if number % 4 == 0:
                # grad-cam scales its map before and after it makes it as large as the film.
                known = cam(input_tensor=torch.from_numpy(seen), targets=[lambda out: out[0]])[0]
                mine = unit(cv2.resize(unit(np.maximum(evidence[0], 0)), seen.shape[:1:-1]))
                np.testing.assert_allclose(mine, known, atol=1e-4)


def test_heat_map_of_a_phantom_lies_on_its_fracture() -> None:
    from core.metrics.heat_maps import boxes_region, score
    from models.fracture.classify import classify, load_classifier

    model = load_classifier(load_card("fracture", "classifier"))
    lifts = []
    for seed in range(0, 16, 2):
        image, boxes = limb_phantom(random_limb(seed, fractured=True))
        answer = classify(model, image)
        assert answer.heat_map.shape == image.shape
        assert (answer.heat_map.min(), answer.heat_map.max()) == (0, 1)
        lifts.append(score(answer.heat_map, boxes_region(boxes.tolist(), image.shape)).lift)
    assert np.median(lifts) > 3


@pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0)])
def test_a_hot_cell_stays_in_its_corner_of_the_film(corner: tuple[int, int]) -> None:
    from models.fracture.classify import on_film

    evidence = np.zeros((28, 20), np.float32)  # a film of 300 × 200 px in 448 × 320
    evidence[corner] = 2
    evidence[14, 10] = -5
    heat = on_film(evidence, (300, 200), (448, 320), 448)
    y, x = np.unravel_index(heat.argmax(), heat.shape)
    assert abs(y - (299 if corner[0] else 0)) < 15
    assert abs(x - (199 if corner[1] else 0)) < 15
    assert heat[150, 100] == 0
