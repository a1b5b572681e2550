"""The hand-mask network: labels from clear films, augmentation, export, and the shipped weights."""

import dataclasses
import subprocess
import sys

import cv2
import numpy as np
import pytest

from core.errors import WeightsError
from core.metrics.statistics import dice
from core.phantoms.hand.phantom import hand_phantom
from models.bone_age import evaluate_regions
from models.bone_age.hand_augment import augmented
from models.bone_age.hand_labels import clear_mask
from models.bone_age.hand_mask import (
    HandMaskModel,
    contrast_channels,
    hand_mask,
    hand_probability,
    load_hand_mask,
)
from models.cards import load_card


@pytest.fixture(scope="module")
def phantom():
    return hand_phantom(8, collimation="none", shape=(360, 288), tilt_degrees=5.0, exposure=0.8)


@pytest.fixture(scope="module")
def model():
    return load_hand_mask(load_card("bone_age", "hand_mask"))


def test_shipped_network_finds_phantom_hands(model):
    for seed, collimation in ((21, "none"), (22, "white"), (23, "black")):
        film = hand_phantom(seed, collimation=collimation, shape=(360, 288))
        found = hand_mask(model, film.image.pixels)
        assert found.shape == (360, 288) and found.dtype == bool
        assert dice(found, film.mask) > 0.9


def test_dark_and_mirrored_films_make_no_difference(model, phantom):
    plain = hand_mask(model, phantom.image.pixels)
    dark = hand_mask(model, phantom.image.pixels * np.float32(0.2))
    mirrored = hand_mask(model, np.ascontiguousarray(phantom.image.pixels[:, ::-1]))
    assert dice(plain, dark) > 0.97
    assert dice(plain, mirrored[:, ::-1]) > 0.95


def test_probability_goes_back_to_the_film_without_a_shift():
    """A network that hands its input on must give the film back in its place."""
    film = np.zeros((90, 60), np.float32)
    film[30:60, 10:40] = 1.0
    through = HandMaskModel(lambda inputs: inputs[:, :1], side_px=128)
    found = hand_probability(through, film)
    assert found.shape == film.shape
    assert dice(found > 0.5, film > 0.5) > 0.98


@pytest.mark.parametrize("shape", [(40, 200), (200, 40), (33, 33)])
def test_any_shape_of_film_is_taken(model, shape):
    film = np.random.default_rng(0).random(shape).astype(np.float32)
    assert hand_mask(model, film).shape == shape


def test_channels_are_in_the_unit_range_even_when_flat():
    channels = contrast_channels(np.full((128, 128), 0.3, np.float32))
    assert channels.shape == (2, 128, 128) and channels.dtype == np.float32
    assert channels.min() >= 0 and channels.max() <= 1


def test_wrong_weights_are_not_opened():
    card = dataclasses.replace(load_card("bone_age", "hand_mask"), sha256="0" * 64)
    with pytest.raises(WeightsError, match="not the file"):
        load_hand_mask(card)


def test_export_computes_what_keras_computes(tmp_path):
    """In a process of its own: TensorFlow would stay in the tests' memory."""
    code = f"""
import numpy as np
from pathlib import Path
from models.bone_age import hand_network
from models.onnx_runtime import open_file
model = hand_network.build(32, (4, 6, 8))
rng = np.random.default_rng(0)
for layer in model.layers:
    if "norm" in layer.name:
        layer.set_weights([rng.uniform(0.5, 1.5, v.shape) for v in layer.get_weights()])
path = Path({str(tmp_path / "net.onnx")!r})
hand_network.export(model, path)
inputs = rng.random((2, 2, 32, 32)).astype(np.float32)
logits = np.asarray(model(inputs.transpose(0, 2, 3, 1), training=False))[..., 0]
found = open_file(path)(inputs)[0][:, 0]
assert found.shape == (2, 32, 32)
assert np.abs(found - 1 / (1 + np.exp(-logits))).max() < 5e-3
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_stopped_training_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    from models.bone_age import train_hand_mask as training

    rng = np.random.default_rng(0)
    pairs = (rng.random((2, 128, 128), np.float32), np.ones((2, 128, 128), np.float32))
    monkeypatch.setattr(training, "prepare", lambda *_, **__: (pairs, pairs))
    monkeypatch.setattr(training, "KEPT_EVERY", 2)
    batch = training.batch

    def run(folder, stop_after):
        steps = iter(range(stop_after))

        def some(*arguments):
            if next(steps, None) is None:
                raise InterruptedError
            return batch(*arguments)

        monkeypatch.setattr(training, "batch", some)
        plan = training.Plan(steps=4, batch=1, seed=1)
        out = tmp_path / folder / "mask.onnx"
        return training.train(tmp_path, plan, out, tmp_path / folder)

    whole = run("whole", 4)
    with pytest.raises(InterruptedError):
        run("stopped", 3)
    assert run("stopped", 2) == whole  # the hash of the file
    assert run("stopped", 0) == whole


def test_clear_mask_of_a_phantom_is_its_mask(phantom):
    mask = clear_mask(phantom.image.pixels)
    assert mask is not None and dice(mask, phantom.mask) > 0.93


def test_doubtful_film_gives_no_label():
    noise = np.random.default_rng(3).random((200, 160)).astype(np.float32)
    fist = np.zeros((200, 160), np.uint8)
    cv2.circle(fist, (80, 100), 50, 1, -1)
    assert clear_mask(noise) is None
    assert clear_mask(fist.astype(np.float32) * 0.7) is None


def test_augmentation_moves_film_and_mask_together(phantom):
    film = cv2.resize(phantom.mask.astype(np.float32), (128, 128), interpolation=cv2.INTER_AREA)
    scores = []
    for seed in range(20):
        seen, mask = augmented(film, film.copy(), np.random.default_rng(seed))
        assert seen.shape == mask.shape == (128, 128) and seen.dtype == np.float32
        assert seen.min() >= 0 and seen.max() <= 1 and mask.min() >= 0 and mask.max() <= 1
        hand, rest = seen[mask > 0.9], seen[mask < 0.1]
        scores.append(np.median(hand) > np.median(rest))
    assert np.mean(scores) > 0.7  # a white frame may be brighter than the hand


def test_same_seed_gives_the_same_film(phantom):
    film = cv2.resize(phantom.image.pixels, (128, 128))
    mask = cv2.resize(phantom.mask.astype(np.float32), (128, 128))
    one = augmented(film, mask, np.random.default_rng(5))
    other = augmented(film, mask, np.random.default_rng(5))
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])


# --- the score of regions


def joints(side):
    """Boxes of a schematic hand whose thumb is on the right (1) or left (-1) of x = 100."""
    rows = [("DIP", x, 20) for x in (-30, -10, 10, 30)]
    rows += [("PIP", x, 50) for x in (-32, -11, 10, 32)] + [("PIP", 60, 90)]
    rows += [("MCP", x, 90) for x in (-34, -12, 10, 34)] + [("MCP", 50, 120)]
    rows += [("Wrist", 0, 150), ("Radius", 8, 180), ("Ulna", -10, 180)]
    boxes = [(kind, 100 + side * x, y) for kind, x, y in rows]
    return [[kind, x - 5, y - 5, x + 5, y + 5] for kind, x, y in boxes]


@pytest.mark.parametrize("side", [1, -1])
def test_regions_get_their_joints_on_left_and_right_hands(side):
    truth = evaluate_regions.joint_boxes(joints(side))
    assert {name: len(boxes) for name, boxes in truth.items()} == {
        "middle_finger": 2,
        "thumb": 2,
        "mcp": 4,
        "wrist": 3,
    }
    np.testing.assert_array_equal(truth["thumb"][:, 1], [115, 85])
    assert (truth["middle_finger"][:, 0] == 100 + side * 10 - 5).all()


def test_tight_boxes_score_one_and_shifted_ones_less():
    truth = evaluate_regions.joint_boxes(joints(1))
    tight = {
        name: (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))
        for name, boxes in truth.items()
    }
    shares, overlaps, every = evaluate_regions.score(truth, tight, np.eye(3))
    assert every == 1 and set(shares.values()) == {1.0}
    assert np.allclose(list(overlaps.values()), 1)
    away = {name: tuple(np.add(box, 500)) for name, box in tight.items()}
    _, overlaps, every = evaluate_regions.score(truth, away, np.eye(3))
    assert every == 0 and set(overlaps.values()) == {0.0}
