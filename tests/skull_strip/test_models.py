"""The network and its weights: tiny networks for the interface, the shipped one on a phantom."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import WeightsError
from core.images import Volume
from core.metrics.statistics import dice
from core.skull_strip import OURS, PUBLISHED, Cancelled, Settings, prepare
from models.cards import ModelCard, load_card, verified_weights
from models.onnx_runtime import open_file, open_network
from models.skull_strip import predict
from models.skull_strip.settings import settings_of

SHAPE = (20, 24, 16)
AFFINE = np.array([[4.0, 0, 0, -31], [0, 3.0, 0, -52], [0, 0, 6.0, 17], [0, 0, 0, 1]])
TINY = Settings(n4=False, grid=(16, 24, 16), spacing_mm=6.0)


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return load_card("skull_strip", "unet")


@pytest.fixture(scope="module")
def tiny(card: ModelCard, tmp_path_factory: pytest.TempPathFactory) -> predict.Model:
    from models.skull_strip import network

    path = tmp_path_factory.mktemp("tiny") / "tiny.onnx"
    network.save(network.build(2, depth=2), path)
    return predict.Model(card, open_file(path))


def block() -> Volume:
    voxels = np.full(SHAPE, 2.0, np.float32)
    voxels[4:12, 6:18, 5:12] = 100 + np.arange(7, dtype=np.float32)
    return Volume(voxels, AFFINE, "block")


def test_mask_lies_on_the_grid_that_came_in(tiny: predict.Model) -> None:
    found = predict.segment(tiny, block(), TINY)
    assert found.voxels.shape == SHAPE and found.voxels.dtype == np.uint8
    assert np.array_equal(found.affine, AFFINE)


def test_mask_is_where_the_network_says(tiny: predict.Model) -> None:
    prepared = prepare(block(), TINY)
    answer = predict.BrainProbability((prepared.working > -2).astype(np.float32), prepared, 0.0)
    mask = answer.mask(0.5)
    assert dice(mask.voxels, block().voxels > 50) > 0.85
    assert mask.volume_ml == pytest.approx(mask.voxels.sum() * 72 / 1000)


def test_threshold_runs_no_network(tiny: predict.Model) -> None:
    calls = []

    def counted(image: np.ndarray) -> tuple[np.ndarray, ...]:
        calls.append(image.shape)
        return tiny.network(image)

    answer = predict.probability(predict.Model(tiny.card, counted), prepare(block(), TINY))
    low, high = answer.mask(0.01), answer.mask(0.99)
    assert len(calls) == 1
    assert low.voxels.sum() >= high.voxels.sum()
    assert (low.threshold, high.threshold) == (0.01, 0.99)


def test_cancel_before_the_network(tiny: predict.Model) -> None:
    with pytest.raises(Cancelled):
        predict.probability(tiny, prepare(block(), TINY), cancelled=lambda: True)


def test_one_network_takes_other_grids(tiny: predict.Model) -> None:
    for grid in ((16, 16, 16), (24, 8, 16)):
        answer = predict.probability(tiny, prepare(block(), replace(TINY, grid=grid)))
        assert answer.values.shape == grid


def test_shipped_file_trains_on_and_answers_alike(card: ModelCard) -> None:
    from models.keras_to_onnx import fill_keras
    from models.skull_strip import network

    keras_network = network.build()
    fill_keras(keras_network, verified_weights(card))
    x = np.random.default_rng(0).normal(0, 1, (1, 16, 24, 32, 1)).astype(np.float32)
    logits = np.asarray(keras_network(x, training=False))[..., 0]
    found = predict.load_model(card).network(np.moveaxis(x, -1, 1))[0][:, 0]
    assert found == pytest.approx(1 / (1 + np.exp(-logits)), abs=1e-5)


def test_changed_weights_are_not_opened(tmp_path: Path, card: ModelCard, monkeypatch) -> None:
    (tmp_path / card.file).write_bytes(b"not the weights")
    monkeypatch.setattr(open_network, "__defaults__", (tmp_path, None))
    with pytest.raises(WeightsError, match="not the file"):
        predict.load_model(card)


def test_preset_takes_the_card_s_operating_point(card: ModelCard) -> None:
    assert card.operating_points["brain"] == OURS.threshold


def test_head_is_prepared_as_the_card_s_network_was_trained(
    tiny: predict.Model, card: ModelCard
) -> None:
    other = replace(card, settings={"pipeline": "published"}, operating_points={"brain": 0.6})
    assert settings_of(other) == replace(PUBLISHED, threshold=0.6)
    assert settings_of(card) == OURS
    seen: list[np.ndarray] = []

    def network(image: np.ndarray) -> tuple[np.ndarray, ...]:
        seen.append(image)
        return (image,)

    for one in (other, card):
        predict.segment(predict.Model(one, network), block())
    assert [image.shape[2:] for image in seen] == [(96, 128, 160), (96, 128, 128)]
    assert (seen[0].min(), seen[0].max()) == (0, 1) and seen[1].min() < 0
    with pytest.raises(WeightsError, match="published"):
        settings_of(replace(card, settings={"pipeline": "none of ours"}))


def test_loss_is_lowest_for_the_truth() -> None:
    from models.skull_strip.train import LOSSES

    truth = np.zeros((1, 8, 8, 8, 1), np.float32)
    truth[:, 2:6, 2:6, 2:6] = 1
    for name, loss in LOSSES.items():
        right, wrong = (float(loss(truth, 20 * sign * (truth - 0.5))) for sign in (1, -1))
        assert right < 0.01 < wrong, name


def test_augmentation_moves_label_and_image_together() -> None:
    from models.skull_strip import augment

    image = np.zeros((24, 32, 20), np.float32)
    image[8:16, 8:24, 6:14] = 1
    for seed in range(4):
        rng = np.random.default_rng(seed)
        moved, label = augment.warp(image, image.copy(), rng)
        assert dice(moved > 0.5, label > 0.5) == 1.0
        seen, label = augment.disturb(moved, label, rng)
        assert seen.shape == label.shape and seen.dtype == label.dtype == np.float32
        assert seen[label > 0.9].mean() > 3 * seen[label < 0.1].mean()


def test_augmentation_is_repeatable() -> None:
    from models.skull_strip import augment

    image = np.random.default_rng(0).random((16, 24, 20), np.float32)
    first, second = (augment.disturb(image, image, np.random.default_rng(5))[0] for _ in range(2))
    assert np.array_equal(first, second)


def test_published_network_is_built_as_it_is_told() -> None:
    from models.skull_strip import network

    kinds = [type(layer).__name__ for layer in network.published(2).layers]
    assert kinds.count("MaxPooling3D") == kinds.count("Conv3DTranspose") == 4  # five levels
    assert kinds.count("BatchNormalization") == 2 * (5 + 4)  # two a block
    assert "UpSampling3D" not in kinds


def test_training_sees_what_the_page_sees() -> None:
    from models.skull_strip import heads

    settings = replace(TINY, n4=True, iterations=(1,), normalisation="min-max", spacing_mm=4.0)
    mask = (block().voxels > 50).astype(np.float32)
    head = heads.prepare_head(block(), [mask], "block", "made", "train", settings)
    shown = prepare(block(), replace(settings, n4=False))
    assert shown.steps[-1].name == "Min-max"
    assert (shown.working.min(), shown.working.max()) == (0.0, 1.0)
    assert head.plain.astype(np.float32) == pytest.approx(shown.working, abs=1e-3)
    assert dice(head.label > 127, shown.working > 0.5) > 0.9


def test_crops_keep_the_scale_of_the_whole_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    from models.skull_strip import heads

    monkeypatch.setattr(heads, "CROP", (8, 8, 8))
    monkeypatch.setattr(heads.augment, "warp", lambda image, label, rng: (image, label))
    monkeypatch.setattr(heads.augment, "disturb", lambda image, label, rng: (image, label))
    image = np.zeros((48, 48, 48), np.float16)
    image[0, 0, 0] = 4.0  # the brightest voxel lies in no crop
    image[16:32, 16:32, 16:32] = 1.0
    label = np.where(image == 1, 255, 0).astype(np.uint8)
    head = heads.Head("one", "made", "train", image, image, label)
    found = heads.samples([head], 0.0, 0, normalisation="min-max")
    crops = [image for image, _ in (next(found) for _ in range(12)) if image.shape[1] == 8]
    assert crops and set(np.concatenate(crops).ravel()) == {0.0, 0.25}


def test_stopped_training_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    from models.skull_strip import heads, network, train

    monkeypatch.setattr(train, "BLOCK", 2)
    monkeypatch.setattr(heads, "CROP", (8, 16, 8))
    rng = np.random.default_rng(0)
    made = []
    for split in ("train", "train", "val"):
        image, label = rng.random((2, 16, 24, 16)).astype(np.float16)
        label = np.where(label > 0.5, 255, 0).astype(np.uint8)
        made.append(heads.Head(split, "IXI", split, image, image, label))

    def run(folder: str, stop_after: int) -> tuple[list[np.ndarray], float]:
        keras.utils.set_random_seed(0)
        model = network.build(2, depth=2, dropout=0.5)
        draw, drawn = train.background, []

        def background(source: Iterator) -> Callable:
            more = draw(source)

            def one() -> tuple:
                drawn.append(0)
                if len(drawn) > stop_after:
                    raise InterruptedError
                return more()

            return one

        monkeypatch.setattr(train, "background", background)
        (tmp_path / folder).mkdir(exist_ok=True)
        try:
            plan = train.Plan(steps=5, rate=1e-2)
            out = tmp_path / folder / "unet.onnx"
            dice = train.train(model, made[:2], made[2:], plan, out)
        finally:
            monkeypatch.setattr(train, "background", draw)
        return [np.asarray(one) for one in model.variables], dice

    whole, dice = run("whole", 9)
    with pytest.raises(InterruptedError):
        run("stopped", 3)
    resumed, its_dice = run("stopped", 9)
    assert all(np.array_equal(one, other) for one, other in zip(whole, resumed, strict=True))
    assert dice == its_dice
    finished, its_dice = run("stopped", 0)  # was stopped after the last step
    assert all(np.array_equal(one, other) for one, other in zip(whole, finished, strict=True))
    assert dice == its_dice


def test_evaluate_scores_a_folder(tmp_path: Path, tiny: predict.Model) -> None:
    import nibabel as nib

    from models.skull_strip import evaluate

    truth = (block().voxels > 50).astype(np.uint8)
    nib.save(nib.Nifti1Image(block().voxels, AFFINE), tmp_path / "head.nii.gz")
    nib.save(nib.Nifti1Image(truth, AFFINE), tmp_path / "mask.nii.gz")
    with (tmp_path / "brain.csv").open("w", encoding="utf-8", newline="") as handle:
        table = csv.DictWriter(handle, ["file", "mask", "mask2", "source", "split"])
        table.writeheader()
        row = {"file": "head.nii.gz", "mask": "mask.nii.gz", "mask2": "", "source": "made"}
        table.writerows([{**row, "split": "test"}, {**row, "split": "val"}])
    found = evaluate.evaluate(tiny, tmp_path, "test", replace(TINY, n4=True, iterations=(1,)))
    assert found["n"] == 1 and found["dice_mask2"] is None
    assert found["cases"][0]["file"] == "head.nii.gz"
    assert found["dice"] == found["cases"][0]["dice"] == found["by_source"]["made"]["dice"]
    assert found["seconds_per_head"] > 0 and found["seconds_without_n4"] > 0
    with pytest.raises(ValueError, match="no head"):
        evaluate.evaluate(tiny, tmp_path, "nowhere", TINY)


def test_shipped_weights_find_the_brain_of_a_phantom(card: ModelCard) -> None:
    from core.phantoms.head.phantom import random_head

    made = random_head(1, 2.0)
    settings = Settings(n4=False, threshold=card.operating_points["brain"])
    found = predict.segment(predict.load_model(card), made.volume, settings)
    assert dice(found.voxels, made.mask) > 0.95
