"""Fractures: boxes and films at any threshold, by body part, and how far to trust a score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.detections import Detections
from core.metrics.detection import (
    MatchedImage,
    estimated_precision,
    froc,
    match_image,
    precision_recall_curve,
)
from core.metrics.detection import precision_recall as at_threshold
from core.metrics.estimates import Estimate, calibration, sensitivity_specificity
from core.metrics.paired import Paired, areas, boxes_at, precisions
from core.metrics.roc import roc
from core.percent import interval, percent
from core.plots import curves
from core.practice.plots import calibration_plot, roc_plot
from models.cards import load_card
from pages.shared import views
from pages.shared.address import KEPT
from pages.tasks.evaluation import shared, side_by_side, thresholds
from pages.tasks.evaluation.report import Shown
from pages.tasks.evaluation.shared import Answers

TASK = "fracture"
SCORES = {
    "fused": "Both models together",
    "detector": "Detector’s best box",
    "classifier": "Classifier",
}


def show(answers: Answers) -> Shown:
    """The detector at a threshold, then the three image scores against each other."""
    films = answers.rows
    boxes = answers.parts.get("boxes")
    card = load_card(TASK, answers.card or "detector")
    with st.sidebar:
        threshold = st.slider(
            "Score from which a box is shown",
            0.01,
            0.90,
            float(card.operating_points["fracture"]),
            0.01,
            key=f"{shared.KEY}_threshold",
            **KEPT,
        )
    matched = None if boxes is None else _matched(answers.question, list(films["file"]), boxes)
    other = None if matched is None else thresholds.second()
    figures = _figures(answers.question, matched, films)
    plots: dict[str, go.Figure] = {}
    tables: dict[str, pd.DataFrame] = {}
    shared.strip(figures, ".2f", ours=answers.ours)
    sensitivity, specificity = sensitivity_specificity(
        films["fractured"], films["detector"] >= threshold
    )
    said = f"**At {threshold:.2f}**: "
    if matched is not None:
        precision, recall = at_threshold(matched, threshold)
        said += (
            f"{percent(recall)} of the fractures boxed, {percent(precision)} of the boxes right; "
        )
    said += (
        f"of the fractured films {percent(sensitivity.value)} "
        f"({interval(sensitivity.low, sensitivity.high)}) have a box, of the normal ones "
        f"{percent(specificity.value)} ({interval(specificity.low, specificity.high)}) "
        "have none."
    )
    words, counts = views.pair("evaluation_said", [3, 2])
    words.markdown(said)
    with counts:
        tables["Films at the threshold"] = _confusion(films, threshold)
    if matched is not None and other is not None:
        tables["Two thresholds on the same films"] = thresholds.compare(
            answers.question, matched, threshold, other
        )
    marked = [threshold] if other is None else [threshold, other]
    by_box, by_film = st.tabs(["Boxes", "Films as a whole"])
    with by_box:
        if matched is None:
            st.caption("These answers hold no boxes.")
        else:
            _by_box(matched, marked, plots)
            if "body_part" in films:
                st.markdown("##### By body part: mAP50")
                tables["By body part: mAP50"] = _by_part(answers.question, films, matched)
    with by_film:
        _by_film(answers, threshold, plots)
        if plots.get("Fractured or not") is not None:
            tables["Scores of a film against each other"] = _against_each_other(films)
    return Shown((card.name, "classifier"), figures, ".2f", [said], plots, tables)


def _by_box(
    matched: list[MatchedImage], marked: Sequence[float], plots: dict[str, go.Figure]
) -> None:
    """Boxes at every threshold, those in use marked."""
    left, right = views.pair("evaluation_boxes")
    with left:
        st.markdown("##### False boxes against fractures found")
        figure = plots["False boxes against fractures found"] = curves.froc(*froc(matched), *marked)
        alt = "Free-response ROC of the detector with the chosen threshold marked."
        shared.chart("fracture_froc", figure, alt)
        st.caption("A box is right where its IoU with a true box is at least 0.5.")
    with right:
        st.markdown("##### Precision against recall of the boxes")
        figure = plots["Precision against recall of the boxes"] = curves.precision_recall(
            *precision_recall_curve(matched), *marked
        )
        alt = "Precision and recall of the detector with the chosen threshold marked."
        shared.chart("fracture_precision_recall", figure, alt)


def _by_film(answers: Answers, threshold: float, plots: dict[str, go.Figure]) -> None:
    """The three scores of a film: how they part films, and how far to trust them."""
    films = answers.rows
    left, right = views.pair("evaluation_films")
    with left:
        st.markdown("##### Fractured or not")
        scores = _image_scores(films)
        if scores is not None:
            plots["Fractured or not"] = scores
    with right:
        st.markdown("##### Calibration")
        bins = {
            SCORES[name]: calibration(films[name] * 100, films["fractured"])
            for name in ("fused", "classifier")
        }
        figure = plots["Calibration"] = calibration_plot(bins)
        figure.update_xaxes(title="predicted probability (%)")
        figure.update_yaxes(title="share fractured")
        shared.chart("fracture_calibration", figure, "Predicted against observed frequency.")
    st.markdown("##### Films by their highest box score")
    alt = "Best score of each film."
    figure = plots["Films by their highest box score"] = shared.films_by_score(
        films["file"],
        films["fractured"],
        films["detector"],
        threshold,
        ("fractured", "normal"),
        "highest score of a box on the film",
    )
    shared.chart("fracture_films", figure, alt, answers.open_case)


def compared(first: Answers, second: Answers) -> list[Paired]:
    """Boxes and film scores of two models on the same films."""
    truth = first.rows["fractured"]
    found = [areas(f"AUROC: {words}", truth, first.rows[name], second.rows[name])
             for name, words in SCORES.items()]  # fmt: skip
    rows = [one for one in found if one is not None]
    if "boxes" not in first.parts or "boxes" not in second.parts:
        return rows
    one, two = (
        _matched(each.question, list(first.rows["file"]), each.parts["boxes"])
        for each in (first, second)
    )
    points = [
        float(load_card(TASK, each.card or "detector").operating_points["fracture"])
        for each in (first, second)
    ]
    at = f"at {points[0]:.2f} and {points[1]:.2f}"
    names = (f"fractures found {at} (%)", f"films with a false box {at} (%)")
    return [*_precisions(first.question + second.question, one, two), *rows,
            *boxes_at(one, two, (points[0], points[1]), names)]  # fmt: skip


@st.cache_data(max_entries=4, show_spinner="Bootstrapping the difference …")
def _precisions(
    question: str, _first: list[MatchedImage], _second: list[MatchedImage]
) -> list[Paired]:
    found = precisions("mAP50", _first, _second)
    return [found] if found else []


@st.cache_data(max_entries=4, show_spinner="Matching boxes …")
def _matched(question: str, files: list[str], boxes: pd.DataFrame) -> list[MatchedImage]:
    by_file = dict(tuple(boxes.groupby("file")))
    nothing = boxes.iloc[:0]
    matched = []
    for file in files:
        rows = by_file.get(file, nothing)
        corners = rows[["x0", "y0", "x1", "y1"]].to_numpy(np.float32)
        predicted = (rows["kind"] == "found").to_numpy(bool)
        scores = rows["score"].to_numpy(np.float32)[predicted]
        best = np.argsort(-scores, kind="stable")
        answer = Detections(corners[predicted][best], scores[best])
        matched.append(match_image(answer, corners[~predicted]))
    return matched


@st.cache_data(max_entries=4, show_spinner="Bootstrapping the intervals …")
def _figures(
    question: str, _matched: list[MatchedImage] | None, films: pd.DataFrame
) -> dict[str, Estimate]:
    figures = {}
    if _matched is not None:
        figures["mAP50"] = estimated_precision(_matched)
    curve = roc(films["fractured"], films["fused"])
    if curve is not None:
        figures["AUROC, both models together"] = curve.area
    return figures


def _confusion(films: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """How many films of each kind have a box at the threshold."""
    boxed, broken = films["detector"] >= threshold, films["fractured"] == 1
    counts = pd.DataFrame(
        {
            "": ("fractured", "normal"),
            "with a box": [int((boxed & broken).sum()), int((boxed & ~broken).sum())],
            "without": [int((~boxed & broken).sum()), int((~boxed & ~broken).sum())],
        }
    )
    st.dataframe(
        counts,
        hide_index=True,
        alt=f"Films at the threshold {threshold:.2f}, by what is true and whether they have a box.",
    )
    return counts


def _image_scores(films: pd.DataFrame) -> go.Figure | None:
    """ROC curves of the three scores of a film."""
    found = {words: roc(films["fractured"], films[name]) for name, words in SCORES.items()}
    known = {words: curve for words, curve in found.items() if curve is not None}
    if not known:
        st.caption("A curve needs fractured and normal films.")
        return None
    figure = roc_plot(known, SCORES["fused"])
    shared.chart("fracture_roc", figure, "ROC curves of detector, classifier and both together.")
    return figure


def _against_each_other(films: pd.DataFrame) -> pd.DataFrame:
    """Each pair of a film's scores, with the difference of their areas."""
    st.markdown("##### Scores of a film against each other")
    pairs = [("detector", "fused"), ("classifier", "fused"), ("detector", "classifier")]
    rows = [
        areas(f"{SCORES[one]} → {SCORES[two]}", films["fractured"], films[one], films[two])
        for one, two in pairs
    ]
    table = side_by_side.table([row for row in rows if row is not None])
    table = table.rename(columns={"figure": "AUROC of 1 → 2"})
    st.dataframe(table, hide_index=True, alt="Scores of a film against each other, with intervals.")
    return table


def _by_part(question: str, films: pd.DataFrame, matched: list[MatchedImage]) -> pd.DataFrame:
    parts = films["body_part"].fillna("").str.split(" | ", regex=False).tolist()
    return shared.groups("body part", _precision_by_part(question, parts, matched))


@st.cache_data(max_entries=4, show_spinner="Bootstrapping the intervals …")
def _precision_by_part(
    question: str, parts: list[list[str]], _matched: list[MatchedImage]
) -> list[tuple[str, int, Estimate]]:
    names = sorted({name for some in parts for name in some if name})
    rows = []
    for name in names:
        own = [one for one, some in zip(_matched, parts, strict=True) if name in some]
        if sum(one.truths for one in own):
            rows.append((name, len(own), estimated_precision(own, draws=300)))
    return rows
