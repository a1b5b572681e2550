"""Skull stripping: overlap and distance of every head, by source, against both references."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.metrics.estimates import mean_of
from core.metrics.paired import Paired, means
from core.plots.draw import PREDICTION, TRUTH, hex_colour
from core.plots.layout import laid_out
from models.cards import load_card, task_cards
from models.skull_strip import unseen
from pages.tasks.evaluation import shared, side_by_side, tools
from pages.tasks.evaluation.report import Shown
from pages.tasks.evaluation.shared import Answers
from pages.tasks.skull_strip import experiments

TASK = "skull_strip"
FIGURES = {
    "Dice": ("dice", "dice_mask2", ".3f"),
    "Surface distance, 95th percentile (mm)": ("hd95_mm", "hd95_mask2_mm", ".1f"),
    "Brain volume against the reference (mL)": ("difference_ml", "", ".0f"),
}


def show(answers: Answers) -> Shown:
    """One network's figures head by head and by source, then against another network."""
    networks = networks_of(answers)
    title = next(iter(networks))
    if len(networks) > 1:
        title = shared.choose("Network", list(networks), "network")
    shown = _figures(networks[title])
    others = [name for name in networks if name != title]
    if others:
        second = shared.choose("Compared with", others, "network_second")
        one, two = side_by_side.common(networks[title], networks[second])
        beside = side_by_side.show(compared(one, two), (title, second), len(one.rows), "heads")
        tables = {side_by_side.TITLE: beside, **shown.tables}
        shown = replace(shown, tables=tables, rows=networks[title].rows)
    if answers.ours and unseen.FILE.is_file():
        st.markdown(f"##### {experiments.TITLE}")
        tables = {**shown.tables, experiments.TITLE: experiments.show(shared.KEY)}
        shown = replace(shown, tables=tables)
    return shown


def networks_of(answers: Answers) -> dict[str, Answers]:
    """Each network's answers to the same heads, by its title; the usual one first."""
    first = answers.card or "unet"
    found = {load_card(TASK, first).title: answers}
    for card in () if answers.card else task_cards(TASK):
        if card.name in answers.parts:
            rows = answers.parts[card.name]
            found[card.title] = replace(answers, rows=rows, card=card.name)
    return found


def _figures(answers: Answers) -> Shown:
    """One figure of every head by source, for both reference masks."""
    rows = answers.rows.copy()
    rows["difference_ml"] = rows["volume_ml"] - rows["reference_ml"]
    two = "dice_mask2" in rows
    columns = {
        "Dice": "dice",
        "Dice against the second mask": "dice_mask2",
        "Surface distance, 95th percentile (mm)": "hd95_mm",
        "Seconds a head": "seconds",
    }
    figures = {
        name: mean_of(rows[column].dropna()) for name, column in columns.items() if column in rows
    }
    shared.strip(figures, ours=answers.ours)
    name = shared.choose("Figure", list(FIGURES), "figure")
    first, second, style = FIGURES[name]
    figure = _heads(rows, name, first, second if two else "")
    shared.chart("skull_strip_heads", figure, f"{name} by head.", answers.open_case)
    if not two:
        return Shown((answers.card or "unet",), figures, plots={f"{name} by head": figure})
    table = [
        (str(source), len(own), mean_of(own[first].dropna()))
        for source, own in rows.groupby("source")
    ]
    st.markdown(f"##### {name} by source")
    tables = {f"{name} by source": shared.groups("source", table, style)}
    references = (
        "The first reference was made by deepbet 1.0.2, not by hand, the second by DLMUSE; the two "
        "agree at Dice 0.977 to 0.985, so no score can show a model better than either."
    )
    st.caption(references)
    plots = {f"{name} by head": figure}
    if "tools" in answers.parts:
        plots[tools.TITLE], tables[tools.TITLE] = tools.show(
            answers.parts["tools"], answers.open_case
        )
    return Shown((answers.card or "unet",), figures, lines=[references], plots=plots, tables=tables)


def compared(first: Answers, second: Answers) -> list[Paired]:
    """Overlap and distance of two models on the same heads."""
    found = (
        means("Dice", first.rows["dice"], second.rows["dice"], more=True),
        means(
            "Surface distance, 95th percentile (mm)",
            first.rows["hd95_mm"],
            second.rows["hd95_mm"],
            more=False,
            style=".2f",
        ),
        means("seconds a head", first.rows["seconds"], second.rows["seconds"], more=False,
              style=".1f"),
    )  # fmt: skip
    return [row for row in found if row is not None]


def _heads(rows: pd.DataFrame, name: str, first: str, second: str) -> go.Figure:
    figure = go.Figure()
    place = np.arange(len(rows))
    marks = [(first, "first reference", PREDICTION, "circle")]
    if second:
        marks.append((second, "second reference", TRUTH, "diamond"))
    for column, words, colour, symbol in marks:
        figure.add_scatter(
            x=place,
            y=rows[column],
            customdata=rows["file"],
            text=rows["source"],
            mode="markers",
            name=words,
            marker={"color": hex_colour(colour), "symbol": symbol, "size": 9},
            hovertemplate="%{customdata} (%{text}): %{y:.3g}<extra></extra>",
        )
    return laid_out(figure, 380, "head", name, legend=None).update_xaxes(showticklabels=False)
