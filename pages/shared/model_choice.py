"""Which model answers: every card of a role, offered where there are several."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from models.cards import ModelCard, cards_of


def choose(
    label: str, task: str, role: str, key: str, first: Sequence[str] = (), note: str | None = None
) -> ModelCard:
    """The chosen card of a role; the only one where there is no choice.

    Args:
        label: What the choice is called on the screen.
        task, role, first: As in `cards_of`.
        key: Of the widget.
        note: Help beside it.

    Raises:
        WeightsError: If a card cannot be read.
    """
    cards = {card.name: card for card in cards_of(task, role, first)}
    names = list(cards)
    if len(names) == 1:
        return cards[names[0]]
    name = st.selectbox(
        label,
        names,
        format_func=lambda one: cards[one].title,
        key=key,
        help=note,
        persist_state="session",
        bind="query-params",
    )
    return cards[name]
