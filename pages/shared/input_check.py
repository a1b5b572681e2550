"""May this film be read: the one check of every radiograph page and every batch.

The file's modality counts first, then a small network that knows films. What is refused can be
shown anyway, and then says so as long as it is on screen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from core import film_kind as film_kinds
from core.film_kind import FilmKind
from core.images import Radiograph
from core.plots import draw
from models.cards import ModelCard, load_card
from models.score.input_check import FILM_KIND, other_modality
from pages.shared import caching, views
from pages.shared.caching import Guarded
from pages.shared.inputs import Case

SMALL_PX = 128
INVERTED = (
    "**Inverted?** The rim of the film is brighter than its middle, as where bones are shown dark. "
    "The networks learned from bright bone, and answer such a film wrongly: invert it in the "
    "program that it comes from, and add it again."
)
IN_PIXELS = ("masks", "boxes", "boxes_xyxy", "polygons")
"""Keys of a case's truth that are no longer true once the film was turned."""


@caching.model(max_entries=1)
def _network(card: ModelCard) -> Guarded[Any]:
    from models.film_kind import recognise

    return Guarded(recognise.load_model(card))


@caching.answer(max_entries=1000)
def film_kind(card: ModelCard, image: Radiograph) -> FilmKind:
    """What kind of film this is, and which way up; run once per film.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    from models.film_kind import recognise

    return recognise.recognise(_network(card).model, image)


def problem(image: Radiograph, wanted: str) -> tuple[str, FilmKind | None]:
    """Why a film is not read, or ""; and how it lies where a click can put it right.

    Args:
        wanted: What the page reads, as of `core.film_kind.refusal` ("hand", "chest", "limb").

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    other = other_modality(image)
    if other:
        return other, None
    kind = film_kind(load_card(*FILM_KIND), image)
    refused = film_kinds.refusal(kind, wanted=wanted)
    if wanted != "chest" or (refused and kind.kind != "chest"):
        return refused or "", None
    faults = film_kinds.turned(kind)
    if faults:
        return (
            f"{faults} The networks learned from upright films with bright bone; to this one "
            "they would answer at random."
        ), kind
    return refused or "", None


def small(image: Radiograph) -> str:
    """A warning for a film with too few pixels to show what is asked of it, or ""."""
    height, width = image.shape
    if min(height, width) >= SMALL_PX:
        return ""
    return (
        f"The film has only {width} × {height} pixels: fine detail is lost, and the answer is "
        "less reliable than the model's card says."
    )


def upright(key: str, case: Case) -> Case:
    """The case, put right if that was clicked; truth in pixels is then dropped."""
    kind = _put_right(key).get(case.image.digest)
    if kind is None:
        return case
    words = [] if kind.orientation == "upright" else [kind.orientation]
    faults = " and ".join([*words, *(["inverted"] if kind.inverted else [])])
    note = f"The film came {faults} and was put right on this page."
    image = film_kinds.reoriented(case.image, kind)
    truth = {name: value for name, value in case.truth.items() if name not in IN_PIXELS}
    return replace(case, image=replace(image, notes=(*image.notes, note)), truth=truth)


def passed(
    key: str, case: Case, wanted: str, *, trusted: bool = False, refused: str | None = None
) -> Case | None:
    """The case that may be read, put right where that was clicked; None with the reason shown.

    Args:
        key: Prefix of the widget keys: the page's name.
        case: As it came.
        wanted: As of `problem`.
        trusted: Whether the film needs no check, such as a phantom of the page's own kind.
        refused: A reason of the task's own to refuse it ("a lateral view ...").

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    came, case = case.image.digest, upright(key, case)
    if came in _put_right(key):
        st.button(
            "Show the film as it came",
            key=f"{key}_undo",
            icon=":material/undo:",
            on_click=_as_it_came,
            args=(key, came),
        )
    reason, fixable = "", None
    if refused:
        reason = refused
    elif not trusted:
        reason, fixable = problem(case.image, wanted)
    if not reason:
        if not trusted and (warning := small(case.image)):
            st.warning(warning, icon=":material/photo_size_select_small:")
        if not trusted and wanted == "hand" and film_kinds.has_bright_rim(case.image):
            st.warning(INVERTED, icon=":material/invert_colors:")
        return case
    if came in _allowed(key):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(
                f"**Shown anyway:** {reason} The answers below mean nothing for it.",
                icon=":material/warning:",
            )
            st.button(
                "Refuse it again", key=f"{key}_refuse", on_click=_allowed(key).discard, args=(came,)
            )
        return case
    _refused(key, case, came, reason, fixable)
    return None


def _refused(key: str, case: Case, came: str, reason: str, fixable: FilmKind | None) -> None:
    """The film, small, with the reason and the buttons."""
    left, right = st.columns([1, 2], gap="large")
    shown = draw.tile(draw.windowed(case.image.pixels), 600, 600)
    left.image(shown, width="stretch", alt=f"{case.words}, refused.")
    with right:
        views.verdict(f"**Not read.** {reason}", "problem")
        with st.container(horizontal=True):
            if fixable is not None:
                st.button(
                    "Put it right",
                    key=f"{key}_fix",
                    type="primary",
                    icon=":material/screen_rotation_up:",
                    on_click=_put_right(key).__setitem__,
                    args=(came, fixable),
                )
            st.button(
                "Show anyway",
                key=f"{key}_anyway",
                on_click=_allowed(key).add,
                args=(came,),
                help="See what a network says to a film that it should never have been given.",
            )
        st.caption(
            "A network answers to any picture. So the file's modality and a second, small network "
            "are asked first whether this is a film for it."
        )
    views.known_of(case.image, case.words)


def _as_it_came(key: str, digest: str) -> None:
    _put_right(key).pop(digest, None)


def _put_right(key: str) -> dict[str, FilmKind]:
    """The session's films that were put right on a page, by digest of the film as it came."""
    found: dict[str, FilmKind] = st.session_state.setdefault(f"{key}_put_right", {})
    return found


def _allowed(key: str) -> set[str]:
    """Digests of refused films that are shown anyway."""
    found: set[str] = st.session_state.setdefault(f"{key}_allowed", set())
    return found
