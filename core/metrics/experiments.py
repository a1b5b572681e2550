"""Experiments with seeds: what a difference between settings says, and what it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np


@dataclass(frozen=True)
class Verdict:
    """What the runs say of two settings.

    Attributes:
        better, worse: The setting with the smaller and that with the larger mean error.
        gain_months: Difference of their means.
        spread_months: Largest difference between two seeds of one of the two.
        clear: Whether every run of the better setting beat every run of the worse, with at
            least two seeds each.
    """

    better: str
    worse: str
    gain_months: float
    spread_months: float
    clear: bool

    @property
    def words(self) -> str:
        """The result in a sentence."""
        says = f"“{self.better}” was better than “{self.worse}” by {self.gain_months:.1f} months"
        seeds = f"seeds of one setting differed by up to {self.spread_months:.1f} months"
        if self.clear:
            return f"{says}, whichever seeds are compared ({seeds})."
        return f"{says} on average, but {seeds}: this size cannot decide it."


@dataclass(frozen=True)
class Claim:
    """A published claim about two settings of a factor.

    Attributes:
        words: What was claimed, in a sentence.
        better, worse: The settings that were claimed to be better and worse.
    """

    words: str
    better: str
    worse: str

    def against(self, settings: Mapping[str, Sequence[float]]) -> str:
        """How the runs bear on the claim, in words; empty where a setting was not run."""
        if self.better not in settings or self.worse not in settings:
            return ""
        found = verdict({name: settings[name] for name in (self.better, self.worse)})
        assert found is not None
        if not found.clear:
            return "Cannot be decided at this size."
        return "Agrees." if found.better == self.better else "Does not agree."


def verdict(settings: Mapping[str, Sequence[float]]) -> Verdict | None:
    """Compare the best with the worst setting of a factor; None where there is only one.

    Args:
        settings: Mean absolute errors in months, one a seed, by the setting's name.
    """
    if len(settings) < 2:
        return None
    by_mean = sorted(settings, key=lambda name: float(np.mean(settings[name])))
    better, worse = by_mean[0], by_mean[-1]
    good, bad = settings[better], settings[worse]
    spreads = [abs(a - b) for runs in (good, bad) for a, b in combinations(runs, 2)]
    return Verdict(
        better,
        worse,
        float(np.mean(bad) - np.mean(good)),
        max(spreads, default=0.0),
        min(len(good), len(bad)) >= 2 and max(good) < min(bad),
    )
