"""Training of the chest models: views, losses, frozen layers, verdicts, scored heat maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.images import Radiograph
from models.chest import score_heatmaps, train_experiments
from models.chest.gradients import Explained
from models.chest.network import ChestNet
from models.chest.train import epoch_order, mean_auroc, targets_loss
from models.chest.train_cardiomegaly import Binary, thinned
from models.chest.train_segment import overlap_loss, training_pair


def binary(n: int = 8, side: int = 32) -> Binary:
    films = np.random.default_rng(0).integers(0, 256, (n, side, side), np.uint8)
    return Binary(films, np.array([1.0, 0.0] * (n // 2), np.float32))


def test_unknown_targets_count_nothing() -> None:
    logits = torch.tensor([[0.3, 2.0], [-1.0, 0.5]])
    known = torch.tensor([[1.0, float("nan")], [0.0, float("nan")]])
    weights, positives = torch.ones(2), torch.ones(2)
    loss = targets_loss(logits, known, weights, positives)
    alone = targets_loss(logits[:, :1], known[:, :1], weights[:1], positives[:1])
    assert float(loss) == pytest.approx(float(alone))


def test_no_patient_fills_an_epoch() -> None:
    patients = np.array(["a"] * 30 + ["b"] * 2 + ["c"])
    order = epoch_order(patients, 3, np.random.default_rng(0))
    assert sorted(patients[order]) == ["a"] * 3 + ["b"] * 2 + ["c"]
    again = epoch_order(patients, 3, np.random.default_rng(1))
    assert set(order) != set(again)
    assert len(epoch_order(patients, 0, np.random.default_rng(0))) == 33


def test_mean_leaves_rare_findings_out() -> None:
    truth = np.zeros((30, 2), np.float32)
    truth[:12, 0] = 1
    truth[:2, 1] = 1
    scores = np.linspace(1, 0, 30, dtype=np.float32)[:, None].repeat(2, axis=1)
    assert mean_auroc(truth, scores) == 1.0
    assert np.isnan(mean_auroc(truth[:, 1:], scores[:, 1:]))


def test_thinning_keeps_every_positive() -> None:
    whole = Binary(np.zeros((20, 4, 4), np.uint8), np.array([1.0] * 5 + [0.0] * 15, np.float32))
    kept = thinned(whole, 4, seed=0)
    assert kept.truth.sum() == 5 and len(kept.truth) == 9


def test_mirrored_masks_swap_the_lungs() -> None:
    film = np.zeros((32, 32), np.uint8)
    mask = np.zeros((32, 32), np.uint8)
    mask[8:24, 4:12], mask[8:24, 20:28] = 2, 1  # the patient's right lung on the viewer's left
    for seed in range(12):
        _, moved = training_pair(film, mask, np.random.default_rng(seed))
        columns = [np.flatnonzero((moved == label).any(axis=0)).mean() for label in (2, 1)]
        assert columns[0] < columns[1]


def test_overlap_loss_prefers_the_truth() -> None:
    truth = torch.zeros(1, 8, 8, dtype=torch.long)
    truth[:, 2:6, 2:6] = 3
    right = torch.nn.functional.one_hot(truth, 4).movedim(3, 1).float() * 10
    assert float(overlap_loss(right, truth)) < float(overlap_loss(torch.zeros_like(right), truth))


def test_settings_change_one_thing_from_the_plain_run() -> None:
    plain = train_experiments.PLAIN
    for setting in train_experiments.SETTINGS:
        changed = [
            name
            for name in ("strength", "imagenet")
            if getattr(setting, name) != getattr(plain, name)
        ]
        assert len(changed) == (setting != plain)


def test_heat_maps_are_scored_beside_a_blind_bell() -> None:
    torch.manual_seed(0)
    network = ChestNet("mobilenet_v2", 1).eval()
    model = Explained((network,), ("Effusion",), 64, False)
    pixels = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    region = np.zeros((64, 64), np.float32)
    region[24:40, 24:40] = 1
    question = score_heatmaps.Question(Radiograph(pixels, "d"), "Effusion", region, "val")
    rows = list(score_heatmaps.region_rows("boxes", [question], model))
    assert rows[0]["method"] == score_heatmaps.CENTRE and rows[0]["pointing"] == 1.0
    assert {row["layer"] for row in rows[1:]} == set(score_heatmaps.LAYERS)
    assert all(0 <= row["energy"] <= 1 for row in rows)
    assert all(row["area"] == pytest.approx(1 / 16, abs=1e-4) for row in rows)


def test_boxes_come_as_fractions_of_the_film(tmp_path: Path) -> None:
    import cv2

    (tmp_path / "img").mkdir()
    picture = np.random.default_rng(0).integers(0, 256, (40, 80), np.uint8)
    cv2.imwrite(str(tmp_path / "img" / "a.png"), picture)
    (tmp_path / "bbox_nih_fraction.csv").write_text(
        "file,finding,x,y,w,h,split\nimg/a.png,Effusion,0.5,0.25,0.25,0.5,val\n"
        "img/a.png,Other,0,0,1,1,val\n",
        encoding="utf-8",
    )
    (question,) = score_heatmaps.box_questions(tmp_path, ("Effusion",))
    rows, columns = np.nonzero(question.region)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (10, 30, 40, 60)
