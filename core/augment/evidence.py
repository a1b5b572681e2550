"""What training with a transform brought, from a task's table of measured experiments."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

SPEAKS_OF = {
    "rotation": "rotate",
    "blur": "blur",
    "shift": "shift",
    "zoom": "zoom",
    "brightness": "brightness",
    "noise": "noise",
    "flip": "mirror",
}
"""Word of a setting, and the transform that it speaks of."""
NAMES = {"val_auroc": "validation AUROC", "val_mae_months": "validation error in months"}


def transform_of(setting: str) -> str | None:
    """The transform that a setting such as "rotation up to 18°" speaks of, or None."""
    found = [name for word, name in SPEAKS_OF.items() if word in setting.lower()]
    return found[0] if found else None


def summed(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The mean of every augmentation over its runs, with the change against none; its figure.

    Args:
        table: With the columns factor, setting and one of `NAMES`.

    Raises:
        KeyError: If the table has none of these figures.
    """
    figure = next((name for name in NAMES if name in table.columns), None)
    if figure is None or "factor" not in table.columns:
        raise KeyError("no figure of a training")
    rows = table[table["factor"] == "augmentation"]
    found = rows.groupby("setting", sort=False)[figure].agg(["mean", "count"]).reset_index()
    found.columns = pd.Index(["trained with", NAMES[figure], "runs"])
    none = found.loc[found["trained with"] == "none", NAMES[figure]]
    found["change"] = found[NAMES[figure]] - float(none.iloc[0]) if len(none) else float("nan")
    return found, NAMES[figure]


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
            said[name] = (
                f"Trained with {row['trained with']}: {figure} {row[figure]:.3g} "
                f"({row['change']:+.2g} against none, {runs})."
            )
    return said
