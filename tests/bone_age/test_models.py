"""Bone age: networks, answers, explanations and scoring, with tiny networks and simple films."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.bone_age import landmark, whole_hand
from core.bone_age.cases import read_bone_age_cases
from core.bone_age.geometry import View, on_film, to_film, views_of
from core.bone_age.regions import REGIONS
from core.bone_age.result import BoneAge, to_unit
from core.errors import UnsuitableInputError
from core.files.radiograph import read_radiograph
from core.phantoms.hand.phantom import hand_phantom
from core.stages import run_stages
from models.bone_age import explain, predict
from models.bone_age.pipelines import PIPELINES, Pipeline, stages_of
from models.bone_age.preprocess import network_input
from models.cards import ModelCard, load_card
from models.onnx_runtime import open_file
from tests.bone_age.films import SHAPE, film


def card(**settings: object) -> ModelCard:
    return ModelCard(
        name="tiny",
        title="Tiny",
        task="bone_age",
        role="age",
        purpose="",
        file="",
        sha256="",
        licence="",
        source="",
        framework="",
        architecture="",
        input_shape=(*SHAPE, 1),
        labels=("months",),
        settings={
            "half_width_months": 10.0,
            "half_width_months_sex_unknown": 14.0,
            "pipeline": "tiny",
            "network": "small_cnn",
            **settings,
        },
    )


class Brightest:
    """A stand-in network: months are a hundred times the mean of a part of the film.

    Its attention is the film itself, at half the resolution.
    """

    def __init__(self, rows: slice, columns: slice) -> None:
        self.rows, self.columns = rows, columns
        self.outputs = (predict.MONTHS, predict.ATTENDED)

    def __call__(
        self, films: np.ndarray, sex: np.ndarray, *, only: tuple[str, ...]
    ) -> list[np.ndarray]:
        part = films[:, 0, self.rows, self.columns].mean(axis=(1, 2))
        months = 100 * part + 12 * (sex[:, 1] - sex[:, 0])
        found = {predict.MONTHS: months[:, None], predict.ATTENDED: films[:, :, ::2, ::2]}
        return [found[name] for name in only]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> predict.Model:
    monkeypatch.setitem(
        PIPELINES, "tiny", Pipeline("Tiny", SHAPE, lambda **p: whole_hand.stages(shape=SHAPE, **p))
    )
    everything = Brightest(slice(None), slice(None))
    return predict.Model(card(), {"tiny": predict.Part(everything, "tiny")})


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
    model = predict.Model(card(), {"tiny": predict.Part(left, "tiny")})
    one = predict.months_of(model, {"tiny": seen}, ["F"] * 3)["tiny"]
    other = predict.months_of(model, {"tiny": seen[:, :, ::-1]}, ["F"] * 3)["tiny"]
    assert np.allclose(one, other)


def test_every_scale_is_asked_and_counts_alike(tiny: predict.Model) -> None:
    part = predict.Part(Brightest(slice(None), slice(None)), "tiny")
    seen = film(*SHAPE).pixels[None]
    alone = {
        scale: predict.months_of_part(part, predict.scaled(seen, scale), ["F"])[0]
        for scale in (1.0, 0.8, 1.2)
    }
    assert alone[0.8] < alone[1.0] < alone[1.2]  # less of the film is bright
    all_sizes = replace(part, scales=tuple(alone))
    found = predict.months_of_part(all_sizes, seen, ["F"])[0]
    assert found == pytest.approx(np.mean(list(alone.values())))
    model = predict.Model(card(), {"tiny": all_sizes})
    whole = predict.estimate(model, film(), "F").members["tiny"]
    plain = predict.estimate(tiny, film(), "F").members["tiny"]
    assert whole.months != plain.months
    assert np.array_equal(whole.attention, plain.attention)


def test_members_are_averaged_by_their_weights(tiny: predict.Model) -> None:
    whole = next(iter(tiny.parts.values()))
    corner = predict.Part(Brightest(slice(0, 12), slice(None)), "tiny")
    model = predict.Model(card(), {"a": replace(whole, weight=3.0), "b": corner})
    assert predict.ensemble_mean(model, {"a": 100.0, "b": 120.0}) == pytest.approx(105)
    found = predict.estimate(model, film(), "F")
    assert {name: member.weight for name, member in found.members.items()} == {"a": 0.75, "b": 0.25}
    one, other = (member.months for member in found.members.values())
    assert one != other and found.months == pytest.approx(0.75 * one + 0.25 * other)
    many = predict.months_of_films(model, [film().pixels, film(120, 70).pixels], ["F", "M"])
    assert many[0] == pytest.approx(found.months, abs=1e-4)
    assert many[1] == pytest.approx(predict.estimate(model, film(120, 70), "M").months, abs=1e-4)


def test_map_over_the_input_lands_on_the_film_where_it_came_from() -> None:
    pixels = np.zeros((120, 90), np.float32)
    pixels[30:100, 20:70] = 0.5
    pixels[40:44, 30:34] = 1.0
    stages = whole_hand.stages(shape=SHAPE, low_percent=0, high_percent=100)
    steps, seen = network_input(pixels, stages[:3], SHAPE)
    assert steps[1].overlays["crop_xyxy"] != (0, 0, 90, 120)
    spot = np.where(seen > 0.9, 1, 0).astype(np.float32)
    assert peak(on_film(spot, views_of(steps), pixels.shape)) == pytest.approx((31.5, 41.5), abs=2)


def peak(heat: np.ndarray) -> tuple[float, float]:
    """x and y of the highest place."""
    y, x = np.unravel_index(int(cv2.GaussianBlur(heat, (0, 0), 2).argmax()), heat.shape)
    return float(x), float(y)


@pytest.mark.parametrize("region", REGIONS)
def test_heat_in_a_region_lands_on_that_region_of_the_film(region: str) -> None:
    phantom = hand_phantom(3, tilt_degrees=9.0, collimation="none", shape=(400, 320))
    steps = run_stages(phantom.image.pixels, landmark.stages(side_px=112))
    before = steps[-2]
    assert before.name == "Regions" and before.error is None
    x0, y0, x1, y1 = before.overlays["boxes"][region]
    spot = np.array([[0.6 * x0 + 0.4 * x1, 0.4 * y0 + 0.6 * y1]])
    # A white spot on the hand, and what the network then receives of it.
    hand = np.minimum(before.image, 100)
    cv2.circle(hand, tuple(int(value) for value in spot[0]), 9, 255, -1)
    sheet, overlays = landmark.crop_regions(hand, side_px=112)
    left, top, right, bottom = overlays["boxes"][region]
    heat = np.zeros(sheet.shape, np.float32)
    heat[top:bottom, left:right] = sheet[top:bottom, left:right] > 180
    assert heat.any()
    found = on_film(heat, views_of(steps), phantom.image.shape)
    assert peak(found) == pytest.approx(tuple(to_film(spot, steps[:-1])[0]), abs=4)


def test_attention_is_that_of_all_members_by_their_shares(tiny: predict.Model) -> None:
    found = predict.estimate(tiny, film(), "F")
    heat = found.attention((90, 60))
    assert heat is not None and heat.shape == (90, 60) and heat.max() == pytest.approx(1)
    assert heat[45, 30] > 0.8 > 0.1 > heat[3, 3]
    one = found.members["tiny"]
    top = np.where(np.arange(one.attention.shape[0])[:, None] < 8, one.attention, 0)
    other = replace(one, weight=0.2, attention=top.astype(np.float32))
    both = replace(found, members={"a": replace(one, weight=0.8), "b": other})
    mixed = both.attention((90, 60))
    assert mixed == pytest.approx(
        to_unit(0.8 * heat + 0.2 * other.attention_on_film((90, 60))), abs=1e-6
    )
    blind = replace(found, members={"a": replace(one, attention=None)})
    assert blind.attention((90, 60)) is None


def test_occlusion_is_where_the_hand_was_hidden(tiny: predict.Model) -> None:
    patches = explain.occluders(SHAPE)
    covered = np.zeros(SHAPE, bool)
    for y0, y1, x0, x1 in patches:
        covered[y0:y1, x0:x1] = True
    assert covered.all()
    quarter = View((16, 24, 32, 48), np.eye(3))
    inside = explain.occluders(SHAPE, [quarter])
    assert all(y0 >= 24 and x0 >= 16 for y0, _, x0, _ in inside)
    top = predict.Part(Brightest(slice(0, 12), slice(None)), "tiny")
    told: list[float] = []
    change = explain.occlusion(
        predict.Model(card(), {"tiny": top}), film(), "F", lambda share, _: told.append(share)
    )
    assert change[20:30].min() < -1 and np.allclose(change[60:], 0)
    assert told[0] == 0 and told[-1] == 1


def test_hand_box_holds_the_bright_shape_and_leaves_the_rest() -> None:
    x0, y0, x1, y1 = whole_hand.hand_box(film(200, 160).pixels)
    assert 30 <= x0 <= 42 and 118 <= x1 <= 130 and 25 <= y0 <= 36 and 164 <= y1 <= 175


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_blank_film_is_kept_whole(level: float) -> None:
    pixels = np.full((50, 30), level, np.float32)
    assert whole_hand.hand_box(pixels) == (0, 0, 30, 50)
    _, seen = network_input(pixels, whole_hand.stages(), whole_hand.INPUT_SHAPE)
    assert np.isfinite(seen).all()


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
def test_one_file_answers_and_fills_the_network(name: str, tmp_path: Path) -> None:
    import keras

    from models.bone_age import gradients, network

    keras.utils.set_random_seed(1)
    shape = (96, 80) if name == "attention_xception" else SHAPE
    model = network.NETWORKS[name](shape)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    network.export(model, tmp_path / "n.onnx", bits=16)
    network.save_weights(model, tmp_path / "w.npz")
    films = np.random.default_rng(0).random((2, *shape, 1), np.float32)
    sex = np.array([[1, 0], [0, 1]], np.float32)
    found = open_file(tmp_path / "n.onnx")
    months = found(films.transpose(0, 3, 1, 2), sex, only=(predict.MONTHS,))[0]
    assert months == pytest.approx(model([films, sex]).numpy(), abs=0.5)
    assert (predict.ATTENDED in found.outputs) == name.startswith("attention")
    other = network.NETWORKS[name](shape)  # whose unnamed layers have other names
    for file in ("w.npz", "n.onnx"):
        network.load_weights(other, tmp_path / file)
        assert other([films, sex]).numpy() == pytest.approx(months, abs=0.5)
    assert other([films, sex]).numpy() == pytest.approx(months, abs=1e-3)
    heat = gradients.coarse_map(other, films[0, ..., 0], "F")
    assert heat.ndim == 2 and heat.min() >= 0 and heat.max() > 0


@pytest.mark.parametrize("name", ["lite0", "landmark", "small_cnn", "attention_xception"])
def test_shipped_files_answer_as_keras_does(name: str) -> None:
    """Within 0.05 months on phantoms, and on real films where the data set is there."""
    from models.bone_age import gradients

    made = load_card("bone_age", name)
    part = predict.load_model(made).parts[name]
    filled = gradients.keras_network(name, made.sha256)
    data = Path(__file__).parents[3] / "shared" / "data" / "bone_age"
    cases = read_bone_age_cases(data, "val")[:3] if data.is_dir() else []
    films = [hand_phantom(seed, shape=(320, 256)).image.pixels for seed in range(20)]
    films += [read_radiograph(case.path.read_bytes(), name=case.file).pixels for case in cases]
    shape, stages = PIPELINES[part.pipeline].shape, stages_of(part.pipeline)
    if name == "attention_xception":
        films = films[::4]  # it takes as long as the others together
    seen = np.stack([network_input(film, stages, shape)[1] for film in films])
    sex = np.tile(np.array([[0.5, 0.5]], np.float32), (len(seen), 1))
    months = part.network(seen[:, None], sex, only=(predict.MONTHS,))[0]
    expected = filled([seen[..., None], sex], training=False).numpy()
    assert months == pytest.approx(expected, abs=0.05)
