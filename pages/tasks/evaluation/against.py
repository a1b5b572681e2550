"""Answers of a run against labels: on the task's own screen, and against another run's."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Protocol

import pandas as pd
import streamlit as st

from core.dataset_folders.truths import Truths
from core.metrics.paired import Paired
from models.predictions import About, Predictions
from models.score.results import Results
from models.score.tasks import tasks
from pages.shared import background
from pages.tasks.evaluation import judged, report, shared, side_by_side
from pages.tasks.evaluation.report import Shown
from pages.tasks.evaluation.shared import KEY, Answers, OpenCase

SPLIT = "against labels given here"


class Screen(Protocol):
    """A task's room of this page."""

    TASK: str

    def show(self, answers: Answers) -> Shown: ...

    def compared(self, first: Answers, second: Answers) -> list[Paired]: ...


def judge(
    found: Results,
    truths: Truths,
    opened: OpenCase,
    screen: tuple[str, Screen],
    cases: str,
    beside: pd.DataFrame | None = None,
) -> None:
    """A task's own screen of a run's answers, with its report and table to take away.

    Args:
        found, truths: Answers, and what is true of the same images.
        opened: Offers to open an image.
        screen: The task's title and its room.
        cases: What the images are, for the report.
        beside: The comparison with another run, for the report.
    """
    names = pd.Series(list(truths.names_of(found.rows["path"])), dtype=object)
    known = names.notna()
    lost = int((known & found.rows["refused"].astype(bool).reset_index(drop=True)).sum())
    st.markdown("##### Against the labels")
    st.caption(
        f"Labels fit {int(known.sum()):,} of {len(known):,} images"
        + (f"; {lost:,} of these were refused and count in no figure." if lost else ".")
    )
    if known.sum() == lost:
        return
    answers = _answers(found, truths, opened)
    if answers is None:
        return
    if answers.rows.empty:
        st.info("No mask of this run could be laid over a true one: score with --masks.")
        return
    if found.task == "chest" and not any(str(name).startswith("true ") for name in answers.rows):
        st.info("The labels name no finding that the model knows.")
        return
    title, room = screen
    shown = room.show(answers)
    if beside is not None and not beside.empty:
        shown = replace(shown, tables={side_by_side.TITLE: beside, **shown.tables})
    weights = {answers.card: str(found.rows["card_sha256"].iloc[0])} if answers.card else {}
    predictions = Predictions(About(cases, SPLIT, len(answers.rows), "", weights), answers.rows)
    with st.container(horizontal=True):
        report.offer(title, found.task, predictions, SPLIT, shown)
        shared.csv(found.task, predictions, "labelled")


def compared(screen: Screen, runs: tuple[Results, Results], truths: Truths) -> pd.DataFrame | None:
    """Two models' figures on the cases that both answered, as a table; empty where there is none.

    None where heads were not compared to the end, which the page then says.

    Args:
        screen: The task's room.
        runs: Answers of each model to the same images.
        truths: What is true of them.
    """
    if any(run.answered.empty for run in runs):
        return pd.DataFrame()
    one, two = (_answers(run, truths) for run in runs)
    if one is None or two is None:
        return None
    if one.rows.empty or two.rows.empty:
        return pd.DataFrame()
    one, two = side_by_side.common(one, two)
    if one.rows.empty:
        st.info("No labelled case was answered by both models.")
        return pd.DataFrame()
    cases = "heads" if tasks()[runs[0].task].volumes else "films"
    titles = judged.titles_of(runs[0]), judged.titles_of(runs[1])
    note = str(getattr(screen, "NOTE", ""))
    return side_by_side.show(screen.compared(one, two), titles, len(one.rows), cases, note)


def _answers(
    found: Results, truths: Truths, opened: OpenCase = lambda file, place: None
) -> Answers | None:
    """Answers beside their truth; None where heads were not compared to the end."""
    names = sorted(str(name) for name in truths.names_of(found.rows["path"]))
    told = (found.folder, list(found.rows["card_sha256"].unique()), names)
    question = hashlib.sha256(repr(told).encode()).hexdigest()
    if found.task == "skull_strip":
        rows = background.result(
            f"{KEY}_heads_{question[:8]}",
            question,
            lambda run: judged.heads(found, truths, run.report),
        )
        if rows is None:
            return None
        parts: dict[str, pd.DataFrame] = {}
    else:
        rows, parts = judged.films(found, truths)
    card = judged.card_of(found)
    return Answers(rows, question, parts, opened, ours=False, card=card.name if card else "")
