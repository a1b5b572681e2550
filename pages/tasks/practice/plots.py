"""The plots of results: which there are for a task, their points, and PNG and SVG of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.metrics.estimates import calibration
from core.practice import plots, tables
from core.practice.answers import FractureAnswer
from core.practice.free_response import Froc, froc
from core.practice.results import Answers, Results, confidences, findings_of, ratings, roc_of
from core.practice.truths import FractureTruth
from pages.shared import charts, picture_files

NOTES = {
    "ROC": "Each answer's confidence as a threshold: up is found, right is falsely called. A "
    "curve further up and left is better; the area is the chance that an abnormal case got a "
    "higher score than a normal one.",
    "Free response": "Share of fractures that a box hit over false boxes per film, as boxes of "
    "lower confidence are counted in. A click on a point opens a case of that confidence.",
    "Bland–Altman": "Each point is a case: how far the answer lies from the truth. The lines are "
    "the mean error and its 95 % limits of agreement. A click on a point opens its case.",
    "Calibration": "How often answers were right that were given with a confidence: on the "
    "diagonal, 80 % sure means right in 80 % of cases. Bars are exact 95 % intervals. "
    "A click on a point opens one of its cases, a wrong one where there is one.",
    "Learning": "The last ten cases at each point, in the order of reading. A click on a point "
    "opens its case.",
    "Time": "From showing the case to keeping the answer. A click on a point opens its case.",
    "Change": "What seeing the model's answer did to the reader's own. A click on a bar opens its "
    "first case.",
    "Wrong answers": "Cases that most readers got wrong come first. A click on a bar opens its "
    "case.",
}


def offered(results: Results) -> list[str]:
    """Names of the plots that these results have."""
    names = {"fracture": ["ROC", "Free response"], "bone_age": ["Bland–Altman"], "chest": ["ROC"]}
    found = [*names.get(results.series.task, []), "Calibration", "Learning", "Time"]
    return found + (["Change"] if results.series.mode == "aided" else [])


def show(key: str, name: str, results: Results) -> str | None:
    """One plot with its downloads.

    Returns:
        Key of the case whose point was chosen, or None.
    """
    figure = _MAKERS[name](key, results)
    if figure is None:
        st.info("Not enough cases for this plot yet: it needs normal and abnormal ones.")
        return None
    event = charts.chart(
        figure,
        key=f"{key}_plot_{name}",
        on_select="rerun",
        selection_mode="points",
        alt=f"{name}: {NOTES[name]}",
    )
    st.caption(NOTES[name])
    if name == "ROC":
        _differences(results, st.session_state.get(f"{key}_roc_finding"))
    with st.container(horizontal=True):
        picture_files.offer(
            f"{key}_{name}",
            name.lower().replace(" ", "_"),
            figure,
            f"{results.series.title}: {name}",
        )
    return _chosen(event)


def _chosen(event: Any) -> str | None:
    """The case of the point that was clicked."""
    for point in event.selection.points if event else ():
        found = point.get("customdata")
        case = next(iter(found.values() if isinstance(found, dict) else found or ()), None)
        if case:
            return str(case)
    return None


def _roc(key: str, results: Results) -> go.Figure | None:
    finding = None
    if results.series.task == "chest":
        names = findings_of(results.everyone[0])
        finding = st.selectbox("Finding", names, key=f"{key}_roc_finding")
    curves = {one.label: roc_of(one, finding) for one in results.everyone}
    found = {name: curve for name, curve in curves.items() if curve is not None}
    if not found:
        return None
    figure = plots.roc_plot(found, results.model.label if results.model else None)
    everyone = {one.label: one for one in results.everyone}
    for trace, (name, curve) in zip(figure.data[1:], found.items(), strict=True):
        scores = {row[2]: case for case, row in ratings(everyone[name], finding).items()}
        trace.customdata = [[scores.get(float(least))] for least in curve.thresholds]
    return figure


def _differences(results: Results, finding: str | None) -> None:
    """Each reader's area minus the model's, in words."""
    table = tables.against_model_table(results, finding)
    for row in table.to_dict("records"):
        st.caption(
            f"{row['reader']}: area {row['reader_auc']:.2f}, the model's on the same "
            f"{row['cases']} cases {row['model_auc']:.2f}; difference {row['difference']:+.2f} "
            f"(95 % interval {row['low']:+.2f} to {row['high']:+.2f}, DeLong)."
        )


def _froc(key: str, results: Results) -> go.Figure | None:
    curves = {one.label: found for one in results.everyone if (found := _froc_of(one))}
    figure = plots.froc_plot(curves, results.model.label if results.model else None)
    everyone = {one.label: one for one in results.everyone}
    for trace, (name, curve) in zip(figure.data, curves.items(), strict=True):
        cases = {
            rating: case
            for case, answer in everyone[name].answers.items()
            if isinstance(answer, FractureAnswer)
            for rating in answer.ratings
        }
        trace.customdata = [[cases.get(float(least))] for least in curve.least]
    return figure


def _froc_of(given: Answers) -> Froc | None:
    pairs = [
        (answer, truth)
        for case, answer in given.answers.items()
        if isinstance(answer, FractureAnswer)
        and isinstance(truth := given.truths[case], FractureTruth)
    ]
    return froc([pair[0] for pair in pairs], [pair[1] for pair in pairs]) if pairs else None


def _bland_altman(key: str, results: Results) -> go.Figure:
    named = {one.label: one for one in results.everyone}
    label = st.selectbox("Answers of", list(named), key=f"{key}_agreement_of")
    return plots.bland_altman_plot(named[label])


def _calibration(key: str, results: Results) -> go.Figure:
    given = {one.label: rows for one in results.everyone if (rows := confidences(one))}
    found = {
        name: calibration([row[1] for row in rows], [row[2] for row in rows])
        for name, rows in given.items()
    }
    figure = plots.calibration_plot(found)
    for trace, (name, bins) in zip(figure.data[1:], found.items(), strict=True):
        wrong_first = sorted(given[name], key=lambda row: row[2])
        trace.customdata = [
            [next(case for case, sure, _ in wrong_first if one.holds(sure))] for one in bins
        ]
    return figure


def _of_table(
    make: Callable[[pd.DataFrame], go.Figure], table: Callable[[Results], pd.DataFrame]
) -> Callable[[str, Results], go.Figure]:
    return lambda key, results: make(table(results))


_MAKERS: Mapping[str, Callable[[str, Results], go.Figure | None]] = {
    "ROC": _roc,
    "Free response": _froc,
    "Bland–Altman": _bland_altman,
    "Calibration": _calibration,
    "Learning": _of_table(plots.learning_plot, tables.learning_table),
    "Time": _of_table(plots.time_plot, tables.learning_table),
    "Change": _of_table(plots.change_plot, tables.change_table),
    "Wrong answers": _of_table(plots.wrong_plot, tables.cases_table),
}
