"""Chest: each finding's ROC by film size, its calibration and operating point; heart sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.metrics.estimates import Estimate, calibration, mean_of, sensitivity_specificity
from core.metrics.paired import Paired, areas
from core.metrics.roc import Band, roc, roc_band
from core.metrics.statistics import bootstrap_interval
from core.percent import interval, percent
from core.plots.draw import PREDICTION, TRUTH, hex_colour
from core.plots.layout import QUIET, add_equality, laid_out
from core.practice.plots import calibration_plot, roc_plot
from models.cards import load_card
from pages.shared import views
from pages.tasks.evaluation import shared, side_by_side
from pages.tasks.evaluation.report import Shown
from pages.tasks.evaluation.shared import Answers

TASK = "chest"
SIZES = {128: "128 px", 64: "64 px"}
ANY_SIZE = {0: "any size"}
LEAST_POSITIVES = 10
NOTE = f"Findings that fewer than {LEAST_POSITIVES} films of a size have are left out."
HEART = "Cardiomegaly"
SOURCES = {"ctr_jsrt": "JSRT", "ctr_wingspan": "hospital films"}
EDGES = (0, 2, 5, 10, 20, 40, 100)


def show(answers: Answers) -> Shown:
    """One finding at its operating point, then all of them, then the hearts."""
    rows = answers.rows
    sizes = SIZES if "px" in rows else ANY_SIZE
    rows = rows if "px" in rows else rows.assign(px=0)
    labels = [name.removeprefix("true ") for name in rows.columns if name.startswith("true ")]
    labels = [label for label in labels if f"p {label}" in rows]
    labels.sort(key=lambda name: name != "Cardiomegaly")
    finding = shared.choose("Finding", labels, "finding")
    table = _areas(rows, labels, sizes)
    hearts = answers.parts.get("hearts")
    figures = _headlines(table, hearts, rows, sizes)
    shared.strip(figures, ours=answers.ours)
    card = load_card(TASK, answers.card or "findings")
    point = float(card.operating_points.get(finding, 0.5))
    truth, score = rows[f"true {finding}"], rows[f"p {finding}"]
    sensitivity, specificity = sensitivity_specificity(truth, score >= point)
    said = (
        f"**{finding.replace('_', ' ')} from {percent(point)}**: sensitivity "
        f"{percent(sensitivity.value)} ({interval(sensitivity.low, sensitivity.high)}, n = "
        f"{sensitivity.n}), false-positive rate {percent(1 - specificity.value)} "
        f"(n = {specificity.n})."
    )
    st.markdown(said)
    plots: dict[str, go.Figure] = {}
    tables: dict[str, pd.DataFrame] = {}
    one, every = st.tabs(["This finding", "All findings and the heart"])
    with one:
        left, right = views.pair("evaluation")
        with left:
            st.markdown("##### ROC by size of the film")
            curves = {
                name: roc(truth[rows["px"] == px], score[rows["px"] == px])
                for px, name in sizes.items()
            }
            known = {name: curve for name, curve in curves.items() if curve is not None}
            if known:
                first = next(iter(sizes.values()))
                drawn = {
                    name: _band(truth[rows["px"] == px], score[rows["px"] == px])
                    for px, name in sizes.items()
                    if name in known
                }
                bands = {name: band for name, band in drawn.items() if band is not None}
                figure = roc_plot(known, first, bands)
                plots[f"ROC by size of the film: {finding}"] = figure
                shared.chart("chest_roc", figure, f"ROC curves: {finding}.")
                st.caption("Bands: 95 % of the curves of films drawn anew, rate by rate.")
            else:
                st.caption("A curve needs films with the finding and films without.")
        with right:
            st.markdown("##### Predicted and observed")
            figure = calibration_plot({finding: calibration(score * 100, truth, EDGES)})
            figure.update_xaxes(title="predicted probability (%)", range=[-1, 101])
            figure.update_yaxes(title="share with the finding", range=[-0.02, 1.02])
            plots[f"Predicted and observed: {finding}"] = figure
            shared.chart("chest_calibration", figure, f"Predicted against observed: {finding}.")
        st.markdown("##### Films by their probability")
        figure = shared.films_by_score(
            rows["file"],
            truth,
            score,
            point,
            (f"{finding.replace('_', ' ')}", "without it"),
            "probability",
        )
        alt = f"Probability of {finding} of each film, with the operating point."
        shared.chart("chest_films", figure, alt, answers.open_case)
    with every:
        if finding == HEART and others_of(rows):
            tables[f"{HEART}: {side_by_side.TITLE.lower()}"] = _another(rows, sizes, card.title)
        left, right = views.pair("evaluation_2")
        with left:
            st.markdown("##### All findings")
            areas = [f"AUROC {name}" for name in sizes.values()]
            shown = table.copy()
            for name in areas:
                shown[name] = ["–" if pd.isna(one) else f"{one:.2f}" for one in table[name]]
            st.dataframe(shown, hide_index=True, alt="AUROC by finding and size, with intervals.")
            st.caption(
                f"A dash: fewer than {LEAST_POSITIVES} films with the finding, too few to say."
            )
        with right:
            if hearts is not None:
                st.markdown("##### Cardiothoracic ratio: network against reference masks")
                alt = "Ratio by network and mask."
                figure = plots["Cardiothoracic ratio: network against reference masks"] = _hearts(
                    hearts
                )
                shared.chart("chest_hearts", figure, alt, answers.open_case)
    tables["All findings"] = shown
    cards = (card.name,) if hearts is None else (card.name, "heart_lungs")
    return Shown(cards, figures, lines=[said], plots=plots, tables=tables)


@st.cache_data(max_entries=32, show_spinner=False)
def _band(truth: pd.Series, score: pd.Series) -> Band | None:
    return roc_band(truth, score)


def compared(first: Answers, second: Answers) -> list[Paired]:
    """Areas of both models for each finding that both know, within one size of film."""
    one, two = first.rows, second.rows
    labels = [name for name in one.columns if name.startswith("true ") and name in two.columns]
    sizes = SIZES if "px" in one else ANY_SIZE
    found = []
    for px, size in sizes.items():
        own = (one["px"] == px).to_numpy() if "px" in one else np.ones(len(one), bool)
        for label in sorted(labels, key=lambda name: name != "true Cardiomegaly"):
            if one[label][own].sum() >= LEAST_POSITIVES:
                name = label.removeprefix("true ")
                title = f"AUROC: {name.replace('_', ' ')}, {size}"
                scores = one[f"p {name}"][own], two[f"p {name}"][own]
                found.append(areas(title, one[label][own], *scores))
    return [row for row in found if row is not None]


def others_of(rows: pd.DataFrame) -> list[str]:
    """Names of the cards that answered for the heart alone."""
    ending = f" {HEART}"
    names = [name for name in rows.columns if name.endswith(ending)]
    return [name.removesuffix(ending) for name in names if not name.startswith(("true ", "p "))]


def _another(rows: pd.DataFrame, sizes: Mapping[int, str], title: str) -> pd.DataFrame:
    """A network for the heart alone against that of many findings."""
    titles = {load_card(TASK, name).title: name for name in others_of(rows)}
    words = shared.choose("Heart compared with", list(titles), "heart")
    found = []
    for px, size in sizes.items():
        own = rows[rows["px"] == px]
        scores = own[f"p {HEART}"], own[f"{titles[words]} {HEART}"]
        found.append(areas(f"AUROC: {HEART}, {size}", own[f"true {HEART}"], *scores))
    known = [row for row in found if row is not None]
    return side_by_side.show(known, (title, words), len(rows), "films")


def _areas(rows: pd.DataFrame, labels: list[str], sizes: Mapping[int, str]) -> pd.DataFrame:
    found: dict[str, Sequence[object]] = {"finding": [name.replace("_", " ") for name in labels]}
    for px, size in sizes.items():
        own = rows[rows["px"] == px]
        values, spans, counts = [], [], []
        for name in labels:
            positives = int(own[f"true {name}"].sum())
            curve = roc(own[f"true {name}"], own[f"p {name}"])
            enough = curve is not None and positives >= LEAST_POSITIVES
            values.append(round(curve.area.value, 3) if curve and enough else np.nan)
            spans.append(f"{curve.area.low:.2f}–{curve.area.high:.2f}" if curve and enough else "–")
            counts.append(positives)
        short = size.removesuffix(" px")
        found |= {f"AUROC {size}": values, f"95 % ({short})": spans, f"with it ({short})": counts}
    return pd.DataFrame(found)


def _headlines(
    table: pd.DataFrame,
    hearts: pd.DataFrame | None,
    rows: pd.DataFrame,
    sizes: Mapping[int, str],
) -> dict[str, Estimate]:
    px, size = next(iter(sizes.items()))
    own = rows[rows["px"] == px].reset_index(drop=True)
    areas = table[f"AUROC {size}"].astype(float)
    names = [
        name.removeprefix("p ")
        for name in rows.columns
        if f"true {name[2:]}" in own and own[f"true {name[2:]}"].sum() >= LEAST_POSITIVES
    ]

    def mean(picked: np.ndarray) -> float:
        some = own.iloc[picked]
        curves = [roc(some[f"true {name}"], some[f"p {name}"]) for name in names]
        return float(np.mean([curve.area.value for curve in curves if curve is not None]))

    figures = {}
    if names:
        low, high = bootstrap_interval(mean, np.arange(len(own)), draws=60)
        figures[f"mean AUROC at {size}"] = Estimate(float(areas.mean()), low, high, len(own))
    if "p Cardiomegaly" in rows:
        heart = roc(rows["true Cardiomegaly"], rows["p Cardiomegaly"])
        if heart is not None:
            figures["cardiomegaly AUROC"] = heart.area
    if hearts is not None:
        hospital = hearts[hearts["source"].str.contains("wingspan|hospital", case=False)]
        wrong = (hospital["ratio"] - hospital["true_ratio"]).abs().fillna(0.5).to_numpy(float)
        if len(wrong) > 1:
            figures["CTR error, hospital films"] = mean_of(wrong)
    return figures


def _hearts(hearts: pd.DataFrame) -> go.Figure:
    figure = go.Figure()
    add_equality(figure, 0.3, 0.8)
    colours = (PREDICTION, TRUTH)
    for number, (source, own) in enumerate(hearts.groupby("source")):
        figure.add_scatter(
            x=own["true_ratio"],
            y=own["ratio"],
            customdata=own["file"],
            mode="markers",
            name=SOURCES.get(str(source), str(source)),
            marker={
                "color": hex_colour(colours[number % 2]),
                "symbol": ("circle", "diamond")[number % 2],
                "size": 9,
            },
            hovertemplate="%{customdata}: reference %{x:.2f}, network %{y:.2f}<extra></extra>",
        )
    figure.add_hline(0.5, line={"dash": "dash", "width": 1, "color": QUIET})
    titles = "ratio of the reference masks", "ratio of the network’s masks"
    return laid_out(figure, 420, *titles, legend=None)
