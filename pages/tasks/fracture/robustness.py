"""How the answer to the film on screen changes when that film gets worse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.detections import Detections
from core.files import write as exports
from core.fracture.degrade import DEGRADATIONS, degraded
from core.fracture.matching import best_on_truth
from core.images import FloatArray, Radiograph
from core.percent import percent
from core.plots import curves, draw
from core.stages import Progress
from models.cards import ModelCard
from models.fracture.settings import fusion_of
from pages.shared import background, charts, views
from pages.tasks.fracture import loaders
from pages.tasks.fracture.sidebar import Settings
from pages.tasks.fracture.views import Reading, true_polygons


@dataclass(frozen=True, eq=False)
class Worsened:
    """The answers to one film at every strength of one degradation.

    Attributes:
        films: (V) pixels of the degraded films.
        candidates: (V) before threshold and suppression.
        probability: (V) of the classifier.
    """

    films: list[FloatArray]
    candidates: list[Detections]
    probability: list[float]


def worsened(
    cards: tuple[ModelCard, ModelCard], image: Radiograph, name: str, progress: Progress
) -> Worsened:
    """Run both models on a film at every strength of a degradation."""
    values = DEGRADATIONS[name].values
    films, found, chances = [], [], []
    for number, value in enumerate(values):
        progress(number / len(values), f"{name} {value:g}")
        film = degraded(image, name, value)
        films.append(film.pixels)
        found.append(loaders.candidates(cards[0], film))
        chances.append(loaders.probability(cards[1], film))
    return Worsened(films, found, chances)


def show(reading: Reading, settings: Settings) -> None:
    """Choose a degradation, run it with progress, and show the curve and three films."""
    name = views.segments(
        "Degrade this film", tuple(DEGRADATIONS), "fracture_worsen", "Noise", has_label=True
    )
    st.markdown(f"{DEGRADATIONS[name].why} Only the film changes; both models stay the same.")
    image, cards = reading.image, (settings.detector, settings.classifier)
    result = background.result(
        "fracture_worsened",
        (*(card.sha256 for card in cards), image.digest, name),
        lambda run: worsened(cards, image, name, run.report),
        is_public=image.is_public,
    )
    if result is not None:
        _curve(result, name, reading, settings)
        _films(result, name, reading, settings)


def _curve(result: Worsened, name: str, reading: Reading, settings: Settings) -> None:
    way = DEGRADATIONS[name]
    truth = reading.truth_xyxy
    highest = [float(one.scores[0]) if len(one) else 0.0 for one in result.candidates]
    scores, detector = highest, "highest score"
    if truth is not None and len(truth):
        scores = [best_on_truth(one, truth) for one in result.candidates]
        detector = "best score on a true box"
    fusion = fusion_of(settings.classifier, settings.detector)
    charts.chart(
        curves.curve(
            way.values,
            {
                f"detector: {detector}": scores,
                "classifier: probability": result.probability,
                "both together": fusion.probabilities(highest, result.probability).tolist(),
            },
            x_title=f"{name} ({way.unit})",
            y_title="Score or probability",
            threshold=settings.threshold,
            threshold_name="detector’s threshold",
        ),
        key="fracture_worse_curve",
        alt=f"Scores of both models over {name.lower()}.",
    )
    before, after = (round(100 * result.probability[end]) for end in (0, -1))  # as they are shown
    st.markdown(
        f"From {name.lower()} {way.values[0]:g} to {way.values[-1]:g} the detector’s {detector} "
        f"goes from {scores[0]:.2f} to {scores[-1]:.2f} and the classifier’s probability from "
        f"{before} % to {after} % ({after - before:+d} percentage points). This is one film; "
        "“Phantom study” averages over several."
    )


def _films(result: Worsened, name: str, reading: Reading, settings: Settings) -> None:
    """The film at the first, middle and last strength."""
    values = DEGRADATIONS[name].values
    for column, index in zip(st.columns(3), (0, len(values) // 2, len(values) - 1), strict=True):
        found = settings.shown(result.candidates[index])
        boxes = f"{len(found)} box{'' if len(found) == 1 else 'es'}"
        pixels = np.asarray(result.films[index], np.float32)
        factor = 800 / max(pixels.shape)
        large = draw.scaled(draw.windowed(pixels), factor)  # lines and figures stay readable
        polygons = true_polygons(reading.case)
        drawn = exports.overlay(large, found, reading.truth_xyxy, polygons, factor=factor)
        column.image(
            draw.tile(drawn, 600, 600),
            f"{name} {values[index]:g}: {boxes}, classifier {percent(result.probability[index])}",
            width="stretch",
            alt=f"The film at {name.lower()} {values[index]:g}, {boxes}.",
        )
