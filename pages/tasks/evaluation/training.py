"""How the models of a task were made: recipe, what is known of the training, run and curves."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from models.cards import ModelCard, task_cards
from models.training.recipe import recipes_of
from models.training.record import made, record_of
from pages.tasks.evaluation import shared

RUNS = Path("runs")
"""Where `python -m models.train` leaves its runs; those that ship lie beside the cards."""


def show(task: str) -> None:
    """Closed at first: model after model, and which of them have a run with its curves."""
    recipes = recipes_of(task)
    with st.expander("How the models were made", icon=":material/receipt_long:"):
        without = []
        for card in task_cards(task):
            recipe = f"recipe `{card.name}`" if card.name in recipes else "no recipe"
            st.markdown(f"**{card.title}**: {recipe}. {card.rebuild}")
            known = [f"{name}: {card.training[name]}" for name in card.training]
            if known:
                st.caption("; ".join(known[:2]) + ". All of it is on the model’s card.")
            if not _run(card):
                without.append(card.title)
        if without:
            st.caption(
                f"No run.json and no training curve are kept of the weights of "
                f"{', '.join(without)}. `python -m models.train {task} RECIPE --data …` makes "
                "both anew."
            )


def _run(card: ModelCard) -> bool:
    """The run that made the weights which ship, with its curves; whether there is one."""
    places = (RUNS / card.task / card.name, made(card.task, card.name))
    kept = ((folder, record_of(card.sha256, folder)) for folder in places)
    folder, record = next((one for one in kept if one[1] is not None), (places[0], None))
    if record is None:
        return False
    hours = sum(step["seconds"] for step in record["steps"].values()) / 3600
    st.caption(
        f"Run begun {record['begun']}, seed {record['seed']}, commit {record['commit'][:9]}, "
        f"{hours:.1f} hours."
    )
    for name in record.get("curves", ()):
        try:
            table = pd.read_csv(folder / name)
        except (OSError, ValueError):
            st.caption(f"The curve {name} cannot be read.")
            continue
        numbers = table.select_dtypes("number").drop(columns="epoch", errors="ignore")
        figure = go.Figure()
        for column in numbers:
            figure.add_scatter(y=numbers[column], x=table.index + 1, name=column, mode="lines")
        figure.update_layout(height=280, margin={"l": 0, "r": 0, "t": 10, "b": 0})
        figure.update_xaxes(title="row of the training’s record (mostly an epoch)")
        title = f"{card.task}_{card.name}_{name.replace('/', '_').removesuffix('.csv')}"
        shared.chart(title, figure, f"Training curves of {card.title}: {name}.")
    return True
