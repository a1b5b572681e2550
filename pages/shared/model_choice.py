"""Which model answers: every card of a role, offered where there are several."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from models.cards import ModelCard, cards_of
from models.own.roles import NOT_MEASURED
from pages.shared.address import KEPT
from pages.shared.opened import switch


def choose(
    label: str,
    task: str,
    role: str,
    key: str,
    first: Sequence[str] = (),
    note: str | None = None,
    *,
    adding: bool = False,
) -> ModelCard:
    """The chosen card of a role; the only one where there is no choice.

    A person's own says that it was not measured.

    Args:
        label: What the choice is called on the screen.
        task, role, first: As in `cards_of`.
        key: Of the widget.
        note: Help beside it.
        adding: Whether a button below it leads to where a person adds their own.

    Raises:
        WeightsError: If a card cannot be read.
    """
    cards = {card.name: card for card in cards_of(task, role, first)}
    names = list(cards)
    name = names[0]
    if len(names) > 1:
        name = st.selectbox(
            label,
            names,
            format_func=lambda one: cards[one].title,
            key=key,
            help=note,
            **KEPT,
        )
    if cards[name].is_own:
        st.caption(NOT_MEASURED)
    if adding and st.button(
        "Add your own model …",
        key=f"{key}_add",
        type="tertiary",
        icon=":material/add:",
    ):
        st.session_state["your_models_role"] = role
        switch("pages/your_models.py")
    return cards[name]
