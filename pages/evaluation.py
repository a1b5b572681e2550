"""Evaluation: how good each model is, case by case, and where it is wrong."""

import streamlit as st

from pages.shared import frame, views
from pages.tasks.evaluation import (
    appendix,
    bone_age,
    chest,
    fracture,
    labelled,
    report,
    results,
    shared,
    skull_strip,
    training,
)

PAGE = "evaluation"
TASKS = {
    "Fracture": fracture,
    "Bone age": bone_age,
    "Chest": chest,
    "Skull stripping": skull_strip,
}

LABELLED = "Labelled folder"
RESULTS = "Results of a run"

frame.require()
name = views.headline(
    "Evaluation",
    "What the shipped models said of every film and head kept for choosing (val) and for the last "
    "check (test). Every figure is computed here, from the answers case by case.",
    (*TASKS, LABELLED, RESULTS),
    f"{PAGE}_mode",
)
if name == LABELLED:
    labelled.show(TASKS)
elif name == RESULTS:
    results.show(TASKS)
else:
    task = TASKS[name]
    split = shared.split_of()
    shared.folder_of(task.TASK)
    predictions = views.show_error(lambda: shared.predictions(task.TASK, split))
    if predictions is not None:
        shown = task.show(shared.kept(task.TASK, predictions, split))
        with st.container(horizontal=True):
            report.offer(name, task.TASK, predictions, split, shown)
            shared.csv(task.TASK, shown.answers(predictions), split)
        shared.every_answer(shown.answers(predictions))
    training.show(task.TASK)
    appendix.show(task.TASK)
    shared.own_models(task.TASK, LABELLED)
