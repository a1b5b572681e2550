"""A study over phantoms: how the answer falls when bone gets thinner or joints wear."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from core.detections import Boxes, Detections
from core.files import write as exports
from core.fracture.matching import best_on_truth
from core.glossary import GLOSSARY
from core.phantoms.limb.phantom import LimbPhantom, limb_phantom
from core.plots import curves, draw
from core.stages import Progress
from models.cards import ModelCard
from pages.shared import background, charts
from pages.shared.address import KEPT
from pages.tasks.fracture import loaders
from pages.tasks.fracture.sidebar import Settings

PROPERTIES = {
    "Bone density": ("bone_density", (1.2, 1.0, 0.85, 0.7, 0.55, 0.4, 0.3, 0.2), "× normal"),
    "Joint degeneration": ("joint_degeneration", (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), "0 sound, 1 worn"),
}
FIRST_SEED = 500  # away from the phantoms of training and of the teaching set


@dataclass(frozen=True, eq=False)
class Sweep:
    """Scores of several phantoms over one property.

    Attributes:
        values: (V,) of the property.
        on_fracture: (V, S) best score on the true box, 0 where it is missed.
        probability: (V, S) of the classifier.
        films: One example a value: pixels, candidates and truth of the first phantom.
    """

    values: tuple[float, ...]
    on_fracture: np.ndarray
    probability: np.ndarray
    films: list[tuple[np.ndarray, Detections, Boxes]]


def sweep(
    cards: tuple[ModelCard, ModelCard],
    base: LimbPhantom,
    name: str,
    count: int,
    progress: Progress,
) -> Sweep:
    """Run both models on `count` phantoms at every value of a property.

    Args:
        cards: Of the detector and of the classifier.
        base: What the phantoms share: limb and kind of fracture.
        name: A key of `PROPERTIES`.
        count: Phantoms a value; the same anatomies at every value.
    """
    field, values, _ = PROPERTIES[name]
    scores, chances = np.zeros((len(values), count)), np.zeros((len(values), count))
    films = []
    for row, value in enumerate(values):
        changed: dict[str, Any] = {field: value}
        for column in range(count):
            progress((row * count + column) / (len(values) * count), f"{name} {value:g}")
            seed = base.seed if column == 0 else FIRST_SEED + column
            image, truth = limb_phantom(replace(base, seed=seed, **changed))
            found = loaders.candidates(cards[0], image)
            scores[row, column] = best_on_truth(found, truth)
            chances[row, column] = loaders.probability(cards[1], image)
            if column == 0:
                films.append((image.pixels, found, truth))
    return Sweep(values, scores, chances, films)


def show(settings: Settings, base: LimbPhantom) -> None:
    """Choose a property, run the sweep with progress, and show the curve and three films."""
    left, right = st.columns(2, gap="large")
    name = left.segmented_control(
        "Worsen",
        tuple(PROPERTIES),
        default="Bone density",
        required=True,
        key="fracture_study",
        **KEPT,
        help=f"{GLOSSARY['bone density']} {GLOSSARY['joint degeneration']}",
    )
    count = right.slider("Phantoms at every value", 1, 10, 3, key="fracture_count", **KEPT)
    kind = base.fracture or "oblique"
    st.markdown(
        f"The same {count} broken {base.kind} phantoms ({kind} fracture), with only the "
        f"{name.lower()} changed. Fractures hide in osteoporotic and arthritic bone."
    )
    cards = (settings.detector, settings.classifier)
    broken = replace(base, fracture=kind)
    result = background.result(
        "fracture_sweep",
        (*(card.sha256 for card in cards), broken, name, count),
        lambda run: sweep(cards, broken, name, count, run.report),
        is_public=True,
    )
    if result is None:
        return
    _curve(result, name, settings)
    _films(result, name, settings)


def _curve(result: Sweep, name: str, settings: Settings) -> None:
    _, values, unit = PROPERTIES[name]
    found = result.on_fracture
    charts.chart(
        curves.curve(
            values,
            {
                "detector: mean score on the fracture": found.mean(axis=1).tolist(),
                "classifier: mean probability": result.probability.mean(axis=1).tolist(),
            },
            x_title=f"{name} ({unit})",
            y_title="Score, 0 to 1",
            threshold=settings.threshold,
            threshold_name="detector’s threshold",
        ),
        key="fracture_curve",
        alt=f"Mean scores of detector and classifier over {name.lower()}.",
    )
    easy, hard = found[0], found[-1]
    hits = [int((row >= settings.threshold).sum()) for row in (easy, hard)]
    st.markdown(
        f"From {name.lower()} {values[0]:g} to {values[-1]:g} the mean score on the fracture goes "
        f"from {easy.mean():.2f} to {hard.mean():.2f}; at the threshold of "
        f"{settings.threshold:.2f} the detector finds {hits[0]} of {found.shape[1]} at first and "
        f"{hits[1]} of {found.shape[1]} at last."
    )


def _films(result: Sweep, name: str, settings: Settings) -> None:
    """The first phantom at the first, middle and last value."""
    for column, index in zip(
        st.columns(3), (0, len(result.values) // 2, len(result.values) - 1), strict=True
    ):
        pixels, candidates, truth = result.films[index]
        found = settings.shown(candidates)
        large = draw.scaled(draw.windowed(pixels), 2.0)  # lines and figures stay readable
        drawn = exports.overlay(large, found, truth, factor=2.0)
        column.image(
            draw.tile(drawn, 600, 720),
            f"{name} {result.values[index]:g}: truth dashed, prediction solid",
            width="stretch",
            alt=f"Phantom with {name.lower()} {result.values[index]:g}, {len(found)} boxes.",
        )
