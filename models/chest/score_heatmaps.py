"""Score the heat maps: `python -m models.chest.score_heatmaps --data F --out models/chest`.

Three questions for every method: does it point where a person drew a box around the finding;
does it look at the heart where the heart is too wide; does it change when the network's weights
are replaced by random ones (Adebayo et al. 2018), as an explanation of that network must.
Writes `heatmaps.csv`.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.images import FloatArray, Radiograph
from core.metrics.heat_maps import HeatScore, boxes_region, centre_map, rank_correlation, score
from core.metrics.statistics import bootstrap_interval
from models.cards import load_card
from models.chest.dataset import read_film, read_mask, read_mask_cases
from models.chest.gradients import Explained, heat_map, load_model
from models.chest.heatmaps import METHODS
from models.chest.network import ChestNet

LAYERS = ("1/16", "last")
COLUMNS = (
    "question", "split", "method", "layer", "n", "pointing", "pointing_low", "pointing_high",
    "energy", "energy_low", "energy_high", "area", "likeness", "likeness_low", "likeness_high",
)  # fmt: skip
CENTRE = "Centre-weighted baseline"
BOXES, HEART, RANDOM = "boxes", "heart", "random weights"


@dataclass(frozen=True, eq=False)
class Question:
    """A film, the finding to explain, and where the heat should be, (H, W) in [0, 1]."""

    image: Radiograph
    finding: str
    region: FloatArray
    split: str


def box_questions(folder: Path, labels: Sequence[str]) -> list[Question]:
    """One for every film and finding with boxes."""
    boxes: dict[tuple[str, str, str], list[tuple[float, float, float, float]]] = {}
    with (folder / "bbox_nih_fraction.csv").open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if row["finding"] in labels:
                x, y, w, h = (float(row[name]) for name in "xywh")
                key = (row["file"], row["finding"], row["split"])
                boxes.setdefault(key, []).append((x, y, x + w, y + h))
    found = []
    for (file, finding, split), fractions in boxes.items():
        image = read_film(folder / file)
        height, width = image.shape
        scaled = [(a * width, b * height, c * width, d * height) for a, b, c, d in fractions]
        found.append(Question(image, finding, boxes_region(scaled, image.shape), split))
    return found


def heart_questions(folder: Path, splits: Sequence[str]) -> list[Question]:
    """Films whose outlined heart is wider than half the chest: the heat should be on the heart."""
    return [
        Question(
            read_film(case.path),
            "Cardiomegaly",
            (read_mask(case.mask_path) == 3).astype(np.float32),
            split,
        )
        for split in splits
        for case in read_mask_cases(folder, split)
        if case.ratio > 0.5
    ]


def randomised(model: Explained) -> Explained:
    """The same networks with random weights."""
    import torch

    torch.manual_seed(0)
    networks = [ChestNet(one.architecture, len(model.labels)).eval() for one in model.networks]
    return replace(model, networks=tuple(networks))


def region_rows(
    name: str, questions: Sequence[Question], model: Explained
) -> Iterable[dict[str, Any]]:
    """Pointing game and energy of each method and layer, by split, and of the baseline."""
    splits = sorted({question.split for question in questions})
    asked = {split: [q for q in questions if q.split == split] for split in splits}
    for split, members in asked.items():
        middle = [score(centre_map(q.image.shape), q.region) for q in members]
        yield {"question": name, "split": split, "method": CENTRE, "layer": "", **summary(middle)}
        for method in METHODS:
            for layer in LAYERS:
                scores = [
                    score(
                        heat_map(model, q.image, q.finding, method=method, layer=layer).values,
                        q.region,
                    )
                    for q in members
                ]
                shown = {"question": name, "split": split, "method": method, "layer": layer}
                yield {**shown, **summary(scores)}


def summary(scores: Sequence[HeatScore]) -> dict[str, Any]:
    """Means over films with bootstrap 95 % intervals."""
    row: dict[str, Any] = {"n": len(scores)}
    for name in ("pointing", "energy"):
        # A map without any heat points nowhere and holds no energy in the region.
        values = np.nan_to_num([getattr(one, name) for one in scores])
        row[name], row[f"{name}_low"], row[f"{name}_high"] = interval(values)
    row["area"] = round(float(np.mean([one.area for one in scores])), 4)
    return row


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean with a bootstrap 95 % interval."""
    low, high = bootstrap_interval(lambda v: float(np.mean(v)), values)
    return round(float(np.mean(values)), 4), round(low, 4), round(high, 4)


def random_rows(questions: Sequence[Question], model: Explained) -> Iterable[dict[str, Any]]:
    """How much the maps resemble those of random weights (Spearman, 1 for the same)."""
    other = randomised(model)
    for method in METHODS:
        for layer in LAYERS:
            alike = []
            for q in questions:
                ours = heat_map(model, q.image, q.finding, method=method, layer=layer).values
                theirs = heat_map(other, q.image, q.finding, method=method, layer=layer).values
                alike.append(rank_correlation(ours, theirs))
            known = np.array([value for value in alike if np.isfinite(value)])
            row: dict[str, Any] = {"question": RANDOM, "method": method, "layer": layer}
            row["split"], row["n"] = "val and test", len(known)
            if len(known):
                names = ("likeness", "likeness_low", "likeness_high")
                row.update(zip(names, interval(known), strict=True))
            yield row


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data set folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for heatmaps.csv")
    parser.add_argument("--card", default="findings")
    options = parser.parse_args(arguments)
    model = load_model(load_card("chest", options.card))
    boxes = box_questions(options.data, model.labels)
    hearts = heart_questions(options.data, ("val", "test"))
    unseen = [question for question in boxes if question.split != "train"]
    with (options.out / "heatmaps.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, COLUMNS, restval="")
        writer.writeheader()
        for rows in (
            region_rows(BOXES, boxes, model),
            region_rows(HEART, hearts, model),
            random_rows(unseen, model),
        ):
            for row in rows:
                writer.writerow(row)
                handle.flush()


if __name__ == "__main__":
    main()
