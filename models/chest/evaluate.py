"""Score the shipped chest models: `python -m models.chest.evaluate --data F --split S --json FILE`.

The folder has the layout of `../shared/data/chest`; labels and masks are scored each where they
are there. Everything runs on the CPU at the settings of the model cards.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.chest.ctr import masks_from_labels, measure
from core.errors import ImagingError
from core.images import FloatArray
from core.metrics.statistics import auroc, bootstrap_interval, dice
from core.stages import Progress
from models.cards import load_card
from models.chest import segment
from models.chest.dataset import Case, MaskCase, read_film, read_mask, read_mask_cases
from models.chest.dataset import read_cases as read_labelled
from models.chest.predict import Model, load_model, network_input, probabilities
from models.chest.preprocess import pad_square, resize
from models.figures import without_nan

LEAST_POSITIVES = 10
"""A finding with fewer positives, or without negatives, has no area under its curve here."""
BINS = 15
SPECIFICITY = 0.9
"""Share of the films without a finding, of `val`, that stay below its operating point."""
SIZES = (128, 64)
BATCH = 64


@dataclass(frozen=True, eq=False)
class Labelled:
    """Labelled films with what a model says of them.

    Attributes:
        labels: The findings of the model, in the order of the columns.
        truth, found: (N, L): 0 or 1, and calibrated probabilities.
        px: (N,) native side of each film.
        files: Names as the table writes them.
    """

    labels: tuple[str, ...]
    truth: FloatArray
    found: FloatArray
    px: NDArray[np.int64]
    files: tuple[str, ...]

    def part(self, chosen: NDArray[np.bool_]) -> Labelled:
        """The films that are chosen."""
        files = tuple(f for f, taken in zip(self.files, chosen, strict=True) if taken)
        return Labelled(self.labels, self.truth[chosen], self.found[chosen], self.px[chosen], files)


@dataclass(frozen=True)
class Outlined:
    """A film outlined by a person and how the network's masks compare.

    Attributes:
        heart, left_lung, right_lung: Dice coefficients.
        ratio: Cardiothoracic ratio of the network's masks; NaN where one was not found.
        true_ratio: That of the person's.
    """

    case: MaskCase
    heart: float
    left_lung: float
    right_lung: float
    ratio: float
    true_ratio: float

    @property
    def lungs(self) -> float:
        """Mean of both lungs."""
        return (self.left_lung + self.right_lung) / 2

    @property
    def ratio_error(self) -> float:
        """Absolute error; 0.5 where no ratio was found, which counts as badly as it can."""
        return abs(self.ratio - self.true_ratio) if math.isfinite(self.ratio) else 0.5


def score_labelled(
    model: Model,
    cases: Sequence[Case],
    progress: Progress | None = None,
    *,
    through_px: int | None = None,
) -> Labelled:
    """Run a classifier on labelled films, each read as an upload to the page is.

    Args:
        through_px: Films are first brought to this side: what that costs is what resolution is
            worth.
    """
    found = [np.zeros((0, len(model.labels)), np.float32)]
    for first in range(0, len(cases), BATCH):
        if progress is not None:
            progress(first / len(cases), f"film {first} of {len(cases)}")
        films = [read_film(case.path) for case in cases[first : first + BATCH]]
        if through_px:
            films = [f.with_pixels(resize(pad_square(f.pixels), through_px), "") for f in films]
        batch = [network_input(model, film) for film in films]
        found.append(probabilities(model, np.stack(batch)))
    truth = np.array([[name in c.findings for name in model.labels] for c in cases], np.float32)
    return Labelled(
        model.labels,
        truth.reshape(len(cases), len(model.labels)),
        np.concatenate(found),
        np.array([case.px for case in cases], np.int64),
        tuple(case.file for case in cases),
    )


def score_outlined(
    model: segment.SegmentModel, cases: Sequence[MaskCase], progress: Progress | None = None
) -> list[Outlined]:
    """Run the U-Net on films that a person outlined."""
    scored = []
    for number, case in enumerate(cases):
        if progress is not None:
            progress(number / len(cases), f"mask {number} of {len(cases)}")
        found = segment.segment(model, read_film(case.path))
        true = masks_from_labels(read_mask(case.mask_path))
        try:
            ratio = measure(found).ratio
        except ImagingError:
            ratio = float("nan")
        overlap = {name: dice(found[name], true[name]) for name in true}
        scored.append(
            Outlined(
                case,
                overlap["heart"],
                overlap["left_lung"],
                overlap["right_lung"],
                ratio,
                case.ratio,
            )
        )
    return scored


def finding_aurocs(scored: Labelled) -> dict[str, float | None]:
    """Area under the ROC curve by finding; None where the films cannot say."""
    areas: dict[str, float | None] = {}
    for column, label in enumerate(scored.labels):
        positives = int(scored.truth[:, column].sum())
        enough = LEAST_POSITIVES <= positives < len(scored.truth)
        areas[label] = auroc(scored.truth[:, column], scored.found[:, column]) if enough else None
    return areas


def calibration_error(truth: FloatArray, found: FloatArray, bins: int = BINS) -> float:
    """Expected calibration error over all pairs of film and finding (Guo et al. 2017)."""
    rows = reliability(truth, found, bins)
    total = sum(row["n"] for row in rows)
    if not total:
        return float("nan")
    return sum(row["n"] * abs(row["found"] - row["true"]) for row in rows) / total


def reliability(truth: FloatArray, found: FloatArray, bins: int = BINS) -> list[dict[str, float]]:
    """Mean probability ("found") and share of positives ("true") of each filled bin."""
    flat_truth, flat = truth.ravel(), found.ravel()
    index = np.minimum((flat * bins).astype(int), bins - 1)
    rows = []
    for number in range(bins):
        inside = index == number
        if inside.any():
            rows.append(
                {
                    "low": number / bins,
                    "found": float(flat[inside].mean()),
                    "true": float(flat_truth[inside].mean()),
                    "n": int(inside.sum()),
                }
            )
    return rows


def label_metrics(scored: Labelled, draws: int) -> dict[str, Any]:
    """Areas, their mean and the calibration error, with bootstrap 95 % intervals over films."""
    empty = dict.fromkeys(scored.labels)
    if not len(scored.truth):
        return {"mean_auroc": None, "auroc": empty, "ece": None, "intervals": {}}
    areas = finding_aurocs(scored)
    kept = [i for i, label in enumerate(scored.labels) if areas[label] is not None]

    def mean_area(truth: FloatArray, found: FloatArray) -> float:
        return float(np.mean([auroc(truth[:, i], found[:, i]) for i in kept]))

    def area(column: int) -> Callable[[FloatArray, FloatArray], float]:
        return lambda truth, found: auroc(truth[:, column], found[:, column])

    both = (scored.truth, scored.found)
    intervals: dict[str, Any] = {"ece": bootstrap_interval(calibration_error, *both, draws=draws)}
    if kept:
        intervals["mean_auroc"] = bootstrap_interval(mean_area, *both, draws=draws)
    intervals["auroc"] = {
        scored.labels[i]: bootstrap_interval(area(i), *both, draws=draws) for i in kept
    }
    return {
        "mean_auroc": mean_area(*both) if kept else None,
        "auroc": areas,
        "ece": calibration_error(*both),
        "intervals": intervals,
    }


def mask_metrics(scored: Sequence[Outlined], draws: int) -> dict[str, Any]:
    """Mean Dice of heart and lungs and the ratio's mean absolute error, with intervals."""
    names = {"dice_heart": "heart", "dice_lungs": "lungs", "ctr_mae": "ratio_error"}
    if not scored:
        return {**dict.fromkeys(names), "intervals": {}}
    metrics: dict[str, Any] = {"intervals": {}}
    for name, attribute in names.items():
        values = np.array([getattr(one, attribute) for one in scored])
        metrics[name] = float(values.mean())
        metrics["intervals"][name] = bootstrap_interval(
            lambda v: float(np.mean(v)), values, draws=draws
        )
    return metrics


def report(
    labelled: Labelled,
    outlined: Sequence[Outlined],
    *,
    draws: int = 1000,
    with_cases: bool = False,
) -> dict[str, Any]:
    """All metrics, over all sizes and by the films' own size."""
    films, masks = label_metrics(labelled, draws), mask_metrics(outlined, draws)
    result: dict[str, Any] = {**films, **masks}
    result["intervals"] = {**films["intervals"], **masks["intervals"]}
    result["n"] = len(labelled.truth) or len(outlined)
    result["n_labelled"], result["n_masks"] = len(labelled.truth), len(outlined)
    result["positives"] = _positives(labelled)
    result["by_px"] = {}
    for size in SIZES:
        part = labelled.part(labelled.px == size)
        result["by_px"][str(size)] = {
            **label_metrics(part, draws),
            **dict.fromkeys(("dice_heart", "dice_lungs", "ctr_mae")),
            "n": len(part.truth),
            "positives": _positives(part),
        }
    if with_cases:
        result["cases"] = _case_rows(labelled, outlined)
    return result


def _positives(scored: Labelled) -> dict[str, int]:
    return {label: int(scored.truth[:, i].sum()) for i, label in enumerate(scored.labels)}


def _case_rows(labelled: Labelled, outlined: Sequence[Outlined]) -> list[dict[str, Any]]:
    """What each film got, by file name."""
    rows: list[dict[str, Any]] = []
    for number, file in enumerate(labelled.files):
        row = labelled.found[number]
        found = {n: round(float(p), 5) for n, p in zip(labelled.labels, row, strict=True)}
        rows.append({"file": file, "probabilities": found})
    for one in outlined:
        rows.append(
            {
                "file": one.case.file,
                "dice_heart": round(one.heart, 4),
                "dice_lungs": round(one.lungs, 4),
                "ctr": one.ratio,
                "ctr_truth": one.true_ratio,
            }
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data set folder")
    parser.add_argument("--split", default="test")
    parser.add_argument("--json", type=Path, required=True, help="where the metrics go")
    parser.add_argument("--card", default="findings", help="classifier to score")
    parser.add_argument("--through", type=int, help="bring films to this side first")
    parser.add_argument("--cases", action="store_true", help="add a row for each film")
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap resamples")
    options = parser.parse_args(arguments)

    def progress(_: float, what: str) -> None:
        print(what, end="\r", flush=True)

    model = load_model(load_card("chest", options.card))
    cases = read_labelled(options.data, options.split)
    labelled = score_labelled(model, cases, progress, through_px=options.through)
    mask_cases = read_mask_cases(options.data, options.split)
    outlined = []
    if mask_cases:
        segmenter = segment.load_model(load_card("chest", "heart_lungs"))
        outlined = score_outlined(segmenter, mask_cases, progress)
    found = without_nan(report(labelled, outlined, draws=options.draws, with_cases=options.cases))
    options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    for size, part in (("all", found), *found["by_px"].items()):
        print(f"px {size}: n = {part['n']}")
        for name in ("mean_auroc", "ece", "dice_heart", "dice_lungs", "ctr_mae"):
            if part[name] is not None:
                print(f"  {name} {_shown(part[name], part['intervals'].get(name))}")
        for finding, value in part["auroc"].items():
            if value is not None:
                print(f"  {finding} {_shown(value, part['intervals']['auroc'][finding])}")


def _shown(value: float, interval: Sequence[float] | None) -> str:
    if not interval:
        return f"{value:.4f}"
    return f"{value:.4f} ({interval[0]:.4f} to {interval[1]:.4f})"


if __name__ == "__main__":
    main()
