"""The models that are kept: each with its card, the way to its page, and out."""

from __future__ import annotations

import streamlit as st

from models.cards import ModelCard, own_folder
from models.own import keep
from models.own.roles import ROLES
from pages.shared import views
from pages.shared.opened import switch

KEY = "your_models"


def show() -> None:
    """A box a model.

    Raises:
        WeightsError: If the folder cannot be written.
    """
    cards, problems = keep.all_cards()
    for problem in problems:
        st.error(problem, icon=":material/error:")
    if not cards:
        st.info("None yet. Add one under “Add a model”.")
    for card in cards:
        with st.container(border=True):
            title = ROLES[card.role].title
            st.markdown(f"**{card.title}**, {title[0].lower()}{title[1:]}")
            st.caption(
                f"No measured figures. Licence: {card.licence}. Trained by, on: {card.source}."
            )
            with st.container(horizontal=True):
                open_button(card, "listed")
                if st.button(
                    "Measure on a labelled folder",
                    key=f"{KEY}_measure_{card.task}_{card.name}",
                    icon=":material/rule:",
                ):
                    st.session_state["evaluation_mode"] = "Labelled folder"
                    st.session_state["evaluation_labelled_second"] = card.name
                    switch("pages/evaluation.py")
                with st.popover("Remove", icon=":material/delete:"):
                    st.write("Its card and its converted file are deleted; your own file stays.")
                    st.button(
                        "Remove it",
                        key=f"{KEY}_remove_{card.task}_{card.name}",
                        type="primary",
                        on_click=keep.remove,
                        args=(card,),
                    )
            with st.expander("Card"):
                views.model_card(card)
                st.markdown("Many images from the command line:")
                st.code(
                    f"python -m models.score {card.task} --model {card.name} --in … --out …",
                    language=None,
                )
    st.caption(f"In `{own_folder()}`. Copied to another computer’s folder, it is found there.")


def open_button(card: ModelCard, place: str) -> None:
    """Opens the page of a model's task with it chosen."""
    if st.button(
        "Open on its page",
        key=f"{KEY}_open_{place}_{card.task}_{card.name}",
        icon=":material/open_in_new:",
    ):
        st.session_state[ROLES[card.role].choice] = card.name
        switch(f"pages/{card.task}.py")
