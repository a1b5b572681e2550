"""How the models of a task were made: recipe, what is known of the training, run and curves."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from models.cards import MODELS, ModelCard, task_cards
from models.training.recipe import recipes_of
from models.training.record import made, record_of
from pages.tasks.evaluation import run_shown
from pages.tasks.evaluation.shared import KEY

RUNS = Path("runs")
"""Where `python -m models.train` leaves its runs; those that ship lie beside the cards."""


FILMS = ("fracture", "bone_age", "chest")
"""Tasks whose films the film-kind network looks at first."""


def show(task: str) -> None:
    """Closed at first: model after model, and which of them have a run with its curves."""
    cards = task_cards(task) + (task_cards("film_kind") if task in FILMS else [])
    with st.expander("How the models were made", icon=":material/receipt_long:"):
        without = [card for card in cards if not _card(card)]
        if without:
            st.caption(
                f"No run.json and no training curve are kept of the weights of "
                f"{', '.join(card.title for card in without)}. `python -m models.train TASK "
                "RECIPE --data …` makes both anew."
            )


def _card(card: ModelCard) -> bool:
    """A model with its recipe and, where there is one, its run; whether there is one."""
    named = card.name in recipes_of(card.task)
    recipe = f"recipe `{card.task} {card.name}`" if named else "no recipe"
    st.markdown(f"**{card.title}**: {recipe}. {card.rebuild}")
    known = [f"{name}: {card.training[name]}" for name in card.training]
    if known:
        st.caption("; ".join(known[:2]) + ". All of it is on the model’s card.")
    if named:
        with st.popover("Recipe", type="tertiary", key=f"{KEY}_recipe_{card.task}_{card.name}"):
            path = MODELS / card.task / "recipes" / f"{card.name}.toml"
            st.code(path.read_text(encoding="utf-8"), "toml", wrap_lines=True)
    return _run(card)


def _run(card: ModelCard) -> bool:
    """The run that made the weights which ship, with its curves; whether there is one."""
    places = (RUNS / card.task / card.name, made(card.task, card.name))
    kept = ((folder, record_of(card.sha256, folder)) for folder in places)
    folder, record = next((one for one in kept if one[1] is not None), (places[0], None))
    if record is None:
        return False
    run_shown.show(card, folder, record)
    return True
