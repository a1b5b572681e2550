"""Bone age: networks, answers, explanations and scoring, with tiny networks and drawn films."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.bone_age import whole_hand
from core.bone_age.cases import read_bone_age_cases
from core.bone_age.result import BoneAge, in_words
from core.errors import UnsuitableInputError
from core.images import Radiograph, digest_of
from models.bone_age import explain, predict
from models.bone_age.pipelines import PIPELINES, Pipeline
from models.bone_age.preprocess import network_input
from models.cards import ModelCard

SHAPE = (48, 32)


def card(**extra: object) -> ModelCard:
    return ModelCard(
        name="tiny",
        title="Tiny",
        task="bone_age",
        purpose="",
        file="",
        sha256="",
        licence="",
        source="",
        framework="",
        architecture="",
        input_shape=(*SHAPE, 1),
        labels=("months",),
        extra={
            "half_width_months": 10.0,
            "half_width_months_sex_unknown": 14.0,
            "pipeline": "tiny",
            "network": "small_cnn",
            **extra,
        },
    )


class Brightest:
    """A stand-in network: months are a hundred times the mean of a part of the film."""

    def __init__(self, rows: slice, columns: slice) -> None:
        self.rows, self.columns = rows, columns

    def __call__(self, inputs: list, training: bool) -> Brightest:
        films, sex = inputs
        part = films[:, self.rows, self.columns, 0].mean(axis=(1, 2))
        self.answer = 100 * part + 12 * (sex[:, 1] - sex[:, 0])
        return self

    def numpy(self) -> np.ndarray:
        return self.answer[:, None]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> predict.Model:
    monkeypatch.setitem(
        PIPELINES, "tiny", Pipeline("Tiny", SHAPE, lambda **p: whole_hand.stages(shape=SHAPE, **p))
    )
    everything = Brightest(slice(None), slice(None))
    return predict.Model(card(), {"tiny": predict.Member(everything, "tiny")})


def film(height: int = 90, width: int = 60) -> Radiograph:
    pixels = np.zeros((height, width), np.float32)
    cv2.ellipse(pixels, (width // 2, height // 2), (width // 4, height // 3), 0, 0, 360, 0.6, -1)
    return Radiograph(pixels, digest_of(pixels))


@pytest.mark.parametrize(
    ("months", "words"), [(0, "0 y 0 m"), (11.6, "1 y 0 m"), (100.4, "8 y 4 m"), (228, "19 y 0 m")]
)
def test_months_in_words(months: float, words: str) -> None:
    assert in_words(months) == words


def test_interval_must_hold_the_estimate() -> None:
    with pytest.raises(ValueError, match="interval"):
        BoneAge(50, 60, 70, "F", "x", [], np.zeros((4, 3), np.float32))


def test_estimate_gives_interval_of_the_card_and_every_step(tiny: predict.Model) -> None:
    found = predict.estimate(tiny, film(), "F")
    assert found.high_months - found.months == pytest.approx(10)
    assert [step.name for step in found.steps] == ["Window", "Find the hand", "Fit", "CLAHE"]
    assert np.array_equal(found.steps[-1].image, found.seen)
    unknown = predict.estimate(tiny, film(), None)
    assert unknown.high_months - unknown.months == pytest.approx(14)
    boy = predict.estimate(tiny, film(), "M")
    assert boy.months - found.months == pytest.approx(24)


def test_skipped_stages_change_the_answer_and_never_break_it(tiny: predict.Model) -> None:
    whole = predict.estimate(tiny, film(), "F")
    for name in ("Window", "Find the hand", "Fit", "CLAHE"):
        other = predict.estimate(tiny, film(), "F", skip=(name,))
        assert other.seen.shape == SHAPE
        assert next(step for step in other.steps if step.name == name).skipped
    assert predict.estimate(tiny, film(), "F", skip=("Find the hand",)).months < whole.months


def test_mirrored_films_give_the_same_months(tiny: predict.Model) -> None:
    seen = np.random.default_rng(0).random((3, *SHAPE), np.float32)
    left = Brightest(slice(None), slice(0, 10))
    model = predict.Model(card(), {"tiny": predict.Member(left, "tiny")})
    one = predict.months_of(model, {"tiny": seen}, ["F"] * 3)["tiny"]
    other = predict.months_of(model, {"tiny": seen[:, :, ::-1]}, ["F"] * 3)["tiny"]
    assert np.allclose(one, other)


def test_members_are_averaged_by_their_weights(tiny: predict.Model) -> None:
    whole = next(iter(tiny.members.values()))
    other = replace(whole, pipeline="other", weight=1.0)
    model = predict.Model(card(), {"a": replace(whole, weight=3.0), "b": other})
    assert list(model.shown.members) == ["a"]
    assert predict.together(model, {"a": 100.0, "b": 120.0}) == pytest.approx(105)


def test_map_over_the_input_lands_on_the_film_where_it_came_from() -> None:
    pixels = np.zeros((120, 90), np.float32)
    pixels[30:100, 20:70] = 0.5
    pixels[40:44, 30:34] = 1.0
    stages = whole_hand.stages(shape=SHAPE, low_percent=0, high_percent=100)
    steps, seen = network_input(pixels, stages[:3], SHAPE)
    assert steps[1].marks["crop_xyxy"] != (0, 0, 90, 120)
    spot = np.where(seen > 0.9, 1, 0).astype(np.float32)
    back = explain.on_film(spot, steps, pixels.shape)
    y, x = np.unravel_index(int(cv2.GaussianBlur(back, (0, 0), 2).argmax()), back.shape)
    assert abs(y - 41.5) <= 2 and abs(x - 31.5) <= 2


def test_occluders_cover_the_input_and_change_is_where_the_hand_was_hidden() -> None:
    patches = explain.occluders(SHAPE)
    covered = np.zeros(SHAPE, bool)
    for y0, y1, x0, x1 in patches:
        covered[y0:y1, x0:x1] = True
    assert covered.all()
    corner = Brightest(slice(0, 12), slice(None))
    model = predict.Model(card(), {"tiny": predict.Member(corner, "tiny")})
    seen = np.ones(SHAPE, np.float32)
    months = explain.occluded_months(model, seen, "F", patches)
    change = explain.occlusion_map(SHAPE, patches, months - months.max())
    assert change[:10].max() < 0 and np.allclose(change[24:], 0)


def test_hand_box_holds_the_bright_shape_and_leaves_the_rest() -> None:
    x0, y0, x1, y1 = whole_hand.hand_box(film(200, 160).pixels)
    assert 30 <= x0 <= 42 and 118 <= x1 <= 130 and 25 <= y0 <= 36 and 164 <= y1 <= 175


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_blank_film_is_kept_whole(level: float) -> None:
    pixels = np.full((50, 30), level, np.float32)
    assert whole_hand.hand_box(pixels) == (0, 0, 30, 50)
    _, seen = network_input(pixels, whole_hand.stages(), whole_hand.INPUT_SHAPE)
    assert np.isfinite(seen).all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    rows = []
    for number, (months, sex) in enumerate([(60, "F"), (120, "M"), (180, "")]):
        name = f"{number}.png"
        cv2.imwrite(str(tmp_path / "images" / name), (255 * film().pixels).astype(np.uint8))
        rows.append({"file": name, "age_months": months, "sex": sex, "split": "test"})
    rows.append({"file": "missing.png", "age_months": 127, "sex": "M", "split": "test"})
    with (tmp_path / "bone_age.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def test_cases_name_split_age_and_sex(folder: Path) -> None:
    cases = read_bone_age_cases(folder, "test")
    assert [(case.months, case.sex) for case in cases][:3] == [(60, "F"), (120, "M"), (180, None)]
    with pytest.raises(UnsuitableInputError, match="val"):
        read_bone_age_cases(folder, "val")


def test_evaluate_counts_every_film_even_an_unreadable_one(
    folder: Path, tiny: predict.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.bone_age import evaluate

    monkeypatch.setattr(evaluate, "age_cards", lambda: [card()])
    monkeypatch.setattr(evaluate, "load_model", lambda _: tiny)
    out, table = folder / "out.json", folder / "cases.csv"
    arguments = ["", "--data", str(folder), "--split", "test", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", [*arguments, "--cases", str(table)])
    evaluate.main()
    report = json.loads(out.read_text())
    assert report["n"] == 4 and report["unreadable"] == 1
    rows = list(csv.DictReader(table.open()))
    error = np.array([float(row["tiny"]) - float(row["age_months"]) for row in rows])
    assert report["mae_months"] == pytest.approx(np.abs(error).mean(), abs=0.01)
    assert report["rmse_months"] == pytest.approx(np.sqrt((error**2).mean()), abs=0.01)
    assert report["within_12_months"] == pytest.approx((np.abs(error) <= 12).mean())
    assert 0 <= report["interval_coverage"] <= 1
    assert report["models"]["tiny"]["mae_months"] == report["mae_months"]


@pytest.mark.parametrize("name", ["attention_xception", "attention_lite0", "small_cnn"])
def test_networks_are_flat_and_their_weights_come_back(name: str, tmp_path: Path) -> None:
    import keras

    from models.bone_age import network

    keras.utils.set_random_seed(1)
    shape = (96, 80) if name == "attention_xception" else SHAPE
    model = network.NETWORKS[name](shape)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    network.save_weights(model, tmp_path / "w.npz")
    other = network.NETWORKS[name](shape)  # whose unnamed layers have other names
    network.load_weights(other, tmp_path / "w.npz")
    films = np.random.default_rng(0).random((2, *shape, 1), np.float32)
    sex = np.array([[1, 0], [0, 1]], np.float32)
    assert np.allclose(model([films, sex]).numpy(), other([films, sex]).numpy(), atol=0.5)


def test_training_goes_from_films_to_smaller_errors(folder: Path) -> None:
    import keras

    from models.bone_age import network, train

    keras.utils.set_random_seed(0)
    cases = read_bone_age_cases(folder, "test")[:3]
    films = np.stack([np.full((32, 32), level, np.uint8) for level in (30, 120, 220)])
    model = network.small_cnn((32, 32), filters=4, dropout=0.0)
    batches = train.Films(films, cases, train.NO_AUGMENTATION, batch=3, seed=0)
    before = np.abs(train.predicted(model, films, cases) - [60, 120, 180]).mean()
    train.fit(model, batches, lambda: 0.0, epochs=150, rate=5e-3, report=False)
    after = np.abs(train.predicted(model, films, cases) - [60, 120, 180]).mean()
    assert after < before / 2


def test_augmentation_keeps_shape_and_range_and_repeats_with_its_seed() -> None:
    from models.bone_age import train

    picture = (255 * film(64, 48).pixels).astype(np.uint8)
    one, again = (
        train.augmented(picture, train.Augmentation(), np.random.default_rng(3)) for _ in range(2)
    )
    assert one.shape == picture.shape and one.min() >= 0 and one.max() <= 1
    assert np.array_equal(one, again)
    plain = train.augmented(picture, train.NO_AUGMENTATION, np.random.default_rng(3))
    assert np.allclose(plain, picture / 255, atol=1e-6)


def test_half_width_holds_the_promised_share_of_errors() -> None:
    from models.bone_age.calibrate import half_width

    errors = np.arange(1, 100, dtype=float)  # 99 errors: the 90th of them
    assert half_width(errors) == 90
    assert half_width(errors[::-1].copy(), 0.5) == 50
    assert half_width(np.array([3.0])) == 3  # too few to promise more than the largest
