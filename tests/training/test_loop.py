"""The shared training loop: a stopped run ends as one in one go, rates, averages, the curve."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.training.loop import Loss, Training, adamw, averaged, growing, run, warmed_cosine


def a_run(epochs: int, planned: int = 3) -> Training:
    """Four steps an epoch on a network with a norm and dropout, towards the first input."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimiser = adamw(network, 0.01, 0.1)

    def losses(epoch: int, rng: np.random.Generator) -> Iterator[Loss]:
        for _ in range(4):
            inputs = torch.from_numpy(rng.random((6, 3), np.float32))
            loss = (network(inputs)[:, 0] - inputs[:, 0]).square().mean()
            yield loss, {"half": float(loss.detach()) / 2}

    return Training(
        network,
        optimiser,
        warmed_cosine(optimiser, planned * 4, 2),
        growing(0.9),
        epochs,
        losses,
        lambda average, epoch: {"val": float(epoch)},
        keep_last=1,
    )


def test_stopped_run_ends_in_the_weights_of_one_in_one_go(tmp_path: Path) -> None:
    whole = run(a_run(3), tmp_path / "whole")
    run(a_run(1), tmp_path / "parts")
    parts = run(a_run(3), tmp_path / "parts")
    assert whole.keys() == parts.keys()
    for name, value in whole.items():
        torch.testing.assert_close(value, parts[name], rtol=0, atol=0, msg=name)
    with (tmp_path / "parts" / "curves.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0]) == ["epoch", "loss", "half", "rate", "val", "seconds"]
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[0]["half"]) == pytest.approx(float(rows[0]["loss"]) / 2, abs=1e-4)
    assert (tmp_path / "whole" / "average_003.pt").is_file()


def test_finished_run_is_not_trained_on(tmp_path: Path) -> None:
    first = run(a_run(2), tmp_path)
    again = run(a_run(2), tmp_path)
    torch.testing.assert_close(first["0.weight"], again["0.weight"], rtol=0, atol=0)


def test_rate_rises_then_falls() -> None:
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule = warmed_cosine(optimiser, total=100, warm_up=10, floor=0.01)
    rates = []
    for _ in range(101):
        rates.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    assert rates[0] == pytest.approx(0.2)
    assert max(rates) == rates[9] == pytest.approx(2.0, rel=0.03)
    assert rates[9] > rates[50] > rates[100] == pytest.approx(0.02)


def test_average_follows_weights_and_statistics_and_copies_counters() -> None:
    network = nn.BatchNorm1d(2)
    average = averaged(network, lambda count: 0.75)
    average.update_parameters(network)
    with torch.no_grad():
        network.weight.fill_(5.0)
        network.running_mean.fill_(4.0)
        network.num_batches_tracked.fill_(7)
    average.update_parameters(network)
    state = average.module.state_dict()
    assert state["weight"].tolist() == [2.0, 2.0]
    assert state["running_mean"].tolist() == [1.0, 1.0]
    assert int(state["num_batches_tracked"]) == 7


def test_norms_and_biases_are_not_decayed() -> None:
    groups = adamw(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), 0.1, 0.5).param_groups
    assert [group["weight_decay"] for group in groups] == [0.5, 0.0]
    assert [len(group["params"]) for group in groups] == [1, 3]
