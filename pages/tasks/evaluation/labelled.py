"""A labelled folder answered here and now: one model, or two side by side, your own among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from core.dataset_folders.dataset import Dataset
from core.dataset_folders.truths import Truths, of_dataset
from core.stages import Progress
from models.cards import cards_of, load_card
from models.score.here import folder_of, is_done, items_of, score_here
from models.score.results import Results, open_results
from models.score.sources import Item
from models.score.task import Task
from models.score.tasks import MAKERS, task_with
from pages.shared import background, views
from pages.tasks.datasets import folder
from pages.tasks.evaluation import results
from pages.tasks.evaluation.results import Screen
from pages.tasks.evaluation.shared import KEY, dataset_of

PLACE = f"{KEY}_labelled"
ALL = "all splits"
USUAL, NONE = "", "none"
MOST, USUAL_MOST = 5000, 400


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be answered.

    Attributes:
        dataset, truths: The folder and what it says is true.
        items: Its images.
        tasks: One a model.
        cases: The data set with its split, in words.
    """

    dataset: Dataset
    truths: Truths
    items: list[Item]
    tasks: tuple[Task, ...]
    cases: str


def show(screens: Mapping[str, Screen]) -> None:
    """The folder's labels against one or two models."""
    with st.sidebar:
        path = folder.choose(
            PLACE,
            "Type the path of a folder of labelled images in the sidebar. Your own models and "
            "Lightbox’s answer its images here, on this computer, and are laid against its "
            "labels and against each other.",
        )
    if not path:
        return
    asked = views.show_error(_asked, path)
    if asked is None:
        return
    found = views.show_error(_answered, asked)
    if found:
        first, *others = found
        results.present(screens, first, asked.truths, others[0] if others else None, asked.cases)


def _asked(path: str) -> Asked | None:
    """The sidebar's questions.

    Raises:
        ImagingError: If the folder or a model cannot be read.
    """
    dataset = dataset_of(path)
    truths = of_dataset(dataset.task, dataset)
    labelled = dataset.rows[dataset.rows.index.isin(list(truths.values))]
    splits = labelled["split"].replace("", "no split").value_counts()
    counts = {ALL: len(labelled), **{str(name): int(count) for name, count in splits.items()}}
    with st.sidebar:
        split = ALL
        if len(splits) > 1:
            split = st.selectbox(
                "Cases",
                list(counts),
                index=list(counts).index("val") if "val" in counts else 0,
                format_func=lambda one: f"{one} ({counts[one]:,})",
                key=f"{PLACE}_split_{dataset.listing.root.name}",
            )
        models = _models(dataset.task)
        first = st.selectbox(
            "Model", list(models), format_func=models.__getitem__, key=f"{PLACE}_first"
        )
        rest = {NONE: "no second model"} | {key: one for key, one in models.items() if key != first}
        own = [one for one in rest if one not in (USUAL, NONE) and _is_own(dataset.task, one)]
        second = st.selectbox(
            "Compared with",
            list(rest),
            index=list(rest).index(own[0]) if own else 0,
            format_func=rest.__getitem__,
            key=f"{PLACE}_second",
        )
        most = st.number_input(
            "At most so many images",
            10,
            MOST,
            20 if dataset.task == "skull_strip" else USUAL_MOST,
            key=f"{PLACE}_most_{dataset.task}",
            help="Of more, so many are drawn, always the same ones. Whole archives are for "
            "`python -m models.score`.",
        )
    if split != ALL:
        labelled = labelled[labelled["split"].replace("", "no split") == split]
    items = items_of(dataset, list(labelled.index), int(most))
    chosen = [first] if second == NONE else [first, second]
    tasks = tuple(task_with(dataset.task, [name] if name else []) for name in chosen)
    return Asked(dataset, truths, items, tasks, f"{dataset.layout}, {split}")


def _models(task: str) -> dict[str, str]:
    """What may be asked: the usual models, then each other one of the task."""
    usual = task_with(task, [])
    used = {name for _, name in usual.cards}
    main = load_card(*usual.cards[0]).title
    found = {USUAL: f"{main} (usual)"}
    for role in MAKERS[task][1]:
        for card in cards_of(task, role):
            if card.name not in used:
                found[card.name] = f"{card.title} ({'your own' if card.is_own else role})"
    return found


def _is_own(task: str, name: str) -> bool:
    return load_card(task, name).is_own


def _answered(asked: Asked) -> list[Results] | None:
    """Both models' answers: kept ones, or worked out after a press of the button.

    Raises:
        ImagingError: If a kept answer cannot be read.
    """
    unit = "heads" if asked.tasks[0].volumes else "films"
    outs = [folder_of(task, asked.items) for task in asked.tasks]
    question = tuple(map(str, outs))
    if not all(map(is_done, outs)):
        names = " and ".join(load_card(*task.cards[0]).title for task in asked.tasks)
        if st.session_state.get(f"{PLACE}_asked") != question:
            st.markdown(f"**{asked.cases}**: {len(asked.items):,} labelled {unit} for {names}.")
            st.button(
                f"Answer {len(asked.items):,} {unit}",
                key=f"{PLACE}_run",
                type="primary",
                icon=":material/play_arrow:",
                on_click=lambda: st.session_state.update({f"{PLACE}_asked": question}),
            )
            kept = "Tables and masks" if asked.tasks[0].volumes else "Tables of answers, no images,"
            st.caption(
                f"It can be cancelled, and goes on where it was. {kept} are kept in "
                f"`{outs[0].parent}`."
            )
            return None
        heads = asked.tasks[0].volumes
        work = partial(_work, asked, outs)
        if background.result(PLACE, question, work, is_head=heads, in_parts=True) is None:
            return None
    return [_opened(str(out)) for out in outs]


def _work(asked: Asked, outs: list[Path], run: background.Run[bool]) -> bool:
    for number, (task, out) in enumerate(zip(asked.tasks, outs, strict=True)):
        if not is_done(out):
            score_here(task, asked.items, out, _part_of(run, number, len(outs)))
    return True


def _part_of(run: background.Run[bool], number: int, count: int) -> Progress:
    return lambda fraction, stage: run.report((number + fraction) / count, stage)


@st.cache_resource(max_entries=4, scope="session", show_spinner="Reading the answers …")
def _opened(out: str) -> Results:
    return open_results(Path(out))
