"""Turn a run into what ships: averaged weights, calibration and operating points, fitted on val."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.chest.ctr import LIMIT
from core.images import FloatArray
from models.cards import ModelCard
from models.chest.dataset import read_cases, read_film, read_mask_cases
from models.chest.evaluate import BATCH, SPECIFICITY
from models.chest.predict import Model, calibrated, load_model, member_log_odds, network_input
from models.chest.settings import findings_settings


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


def fit_card(data: Path, card: ModelCard, limit: int | None = None) -> dict[tuple[str, str], Any]:
    """Calibration and operating points of a classifier's file, fitted on val."""
    model = load_model(card)
    paths, truth = calibration_films(data, card)
    paths, truth = paths[:limit], truth[:limit]
    log_odds = np.mean(list(log_odds_of(model, paths).values()), axis=0)
    calibration, points = fitted(model, log_odds, truth)
    return {
        **{("settings.calibration", label): list(both) for label, both in calibration.items()},
        **{("operating_points", label): point for label, point in points.items()},
    }
