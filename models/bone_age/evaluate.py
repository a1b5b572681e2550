"""Score the bone-age models: `python -m models.bone_age.evaluate --data F --split S --json J`."""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.bone_age.cases import BoneAgeCase, read_bone_age_cases
from core.errors import ImagingError
from core.files.radiograph import read_radiograph
from core.images import FloatArray
from core.metrics.statistics import bootstrap_interval
from core.phantoms.hand.phantom import HandPhantom
from models.bone_age.pipelines import PIPELINES, stages_of
from models.bone_age.predict import ensemble_mean, interval, load_model, months_of, pipelines_of
from models.bone_age.preprocess import MEAN_MONTHS, network_input
from models.cards import ModelCard, cards_of

DEFAULT = "hand_age"
AGE_BANDS = ((0, 72), (72, 120), (120, 156), (156, 240))  # months
BATCH = 16

Numbers = NDArray[np.float64]


def age_cards() -> list[ModelCard]:
    """The cards of this task that ship and answer in months, the default first."""
    return [one for one in cards_of("bone_age", "age", first=(DEFAULT,)) if not one.is_own]


def scores(truth: Numbers, found: Numbers, inside: NDArray[np.bool_]) -> dict[str, Any]:
    """MAE, RMSE, shares within one and two years, bias, coverage, each with its interval.

    Args:
        truth, found: Months, (N,).
        inside: Whether the 90 % interval held the truth, (N,).
    """
    error = found - truth
    figures = {
        "mae_months": np.abs(error),
        "within_12_months": (np.abs(error) <= 12).astype(float),
        "within_24_months": (np.abs(error) <= 24).astype(float),
        "interval_coverage": inside.astype(float),
        "bias_months": error,
    }
    row: dict[str, Any] = {"n": len(truth)}
    for name, values in figures.items():
        row[name] = float(values.mean())
        if len(truth) > 1:
            row[f"{name}_95"] = _interval(values)
    row["rmse_months"] = float(np.sqrt((error**2).mean()))
    if len(truth) > 1:
        row["rmse_months_95"] = [float(np.sqrt(v)) for v in _interval(error**2)]
        # Bland and Altman, Lancet 1986;327:307: limits of agreement.
        row["limits_of_agreement_months"] = [
            float(error.mean() + side * 1.96 * error.std(ddof=1)) for side in (-1, 1)
        ]
    return row


def _interval(values: Numbers) -> list[float]:
    low, high = bootstrap_interval(lambda some: float(some.mean()), values)
    return [float(low), float(high)]


def read_inputs(
    cases: Sequence[BoneAgeCase], pipelines: Sequence[str]
) -> tuple[dict[str, FloatArray], NDArray[np.bool_]]:
    """The network inputs of all cases by pipeline, and which files could be read."""
    seen = {name: np.zeros((len(cases), *PIPELINES[name].shape), np.float32) for name in pipelines}
    readable = np.ones(len(cases), bool)
    for number, case in enumerate(cases):
        try:
            pixels = read_radiograph(case.path.read_bytes(), name=case.file).pixels
        except (ImagingError, OSError):
            readable[number] = False
            continue
        for name in pipelines:
            shape = PIPELINES[name].shape
            seen[name][number] = network_input(pixels, stages_of(name), shape)[1]
    return seen, readable


def predict_all(
    card: ModelCard,
    seen: Mapping[str, FloatArray],
    sexes: Sequence[str | None],
    readable: NDArray[np.bool_],
) -> tuple[Numbers, float]:
    """Months (N,) of one model, and its seconds a film; an unreadable film counts as the mean."""
    model = load_model(card)
    months = np.full(len(sexes), MEAN_MONTHS)
    start = time.perf_counter()
    for first in range(0, len(sexes), BATCH):
        part = slice(first, first + BATCH)
        films = {name: some[part] for name, some in seen.items()}
        found = ensemble_mean(model, months_of(model, films, sexes[part]))
        months[part] = np.where(readable[part], np.maximum(found, 0), MEAN_MONTHS)
    return months, (time.perf_counter() - start) / max(1, len(sexes))


def evaluate(
    cases: Sequence[BoneAgeCase], cards: Sequence[ModelCard]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score models on cases.

    Returns:
        The figures: those of the first card at the top, every card's under "models"; and a row
        per case.
    """
    needed = sorted({name for card in cards for name in pipelines_of(card)})
    seen, readable = read_inputs(cases, needed)
    truth = np.array([case.months for case in cases])
    sexes = [case.sex for case in cases]
    rows = [
        {"file": case.file, "split": case.split, "sex": case.sex or "", "age_months": case.months}
        for case in cases
    ]
    report: dict[str, Any] = {}
    for card in cards:
        months, seconds = predict_all(card, seen, sexes, readable)
        bounds = np.array(
            [interval(card, m, sex) for m, sex in zip(months, sexes, strict=True)]
        ).reshape(-1, 2)
        inside = (bounds[:, 0] <= truth) & (truth <= bounds[:, 1])
        found = scores(truth, months, inside)
        found["seconds_a_film"] = seconds
        report[card.name] = found
        for row, month in zip(rows, months, strict=True):
            row[card.name] = round(float(month), 2)
    return {
        **report[cards[0].name],
        "model": cards[0].name,
        "unreadable": int((~readable).sum()),
        "models": report,
    }, rows


def phantom_inputs(
    phantoms: Sequence[HandPhantom], pipelines: Collection[str]
) -> dict[str, FloatArray]:
    """The network inputs of simulated hands by pipeline."""
    return {
        name: np.stack(
            [
                network_input(p.image.pixels, stages_of(name), PIPELINES[name].shape)[1]
                for p in phantoms
            ]
        )
        for name in pipelines
    }


def main() -> None:
    """Read the arguments, score, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--cases", type=Path, help="also write a row per film as CSV")
    parser.add_argument("--models", nargs="*", help="names of cards; default: all")
    options = parser.parse_args()
    cards = [card for card in age_cards() if not options.models or card.name in options.models]
    cases = read_bone_age_cases(options.data, options.split)
    report, rows = evaluate(cases, cards)
    report["split"] = options.split
    options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if options.cases:
        with options.cases.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
    low, high = report["mae_months_95"] if report["n"] > 1 else (float("nan"),) * 2
    print(f"MAE {report['mae_months']:.2f} months ({low:.2f} to {high:.2f}), n = {report['n']}")


if __name__ == "__main__":
    main()
