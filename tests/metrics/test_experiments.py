"""What runs with several seeds decide, and what they do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.metrics.experiments import Claim, conclusion, summed
from core.plots.curves import seeds_chart


def runs(settings: dict[str, list[float]], figure: str = "val_mae_months") -> pd.DataFrame:
    """A table of one factor, the seeds from 0."""
    rows = [
        ("crops", name, seed, value)
        for name, values in settings.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=["factor", "setting", "seed", figure])


@pytest.mark.parametrize(
    "gains, says", [((0.05, 0.06, 0.055), "helped"), ((-0.05, -0.06, -0.055), "harmed"),
                    ((0.05, -0.04, 0.01), "not decided"), ((0.05,), "not decided")],
)  # fmt: skip
def test_a_change_is_decided_by_its_interval_over_seeds(gains, says: str) -> None:
    rows = [("none", seed, 0.8 + seed / 100, 425) for seed in range(len(gains))]
    rows += [("blur", seed, 0.8 + seed / 100 + gain, 425) for seed, gain in enumerate(gains)]
    table = pd.DataFrame(rows, columns=["setting", "seed", "val_auroc", "n_val"])
    found, _ = summed(table.assign(factor="augmentation"))
    blur = found.set_index("trained with").loc["blur"]
    assert (blur["says"], blur["films"], blur["runs"]) == (says, 425, len(gains))
    assert blur["change"] == pytest.approx(np.mean(gains))
    if len(gains) > 1:  # Student's t at two degrees of freedom
        half = 4.3027 * np.std(gains, ddof=1) / np.sqrt(3)
        assert blur["high"] - blur["change"] == pytest.approx(half, rel=1e-4)
    assert ("Blur" in conclusion(found)) == (says != "not decided")


def test_first_setting_is_the_plain_one_where_none_is_called_so() -> None:
    found, title = summed(runs({"a": [10.0, 11.0], "b": [14.0, 15.1]}), "crops")
    assert title == "validation error in months"
    assert found["says"].tolist() == ["", "harmed"]  # an error that grows
    assert "B harmed" in conclusion(found) and "“a”" in conclusion(found)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"a": [1.0, 1.1], "b": [2.0, 2.1]}, "Agrees."),
        ({"a": [2.0, 2.1], "b": [1.0, 1.1]}, "Does not agree."),
        ({"a": [1.0, 3.0], "b": [2.0, 2.1]}, "Cannot be decided at this size."),
        ({"a": [1.0], "b": [2.0]}, "Cannot be decided at this size."),
        ({"a": [1.0, 3.0]}, ""),
    ],
)
def test_claim_is_held_against_its_two_settings(
    settings: dict[str, list[float]], says: str
) -> None:
    assert Claim("a is better than b", "a", "b").against(runs(settings)) == says


def test_chart_holds_every_run_and_each_mean() -> None:
    chart = seeds_chart([("8", [14.0, 15.0]), ("64", [16.0])], "months")
    assert chart.layout.yaxis.type == "category"
    assert chart.data[0].x == (14.0, 15.0, 16.0) and chart.data[1].x == (14.5, 16.0)


def test_films_decide_where_the_table_compares_them() -> None:
    table = runs({"none": [0.80, 0.81], "blur": [0.82, 0.83], "flip": [0.7, 0.9]}, "val_auroc")
    paired = {"none": (np.nan,) * 3, "blur": (0.02, 0.01, 0.03), "flip": (-0.01, -0.03, 0.01)}
    for place, column in enumerate(("change", "change_low", "change_high")):
        table[column] = [paired[name][place] for name in table["setting"]]
    found, _ = summed(table, "crops")
    assert found["says"].tolist() == ["", "helped", "not decided"]
    assert found[["change", "low", "high"]].iloc[1].tolist() == [0.02, 0.01, 0.03]
    said = [Claim("", *pair).against(table) for pair in (("blur", "none"), ("none", "blur"))]
    assert said == ["Agrees.", "Does not agree."]
    assert Claim("", "none", "flip").against(table) == "Cannot be decided at this size."
