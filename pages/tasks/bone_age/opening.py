"""The bone-age page's opening case, computed ahead (`pages.shared.warm`)."""

from __future__ import annotations

from pages.tasks.bone_age import loaders
from pages.tasks.bone_age.sidebar import FIRST, estimators, made


def compute() -> None:
    """Ask the first model what the page asks it at first."""
    loaders.estimate(estimators()[0], made(FIRST).image, FIRST.sex)
