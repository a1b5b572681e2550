"""May this film be read: a frontal chest film, upright, bone bright; put right by one click."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core import film_kind as film_kinds
from core.chest import projection as chest_film
from core.film_kind import FilmKind
from core.plots import draw
from models.cards import ModelCard
from pages.shared import views
from pages.shared.inputs import Case
from pages.tasks.chest import loaders as chest_loaders
from pages.tasks.chest.sidebar import Settings


def righted(case: Case) -> Case:
    """The case with the view that its table gives, and put right, if that was clicked.

    Truth in pixels is dropped where the film was turned.
    """
    view = case.image.view or case.truth.get("view")
    case = replace(case, image=replace(case.image, view=view))
    kind = _righted().get(case.image.digest)
    if kind is None:
        return case
    faults = _faults(kind)
    truth = {key: value for key, value in case.truth.items() if key not in ("masks", "boxes")}
    image = film_kinds.righted(case.image, kind)
    note = f"The film came {faults} and was put right on this page."
    return replace(case, image=replace(image, notes=(*image.notes, note)), truth=truth)


def passed(case: Case, settings: Settings, original: str) -> bool:
    """Whether the film may be read; where not, the page says why and offers what helps.

    Args:
        case: After it was put right.
        settings: For the display window and the network that knows films.
        original: Digest of the film as it came, for the buttons.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    if original in _righted():
        st.button(
            "Show the film as it came",
            key="chest_undo",
            icon=":material/undo:",
            on_click=_undo,
            args=(original,),
        )
    if original in _allowed():
        st.warning(
            "This film was refused and is shown anyway: the answers below mean nothing for it.",
            icon=":material/warning:",
        )
        st.button("Refuse it again", key="chest_refuse", on_click=_forbid, args=(original,))
        return True
    problem, fixable = problems(case, settings.film_kind)
    if not problem:
        return True
    _refused(case, settings, original, problem, fixable)
    return False


def _refused(
    case: Case, settings: Settings, original: str, problem: str, fixable: FilmKind | None
) -> None:
    """The film, small, with the reason and the buttons."""
    left, right = st.columns([1, 2], gap="large")
    window = settings.display
    shown = draw.windowed(case.image.pixels, window.level, window.width, invert=window.invert)
    left.image(draw.tile(shown, 600, 600), width="stretch", alt=f"{case.words}, refused.")
    with right:
        st.warning(f"**Not read.** {problem}", icon=":material/block:")
        with st.container(horizontal=True):
            if fixable is not None:
                st.button(
                    "Put it right",
                    key="chest_fix",
                    type="primary",
                    icon=":material/screen_rotation_up:",
                    on_click=_right,
                    args=(original, fixable),
                )
            st.button(
                "Show anyway",
                key="chest_anyway",
                on_click=_allow,
                args=(original,),
                help="See what a network says to a film that it should never have been given.",
            )
        st.caption(
            "A network answers to any picture: one that learned chest findings cannot say that "
            "it was shown a hand. So a second, small network looks first."
        )
    views.known_of(case.image, case.words)


def problems(case: Case, card: ModelCard) -> tuple[str, FilmKind | None]:
    """Why a film is not read, or nothing; and how it lies where a click can put it right.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    if "masks" in case.truth:
        return "", None  # a phantom that this program drew, upright
    refused = chest_film.view_refusal(case.image.view)
    if refused:
        return refused, None
    kind = chest_loaders.film_kind(card, case.image)
    refused = film_kinds.refusal(kind, wanted="chest")
    faults = film_kinds.turned(kind)
    if refused and kind.kind != "chest":
        return refused, None
    if faults:
        return (
            f"{faults} The networks learned from upright films with bright bone; to this one "
            "they would answer at random."
        ), kind
    return refused or "", None


def _faults(kind: FilmKind) -> str:
    """How a film came, as a phrase."""
    words = [] if kind.orientation == "upright" else [kind.orientation]
    return " and ".join([*words, *(["inverted"] if kind.inverted else [])])


def _righted() -> dict[str, FilmKind]:
    return st.session_state.setdefault("chest_righted", {})


def _allowed() -> set[str]:
    return st.session_state.setdefault("chest_allowed", set())


def _right(digest: str, kind: FilmKind) -> None:
    _righted()[digest] = kind


def _undo(digest: str) -> None:
    _righted().pop(digest, None)


def _allow(digest: str) -> None:
    _allowed().add(digest)


def _forbid(digest: str) -> None:
    _allowed().discard(digest)
