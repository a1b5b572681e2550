"""The run that made a model's weights: when, from what, with what, and its curves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.plots.draw import PREDICTION, TRUTH, hex_colour
from core.plots.layout import QUIET, laid_out
from models.cards import ModelCard
from models.score.progress import duration
from models.training.record import RECORD
from pages.shared import views
from pages.shared.views import Download
from pages.tasks.evaluation import shared

COUNTED = ("epoch", "step", "update", "share")
"""Columns that say where in the training a row is."""
NO_CURVES = ("seconds", "rate", "lr", "seed")
KINDS = (("loss", "loss"), ("months", "error (months)"), ("mm", "distance (mm)"))
"""What is drawn on one axis, by a word in the column's name; all else are shares."""
COLOURS = (hex_colour(PREDICTION), hex_colour(TRUTH), QUIET, "#b07cc6")
DASHES = ("solid", "dash", "dot", "dashdot")


def show(card: ModelCard, folder: Path, record: Mapping[str, Any]) -> None:
    """Dates, hashes and curves of the run, and its record to take away.

    Args:
        card: Of the weights that it made.
        folder: Where the record lies with its curves.
        record: As `models.training.record` writes it.
    """
    seconds = sum(step["seconds"] for step in record["steps"].values())
    st.caption(
        f"Run begun {record['begun']}, seed {record['seed']}, commit {record['commit'][:9]}, "
        f"{duration(seconds)}."
    )
    name = f"{card.task}_{card.name}"
    for path in record.get("curves", ()):
        _curves(card, folder, str(path))
    with st.container(horizontal=True):
        with st.popover("Hashes and versions", icon=":material/fingerprint:"):
            st.dataframe(
                hashes(card, record), hide_index=True, height="content",
                alt=f"Hashes of the recipe, parents and weights of {card.title}.",
            )  # fmt: skip
            versions = record.get("versions", {})
            st.caption(", ".join(f"{key} {value}" for key, value in versions.items()))
        with st.popover("Steps", icon=":material/list:"):
            st.dataframe(
                steps(record), hide_index=True, height="content",
                alt=f"What the run of {card.title} did, step by step.",
            )  # fmt: skip
        run = Download(RECORD, f"lightbox_{name}_run.json", (folder / RECORD).read_bytes)
        views.download(f"{shared.KEY}_run_{name}", run)


def hashes(card: ModelCard, record: Mapping[str, Any]) -> pd.DataFrame:
    """SHA-256 of what went in and what came out."""
    rows = [("recipe", str(record.get("recipe_sha256", "not noted")))]
    rows += [(f"parent: {key}", str(value)) for key, value in record.get("parents", {}).items()]
    return pd.DataFrame([*rows, ("weights that ship", card.sha256)], columns=["of", "SHA-256"])


def steps(record: Mapping[str, Any]) -> pd.DataFrame:
    """A row a step: what it did, how long, and what it found."""
    return pd.DataFrame(
        [
            {
                "step": name,
                "does": step.get("do", ""),
                "minutes": round(step["seconds"] / 60, 1),
                "found": json.dumps(step.get("found", {}), ensure_ascii=False),
            }
            for name, step in record["steps"].items()
        ]
    )


def _curves(card: ModelCard, folder: Path, path: str) -> None:
    """A table of the training's record: losses in one chart, other figures in others."""
    try:
        table = pd.read_csv(folder / path)
    except (OSError, ValueError):
        st.caption(f"The curve {path} cannot be read.")
        return
    place = next((name for name in COUNTED if name in table), None)
    numbers = table.select_dtypes("number").drop(columns=[*COUNTED, *NO_CURVES], errors="ignore")
    charts = grouped(list(numbers.columns))
    columns = st.columns(max(1, min(2, len(charts))), gap="large")
    for number, (axis, names) in enumerate(charts.items()):
        figure = go.Figure()
        for mark, column in enumerate(names):
            figure.add_scatter(
                x=table[place] if place else table.index + 1,
                y=numbers[column],
                name=column.replace("_", " "),
                mode="lines+markers" if len(table) < 40 else "lines",
                line={"color": COLOURS[mark % 4], "dash": DASHES[mark % 4]},
            )
        legend = {"orientation": "h", "y": 1.12}
        x_title = place or "row of the record"
        laid_out(figure, 280, x_title, axis, top=10, legend=legend, showlegend=True)
        stem = f"{card.task}_{card.name}_{path.replace('/', '_').removesuffix('.csv')}"
        alt = f"{axis.capitalize()} over the training of {card.title}: {', '.join(names)}."
        with columns[number % len(columns)]:
            shared.chart(f"{stem}_{axis.split(' ')[0]}", figure, alt)


def grouped(names: Sequence[str]) -> dict[str, list[str]]:
    """Columns by the axis that they share."""
    found: dict[str, list[str]] = {}
    for name in names:
        words = name.split("_")
        axis = next((axis for word, axis in KINDS if word in words), "score")
        found.setdefault(axis, []).append(name)
    return found
