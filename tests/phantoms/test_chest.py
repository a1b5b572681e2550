"""The chest phantom: its truth holds, and one value at a time can be moved."""

from __future__ import annotations

import numpy as np
import pytest

from core.chest import ctr
from core.phantoms.chest.phantom import FINDINGS, RATIOS, ChestPhantom, chest_phantom

SHAPE = (160, 176)


def _make(seed: int = 3, **more: object) -> ChestPhantom:
    return chest_phantom(seed, **{"shape": SHAPE, "noise": 0.0, "marker": False, **more})


@pytest.mark.parametrize("shape", [(96, 128), (200, 150)])
@pytest.mark.parametrize("view", ["PA", "AP"])
def test_film_is_a_radiograph_with_masks_of_its_shape(shape: tuple[int, int], view: str) -> None:
    made = chest_phantom(1, shape=shape, view=view)
    assert made.image.shape == shape
    assert made.image.view == view
    assert set(made.masks) == {"left_lung", "right_lung", "heart"}
    for mask in made.masks.values():
        assert mask.shape == shape
        assert mask.dtype == bool
        assert 0.02 < mask.mean() < 0.3


@pytest.mark.parametrize("seed", range(4))
def test_patients_left_lies_on_the_viewers_right(seed: int) -> None:
    masks = _make(seed).masks
    middle = {name: np.nonzero(mask)[1].mean() for name, mask in masks.items()}
    assert middle["right_lung"] < middle["heart"] < middle["left_lung"]
    assert not (masks["left_lung"] & masks["heart"]).any()
    assert middle["heart"] > (middle["right_lung"] + middle["left_lung"]) / 2  # and the apex left


@pytest.mark.parametrize("ratio", [*RATIOS, 0.48, 0.52, 0.6])
@pytest.mark.parametrize("seed", range(3))
def test_ratio_is_the_one_that_was_asked_for(seed: int, ratio: float) -> None:
    made = chest_phantom(seed, heart_ratio=ratio, noise=0.0)
    found = ctr.measure(made.masks)
    assert made.ctr == found.ratio
    assert abs(made.ctr - ratio) * found.chest_width_px <= 1.0
    assert ("Cardiomegaly" in made.findings) == (made.ctr > ctr.LIMIT)


def test_same_seed_gives_the_same_film() -> None:
    one, two = (chest_phantom(5, shape=SHAPE, findings=["Effusion"]) for _ in range(2))
    np.testing.assert_array_equal(one.image.pixels, two.image.pixels)
    assert one.image.digest == two.image.digest
    assert one.boxes == two.boxes
    assert one.image.digest != chest_phantom(6, shape=SHAPE, findings=["Effusion"]).image.digest


def test_larger_heart_changes_nothing_but_the_heart() -> None:
    small, large = _make(heart_ratio=0.42), _make(heart_ratio=0.6)
    assert large.masks["heart"].sum() > 1.3 * small.masks["heart"].sum()
    for name in ("left_lung", "right_lung"):
        np.testing.assert_array_equal(small.masks[name] & ~large.masks["heart"], large.masks[name])
    changed = np.abs(small.image.pixels - large.image.pixels)
    top = int(np.flatnonzero(large.masks["heart"].any(axis=1))[0])
    assert changed[: top - 30].max() < 0.01
    grown = large.masks["heart"] & ~small.masks["heart"] & (
        small.masks["left_lung"] | small.masks["right_lung"]
    )  # fmt: skip
    assert (large.image.pixels - small.image.pixels)[grown].mean() > 0.1


@pytest.mark.parametrize("seed", range(3))
def test_lungs_are_darker_than_heart_and_belly(seed: int) -> None:
    made = _make(seed)
    pixels = made.image.pixels
    lung = np.median(pixels[made.masks["left_lung"] | made.masks["right_lung"]])
    heart = np.median(pixels[made.masks["heart"]])
    belly = np.median(pixels[-12:, 60:116])
    assert lung + 0.15 < heart <= 1
    assert lung + 0.15 < belly <= 1


@pytest.mark.parametrize("side", ["L", "R"])
@pytest.mark.parametrize("name", [name for name in FINDINGS if name != "Cardiomegaly"])
def test_finding_changes_the_film_inside_its_box_on_its_side(name: str, side: str) -> None:
    for seed in range(3):
        sound, ill = _make(seed), _make(seed, findings=[name], side=side)
        assert ill.findings == {name}
        assert ill.ctr == sound.ctr
        [(x0, y0, x1, y1)] = ill.boxes[name]
        change = ill.image.pixels - sound.image.pixels
        inside = np.zeros(SHAPE, bool)
        inside[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = True
        mean = change[inside].mean()
        assert mean < -0.004 if name == "Pneumothorax" else mean > 0.01
        assert (change[inside] ** 2).sum() > 0.8 * (change**2).sum()
        lung = ill.masks["left_lung" if side == "L" else "right_lung"]
        x = np.nonzero(lung)[1]
        assert x.min() - 12 <= x0 < x1 <= x.max() + 2


def test_pneumothorax_has_no_vessels() -> None:
    sound, ill = _make(2), _make(2, findings=["Pneumothorax"], side="R", severity=2)
    lung = sound.masks["right_lung"]
    rows = np.flatnonzero(lung.any(axis=1))
    strip = np.zeros(SHAPE, bool)
    for row in rows[len(rows) // 4 : len(rows) // 2]:
        first = int(np.flatnonzero(lung[row])[0])
        strip[row, first + 3 : first + 8] = True
    assert ill.image.pixels[strip].mean() < sound.image.pixels[strip].mean() - 0.02


def test_severity_grows_the_finding() -> None:
    areas = []
    for severity in (0.5, 1, 2):
        [(x0, y0, x1, y1)] = _make(findings=["Effusion"], severity=severity).boxes["Effusion"]
        areas.append((x1 - x0) * (y1 - y0))
    assert areas == sorted(areas)
    assert areas[0] < areas[2]


def test_findings_can_come_together() -> None:
    made = _make(findings=["Cardiomegaly", "Nodule", "Effusion"])
    assert made.findings == set(made.boxes) == {"Cardiomegaly", "Nodule", "Effusion"}
    assert made.ctr > ctr.LIMIT
    x0, _, x1, _ = made.boxes["Cardiomegaly"][0]
    columns = np.flatnonzero(made.masks["heart"].any(axis=0))
    assert (x0, x1) == (columns[0], columns[-1] + 1)


def test_marker_lies_beside_the_left_shoulder() -> None:
    with_letter, without = _make(marker=True), _make(marker=False)
    rows, columns = np.nonzero(with_letter.image.pixels != without.image.pixels)
    assert rows.size
    assert rows.max() < 0.3 * SHAPE[0]
    assert columns.min() > 0.8 * SHAPE[1]


def test_noise_is_the_only_thing_that_noise_changes() -> None:
    quiet, noisy = _make(), _make(noise=1.0)
    assert 0 < np.abs(quiet.image.pixels - noisy.image.pixels).mean() < 0.05
    np.testing.assert_array_equal(quiet.masks["heart"], noisy.masks["heart"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"findings": ["Gout"]}, "findings"),
        ({"heart_ratio": 0.9}, "heart_ratio"),
        ({"heart_ratio": 0.45, "findings": ["Cardiomegaly"]}, "Cardiomegaly"),
        ({"shape": (8, 8)}, "shape"),
        ({"view": "lateral"}, "view"),
        ({"noise": -1}, "noise"),
        ({"side": "left"}, "side"),
        ({"severity": 0}, "severity"),
    ],
)
def test_impossible_values_are_faults(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        chest_phantom(0, **wrong)
