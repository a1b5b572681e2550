"""The fracture page's first screen: verdict, viewer, figures and the table of boxes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from core.detections import Boxes
from core.files import write as exports
from core.fracture.agreement import Answer, agreement, verdict
from core.fracture.matching import RULE, match
from core.glossary import GLOSSARY
from core.images import Radiograph
from core.percent import percent
from core.plots import box_layers, draw, viewer
from models.cards import ModelCard
from models.fracture.settings import fusion_of
from pages.shared import caching, inputs, views
from pages.shared.inputs import Case
from pages.shared.views import Figure
from pages.tasks.fracture import loaders
from pages.tasks.fracture.sidebar import Settings

PHANTOMS = "(phantoms)"  # in the name of a card's figure that was measured on phantoms


@dataclass(frozen=True, eq=False)
class Reading:
    """One radiograph as the page shows it: the answer, and the truth where it is known."""

    case: Case
    answer: Answer
    truth_xyxy: Boxes | None

    @property
    def image(self) -> Radiograph:
        return self.case.image


def read(case: Case, settings: Settings) -> Reading:
    """Both models' answers to a case; only the first run of a film runs the networks.

    Raises:
        WeightsError: If weights are missing or not those of the card.
    """
    candidates = loaders.candidates(settings.detector, case.image)
    probability = loaders.probability(settings.classifier, case.image)
    best = float(candidates.scores[0]) if len(candidates) else 0.0
    truth = true_boxes(case)
    found = settings.shown(candidates)
    answer = Answer(
        found,
        settings.threshold,
        probability,
        settings.classifier.operating_points["fracture"],
        fusion_of(settings.classifier, settings.detector).probability(best, probability),
        None if truth is None else match(found, truth),
    )
    caching.note_answer("fracture", case.image, settings.detector, settings.classifier)
    return Reading(case, answer, truth)


def was_read(case: Case, settings: Settings) -> bool:
    """Whether the answer to this film is at hand, so that nobody has to wait."""
    return caching.is_at_hand("fracture", case.image, settings.detector, settings.classifier)


def waiting(case: Case, settings: Settings) -> None:
    """The film alone, while the models read it."""
    views.verdict("The models are reading …")
    shown = picture(case, settings)
    panels = [viewer.Panel("Original", shown), viewer.Panel("Result", shown)]
    if not settings.side_by_side:
        panels = panels[1:]
    views.film(
        viewer.viewer(panels, spacing_mm=case.image.spacing_mm, laterality=side_of(case)),
        key="fracture_waiting",
        aspect=len(panels) * shown.shape[1] / shown.shape[0],
        alt=f"{case.words}, before the models have answered.",
        stage=True,
    )


def true_boxes(case: Case) -> Boxes | None:
    """The case's true boxes (M, 4), or None where they are not known."""
    known = case.truth.get("boxes_xyxy")
    return None if known is None else np.asarray(known, np.float32).reshape(-1, 4)


def true_polygons(case: Case) -> list[NDArray[np.float64]]:
    """The case's true outlines, corners (K, 2) each; none where only boxes are known."""
    return [np.asarray(points, float).reshape(-1, 2) for points in case.truth.get("polygons", ())]


def picture(case: Case, settings: Settings) -> draw.Picture:
    """The radiograph through the display window."""
    window = settings.display
    return draw.windowed(case.image.pixels, window.level, window.width, invert=window.invert)


def with_boxes(reading: Reading, settings: Settings) -> draw.Picture:
    """The radiograph with its boxes, where they are switched on."""
    shown = picture(reading.case, settings)
    if not settings.boxes:
        return shown
    found, polygons = reading.answer.found, true_polygons(reading.case)
    return exports.overlay(shown, found, reading.truth_xyxy, polygons)


def side_of(case: Case) -> str | None:
    """The side to mark in the viewer; a phantom's film has its own letter."""
    return None if case.origin == "Phantom" else case.image.laterality


def layers(reading: Reading, chosen: int | None = None) -> tuple[box_layers.BoxLayer, ...]:
    """Predictions, and the dashed truth on top of them: a box that fits exactly shows both."""
    found, result = reading.answer.found, reading.answer.against_truth
    known: tuple[box_layers.BoxLayer, ...] = ()
    if reading.truth_xyxy is not None and result is not None:
        polygons = true_polygons(reading.case)
        known = (box_layers.truth_layer(reading.truth_xyxy, result.found, polygons),)
    rows = exports.box_rows(found, reading.image.spacing_mm, result)
    predicted = box_layers.BoxLayer(
        name="prediction (solid)",
        boxes_xyxy=found.boxes_xyxy,
        labels=tuple(f"{row.score:.2f}" for row in rows),
        hovers=tuple("<br>".join(row.words) for row in rows),
        chosen=chosen,
    )
    return (predicted, *known)


def first_screen(reading: Reading, settings: Settings) -> None:
    """Verdict, then original and result side by side, or the result alone, with linked zoom."""
    tone, sentence = verdict(reading.answer)
    views.verdict(sentence, tone)
    shown = picture(reading.case, settings)
    count = len(reading.answer.found)
    boxes = layers(reading, chosen_box(count)) if settings.boxes else ()
    panels = [viewer.Panel("Original", shown), viewer.Panel("Result", shown, boxes)]
    if not settings.side_by_side:
        panels = panels[1:]
    views.film(
        viewer.viewer(
            panels,
            spacing_mm=reading.image.spacing_mm,
            laterality=side_of(reading.case),
            revision=f"{reading.image.digest}{len(panels)}",
        ),
        key="fracture_viewer",
        aspect=len(panels) * shown.shape[1] / shown.shape[0],
        alt=f"{reading.case.words}, beside it with {count} predicted boxes.",
        stage=True,
        on_step=partial(inputs.step, "fracture"),
    )
    views.known_of(reading.image, reading.case.words, reading.case.look)


def strip(reading: Reading, settings: Settings) -> None:
    """The answer in figures, then in words, then how far to trust it."""
    answer, result = reading.answer, reading.answer.against_truth
    found = answer.found
    own = settings.detector.is_own or settings.classifier.is_own
    shown = [
        Figure(
            "Together",
            f"{percent(answer.fused)}",
            "fused",
            "not calibrated" if own else "calibrated",
        ),
        Figure("Boxes", str(len(found)), "confidence", f"score ≥ {settings.threshold:.2f}"),
        Figure(
            "Highest score",
            f"{found.scores[0]:.2f}" if len(found) else "none",
            "detector",
            "not a probability",
        ),
        Figure(
            "Classifier",
            f"{percent(answer.probability)}",
            "classifier",
            f"threshold {percent(answer.operating_point)}",
        ),
    ]
    if result is not None:
        names = [name for name in result.names if name != "hit"]
        near = names.count("near miss")
        shown += [
            Figure("Hits", f"{result.true_positives} of {len(result.found)}", "hit"),
            Figure(
                "False alarms",
                str(names.count("false alarm")),
                "false alarm",
                f"near misses: {near}" if near else "",
            ),
            Figure("Misses", str(result.misses), "miss"),
        ]
    views.metric_strip(shown)
    agree, words = agreement(answer)
    if not len(found):
        words += " No box above the threshold is no proof that nothing is broken."
    if reading.truth_xyxy is None:
        words += " The truth of this film is not known here."
    st.markdown(words if agree else f":material/call_split: {words}")
    if result is not None and len(result.found):
        st.caption(RULE)
    views.error_line(settings.detector)
    if settings.classifier.is_own:
        views.error_line(settings.classifier)
    if reading.case.origin == "Phantom":
        _on_phantoms(settings.detector)


def _on_phantoms(*cards: ModelCard) -> None:
    """How good the models are on simulated films: a case that looks easy may not be."""
    sentences = [
        f"{card.title}: {metric.sentence}"
        for card in cards
        for metric in card.metrics
        if PHANTOMS in metric.name
    ]
    if sentences:
        st.caption(f"**This film is simulated.** {'. '.join(sentences)}.")


def chosen_box(count: int) -> int | None:
    """The row chosen in the table below, if it still exists."""
    state = st.session_state.get("fracture_table")
    rows = state["selection"]["rows"] if state else []
    return rows[0] if rows and rows[0] < count else None


def table(reading: Reading) -> None:
    """All boxes; a click on a row draws its box thicker."""
    found = reading.answer.found
    if not len(found):
        st.caption("Lower the threshold in the sidebar to see weaker candidates.")
        return
    rows = exports.box_rows(found, reading.image.spacing_mm, reading.answer.against_truth)
    st.dataframe(
        pd.DataFrame([row.columns for row in rows]).rename(columns=_in_words),
        hide_index=True,
        height="content" if len(rows) <= 6 else 260,
        on_select="rerun",
        selection_mode="single-row",
        key="fracture_table",
        alt="Table of predicted boxes with score, place and size.",
        column_config={
            "score": st.column_config.ProgressColumn(
                "score", min_value=0, max_value=1, format="%.2f", help=GLOSSARY["detector"]
            )
        },
    )
    st.caption("Choose a row to draw its box thicker in the viewer.")


def _in_words(column: str) -> str:
    """A column's name for the screen: "width_px" becomes "width (px)"."""
    name, _, unit = column.rpartition("_")
    return f"{name} ({unit})" if unit in ("px", "mm") else column.replace("_", " ")
