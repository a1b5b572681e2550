"""A task's evaluation on one printable page; each task gives only what it shows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec

import pandas as pd
import plotly.graph_objects as go

from core import report as reports
from core.metrics.estimates import Estimate
from core.plots.pictures import picture
from models.cards import load_card
from models.predictions import Predictions
from pages.shared import views
from pages.shared.views import Download
from pages.tasks.evaluation.shared import GOALS, KEY, SPLITS, interval, is_missed


@dataclass(frozen=True, eq=False)
class Shown:
    """What a task's screen shows of its answers.

    Attributes:
        cards: Names of the models that the figures are of.
        figures: The headline figures, `style` their format.
        lines: Sentences, in which Markdown's ** is left out.
        plots, tables: By title.
        rows: The answers where they are not those of the first network.
    """

    cards: Sequence[str]
    figures: Mapping[str, Estimate]
    style: str = ".3f"
    lines: Sequence[str] = ()
    plots: Mapping[str, go.Figure] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    rows: pd.DataFrame | None = None

    def answers(self, found: Predictions) -> Predictions:
        """The answers that are shown, to take away."""
        return found if self.rows is None else replace(found, rows=self.rows)


def offer(title: str, task: str, found: Predictions, split: str, shown: Shown) -> None:
    """A button; the page is made when it is pressed."""
    name = f"lightbox_{task}_{split.replace(' ', '_')}.html"
    page = partial(made, title, task, found, split, shown)
    views.download(f"{KEY}_report", Download("Report (HTML)", name, page, ":material/description:"))


def made(title: str, task: str, found: Predictions, split: str, shown: Shown) -> bytes:
    """The report: figures with intervals and targets, plots, tables, weights, limits."""
    about = found.about
    cards = [load_card(task, name) for name in shown.cards]
    lines = [line.replace("**", "") for line in shown.lines]
    changed = [card.title for card in cards if not card.is_own and not about.is_of(card)]
    if changed:
        lines.append(f"Answered by other weights than those that ship now: {', '.join(changed)}.")
    plots = shown.plots
    if find_spec("matplotlib") is None:
        plots = {}
        lines.append("Without plots: they need matplotlib, which the light install leaves out.")
    limits = [
        (f"Limits: {card.title}" if len(cards) > 1 else "Limits", reports.bullets(card.limitations))
        for card in cards
    ]
    weights = [
        (card.title, about.weights.get(card.name, "no weights of its own")) for card in cards
    ]
    answer = ""
    for first, one in list(shown.figures.items())[:1]:
        answer = f"{first} {one.value:{shown.style}} (95 % interval {interval(one, shown.style)})"
    return reports.page(
        f"Evaluation: {title}",
        f"{about.data_set}, {SPLITS.get(split, split).lower()}, n = {about.n:,}"
        + (f", answered on {about.date}" if about.date else ""),
        answer=answer,
        lines=lines,
        pictures=[(name, picture(figure, "svg", width=4.8)) for name, figure in plots.items()],
        parts=[
            ("Figures", _figures(shown)),
            *((name, _table(table)) for name, table in shown.tables.items()),
            ("Weights (SHA-256)", reports.table(weights)),
            *limits,
        ],
    )


def _figures(shown: Shown) -> str:
    rows = []
    for name, one in shown.figures.items():
        value = "–" if math.isnan(one.value) else format(one.value, shown.style)
        target = f"{GOALS[name][0]:g}" if name in GOALS else ""
        missed = is_missed(name, one)
        if target:
            target += ": missed" if missed else ": reached"
        rows.append((name, value, interval(one, shown.style), f"{one.n:,}", target))
    return reports.table(rows, ("", "value", "95 % interval", "n", "target"))


def _table(table: pd.DataFrame) -> str:
    rows = [["" if pd.isna(cell) else str(cell) for cell in row] for row in table.to_numpy(object)]
    return reports.table(rows, [str(name) for name in table.columns])
