"""Experiments with seeds: what a difference between settings says, and what it cannot."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NAMES = {"val_auroc": "validation AUROC", "val_mae_months": "validation error in months"}
HIGHER_IS_BETTER = {"val_auroc"}
PAIRED = ("change", "change_low", "change_high")
"""Columns of a table whose settings were compared film by film, the same in every run of one."""
Figures = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]
"""The figure of every setting (settings,) over the seeds and films of these indices."""


BETTER, WORSE, OPEN = "better", "worse", "cannot be decided"


@dataclass(frozen=True)
class Claim:
    """A published claim about two settings of a factor.

    Attributes:
        words: What was claimed, in a sentence.
        better, worse: The settings that were claimed to be better and worse.
        factor: What was changed; empty where a table holds one factor, or each setting once.
    """

    words: str
    better: str
    worse: str
    factor: str = ""

    def change(self, table: pd.DataFrame) -> tuple[float, float, float] | None:
        """Change from `worse` to `better` with its interval; None where one was not run."""
        rows = table[table["factor"] == self.factor] if self.factor else table
        if not {self.better, self.worse} <= set(rows["setting"]):
            return None
        return _change(rows, _figure_of(table), self.better, self.worse)

    def against(self, table: pd.DataFrame) -> str:
        """How the runs of a table bear on the claim; empty where a setting was not run."""
        found = self.change(table)
        if found is None:
            return ""
        said = {BETTER: "Agrees.", WORSE: "Does not agree."}
        return said.get(_verdict(*found[1:], _figure_of(table)), "Cannot be decided at this size.")


def beside_published(table: pd.DataFrame, claims: Sequence[Claim]) -> pd.DataFrame:
    """What was published beside what a table found: a row a claim whose settings were run."""
    unit = NAMES[_figure_of(table)]
    rows = []
    for claim in claims:
        found = claim.change(table)
        if found is not None:
            mean, low, high = found
            rows.append(
                {
                    "published": claim.words,
                    f"here: change of the {unit}": f"{mean:+.3g} ({low:+.3g} to {high:+.3g})",
                    "verdict": claim.against(table).rstrip("."),
                }
            )
    return pd.DataFrame(rows)


def order_repeats(table: pd.DataFrame, claims: Sequence[Claim], noun: str = "claims") -> str:
    """How many of the published claims the runs repeat, in a sentence."""
    said = [found for claim in claims if (found := claim.against(table))]
    counts = [
        (sum(one == "Agrees." for one in said), "repeated here"),
        (sum(one == "Does not agree." for one in said), "the other way round here"),
        (sum(one.startswith("Cannot") for one in said), "not decided at this size"),
    ]
    parts = [f"{count} {'is' if count == 1 else 'are'} {words}" for count, words in counts if count]
    return f"Of {len(said)} published {noun}, {', '.join(parts)}."


def _figure_of(table: pd.DataFrame) -> str:
    return next(name for name in NAMES if name in table.columns)


def summed(table: pd.DataFrame, factor: str = "augmentation") -> tuple[pd.DataFrame, str]:
    """The mean of every setting over its runs, with the change against the plain one; its figure.

    The plain setting is "none", or the first of the factor. Where the table brings no change of
    its own, the interval of a change is Student's over the seeds that both settings were trained
    with; it is missing where that is one seed.

    Args:
        table: With the columns factor, setting, seed and one of `NAMES`. With those of `PAIRED`,
            the change of each setting against the plain one as its films decide it.
        factor: What was changed; empty for all factors at once.

    Raises:
        KeyError: If the table has none of these figures.
    """
    figure = next((name for name in NAMES if name in table.columns), None)
    if figure is None or "factor" not in table.columns:
        raise KeyError("no figure of a training")
    rows = table[table["factor"] == factor] if factor else table
    found = rows.groupby("setting", sort=False)[figure].agg(["mean", "count"]).reset_index()
    found.columns = pd.Index(["trained with", NAMES[figure], "runs"])
    count = next((name for name in ("n_val", "n") if name in rows.columns), None)
    if count is not None:
        found["films"] = rows.groupby("setting", sort=False)[count].max().to_numpy()
    plain = plain_of(found)
    spans = [_change(rows, figure, str(name), plain) for name in found["trained with"]]
    found["change"], found["low"], found["high"] = zip(*spans, strict=True)
    found["says"] = [_verdict(low, high, figure) for _, low, high in spans]
    own = found["trained with"] == plain
    found.loc[own, ["change", "low", "high"]] = math.nan
    found.loc[own, "says"] = ""
    return found, NAMES[figure]


def plain_of(found: pd.DataFrame) -> str:
    """The setting of a table of `summed` that the others are compared with."""
    settings = [str(name) for name in found["trained with"]]
    return "none" if "none" in settings else settings[0]


def _change(
    rows: pd.DataFrame, figure: str, setting: str, plain: str
) -> tuple[float, float, float]:
    """Mean change against another setting and its 95 % interval, NaN where there is none."""
    from scipy.stats import t

    if is_paired(rows):
        return _told(rows, setting, plain)
    runs = rows.pivot_table(index="seed", columns="setting", values=figure)
    if setting not in runs.columns or plain not in runs.columns:
        return math.nan, math.nan, math.nan
    paired = (runs[setting] - runs[plain]).dropna().to_numpy()
    if not len(paired):
        return math.nan, math.nan, math.nan
    mean = float(paired.mean())
    if len(paired) < 2:
        return mean, math.nan, math.nan
    half = float(t.ppf(0.975, len(paired) - 1) * paired.std(ddof=1) / math.sqrt(len(paired)))
    return mean, mean - half, mean + half


def is_paired(table: pd.DataFrame) -> bool:
    """Whether a table's settings were compared film by film."""
    return set(PAIRED) <= set(table.columns)


def _told(rows: pd.DataFrame, setting: str, other: str) -> tuple[float, float, float]:
    """The paired change of a setting against another, of which one is the plain one."""
    by_setting = rows.groupby("setting")[list(PAIRED)].first()
    for name, sign in ((setting, 1), (other, -1)):
        mean, low, high = by_setting.loc[[name]].to_numpy(float)[0].tolist()
        if not math.isnan(mean):
            return (mean, low, high) if sign > 0 else (-mean, -high, -low)
    return math.nan, math.nan, math.nan


def _verdict(low: float, high: float, figure: str) -> str:
    if not low <= high or low <= 0 <= high:  # NaN: one run
        return OPEN
    return BETTER if (low > 0) == (figure in HIGHER_IS_BETTER) else WORSE


def conclusion(found: pd.DataFrame) -> str:
    """What a table of `summed` decides, in a sentence."""
    tried = found[found["trained with"] != plain_of(found)]
    said = [
        f"{verdict.capitalize()}: {', '.join(names)}. "
        for verdict in (BETTER, WORSE)
        if (names := list(tried.loc[tried["says"] == verdict, "trained with"]))
    ]
    least, most = int(found["runs"].min()), int(found["runs"].max())
    runs = f"{least}" if least == most else f"{least} to {most}"
    runs += " run" if most == 1 else " runs"
    open_ones = int((tried["says"] == OPEN).sum())
    changes = f"With {runs} a setting, {open_ones} of {len(tried)} changes from “{plain_of(found)}”"
    if most == 1:
        why = "cannot be decided: one run has no interval."
    elif open_ones:
        why = "cannot be decided: their 95 % intervals include zero."
    else:
        why = "stay open: no 95 % interval includes zero."
    return f"{''.join(said)}{changes} {why}"


def paired_changes(
    figures: Figures, seeds: int, strata: Sequence[NDArray[np.int64]], draws: int = 1000
) -> list[tuple[float, float, float]]:
    """Change of each further setting against the first, with its paired bootstrap interval.

    A draw takes seeds anew, and films anew within each stratum, the same for all settings.

    Args:
        figures: What is compared.
        seeds: How many there are.
        strata: Indices of the films, by stratum.
        draws: How many.

    Returns:
        Change and both ends of its 95 % interval, by setting from the second on.
    """
    rng = np.random.default_rng(0)

    def gains(chosen: NDArray[np.int64], films: NDArray[np.int64]) -> NDArray[np.float64]:
        found = figures(chosen, films)
        return found[1:] - found[0]

    told = gains(np.arange(seeds), np.sort(np.concatenate(strata)))
    drawn = []
    for _ in range(draws):
        chosen = rng.integers(0, seeds, seeds)
        films = np.concatenate([rng.choice(some, len(some)) for some in strata])
        drawn.append(gains(chosen, films))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return list(zip(told.tolist(), low.tolist(), high.tolist(), strict=True))


def mean_curves(curves: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Means over runs of what was measured after each epoch, a row an epoch that all reached."""
    epochs = pd.concat(curves).groupby("epoch")
    return epochs[list(columns)].mean()[epochs.size() == len(curves)].reset_index()
