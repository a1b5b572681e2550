"""Cases opened from phantoms and folders, and answers judged by their truth."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.chest import ctr
from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.images import Volume
from core.practice import cases, phantoms
from core.practice.answers import (
    BoneAgeAnswer,
    ChestAnswer,
    FractureAnswer,
    HeadAnswer,
    answer_from_mapping,
    answer_mapping,
)
from core.practice.cases import (
    open_case,
    samples_on_this_computer,
)
from core.practice.folders import draw_from_folder, list_folder
from core.practice.head import degraded
from core.practice.judging import judge
from core.practice.series import TASKS
from core.practice.sources import FolderSource, PhantomSource, SampleSource
from core.practice.truths import (
    BoneAgeTruth,
    ChestTruth,
    FractureTruth,
    truth_from_mapping,
    truth_mapping,
)
from tests.practice.readers import answer_of, truth_of


@pytest.mark.parametrize("abnormal", [False, True])
def test_fracture_phantom_is_what_its_seed_says(abnormal: bool) -> None:
    options = {"kind": "hand", "fracture": "displaced"}
    (source,) = phantoms.draw_phantoms(
        "fracture", 1, seed=4, prevalence=float(abnormal), options=options
    )
    case = open_case("fracture", source)
    assert isinstance(case.truth, FractureTruth) and case.truth.abnormal == abnormal
    height, width = case.film.shape
    for x0, y0, x1, y1 in case.truth.boxes_xyxy:
        assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
    # What the screen may show before the answer tells nothing.
    assert case.image.title == f"case {case.key[:4]}"
    assert open_case("fracture", source).image.digest == case.image.digest
    assert "hand" in phantoms.limb(source).kind


def test_hand_phantom_tells_the_sex_and_hides_the_age() -> None:
    case = open_case("bone_age", PhantomSource(11, (("sex", "M"),)))
    assert isinstance(case.truth, BoneAgeTruth)
    assert case.sex == case.truth.sex == "M"
    assert 12 <= case.truth.months <= 240


@pytest.mark.parametrize("abnormal", [False, True])
def test_chest_phantom_has_findings_and_lines(abnormal: bool) -> None:
    (source,) = phantoms.draw_phantoms(
        "chest", 1, seed=2, prevalence=float(abnormal), options={"finding": "Effusion"}
    )
    case = open_case("chest", source)
    truth = case.truth
    assert isinstance(truth, ChestTruth)
    assert truth.present == (("Effusion",) if abnormal else ())
    assert case.findings == tuple(truth.findings)
    assert truth.lines is not None
    answer = ChestAnswer(dict.fromkeys(truth.present, 70.0), truth.lines)
    verdict = judge(answer, truth)
    assert verdict.right and verdict.measures["ctr_error"] == pytest.approx(0)
    assert truth.ctr == ctr.measure(case.masks).ratio


def _ellipsoid() -> tuple[Volume, np.ndarray]:
    """A head of unequal sides and spacing with a brain in it."""
    i, j, k = np.indices((40, 48, 30), np.float32)
    inside = ((i - 20) / 14) ** 2 + ((j - 25) / 18) ** 2 + ((k - 14) / 9) ** 2
    voxels = np.where(inside < 1, 100, np.where(inside < 2, 60, 0)).astype(np.float32)
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    return Volume(voxels, affine, "0" * 64), (inside < 1).astype(np.uint8)


def test_spoiled_mask_is_wrong_in_one_spot_on_either_side() -> None:
    volume, true = _ellipsoid()
    sides, errors = set(), set()
    for seed in range(12):
        masks, truth = degraded(true, volume, seed)
        sides.add(truth.side)
        errors.add(truth.error)
        assert np.array_equal(masks[truth.side], true)
        wrong = masks["B" if truth.side == "A" else "A"]
        places = np.argwhere(wrong != true)
        assert len(places) * 12 >= 1000  # at least a millilitre
        for place in places[:: max(1, len(places) // 9)]:
            found = judge(HeadAnswer(truth.side, spot_ijk=tuple(map(float, place))), truth)
            assert found.right and found.measures["spot_found"]
        away = judge(HeadAnswer(truth.side, spot_ijk=(-30, -30, -30)), truth)
        assert not away.measures["spot_found"]
    assert sides == {"A", "B"} and errors == {"missing", "added"}
    assert degraded(true, volume, 3)[1] == degraded(true, volume, 3)[1]


def test_head_without_a_brain_is_no_case() -> None:
    volume, true = _ellipsoid()
    with pytest.raises(UnsuitableInputError, match="empty"):
        degraded(np.zeros_like(true), volume, 1)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        table = csv.DictWriter(handle, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


BOX = {"xmin": 3, "ymin": 4, "xmax": 20, "ymax": 30}


def _dataset(root: Path, task: str) -> Path:
    """A small data set of a task: eight films, every other abnormal."""
    (root / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    names = [f"{n}.png" for n in range(8)]
    for name in names:
        Image.fromarray(rng.integers(0, 255, (48, 64), np.uint8)).save(root / "images" / name)
    odd = list(zip(names, [n % 2 for n in range(8)], strict=True))
    if task == "fracture":
        rows: list[dict[str, Any]] = [{"file": n, "split": "test", "fractured": o} for n, o in odd]
        _write(root / "images.csv", rows)
        _write(root / "boxes.csv", [{"file": n, **BOX} for n, o in odd if o])
    elif task == "bone_age":
        rows = [{"file": n, "age_months": 30, "sex": "F", "split": "val"} for n in names]
        _write(root / "bone_age.csv", rows)
    else:
        rows = [{"file": f"images/{n}", "split": "test", "Effusion": o, "Mass": 0} for n, o in odd]
        _write(root / "labels.csv", rows)
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return _dataset(tmp_path / "set", "fracture")


@pytest.mark.parametrize("task", ["fracture", "chest", "bone_age"])
def test_folder_gives_cases_with_their_truth(tmp_path: Path, task: str) -> None:
    folder = _dataset(tmp_path, task)
    drawn = draw_from_folder(task, folder, 4, seed=1, prevalence=0.5)
    assert drawn == draw_from_folder(task, folder, 4, seed=1, prevalence=0.5)
    abnormal = []
    for source in drawn:
        case = open_case(task, source)
        assert case.film.shape == (48, 64)
        assert case.image.digest == source.digest
        odd = int(Path(source.file).stem) % 2 == 1
        if isinstance(case.truth, BoneAgeTruth):
            assert (case.truth.months, case.sex) == (30, "F")
        else:
            assert case.truth.abnormal == odd  # type: ignore[union-attr]
            abnormal.append(odd)
        if isinstance(case.truth, FractureTruth):
            assert case.truth.boxes_xyxy == (((3, 4, 20, 30),) if odd else ())
    assert task == "bone_age" or sum(abnormal) == 2


def test_folder_with_outlines_gives_them_as_truth(folder: Path) -> None:
    corners = [3, 4, 20, 4, 12, 30]
    one = {"image_id": 1, "bbox": [3, 4, 17, 26], "segmentation": [corners]}
    coco = {"images": [{"id": 1, "file_name": "1.png", "width": 64, "height": 48}]}
    text = json.dumps({**coco, "annotations": [one], "categories": []})
    (folder / "annotations_coco.json").write_text(text, encoding="utf-8")
    outlines = {}
    for source in draw_from_folder("fracture", folder, 4, seed=1, prevalence=1):
        truth = open_case("fracture", source).truth
        assert isinstance(truth, FractureTruth) and len(truth.boxes_xyxy) == 1
        outlines[source.file] = truth.polygons
        told = json.loads(json.dumps(truth_mapping(truth)))
        assert truth_from_mapping("fracture", told) == truth
    assert outlines.pop("images/1.png") == (((3, 4), (20, 4), (12, 30)),)
    assert set(outlines.values()) == {None}


def test_folder_without_enough_cases_says_so(folder: Path) -> None:
    with pytest.raises(ImagingError, match="has 4 abnormal cases, and the series needs 5"):
        draw_from_folder("fracture", folder, 5, seed=1, prevalence=1)
    with pytest.raises(ImagingError, match="in the split train"):
        draw_from_folder("fracture", folder, 1, seed=1, split="train")


@pytest.mark.parametrize("task", TASKS)
def test_folder_of_another_layout_says_what_was_expected(tmp_path: Path, task: str) -> None:
    with pytest.raises(ImagingError, match="csv"):
        list_folder(task, tmp_path)
    with pytest.raises(ImagingError, match="no folder"):
        list_folder(task, tmp_path / "nowhere")
    other = "chest" if task == "fracture" else "fracture"
    with pytest.raises(ImagingError, match="another task"):
        list_folder(task, _dataset(tmp_path / other, other))


def test_rows_without_a_usable_truth_are_left_out(tmp_path: Path, folder: Path) -> None:
    _write(folder / "boxes.csv", [{"file": "1.png", **BOX}])  # 3, 5 and 7 have lost theirs
    assert sum(bool(one.abnormal) for one in list_folder("fracture", folder)) == 1
    hands = _dataset(tmp_path / "hands", "bone_age")
    _write(hands / "bone_age.csv", [{"file": "0.png", "age_months": "old", "split": "val"}])
    with pytest.raises(ImagingError, match="known truth"):
        list_folder("bone_age", hands)


def test_file_of_a_series_is_opened_only_where_and_as_it_was(folder: Path) -> None:
    (source,) = draw_from_folder("fracture", folder, 1, seed=1)
    outside = folder.parent / "secret.png"
    Image.fromarray(np.full((48, 64), 9, np.uint8)).save(outside)
    (folder / "images" / "link.png").symlink_to(outside)
    digest = hashlib.sha256(outside.read_bytes()).hexdigest()
    for bad, said in (
        (FolderSource(str(folder), "images/link.png", digest), "leads out"),
        (FolderSource(str(folder / "gone"), source.file, source.digest), "not on this computer"),
        (FolderSource(str(folder), "images/99.png", source.digest), "no longer"),
        (replace(source, digest="0" * 64), "another file"),
        (FolderSource(str(folder), "images.csv", _digest(folder / "images.csv")), "do not name"),
    ):
        with pytest.raises(ImagingError, match=said):
            open_case("fracture", bad)
    (folder / source.file).unlink()
    with pytest.raises(UnreadableImageError, match="put it back"):
        open_case("fracture", source)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_samples_are_named_and_unknown_ones_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "is_cached", lambda sample: True)
    assert samples_on_this_computer("skull_strip") == ()  # no truth is known of that head
    assert len(samples_on_this_computer("fracture")) == 8
    with pytest.raises(ImagingError, match="no fracture sample"):
        open_case("fracture", SampleSource("nothing.png"))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("right", [True, False])
def test_answers_are_judged_and_come_back_from_json(task: str, right: bool) -> None:
    for index in range(4):
        answer, truth = answer_of(task, index, right=right), truth_of(task, index)
        assert judge(answer, truth).right == right
        assert answer_from_mapping(task, answer_mapping(answer)) == answer
        assert truth_from_mapping(task, truth_mapping(truth)) == truth


def test_right_side_of_the_film_but_wrong_place_is_wrong() -> None:
    truth = FractureTruth(((10, 10, 20, 20),))
    verdict = judge(FractureAnswer(((40, 40, 50, 50),), 90), truth)
    assert not verdict.right
    assert verdict.measures == {"hits": 0, "misses": 1, "false_boxes": 1}


def test_scores_run_from_surely_normal_to_surely_abnormal() -> None:
    box = ((0.0, 0.0, 5.0, 5.0),)
    answers = [
        FractureAnswer((), 100), FractureAnswer((), 0), FractureAnswer(box, 0),
        FractureAnswer(box, 100), FractureAnswer(box, probability=0.3),
    ]  # fmt: skip
    assert [one.score for one in answers] == [0, 50, 50, 100, 30]
    chest = ChestAnswer({"Mass": 40})
    assert (chest.score("Mass"), chest.score("Nodule")) == (70, 0)
    assert ChestAnswer(probabilities={"Mass": 0.2}).score("Mass") == 20


@pytest.mark.parametrize(
    ("task", "found"),
    [
        ("fracture", {"boxes_xyxy": [[5, 5, 5, 9]]}),
        ("fracture", {"boxes_xyxy": [[5, 5, float("nan"), 9]]}),
        ("fracture", {"boxes_xyxy": [[1, 2, 3]]}),
        ("fracture", {"boxes_xyxy": [[0, 0, 1, 1]] * 101}),
        ("fracture", {"confidence": 101}),
        ("fracture", {"confidence": "sure"}),
        ("fracture", {"probability": -0.1}),
        ("fracture", {"box_scores": [1, 2]}),
        ("bone_age", {}),
        ("bone_age", {"months": -1}),
        ("bone_age", {"months": float("nan")}),
        ("chest", {"findings": ["Mass"]}),
        ("chest", {"findings": {"Mass": 120}}),
        ("chest", {"lines": {"heart": [1, 2, 3, 4]}}),
        ("skull_strip", {"side": "C"}),
        ("skull_strip", {"side": "A", "spot_ijk": [1, 2]}),
        ("skull_strip", {"side": "A", "truth": "B"}),
        ("chest", [1]),
    ],
)
def test_bad_answer_gives_one_sentence(task: str, found: Any) -> None:
    with pytest.raises(ImagingError, match="answer"):
        answer_from_mapping(task, found)


def test_answer_of_another_task_is_a_fault() -> None:
    with pytest.raises(ValueError, match="cannot be judged"):
        judge(BoneAgeAnswer(30), FractureTruth())
