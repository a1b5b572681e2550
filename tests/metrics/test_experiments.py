"""What runs with several seeds decide, and what they do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.metrics.experiments import (
    Claim,
    beside_published,
    conclusion,
    mean_curves,
    order_repeats,
    paired_changes,
    summed,
)
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
    "gains, says", [((0.05, 0.06, 0.055), "better"), ((-0.05, -0.06, -0.055), "worse"),
                    ((0.05, -0.04, 0.01), "cannot be decided"), ((0.05,), "cannot be decided")],
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
    assert ("blur" in conclusion(found)) == (says != "cannot be decided")


def test_first_setting_is_the_plain_one_where_none_is_called_so() -> None:
    found, title = summed(runs({"a": [10.0, 11.0], "b": [14.0, 15.1]}), "crops")
    assert title == "validation error in months"
    assert found["says"].tolist() == ["", "worse"]  # an error that grows
    assert "Worse: b." in conclusion(found) and "“a”" in conclusion(found)


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
    assert found["says"].tolist() == ["", "better", "cannot be decided"]
    assert found[["change", "low", "high"]].iloc[1].tolist() == [0.02, 0.01, 0.03]
    said = [Claim("", *pair).against(table) for pair in (("blur", "none"), ("none", "blur"))]
    assert said == ["Agrees.", "Does not agree."]
    assert Claim("", "none", "flip").against(table) == "Cannot be decided at this size."


def test_published_stands_beside_what_was_found_in_its_own_factor() -> None:
    table = pd.concat([
        runs({"a": [1.0, 1.1, 1.2], "b": [2.0, 2.1, 2.2]}),
        runs({"a": [5.0, 5.1, 5.2], "c": [4.0, 4.1, 4.2]}).assign(factor="batch"),
        runs({"a": [5.0, 5.1, 5.2], "d": [4.0, 9.1, 5.2]}).assign(factor="sex"),
    ])  # fmt: skip
    claims = [
        Claim("a beats b", "a", "b", "crops"),
        Claim("a beats c", "a", "c", "batch"),
        Claim("a beats d", "a", "d", "sex"),
        Claim("a beats e", "a", "e", "sex"),
    ]
    found = beside_published(table, claims)
    assert found["published"].tolist() == ["a beats b", "a beats c", "a beats d"]
    verdicts = ["Agrees", "Does not agree", "Cannot be decided at this size"]
    assert found["verdict"].tolist() == verdicts
    assert found.iloc[0, 1] == "-1 (-1 to -1)" and found.iloc[1, 1] == "+1 (+1 to +1)"
    assert order_repeats(table, claims) == (
        "Of 3 published claims, 1 is repeated here, 1 is the other way round here, "
        "1 is not decided at this size."
    )
    assert order_repeats(table, claims[:1]) == "Of 1 published claims, 1 is repeated here."


def test_changes_draw_seeds_and_films_together() -> None:
    rng = np.random.default_rng(0)
    films = rng.normal(0, 10, (3, 90))
    figures = np.stack([films, films + 2 + rng.normal(0, 1, films.shape), films[:, ::-1] + 2])

    def means(seeds: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        return figures[:, seeds][:, :, chosen].mean(axis=(1, 2))

    strata = [np.arange(40), np.arange(40, 90)]
    paired, apart = paired_changes(means, 3, strata, draws=200)
    assert 0 < paired[1] <= paired[0] <= paired[2]
    assert apart[0] == pytest.approx(2) and apart[1] < 0  # films of another order are not paired
    assert paired_changes(means, 3, strata, draws=200) == [paired, apart]


def test_mean_curve_has_a_row_an_epoch() -> None:
    one = pd.DataFrame({"epoch": [1, 2], "loss": [4.0, 2.0], "seconds": [9, 9]})
    mean = mean_curves([one, one.assign(loss=[2.0, 1.0])], ("loss",))
    assert mean.to_dict("list") == {"epoch": [1, 2], "loss": [3.0, 1.5]}
