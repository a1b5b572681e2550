"""What a radiograph, a volume and a pipeline of stages promise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.errors import UnsuitableInputError
from core.images import Radiograph, Volume, digest_of
from core.stages import Stage, run_stages

PIXELS = np.linspace(0, 1, 48 * 64, dtype=np.float32).reshape(48, 64)
VOXELS = np.zeros((20, 24, 16), np.float32)
AFFINE = np.array([[0, -1.5, 0, 7], [1, 0, 0, -3], [0, 0, 4, 2], [0, 0, 0, 1]], np.float64)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((0, 5), np.float32), "empty"),
        (PIXELS.astype(np.float64), "float32"),
        (PIXELS[None], "float32"),
        ((PIXELS * 255).astype(np.uint8), "float32"),
        (PIXELS + np.float32(0.1), "0, 1"),
        (PIXELS - np.float32(0.1), "0, 1"),
        (np.where(PIXELS > 0.5, np.float32("nan"), PIXELS), "0, 1"),
    ],
    ids=["empty", "float64", "3D", "uint8", "above 1", "below 0", "NaN"],
)
def test_radiograph_refuses_wrong_pixels(pixels: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Radiograph(pixels, "digest")


@pytest.mark.parametrize("laterality", ["", "B", "left"])
def test_radiograph_refuses_unknown_side(laterality: str) -> None:
    with pytest.raises(ValueError, match="laterality"):
        Radiograph(PIXELS, "digest", laterality=laterality)


def test_shape_is_height_then_width() -> None:
    assert Radiograph(PIXELS, "digest").shape == (48, 64)


def test_radiograph_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Radiograph(PIXELS, "digest").title = "x"  # type: ignore[misc]


def test_changed_pixels_keep_the_rest_and_change_the_digest() -> None:
    image = Radiograph(PIXELS, "digest", spacing_mm=(0.2, 0.3), laterality="R", notes=("a",))
    turned = image.with_pixels(PIXELS[::-1].copy(), "flipped")
    other = image.with_pixels(PIXELS[::-1].copy(), "blurred")
    assert (turned.spacing_mm, turned.laterality, turned.notes) == ((0.2, 0.3), "R", ("a",))
    assert len({image.digest, turned.digest, other.digest}) == 3
    assert turned.digest == image.with_pixels(PIXELS, "flipped").digest
    assert image.pixels is PIXELS


@pytest.mark.parametrize(
    ("voxels", "affine"),
    [
        (VOXELS[0], AFFINE),
        (VOXELS.astype(np.float64), AFFINE),
        (VOXELS, AFFINE[:3]),
    ],
)
def test_volume_refuses_wrong_arrays(voxels: np.ndarray, affine: np.ndarray) -> None:
    with pytest.raises(ValueError, match="must be"):
        Volume(voxels, affine, "digest")


def test_spacing_is_that_of_each_axis_though_the_affine_turns() -> None:
    assert Volume(VOXELS, AFFINE, "digest").spacing_mm == (1.0, 1.5, 4.0)


@pytest.mark.parametrize(
    ("other", "choices"),
    [
        (PIXELS.T, ()),
        (PIXELS.reshape(64, 48), ()),
        (PIXELS.view(np.int32), ()),
        (PIXELS, ("seed", 1)),
        (np.nextafter(PIXELS, np.float32(2)), ()),
    ],
    ids=["transposed", "reshaped", "other type", "choices", "last bit"],
)
def test_digest_sees_values_shape_type_and_choices(other: np.ndarray, choices: tuple) -> None:
    assert digest_of(PIXELS) != digest_of(other, *choices)
    assert digest_of(other, *choices) == digest_of(other.copy(), *choices)


def add(array: np.ndarray, amount: float) -> np.ndarray:
    return array + amount


def centre(array: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    return array - array.mean(), {"mean": float(array.mean())}


def fail(array: np.ndarray) -> np.ndarray:
    raise UnsuitableInputError("The hand was not found; choose another image.")


ADD = Stage("Add", add, {"amount": 2.0}, "It adds.")
CENTRE = Stage("Centre", centre)
FAIL = Stage("Find", fail)


def test_no_stages_leave_no_steps() -> None:
    told: list[tuple[float, str]] = []
    assert run_stages(PIXELS, [], progress=lambda done, name: told.append((done, name))) == []
    assert told == [(1.0, "done")]


def test_each_stage_gets_what_the_last_one_returned() -> None:
    array = np.arange(6.0).reshape(2, 3)
    before = array.copy()
    first, last = run_stages(array, [ADD, CENTRE])
    assert np.array_equal(first.image, before + 2)
    assert np.array_equal(last.image, before - 2.5)
    assert last.overlays == {"mean": 4.5}
    assert (first.name, first.parameters, first.why) == ("Add", {"amount": 2.0}, "It adds.")
    assert np.array_equal(array, before)


def test_skipped_stage_passes_its_input_on() -> None:
    first, last = run_stages(PIXELS, [ADD, CENTRE], skip=["Add"])
    assert first.skipped
    assert first.image is PIXELS
    assert last.overlays["mean"] == pytest.approx(0.5)


def test_unknown_name_to_skip_is_loud() -> None:
    with pytest.raises(ValueError, match="Blur"):
        run_stages(PIXELS, [ADD], skip=["Blur"])


def test_failed_stage_ends_the_list_with_its_sentence() -> None:
    steps = run_stages(PIXELS, [ADD, FAIL, CENTRE])
    assert [step.name for step in steps] == ["Add", "Find"]
    assert steps[-1].error == "The hand was not found; choose another image."
    assert np.array_equal(steps[-1].image, PIXELS + 2.0)


def test_programming_fault_is_loud() -> None:
    with pytest.raises(TypeError):
        run_stages(PIXELS, [Stage("Add", add)])


def test_progress_is_told_before_each_stage_and_at_the_end() -> None:
    told: list[tuple[float, str]] = []
    run_stages(PIXELS, [ADD, CENTRE], progress=lambda done, name: told.append((done, name)))
    assert told == [(0.0, "Add"), (0.5, "Centre"), (1.0, "done")]
