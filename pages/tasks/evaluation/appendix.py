"""The published experiments repeated for a task, all in one appendix that is closed at first."""

from __future__ import annotations

import streamlit as st

from pages.shared import views
from pages.shared.views import Download
from pages.tasks.bone_age import experiments as bone_age
from pages.tasks.chest import experiments as chest
from pages.tasks.evaluation.shared import KEY
from pages.tasks.fracture import experiments as fracture

TABLES = {
    "fracture": fracture.RUNS,
    "bone_age": bone_age.EXPERIMENTS,
    "chest": chest.FOLDER / chest.TABLES["Augmentation"],
}


def show(task: str) -> None:
    """Runs, means, intervals and what they decide; a sentence where nothing was repeated."""
    with st.expander(
        "Appendix: published experiments repeated",
        icon=":material/science:",
        on_change="rerun",
        key=f"{KEY}_experiments_{task}",
    ) as one:
        if not one.open:
            return
        path = TABLES.get(task)
        if path is None or not path.is_file():
            st.caption("No experiment was repeated for this task.")
            return
        _shown(task)
        name = f"lightbox_{task}_experiments.csv"
        views.download(f"{KEY}_experiments_csv", Download("Every run (CSV)", name, path.read_bytes))


def _shown(task: str) -> None:
    if task == "bone_age":
        bone_age.repeated(KEY)
    elif task == "chest":
        chest.augmentation()
    else:
        st.markdown(f"#### {fracture.TITLE[0].upper()}{fracture.TITLE[1:]}")
        fracture.learning(KEY)
