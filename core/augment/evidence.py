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


def curves(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Learning curves, one run a setting: its best epoch, its last five, and what they decide.

    Args:
        table: With the columns variant, epoch, train_auroc and val_auroc.
    """
    rows = []
    for name, run in table.groupby("variant", sort=False):
        last = run.sort_values("epoch")["val_auroc"].tail(5)
        best = run.iloc[int(run["val_auroc"].to_numpy().argmax())]
        rows.append(
            {
                "trained with": name,
                "runs": 1,
                "epochs": len(run),
                "training AUROC, best epoch": best["train_auroc"],
                "validation AUROC, best epoch": best["val_auroc"],
                "last five epochs, lowest": last.min(),
                "last five epochs, highest": last.max(),
            }
        )
    found = pd.DataFrame(rows)
    best = found["validation AUROC, best epoch"]
    spread = (found["last five epochs, highest"] - found["last five epochs, lowest"]).max()
    gap = float(best.max() - best.min())
    compared = "less" if gap < spread else "more"
    return found, (
        f"The best epochs of the {len(found)} settings lie {gap:.3f} apart, {compared} than the "
        f"{spread:.3f} by which one run moves in its last five epochs. One run a setting, and "
        "the table does not hold the number of validation films: no interval can be given, and "
        "whether augmentation helped is not decided."
    )


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
