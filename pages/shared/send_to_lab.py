"""“Send to the augmentation lab”: a task page's current image, taken along to the lab."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.shared.opened import switch

SENT = "augmentation_sent"
HERE, SENT_ON = "Choose here", "As sent"
MODALITY = {"fracture": "limb", "bone_age": "hand", "chest": "chest", "skull_strip": "head"}


def send(task: str, case: Any) -> None:
    """A button that opens the lab on this image.

    Args:
        task: "fracture", "bone_age", "chest" or "skull_strip".
        case: The page's `Case`, of a head its `VolumeCase`; it stays in this session.
    """
    pressed = st.button(
        "Send to the augmentation lab",
        key=f"{task}_send",
        icon=":material/science:",
        on_click=_take,
        args=(task, case),
        help="Opens this image where you can turn, blur or disturb it and watch its labels and "
        "the model’s answer.",
    )
    if pressed:
        switch("pages/augmentation.py")


def _take(task: str, case: Any) -> None:
    name = MODALITY[task]
    st.session_state[SENT] = {**st.session_state.get(SENT, {}), name: case}
    st.session_state["augmentation_modality"] = name
    st.session_state[f"augmentation_{name}_sent"] = SENT_ON
