"""The chest experiments: which films, in which parts, and what the runs say together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from models.chest import study, train_experiments
from models.chest.dataset import Case
from models.chest.train import Plan

SIZES, VIEWS = (64, 128), ("PA", "AP")


def a_case(number: int, px: int, view: str, *, heart: bool, patient: str, folder: Path) -> Case:
    findings = frozenset({"Cardiomegaly"} if heart else ())
    row = {"view": view, "patient": patient, "No_Finding": str(int(not heart))}
    return Case(folder / f"{number}.png", f"{number}.png", px, findings, row)


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    """Twelve large hearts of nine patients, and eighty films without a finding."""
    kinds = [(px, view) for px in SIZES for view in VIEWS]
    hearts = [
        a_case(n, *kinds[n % 4], heart=True, patient=f"p{n % 9}", folder=tmp_path)
        for n in range(12)
    ]
    return hearts + [
        a_case(n, *kinds[n % 4], heart=False, patient=f"p{n % 60}", folder=tmp_path)
        for n in range(12, 92)
    ]


def test_each_large_heart_has_its_counterpart_of_size_and_view(cases: list[Case]) -> None:
    chosen = train_experiments.matched(cases)
    kinds = {
        heart: Counter(
            (case.px, case.row["view"])
            for case in chosen
            if ("Cardiomegaly" in case.findings) == heart
        )
        for heart in (True, False)
    }
    assert kinds[True] == kinds[False] and kinds[True].total() == 12
    patients = [case.row["patient"] for case in chosen[12:]]
    assert len(set(patients)) == 12
    assert not set(patients) & {case.row["patient"] for case in chosen[:12]}


def test_no_patient_is_in_two_parts(cases: list[Case]) -> None:
    chosen = train_experiments.matched(cases)
    for seed in (0, 1):
        part = train_experiments.parts(chosen, seed)
        assert set(part) == set(range(study.PARTS))
        where: dict[str, set[int]] = {}
        for case, number in zip(chosen, part, strict=True):
            where.setdefault(case.row["patient"], set()).add(int(number))
        assert all(len(numbers) == 1 for numbers in where.values())
    one, other = (train_experiments.parts(chosen, seed) for seed in (0, 1))
    assert not np.array_equal(one, other)


def test_area_compares_films_of_one_stratum_only() -> None:
    truth = np.array([0, 1, 0, 1], bool)
    strata = np.array(["a", "a", "b", "b"])
    scores = np.array([0.0, 1.0, 5.0, 6.0], np.float32)
    assert study.within(truth, scores, strata) == 1.0
    assert study.within(truth, scores, np.array(["a"] * 4)) == 0.75


def test_changes_are_paired_and_say_what_is_not_decided() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(160) % 2 == 0
    noise = rng.normal(0, 1, (2, 160)).astype(np.float32)
    plain = noise + truth
    scores = np.stack([plain, plain + 1.5 * truth, plain + rng.normal(0, 0.1, plain.shape)])
    strata = np.tile(np.repeat(["0 64", "1 64"], 80), (2, 1))
    better, same = study.changes(
        truth, scores.astype(np.float32), strata, np.full(160, 64), draws=100
    )
    assert 0 < better[1] <= better[0] <= better[2]
    assert same[1] < 0 < same[2] and abs(same[0]) < 0.02


def test_runs_are_kept_and_come_together_in_the_tables(cases: list[Case], tmp_path: Path) -> None:
    import torch

    from models.chest.network import ChestNet

    chosen = train_experiments.matched(cases)
    for number, case in enumerate(chosen):
        film = np.random.default_rng(number).integers(0, 256, (case.px, case.px), np.uint8)
        cv2.imwrite(str(case.path), film)
    imagenet = {
        name: value
        for name, value in ChestNet("mobilenet_v2", 1).features.state_dict().items()
        if torch.is_tensor(value)
    }
    settings = (
        train_experiments.Setting("start", "random weights", imagenet=False),
        train_experiments.Setting("start", "blur", imagenet=False),
    )
    plan = Plan(epochs=1, batch=4)
    common = (chosen, settings, imagenet, tmp_path / "runs", plan, 1)
    runs = list(train_experiments.runs(*common))
    assert len(runs) == len(settings) * study.PARTS
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("scores.npy")}
    again = list(train_experiments.runs(*common))
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert all(np.array_equal(a.scores, b.scores) for a, b in zip(runs, again, strict=True))
    study.write(chosen, runs, plan.epochs, tmp_path)
    table = pd.read_csv(tmp_path / "experiments.csv")
    assert table["setting"].tolist() == ["random weights", "blur"]
    assert table["val_auroc"].between(0, 1).all() and np.isnan(table["change"][0])
    assert table["change_low"][1] <= table["change"][1] <= table["change_high"][1]
    scores = pd.read_csv(tmp_path / "experiment_scores.csv")
    assert len(scores) == len(chosen) and not scores.isna().any().any()
    curves = pd.read_csv(tmp_path / "experiment_curves.csv")
    assert curves["epoch"].tolist() == [1, 1]
