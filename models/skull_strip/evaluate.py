"""Score the model on a folder of heads with brain masks.

    python -m models.skull_strip.evaluate --data ../shared/data/brain --split test --json out.json

The folder holds `brain.csv` with the columns file, mask, mask2 (may be empty), source and split.
Means over heads, with bootstrap 95 % intervals; every figure is on the head's own grid. Seconds
run from the array in memory to the mask on that grid, loading of the model left out.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from core.images import Volume
from core.metrics.masks import MaskAgreement, compare_masks
from core.metrics.statistics import bootstrap_interval
from core.skull_strip import OURS, TALLER, Settings
from models.cards import load_card
from models.skull_strip.predict import Model, load_model, segment
from models.skull_strip.settings import settings_of

FIGURES = ("dice", "dice_mask2", "iou", "iou_mask2", "hd95_mm", "hd95_mask2_mm")
TIMES = ("seconds", "seconds_without_n4")


def read_volume(path: Path) -> Volume:
    """A NIfTI head, brought to RAS+."""
    image = nib.as_closest_canonical(nib.load(path))
    voxels = np.ascontiguousarray(np.nan_to_num(image.get_fdata(dtype=np.float32)))
    return Volume(voxels, np.asarray(image.affine, float), str(path))


def read_mask(path: Path) -> np.ndarray:
    """A NIfTI mask as bool, brought to RAS+."""
    return np.asarray(nib.as_closest_canonical(nib.load(path)).dataobj) > 0


def table_of(data: Path) -> list[dict[str, str]]:
    """The rows of a folder's `brain.csv`."""
    with (data / "brain.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def masks_of(data: Path, row: Mapping[str, str]) -> tuple[np.ndarray, np.ndarray | None]:
    """A head's reference mask and its second one, where there is one.

    Raises:
        ValueError: If it has no mask.
    """
    if not row.get("mask"):
        raise ValueError(f"{row['file']} has no mask")
    second = read_mask(data / row["mask2"]) if row.get("mask2") else None
    return read_mask(data / row["mask"]), second


def score_head(
    model: Model,
    volume: Volume,
    mask: np.ndarray,
    mask2: np.ndarray | None,
    settings: Settings,
) -> dict[str, Any]:
    """One head's figures against one or two masks, timed with and without N4."""
    seconds = {}
    for n4 in (False, True):
        start = time.perf_counter()
        answer = segment(model, volume, replace(settings, n4=n4))
        seconds[n4] = time.perf_counter() - start
        if n4 == settings.n4:
            found = answer
    return {
        **agreement(found.voxels, mask, mask2, volume.spacing_mm),
        "seconds": seconds[settings.n4],
        "seconds_without_n4": seconds[False],
    }


def agreement(
    found: np.ndarray,
    mask: np.ndarray,
    mask2: np.ndarray | None,
    spacing_mm: tuple[float, float, float],
) -> dict[str, float | None]:
    """How an answer agrees with one reference or two; None for a second that there is not."""
    first = compare_masks(found, mask, spacing_mm)
    second: MaskAgreement | None = None
    if mask2 is not None:
        second = compare_masks(found, mask2, spacing_mm)
    return {
        "dice": first.dice,
        "dice_mask2": None if second is None else second.dice,
        "iou": first.iou,
        "iou_mask2": None if second is None else second.iou,
        "hd95_mm": first.hd95_mm,
        "hd95_mask2_mm": None if second is None else second.hd95_mm,
        "volume_ml": first.volume_ml,
        "reference_ml": first.reference_ml,
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over heads with 95 % intervals; None where no head has the figure."""
    found: dict[str, Any] = {"n": len(rows)}
    for name in (*FIGURES, *TIMES):
        values = np.array([row[name] for row in rows if row[name] is not None], float)
        key = "seconds_per_head" if name == "seconds" else name
        if values.size == 0:
            found[key] = None
            continue
        found[key] = float(values.mean())
        if name in FIGURES:
            found[f"{key}_interval"] = list(bootstrap_interval(_mean, values))
            found[f"{key}_n"] = int(values.size)
    return found


def _mean(values: np.ndarray) -> float:
    return float(values.mean())


def evaluate(
    model: Model,
    data: Path,
    split: str,
    settings: Settings | None = None,
    progress: Callable[[str], None] | None = None,
    *,
    limit: int | None = None,
) -> dict[str, Any]:
    """Score every head of a split ("all" takes every split), or the first `limit`.

    Without settings those of the model's card are taken.

    Raises:
        ValueError: If the split holds no head.
    """
    table = [row for row in table_of(data) if split in ("all", row["split"])][:limit]
    if not table:
        raise ValueError(f"{data / 'brain.csv'} has no head in the split {split!r}")
    settings = settings or settings_of(model.card)
    rows = []
    for number, row in enumerate(table):
        volume = read_volume(data / row["file"])
        masks = masks_of(data, row)
        if number == 0:  # the first call of a network traces it; that belongs to loading
            segment(model, volume, replace(settings, n4=False))
        scores = score_head(model, volume, masks[0], masks[1], settings)
        rows.append({"file": row["file"], "source": row.get("source", ""), **scores})
        if progress is not None:
            progress(_line(rows[-1], number + 1, len(table)))
    return report(model, split, rows)


def evaluate_phantoms(
    model: Model,
    count: int,
    settings: Settings = OURS,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Score the model on the head phantoms of seeds 0 to `count` - 1, at 2 mm."""
    from core.phantoms.head.phantom import random_head

    rows = []
    for seed in range(count):
        made = random_head(seed, 2.0)
        if seed == 0:
            segment(model, made.volume, replace(settings, n4=False))
        scores = score_head(model, made.volume, made.mask > 0, None, settings)
        rows.append({"file": f"phantom {seed}", "source": "phantom", **scores})
        if progress is not None:
            progress(_line(rows[-1], seed + 1, count))
    return report(model, "phantom", rows)


def report(model: Model, split: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What is written to the JSON file."""
    by_source: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_source[row["source"]].append(row)
    return {
        "model": model.card.name,
        "sha256": model.card.sha256,
        "split": split,
        **summary(rows),
        "by_source": {source: summary(group) for source, group in by_source.items()},
        "cases": rows,
    }


def _line(row: dict[str, Any], number: int, count: int) -> str:
    second = "" if row["dice_mask2"] is None else f" (mask2 {row['dice_mask2']:.4f})"
    return (
        f"{number}/{count} {row['file']} Dice {row['dice']:.4f}{second} "
        f"HD95 {row['hd95_mm']:.1f} mm {row['seconds']:.1f} s"
    )


def main() -> None:
    """Read the arguments, score, and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path)
    where.add_argument("--phantoms", type=int, help="score this many head phantoms instead")
    parser.add_argument("--split", default="test", help='a split of brain.csv, or "all"')
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--model", default="unet", help="name of a card")
    parser.add_argument("--settings", choices=("card", "ours", "taller"), default="card")
    parser.add_argument("--threshold", type=float, help="overrides the card's operating point")
    parser.add_argument("--without-n4", action="store_true")
    options = parser.parse_args()
    model = load_model(load_card("skull_strip", options.model))
    threshold = options.threshold
    if threshold is None:
        threshold = model.card.operating_points["brain"]
    chosen = {"card": settings_of(model.card), "ours": OURS, "taller": TALLER}[options.settings]
    settings = replace(chosen, threshold=threshold, n4=not options.without_n4)
    if options.phantoms:
        scored = evaluate_phantoms(model, options.phantoms, settings, print)
    else:
        scored = evaluate(model, options.data, options.split, settings, print)
    options.json.write_text(json.dumps(scored, indent=1), encoding="utf-8")
    for name in (*FIGURES, "seconds_per_head", "seconds_without_n4"):
        print(name, scored[name], scored.get(f"{name}_interval", ""))


if __name__ == "__main__":
    main()
