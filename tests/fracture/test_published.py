"""The published VGG-16 steps: what is trained on what, what the runs decide, and the page."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from core.datasets import FractureCase
from core.fracture import published
from models.fracture.vgg16_study import FIGURES, RUNS, Run, changes, write
from pages.tasks.fracture import experiments, published_films
from tests import page_runner

SETTINGS = (published.PLAIN, published.AUGMENTED, published.STOPPED)
STEPS = {published.PLAIN: 0.3, published.AUGMENTED: 1.5, published.STOPPED: 3.0}
"""Log odds by which fractured films lie above the others."""


def cases(count: int) -> list[FractureCase]:
    none = np.zeros((0, 4), np.float32)
    return [
        FractureCase(f"{n}.png", Path(f"{n}.png"), "val", none, n % 3 == 0) for n in range(count)
    ]


def run_of(setting: str, seed: int, count: int, gain: float, epochs: int = 3) -> Run:
    rng = np.random.default_rng((seed, len(setting)))
    truth = np.arange(count) % 3 == 0
    odds = (rng.standard_normal(count) + gain * (truth - 0.5)).astype(np.float32)
    curve = pd.DataFrame({name: np.linspace(1, 0.5, epochs) for name in FIGURES})
    return Run(setting, seed, odds, curve.assign(epoch=range(1, epochs + 1)), 12.0)


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tables of three settings in the published order, the last one stopped early once."""
    runs = [
        run_of(name, seed, 120, gain, 2 if (name, seed) == (published.STOPPED, 1) else 3)
        for name, gain in STEPS.items()
        for seed in (0, 1)
    ]
    write(cases(120), runs, 3, 400, tmp_path)
    for name in ("RUNS", "CURVES", "SCORES"):
        path = getattr(experiments, name)
        monkeypatch.setattr(experiments, name, tmp_path / path.name)
    return tmp_path


@pytest.mark.parametrize(("gain", "sign"), [(2.0, 1), (-2.0, -1), (0.0, 0)])
def test_change_is_decided_only_where_the_films_decide_it(gain: float, sign: int) -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(150) % 4 == 0
    first = rng.standard_normal((2, 150)) + truth
    second = first + 0.4 * rng.standard_normal((2, 150)) + gain * (truth - 0.5)
    ((change, low, high),) = changes(truth, np.stack([first, second]), draws=200)
    assert low <= change <= high
    assert (low > 0) - (high < 0) == sign


def test_tables_say_whether_the_published_order_repeats(tables: Path) -> None:
    table = pd.read_csv(tables / RUNS)
    assert "**The published order repeats here.**" in published.order_in_words(table)
    table["setting"] = table["setting"].map(dict(zip(SETTINGS, SETTINGS[::-1], strict=True)))
    table[["change", "change_low", "change_high"]] *= -1
    assert "does not repeat" in published.order_in_words(table)


def test_right_and_wrong_films_are_those_of_the_confusion_matrix(tables: Path) -> None:
    scores = pd.read_csv(tables / experiments.SCORES.name)
    matrix = published.confusion(scores, published.PLAIN)
    counts = {kind: len(published.films(scores, published.PLAIN, kind)) for kind in published.KINDS}
    assert list(counts.values()) == [matrix.iloc[0, 1], matrix.iloc[1, 0], matrix.iloc[0, 0],
                                     matrix.iloc[1, 1]]  # fmt: skip
    assert matrix.to_numpy().sum() == 120
    missed = published.films(scores, published.PLAIN, "Missed fractures")
    assert missed["probability"].is_monotonic_increasing and missed["probability"].max() < 0.5
    assert all(int(Path(file).stem) % 3 == 0 for file in missed["file"])


def test_curve_ends_where_the_first_seed_was_stopped(tables: Path) -> None:
    epochs = pd.read_csv(tables / experiments.CURVES.name)
    assert len(published.mean_curve(epochs, published.STOPPED)) == 2
    assert len(published.mean_curve(epochs, published.PLAIN)) == 3


def test_page_says_first_whether_the_order_repeats_and_draws_films_of_a_folder(
    tables: Path, tmp_path: Path
) -> None:
    app = page_runner.opened("fracture")
    app.more("Model card")
    appendix = next(one for one in app.expander if experiments.TITLE in one.label)
    assert appendix.markdown[0].value.startswith("**The published order repeats here.**")
    assert "films are not part of Lightbox" in app.words
    before = len(app.get("image"))
    folder = limbs(tmp_path / "set", 120)
    app.text_input(key="fracture_published_folder").set_value(str(folder)).run()
    assert not app.error and not app.exception
    missed = pd.read_csv(tables / experiments.SCORES.name)
    count = len(published.films(missed, published.PLAIN, "Missed fractures"))
    assert len(app.get("image")) == before + min(published_films.MOST, count) > before
    app.selectbox(key="fracture_published_setting").set_value(published.STOPPED).run()
    app.text_input(key="fracture_published_folder").set_value(str(tmp_path / "none")).run()
    assert len(app.error) == 1


def limbs(folder: Path, count: int) -> Path:
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for one in cases(count):
        grey = rng.integers(0, 255, (48, 64), np.uint8)
        (folder / "images" / one.file).write_bytes(cv2.imencode(".png", grey)[1].tobytes())
        rows.append({"file": one.file, "split": "train", "fractured": int(one.fractured)})
    boxes = [
        {"file": r["file"], "xmin": 3, "ymin": 4, "xmax": 20, "ymax": 30}
        for r in rows
        if r["fractured"]
    ]
    for name, some in (("images.csv", rows), ("boxes.csv", boxes)):
        with (folder / name).open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, list(some[0]))
            writer.writeheader()
            writer.writerows(some)
    return folder


def test_epoch_is_balanced_and_takes_normal_films_in_turn() -> None:
    from models.fracture.train_vgg16 import _balanced

    fractured = (np.arange(12) < 3).astype(np.float32)
    seen: list[NDArray[np.int64]] = []
    for epoch in range(3):
        order = _balanced(fractured, epoch, np.random.default_rng(epoch))
        assert sorted(order[order < 3]) == [0, 1, 2] and len(order) == 6
        seen.append(order[order >= 3])
    assert sorted(np.concatenate(seen)) == list(range(3, 12))


def test_runs_go_on_where_they_were_stopped_and_write_their_tables(tmp_path: Path) -> None:
    from models.fracture import train_vgg16

    rows = []
    (tmp_path / "set" / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(24):
        file, broken = f"{number * 25}.png", number % 2
        grey = rng.integers(0, 255, (48, 64), np.uint8)
        path = tmp_path / "set" / "images" / file
        path.write_bytes(cv2.imencode(".png", grey)[1].tobytes())
        split = "val" if number >= 18 else "train"
        rows.append({"file": file, "split": split, "fractured": broken})
    for name in ("images.csv", "boxes.csv"):
        columns = ["file", "xmin", "ymin", "xmax", "ymax"]
        text = pd.DataFrame(rows) if name == "images.csv" else pd.DataFrame(columns=columns)
        text.to_csv(tmp_path / "set" / name, index=False)
    aside = [row["file"] for row in rows if train_vgg16.is_aside(row["file"])]
    assert 0 < len(aside) < 18 / 3
    data, out = tmp_path / "set", tmp_path / "runs"
    first = train_vgg16.run_all(data, out, epochs=1, seeds=1, side_px=32, most=1)
    assert [run.setting for run in first] == [published.PLAIN]
    kept = (out / "0_0.npz").stat().st_mtime_ns
    runs = train_vgg16.run_all(data, out, epochs=1, seeds=1, side_px=32)
    assert [run.setting for run in runs] == list(SETTINGS)
    assert (out / "0_0.npz").stat().st_mtime_ns == kept
    assert all(np.isfinite(run.odds).all() and len(run.odds) == 6 for run in runs)
