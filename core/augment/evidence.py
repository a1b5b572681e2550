"""What training with a transform brought, from a task's table of measured experiments."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from core.metrics.experiments import summed

SPEAKS_OF = {
    "rotation": "rotate",
    "blur": "blur",
    "shift": "shift",
    "zoom": "zoom",
    "shear": "shear",
    "brightness": "brightness",
    "noise": "noise",
    "flip": "mirror",
}
"""Word of a setting, and the transform that it speaks of."""


def transform_of(setting: str) -> str | None:
    """The transform that a setting such as "rotation up to 18°" speaks of, or None."""
    found = [name for word, name in SPEAKS_OF.items() if word in setting.lower()]
    return found[0] if found else None


def beside(path: Path | None) -> dict[str, str]:
    """A sentence for each transform that was tried in training; empty where nothing was."""
    if path is None or not path.is_file():
        return {}
    try:
        found, figure = summed(pd.read_csv(path))
    except KeyError:
        return {}
    said = {}
    for _, row in found.iterrows():
        name = transform_of(str(row["trained with"]))
        if name is not None:
            runs = f"{row['runs']} run{'s' if row['runs'] > 1 else ''}"
            span = "" if math.isnan(row["low"]) else f", {row['low']:+.2g} to {row['high']:+.2g}"
            said[name] = (
                f"Trained with {row['trained with']}: {figure} {row[figure]:.3g} "
                f"({row['change']:+.2g}{span} against none, {runs}): {row['says']}."
            )
    return said
