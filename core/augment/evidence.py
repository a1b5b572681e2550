"""What training with a transform brought, from a task's table of measured experiments."""

from __future__ import annotations

import math
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
HIGHER_IS_BETTER = {"val_auroc"}


def transform_of(setting: str) -> str | None:
    """The transform that a setting such as "rotation up to 18°" speaks of, or None."""
    found = [name for word, name in SPEAKS_OF.items() if word in setting.lower()]
    return found[0] if found else None


def summed(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The mean of every augmentation over its runs, with the change against none; its figure.

    The interval of a change is Student's over the seeds that both settings were trained with; it
    is missing where that is one seed.

    Args:
        table: With the columns factor, setting, seed and one of `NAMES`.

    Raises:
        KeyError: If the table has none of these figures.
    """
    figure = next((name for name in NAMES if name in table.columns), None)
    if figure is None or "factor" not in table.columns:
        raise KeyError("no figure of a training")
    rows = table[table["factor"] == "augmentation"]
    found = rows.groupby("setting", sort=False)[figure].agg(["mean", "count"]).reset_index()
    found.columns = pd.Index(["trained with", NAMES[figure], "runs"])
    count = next((name for name in ("n_val", "n") if name in rows.columns), None)
    if count is not None:
        found["films"] = rows.groupby("setting", sort=False)[count].max().to_numpy()
    runs = rows.pivot_table(index="seed", columns="setting", values=figure)
    spans = [_change(runs, str(name)) for name in found["trained with"]]
    found["change"], found["low"], found["high"] = zip(*spans, strict=True)
    found["says"] = [_verdict(low, high, figure) for _, low, high in spans]
    none = found["trained with"] == "none"
    found.loc[none, ["change", "low", "high"]] = math.nan
    found.loc[none, "says"] = ""
    return found, NAMES[figure]


def _change(runs: pd.DataFrame, setting: str) -> tuple[float, float, float]:
    """Mean change against none and its 95 % interval, NaN where there is none."""
    from scipy.stats import t

    if "none" not in runs.columns:
        return math.nan, math.nan, math.nan
    paired = (runs[setting] - runs["none"]).dropna().to_numpy()
    if not len(paired):
        return math.nan, math.nan, math.nan
    mean = float(paired.mean())
    if len(paired) < 2:
        return mean, math.nan, math.nan
    half = float(t.ppf(0.975, len(paired) - 1) * paired.std(ddof=1) / math.sqrt(len(paired)))
    return mean, mean - half, mean + half


def _verdict(low: float, high: float, figure: str) -> str:
    if not low <= high or low <= 0 <= high:  # NaN: one run
        return "not decided"
    return "helped" if (low > 0) == (figure in HIGHER_IS_BETTER) else "harmed"


def conclusion(found: pd.DataFrame) -> str:
    """What a table of `summed` decides, in a sentence."""
    tried = found[found["trained with"] != "none"]
    said = [
        f"{', '.join(names)} {verdict}"
        for verdict in ("helped", "harmed")
        if (names := list(tried.loc[tried["says"] == verdict, "trained with"]))
    ]
    least, most = int(found["runs"].min()), int(found["runs"].max())
    runs = f"{least}" if least == most else f"{least} to {most}"
    runs += " run" if most == 1 else " runs"
    open_ones = int((tried["says"] == "not decided").sum())
    decided = "; ".join(said) + ". " if said else ""
    return (
        f"{decided}With {runs} a setting, {open_ones} of {len(tried)} changes are "
        "not decided: their 95 % intervals over the seeds include zero."
    )


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
