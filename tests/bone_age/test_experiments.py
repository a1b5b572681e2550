"""The repeated experiments: how films are shown, one thing changed at a time, paired errors."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.bone_age.cases import BoneAgeCase, read_bone_age_cases
from models.bone_age import study
from models.bone_age.augment import Augmentation

TABLES = Path(study.__file__).parent


def cases(split: str, count: int) -> list[BoneAgeCase]:
    """Hands of ages from 40 months on, girls and boys by turns."""
    return [
        BoneAgeCase(f"{n}.png", Path(f"{n}.png"), split, 40.0 + 12 * n, "FM"[n % 2])
        for n in range(count)
    ]


def test_settings_differ_from_their_plain_one_in_one_thing() -> None:
    from models.bone_age import train_experiments as made

    for factor, named in made.FACTORS.items():
        plain, *others = named.values()
        for other in others:
            changed = [
                f.name for f in fields(plain) if getattr(plain, f.name) != getattr(other, f.name)
            ]
            assert len(changed) == 1, (factor, other)
    assert len(set(made.settings())) == len(made.settings())


def test_regions_vary_each_for_itself() -> None:
    from models.bone_age import train_experiments as made

    sheet = np.zeros((40, 40), np.uint8)
    sheet[5:15, 5:15] = 200  # one region alone holds something
    moved = made.Setting(how=Augmentation(20, 0.3, 0.15, True, 0, 0, 0))
    for seed in range(5):
        seen = made.view(sheet, moved, np.random.default_rng(seed))
        assert seen.shape == sheet.shape and seen.dtype == np.float32
        assert seen[20:].max() == seen[:, 20:].max() == 0
        assert not np.array_equal(seen, sheet / np.float32(255))
    whole = made.Setting(made.ALIGNED, how=Augmentation(0, 0.5, 0, False, 0, 0, 0))
    seen = [made.view(sheet, whole, np.random.default_rng(seed)) for seed in range(8)]
    assert max(one[20:].max() for one in seen) > 0
    plain = made.view(sheet, made.PLAIN, np.random.default_rng(0))
    assert np.array_equal(plain, sheet.astype(np.float32) / 255)


def test_films_are_shown_by_the_stages_of_the_page(folder: Path, tmp_path: Path) -> None:
    from core.files.radiograph import read_radiograph
    from models.bone_age import experiment_films as films
    from models.bone_age.pipelines import stages_of
    from models.bone_age.preprocess import network_input

    some = read_bone_age_cases(folder, "test")[:1]
    found = films.prepare(some, tmp_path)
    pixels = read_radiograph(some[0].path.read_bytes()).pixels
    for name, further in ((films.GREY_REGIONS, {}), (films.BINARY_REGIONS, {"binary": True})):
        stages = stages_of("landmark", side_px=films.SHAPE[0] // 2, **further)
        shown = network_input(pixels, stages, films.SHAPE)[1]
        assert np.array_equal(found[name][0], (255 * shown).round().astype(np.uint8))
    assert all(film.shape == (1, *films.SHAPE) and film.max() > 0 for film in found.values())
    again = films.prepare(some, tmp_path)
    assert all(np.array_equal(found[name], again[name]) for name in found)


def test_runs_are_kept_and_come_together_in_the_tables(tmp_path: Path) -> None:
    from models.bone_age import train_experiments as made

    split = {"train": cases("train", 16), "val": cases("val", 6)}
    rng = np.random.default_rng(0)
    films = {
        name: {made.GREY_REGIONS: rng.integers(0, 256, (len(some), 32, 32), np.uint8)}
        for name, some in split.items()
    }
    factors = {
        "sex": {"told": made.Setting(batch=4), "not told": made.Setting(batch=4, with_sex=False)},
        "length": {"once": made.Setting(batch=4), "twice": made.Setting(batch=4, longer=2)},
    }
    chosen = list(dict.fromkeys(one for named in factors.values() for one in named.values()))
    assert len(chosen) == 3
    common = (split, films, chosen, tmp_path / "runs", 1, (0, 1))
    runs = list(made.runs(*common))
    assert [run.epochs for run in runs] == [1, 1, 2, 1, 1, 2]
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("answers.npy")}
    assert len(kept) == 6
    again = list(made.runs(*common, until=0.0))
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert all(np.array_equal(a.answers, b.answers) for a, b in zip(runs, again, strict=True))
    assert not list(made.runs(split, films, chosen, tmp_path / "new", 1, (0,), until=0.0))
    study.write(split["val"], 16, runs[:-1], factors, tmp_path)
    part = pd.read_csv(tmp_path / "experiments.csv")
    assert part["factor"].unique().tolist() == ["sex"]  # the last run of the other is to come
    study.write(split["val"], 16, runs, factors, tmp_path)
    table = pd.read_csv(tmp_path / "experiments.csv")
    assert table["setting"].unique().tolist() == ["told", "not told", "once", "twice"]
    once = table[table["setting"] == "once"]["val_mae_months"].tolist()
    assert once == table[table["setting"] == "told"]["val_mae_months"].tolist()
    curves = pd.read_csv(tmp_path / "experiment_curves.csv")
    assert curves.loc[curves["setting"] == "twice", "epoch"].tolist() == [1, 2]
    assert not curves.isna().any().any()


def test_training_learns_what_tells_the_age() -> None:
    import torch

    from models.bone_age import train_experiments as made
    from models.bone_age.experiment_network import SmallNet, months_of

    torch.manual_seed(0)
    some = cases("train", 12)
    films = np.stack([np.full((32, 32), 20 * n, np.uint8) for n in range(12)])
    hands = made.hands_of(films, some, made.PLAIN)
    network = made.fit(SmallNet(), hands, hands, made.Setting(batch=4), 40, seed=0)
    errors = np.abs(months_of(network, films, hands.sexes) - hands.months)
    assert errors.mean() < np.abs(hands.months - hands.months.mean()).mean() / 2


def test_changes_are_paired_and_say_what_is_not_decided() -> None:
    rng = np.random.default_rng(0)
    plain = np.abs(rng.normal(0, 20, (3, 150)))
    better = np.maximum(plain - 3, 0)
    same = plain + rng.normal(0, 5, plain.shape)
    won, open_one = study.changes(np.stack([plain, better, same]), draws=200)
    assert won[1] <= won[0] <= won[2] < 0
    assert open_one[1] < 0 < open_one[2]


def test_one_lucky_seed_does_not_decide() -> None:
    """Seeds are drawn anew as well: where they disagree among themselves, nothing is decided."""
    plain = np.full((3, 100), 20.0)
    other = plain + np.array([[-9.0], [1.0], [1.0]])
    ((mean, low, high),) = study.changes(np.stack([plain, other]), draws=400)
    assert mean == pytest.approx(-7 / 3) and low < 0 < high


def test_shipped_changes_follow_from_the_shipped_answers() -> None:
    table = pd.read_csv(TABLES / "experiments.csv")
    answers = pd.read_csv(TABLES / "experiment_answers.csv")
    truth = answers["months"].to_numpy(float)
    for factor, rows in table.groupby("factor", sort=False):
        names = rows["setting"].unique()
        seeds = sorted(rows["seed"].unique())
        told = np.stack([[answers[f"{factor}: {name}, seed {seed}"] for seed in seeds]
                         for name in names])  # fmt: skip
        errors = study.errors_of(truth, told)
        for name, mine, paired in zip(names[1:], errors[1:], study.changes(errors), strict=True):
            row = rows[rows["setting"] == name].iloc[0]
            assert row[["change", "change_low", "change_high"]].tolist() == pytest.approx(
                paired, abs=6e-4
            )
            found = rows.loc[rows["setting"] == name, "val_mae_months"].to_numpy()
            assert found == pytest.approx(mine.mean(axis=1), abs=6e-4)
