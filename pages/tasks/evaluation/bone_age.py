"""Bone age: the models against the readers, by age and sex, and two models on the same films."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.bone_age.plots import bland_altman
from core.metrics.estimates import bland_altman as agreement
from core.metrics.estimates import mean_of
from core.metrics.paired import Paired, means
from core.plots.draw import PREDICTION, TRUTH, hex_colour
from core.plots.layout import add_equality, laid_out
from models.cards import load_card
from pages.shared import views
from pages.tasks.evaluation import shared
from pages.tasks.evaluation.report import Shown
from pages.tasks.evaluation.shared import Answers

TASK = "bone_age"
KNOWN = ("file", "sex", "age_months")
BANDS = ((0, 72), (72, 120), (120, 156), (156, 240))


def show(answers: Answers) -> Shown:
    """One model against the readers, then against another model."""
    rows = answers.rows
    titles = {load_card(TASK, name).title: name for name in rows.columns if name not in KNOWN}
    first = second = next(iter(titles.values()))
    if len(titles) > 1:
        first = titles[shared.choose("Model", list(titles), "model")]
        second = titles[shared.choose("Compared with", list(titles)[::-1], "second")]
    truth = rows["age_months"].to_numpy(float)
    error = rows[first].to_numpy(float) - truth
    said = agreement(error)
    figures = {
        "MAE (months)": said.mean_error,
        "Bias (months)": said.bias,
        "Within 12 months (%)": mean_of(100 * (np.abs(error) <= 12)),
    }
    shared.strip(figures, ".1f", ours=answers.ours)
    lines = [f"Answered by {load_card(TASK, first).title}."]
    plots = {}
    other = np.abs(rows[second].to_numpy(float) - truth)
    if first != second:
        gain = mean_of(np.abs(error) - other)
        verdict = "closer" if gain.high < 0 else "farther" if gain.low > 0 else "cannot be decided"
        lines.append(
            f"Against **{load_card(TASK, second).title}** on the same films: error "
            f"{gain.value:+.2f} months ({gain.low:+.2f} to {gain.high:+.2f}): {verdict}."
        )
        st.markdown(lines[-1])
    left, right = views.pair("evaluation")
    with left:
        st.markdown("##### Model against readers")
        figure = plots["Model against readers"] = _scatter(
            truth, rows[first].to_numpy(float), rows["sex"].fillna(""), rows["file"]
        )
        alt = "Bone age by model and by readers."
        shared.chart("bone_age_scatter", figure, alt, answers.open_case)
    with right:
        st.markdown("##### Difference over the mean (Bland–Altman)")
        figure = plots["Difference over the mean (Bland–Altman)"] = bland_altman(
            truth, rows[first].to_numpy(float), list(rows["sex"].fillna("")), list(rows["file"])
        )
        alt = "Difference over mean, with limits."
        shared.chart("bone_age_bland_altman", figure, alt, answers.open_case)
    st.markdown("##### Mean absolute error by age and sex (months)")
    groups = []
    for low_age, high_age in BANDS:
        own = (truth >= low_age) & (truth < high_age)
        groups.append((f"{low_age // 12} to {high_age // 12} years", own))
    groups += [
        (word, (rows["sex"] == sex).to_numpy()) for sex, word in (("F", "girls"), ("M", "boys"))
    ]
    table = [
        (name, int(own.sum()), agreement(error[own]).mean_error)
        for name, own in groups
        if own.any()
    ]
    title = "Mean absolute error by age and sex (months)"
    tables = {title: shared.groups("group", table, ".1f")}
    return Shown((first,), figures, ".1f", lines, plots, tables)


def compared(first: Answers, second: Answers) -> list[Paired]:
    """Errors of two models on the same films."""
    truth = first.rows["age_months"].to_numpy(float)
    one, two = (each.rows[_model_of(each)].to_numpy(float) - truth for each in (first, second))
    close = [100.0 * (np.abs(error) <= 12) for error in (one, two)]
    found = (
        means("MAE (months)", np.abs(one), np.abs(two), more=False, style=".2f"),
        means("within 12 months (%)", close[0], close[1], more=True, style=".1f"),
        means("bias (months)", one, two, more=None, style=".2f"),
    )
    return [row for row in found if row is not None]


def _model_of(answers: Answers) -> str:
    return next(name for name in answers.rows.columns if name not in KNOWN)


def _scatter(truth: np.ndarray, answer: np.ndarray, sexes: object, files: object) -> go.Figure:
    figure = go.Figure()
    add_equality(figure, 0, max(truth.max(), answer.max()) / 12 + 1)
    for sex, name, colour, symbol in (
        ("F", "girls", TRUTH, "diamond"),
        ("M", "boys", PREDICTION, "circle"),
        ("", "sex not said", PREDICTION, "x"),
    ):
        own = np.asarray(sexes) == sex
        if not own.any():
            continue
        figure.add_scatter(
            x=truth[own] / 12,
            y=answer[own] / 12,
            customdata=np.asarray(files)[own],
            mode="markers",
            name=name,
            marker={"color": hex_colour(colour), "symbol": symbol, "size": 8, "opacity": 0.75},
            hovertemplate="%{customdata}: readers %{x:.1f}, model %{y:.1f} years<extra></extra>",
        )
    return laid_out(figure, 400, "readers (years)", "model (years)", legend=None)
