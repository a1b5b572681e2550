"""The figures of the bone-age cards, from kept predictions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.bone_age.calibrate import half_width
from models.bone_age.evaluate import AGE_BANDS
from models.bone_age.predict import interval
from models.cards import ModelCard
from models.figures import Figure, Rows, mean

FILMS = "RSNA Pediatric Bone Age (part)"
PHANTOMS = "Seeded hand phantoms"
SEEDS = "seeds 0 to 39"


def figures(card: ModelCard, rows: Rows) -> list[Figure]:
    """Test first, then val, then simulated hands."""
    if card.role == "hand_mask":
        return list(_outlines(rows))
    found: list[Figure] = []
    for split in ("test", "val"):
        found += _of_split(card, rows(split), split)
    return [*found, *_simulated(card, rows("phantoms"))]


def settings(card: ModelCard, rows: Rows) -> dict[tuple[str, str], float]:
    """The half-width of the 90 % interval, from the errors on val."""
    if card.role != "age":
        return {}
    films = rows("val")
    errors = (films[card.name] - films["age_months"]).abs().to_numpy()
    return {("settings", "half_width_months"): round(half_width(errors), 1)}


def _of_split(card: ModelCard, films: pd.DataFrame, split: str) -> Iterator[Figure]:
    truth, months = films["age_months"].to_numpy(float), films[card.name].to_numpy(float)
    error = months - truth
    figure = partial(Figure, data_set=FILMS, split=split)
    yield figure("MAE (months)", samples=(np.abs(error),), statistic=mean)
    yield figure("RMSE (months)", samples=(error**2,), statistic=_root_mean)
    for limit in (12, 24):
        inside = (np.abs(error) <= limit).astype(float)
        yield figure(f"Within {limit} months", samples=(inside,), statistic=mean)
    low, high = (error.mean() + side * 1.96 * error.std(ddof=1) for side in (-1, 1))
    yield figure(
        "Bias (months)",
        samples=(error,),
        statistic=mean,
        note=f"limits of agreement {low:.1f} to {high:.1f} months (Bland and Altman)",
    )
    if split == "val":
        return  # its interval was set on these, and the groups are for the test films
    sexes = films["sex"].where(films["sex"].notna(), None)
    bounds = np.array([interval(card, m, s) for m, s in zip(months, sexes, strict=True)])
    inside = ((bounds[:, 0] <= truth) & (truth <= bounds[:, 1])).astype(float)
    yield figure("Coverage of the 90 % interval", samples=(inside,), statistic=mean)
    for sex, word in (("F", "girls"), ("M", "boys")):
        chosen = (films["sex"] == sex).to_numpy()
        yield figure(f"MAE, {word} (months)", samples=(np.abs(error[chosen]),), statistic=mean)
    yield from _by_age("MAE", truth, error, FILMS, split)


def _simulated(card: ModelCard, hands: pd.DataFrame) -> Iterator[Figure]:
    truth = hands["age_months"].to_numpy(float)
    error = hands[card.name].to_numpy(float) - truth
    name = "MAE on simulated hands"
    yield Figure(f"{name} (months)", PHANTOMS, SEEDS, (np.abs(error),), mean)
    yield from _by_age(name, truth, error, PHANTOMS, SEEDS)


def _by_age(
    name: str, truth: NDArray[np.float64], error: NDArray[np.float64], data_set: str, split: str
) -> Iterator[Figure]:
    for low, high in AGE_BANDS:
        chosen = (truth >= low) & (truth < high)
        if chosen.any():
            band = f"{name}, {low // 12} to {high // 12} years (months)"
            yield Figure(band, data_set, split, (np.abs(error[chosen]),), mean)


def _outlines(rows: Rows) -> Iterator[Figure]:
    phantoms = rows("phantoms", "hand_mask")["dice"].to_numpy(float)
    yield Figure(
        "Dice",
        PHANTOMS,
        SEEDS,
        (phantoms,),
        mean,
        note=f"Known truth; other seeds than in training. Least {phantoms.min():.3f}. The outline "
        "lies about a pixel of the network inside the skin, as its thresholded targets do.",
    )
    for split in ("test", "val"):
        films = rows(split, "hand_mask")["dice"].to_numpy(float)
        yield Figure(
            "Dice",
            "RSNA bone age, masks by threshold",
            split,
            (films,),
            mean,
            note=f"On the {len(films)} of {len(rows(split))} films that passed the checks made for "
            "training; those masks are no truth, and these are the easy films. "
            f"Least {films.min():.3f}.",
        )


def _root_mean(squares: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(squares)))
