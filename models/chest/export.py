"""Turn a run into what ships: an ONNX file, calibration and operating points on the card.

`python -m models.chest.export --card findings --data F --checkpoint last.pt`: calibration and
operating points are fitted on `val`. Without `--checkpoint` the shipped weights stay, and with
`--fit` they are calibrated anew. `--metrics FILE` writes the metrics of an `evaluate` run on the
card. The part of a card above `MARK` is written by people, the part below by this module.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.chest.ctr import LIMIT
from core.images import FloatArray
from models.cards import MODELS, WEIGHTS, ModelCard, load_card
from models.chest.dataset import read_cases, read_film, read_mask_cases
from models.chest.evaluate import BATCH
from models.chest.predict import Model, calibrated, load_model, member_log_odds, network_input
from models.chest.settings import findings_settings
from models.chest.weights import write_classifier, write_segmenter

MARK = "# Below: written by models/chest/export.py"
SPECIFICITY = 0.9
"""Share of the films without a finding, of `val`, that stay below its operating point."""


def shipped_state(checkpoint: Path, outputs: int) -> dict[str, torch.Tensor]:
    """Averaged weights of a run; the outputs that only training needs are cut off."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    state: dict[str, torch.Tensor] = saved["average"]
    for name in ("head.weight", "head.bias"):
        state[name] = state[name][:outputs]
    return state


def fit_calibration(
    log_odds: FloatArray, truth: FloatArray, labels: Sequence[str], strength: float = 20.0
) -> dict[str, tuple[float, float]]:
    """Slope and offset by finding (Platt 1999).

    Args:
        log_odds: (N, L) of films that training has not seen.
        truth: (N, L).
        strength: How many positives weigh as much as the slope that all findings share: the
            slope of a finding with a handful of positives would be chance.
    """
    shared, _ = _platt(log_odds, truth)
    fitted = {}
    for i, label in enumerate(labels):
        own, _ = _platt(log_odds[:, i : i + 1], truth[:, i : i + 1])
        trust = truth[:, i].sum() / (truth[:, i].sum() + strength)
        slope = float(np.clip(trust * own + (1 - trust) * shared, 0.2, 3.0))
        _, offsets = _platt(log_odds[:, i : i + 1], truth[:, i : i + 1], slope)
        fitted[label] = (slope, float(offsets[0]))
    return fitted


def _platt(
    log_odds: FloatArray, truth: FloatArray, slope: float | None = None
) -> tuple[float, FloatArray]:
    """One slope for all columns (or the given one), and an offset for each, by likelihood."""
    from scipy.optimize import minimize

    odds, labels = log_odds.astype(float), truth.astype(float)

    def cost(values: np.ndarray) -> float:
        shifted = odds * (values[0] if slope is None else slope) + values[1:]
        loss = np.logaddexp(0, shifted) - labels * shifted
        return float(loss.mean() * labels.shape[1] + 1e-5 * (values**2).sum())

    start = np.concatenate([[1.0], np.full(odds.shape[1], -1.0)])
    found = minimize(cost, start, method="L-BFGS-B").x
    return float(found[0]), found[1:]


def operating_points(
    found: FloatArray, truth: FloatArray, labels: Sequence[str], specificity: float = SPECIFICITY
) -> dict[str, float]:
    """Probability by finding that `specificity` of the films without it stay below."""
    return {
        label: float(np.quantile(found[truth[:, i] < 0.5, i], specificity))
        for i, label in enumerate(labels)
    }


def log_odds_of(model: Model, paths: Sequence[Path]) -> dict[str, FloatArray]:
    """Uncalibrated log odds (N, L) of every member on films read as the page reads them."""
    parts: dict[str, list[FloatArray]] = {}
    for first in range(0, len(paths), BATCH):
        batch = [network_input(model, read_film(path)) for path in paths[first : first + BATCH]]
        for title, values in member_log_odds(model, np.stack(batch)).items():
            parts.setdefault(title, []).append(values)
    return {title: np.concatenate(values) for title, values in parts.items()}


def calibration_films(folder: Path, card: ModelCard) -> tuple[list[Path], FloatArray]:
    """Films of `val`, and the truth (N, L) that the card's probabilities are about."""
    if findings_settings(card).truth == "ratio":
        outlined = read_mask_cases(folder, "val")
        ratios = np.array([[case.ratio > LIMIT] for case in outlined], np.float32)
        return [case.path for case in outlined], ratios
    cases = read_cases(folder, "val")
    rows = [[label in case.findings for label in card.labels] for case in cases]
    return [case.path for case in cases], np.array(rows, np.float32)


def fitted(
    model: Model, log_odds: FloatArray, truth: FloatArray
) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
    """Calibration and operating points of a model from its log odds (N, L)."""
    calibration = fit_calibration(log_odds, truth, model.labels)
    found = calibrated(replace(model, calibration=calibration), log_odds)
    return calibration, operating_points(found, truth, model.labels)


def written(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, float):
        return repr(round(value, 6))
    if isinstance(value, dict):
        inner = ", ".join(f"{name} = {written(v)}" for name, v in value.items() if v is not None)
        return "{ " + inner + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(written(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def generated(
    points: Mapping[str, float],
    settings: Mapping[str, Any],
    calibration: Mapping[str, Sequence[float]],
    metrics: Sequence[Mapping[str, Any]],
) -> str:
    """The part of a card below `MARK`."""
    lines = [MARK, "", "[operating_points]"]
    lines += [f"{name} = {written(float(value))}" for name, value in points.items()]
    lines += ["", "[settings]", *(f"{name} = {written(value)}" for name, value in settings.items())]
    if calibration:
        lines += ["", "[settings.calibration]"]
        lines += [f"{name} = {written(list(value))}" for name, value in calibration.items()]
    for row in metrics:
        lines += ["", "[[metrics]]", *(f"{name} = {written(v)}" for name, v in row.items())]
    return "\n".join(lines) + "\n"


def write_card(name: str, sha256: str, tail: str) -> None:
    """Set a card's hash and the part below `MARK`."""
    path = MODELS / "chest" / f"{name}.toml"
    head = path.read_text(encoding="utf-8").split(MARK)[0].rstrip()
    lines = [
        f'sha256 = "{sha256}"' if line.startswith("sha256 = ") else line
        for line in head.split("\n")
    ]
    path.write_text("\n".join(lines) + "\n\n" + tail, encoding="utf-8")


def metrics_of(
    found: Mapping[str, Any], labels: Sequence[str], split: str, truth: str = "report"
) -> list[dict[str, Any]]:
    """Rows for the card out of the metrics of an `evaluate` run, its own truth first."""
    rows = []

    def add(name: str, part: Mapping[str, Any], key: str, data_set: str, note: str = "") -> None:
        value, interval = part.get(key), part["intervals"].get(key)
        if value is not None and interval is not None:
            low, high = interval
            shown = {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4)}
            place = {"data_set": data_set, "split": split, "n": part["n"], "note": note}
            rows.append({"name": name, **shown, **place})

    if "heart" in labels:
        masks = {**found, "n": found["n_masks"]}
        films = "JSRT and hospital films"
        for key, name in (
            ("dice_heart", "Dice, heart"),
            ("dice_lungs", "Dice, lungs"),
            ("ctr_mae", "Cardiothoracic ratio, mean absolute error"),
        ):
            add(name, masks, key, films)
            for source, part in found["by_source"].items():
                title = {"ctr_jsrt": "JSRT films", "ctr_wingspan": "hospital films"}
                add(f"{name}, {title.get(source, source)}", part, key, title.get(source, source))
        return rows
    opinions = []
    for source, row in found.get("cardiomegaly_against_ratio", {}).items():
        place = {"ctr_jsrt": "JSRT films", "ctr_wingspan": "Hospital films"}.get(source)
        part = {"n": row["n"], "v": row["auroc"], "intervals": {"v": row["interval"]}}
        note = f"{row['positives']} films with a ratio above 0.5"
        opinions.append((part, place or "JSRT and hospital films", note))
    large, small = found["by_px"]["128"], found["by_px"]["64"]
    nih = "NIH ChestX-ray14 (part)"
    if len(labels) > 1:
        add("Mean AUROC, 128-px films", large, "mean_auroc", nih, _counted(large))
        add("Mean AUROC, 64-px films", small, "mean_auroc", nih, _counted(small))
        add("Mean AUROC, both sizes", found, "mean_auroc", nih, _counted(found))
    for label in labels:
        for size, part in (("both sizes", found), ("128-px films", large), ("64-px films", small)):
            if part["auroc"].get(label) is None or not _reported(label, size, len(labels)):
                continue
            interval = part["intervals"]["auroc"][label]
            single = {"n": part["n"], "v": part["auroc"][label], "intervals": {"v": interval}}
            note = f"{part['positives'][label]} positives"
            add(f"AUROC, {label.replace('_', ' ')}, {size}", single, "v", nih, note)
    add("Calibration error (15 bins)", found, "ece", nih, "all pairs of film and reported finding")
    reported = rows
    rows = []
    for part, place, note in opinions:
        add("AUROC, Cardiomegaly, against the measured ratio", part, "v", place, note)
    return rows + reported if truth == "ratio" else reported + rows


def _reported(label: str, size: str, labels: int) -> bool:
    """Whether a finding's figure on films of this size goes on the card.

    The size of a film alone tells cardiomegaly with an AUROC of 0.77 (almost all positives of
    `val` are small films): it is reported within one size only.
    """
    if label == "Cardiomegaly":
        return size != "both sizes"
    return labels == 1 or size != "64-px films"


def through_rows(found: Mapping[str, Any], split: str) -> list[dict[str, Any]]:
    """What the same 128-px films score when they are first brought to 64 px."""
    part = found["by_px"]["128"]
    low, high = part["intervals"]["mean_auroc"]
    row: dict[str, Any] = {"name": "Mean AUROC, the 128-px films brought to 64 px first"}
    row.update(value=round(part["mean_auroc"], 4), low=round(low, 4), high=round(high, 4))
    row.update(data_set="NIH ChestX-ray14 (part)", split=split, n=part["n"], note=_counted(part))
    return [row]


def write_reliability(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """The reliability curve as a table."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, ("low", "found", "true", "n"))
        writer.writeheader()
        writer.writerows(rows)


def measured_settings(found: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    """What the operating points mean, for the page."""
    measured: dict[str, Any] = {}
    # Within one size where size is a hint, see `_reported`.
    part = {label: found["by_px"]["128"] if label == "Cardiomegaly" else found for label in labels}
    for name in ("sensitivity", "specificity"):
        measured[name] = {label: part[label]["operating_points"][label][name] for label in labels}
    measured["positives"] = {label: part[label]["positives"][label] for label in labels}
    return measured


def _counted(part: Mapping[str, Any]) -> str:
    number = sum(value is not None for value in part["auroc"].values())
    return f"over the {number} findings with at least 10 positives"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--card", required=True)
    parser.add_argument("--data", type=Path, required=True, help="data set folder")
    parser.add_argument("--checkpoint", type=Path, help="last.pt of a run")
    parser.add_argument("--fit", action="store_true", help="calibrate the shipped weights")
    parser.add_argument("--metrics", type=Path, help="JSON of an evaluate run")
    parser.add_argument("--through", type=Path, help="JSON of an evaluate run with --through 64")
    parser.add_argument("--split", default="test", help="what the metrics were measured on")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    card = load_card("chest", options.card)
    if options.checkpoint:
        write = write_segmenter if "heart" in card.labels else write_classifier
        write(shipped_state(options.checkpoint, len(card.labels)), card, WEIGHTS / card.file)
    sha256 = hashlib.sha256((WEIGHTS / card.file).read_bytes()).hexdigest()
    settings = {name: value for name, value in card.settings.items() if name != "calibration"}
    points = dict(card.operating_points)
    calibration = dict(card.settings.get("calibration", {}))
    metrics = [asdict(metric) for metric in card.metrics]
    write_card(card.name, sha256, generated(points, settings, calibration, metrics))
    if options.checkpoint or options.fit:
        metrics = []  # those on the card are of other weights
        if "heart" not in card.labels:
            model = load_model(load_card("chest", options.card))
            paths, truth = calibration_films(options.data, card)
            log_odds = np.mean(list(log_odds_of(model, paths).values()), axis=0)
            calibration, points = fitted(model, log_odds, truth)
    if options.metrics:
        found = json.loads(options.metrics.read_text(encoding="utf-8"))
        truth_is = str(settings.get("truth", "report"))
        metrics = metrics_of(found, card.labels, options.split, truth_is)
        if "heart" not in card.labels and truth_is == "report":
            settings.update(measured_settings(found, card.labels))
        if card.name == "findings":
            write_reliability(found["reliability"], MODELS / "chest" / "reliability.csv")
        if options.through:
            through = json.loads(options.through.read_text(encoding="utf-8"))
            metrics += through_rows(through, options.split)
    write_card(card.name, sha256, generated(points, settings, calibration, metrics))
    print(f"{card.name}: {card.file}, SHA-256 {sha256[:12]}…, {len(metrics)} metrics")


if __name__ == "__main__":
    main()
