"""The one pattern for what is computed once: a loaded model, and an answer about an image.

    @caching.model(max_entries=2)
    def detector(card: ModelCard) -> Guarded[Model]: ...

    @caching.answer(max_entries=200)
    def candidates(card: ModelCard, image: Radiograph) -> Detections: ...

Images and cards are compared by their hashes, so they are plain arguments. Nothing may be drawn
inside either: long work with progress runs through `pages.shared.background`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.images import Radiograph, Volume
from models.cards import ModelCard

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")
KEPT_IN_SESSION = 8
"""Answers that one session keeps of a function that keeps few: those with pictures of films."""
KEPT_FILMS = 2
"""Uploads of which one session keeps such answers, over all pages: a few megabytes each."""
FIGURES_ONLY = 100  # a function that keeps at least so many returns a few numbers
Model = TypeVar("Model")


def _digest(image: Radiograph | Volume) -> str:
    return image.digest


def _card(card: ModelCard) -> tuple[str, str, str]:
    return card.task, card.name, card.sha256


MOST_AT_HAND = 1000

HASHES: dict[str | type, Callable[[Any], Any]] = {
    Radiograph: _digest,
    Volume: _digest,
    ModelCard: _card,
}


@dataclass(frozen=True, eq=False)
class Guarded(Generic[Model]):
    """A loaded model with the lock that lets one session at a time run it."""

    model: Model
    lock: threading.Lock = field(default_factory=threading.Lock)


def note_answer(page: str, image: Radiograph | Volume, *cards: ModelCard) -> None:
    """Remember that these models' answers are at hand: for all users where the image is public."""
    kept = _at_hand(image)
    while len(kept) >= MOST_AT_HAND:
        kept.pop(next(iter(kept)), None)
    kept[_question(page, image, cards)] = None


def is_at_hand(page: str, image: Radiograph | Volume, *cards: ModelCard) -> bool:
    """Whether the answers were given before, so that the page need not show that it waits."""
    return _question(page, image, cards) in _at_hand(image)


def _question(page: str, image: Radiograph | Volume, cards: tuple[ModelCard, ...]) -> Hashable:
    return page, image.digest, *(card.sha256 for card in cards)


def _at_hand(image: Radiograph | Volume) -> dict[Hashable, None]:
    if image.is_public:
        return _public_answers()
    found: dict[Hashable, None] = st.session_state.setdefault("answers_at_hand", {})
    return found


@st.cache_resource(show_spinner=False)
def _public_answers() -> dict[Hashable, None]:
    """Of this server."""
    return {}


def _answers_by_film() -> dict[str, list[Callable[[], None]]]:
    """What forgets the session's answers with pictures, by upload; the last asked at the end."""
    found: dict[str, list[Callable[[], None]]] = st.session_state.setdefault("answers_by_film", {})
    return found


def _asked(digest: str) -> None:
    """Keep an upload's answers, and forget those of the one that was asked about longest ago."""
    films = _answers_by_film()
    films[digest] = films.pop(digest, [])
    while len(films) > KEPT_FILMS:
        for forget in films.pop(next(iter(films))):
            forget()


def _without_pixels(argument: Any) -> Any:
    """An argument that is hashed as the given one but holds no picture."""
    if isinstance(argument, Radiograph):
        return replace(argument, pixels=np.zeros((1, 1), np.float32))
    if isinstance(argument, Volume):
        return replace(argument, voxels=np.zeros((1, 1, 1), np.float32))
    return argument


def _images(arguments: Sequence[Any]) -> list[Radiograph | Volume]:
    return [one for one in arguments if isinstance(one, Radiograph | Volume)]


def model(
    max_entries: int, spinner: bool | str = False
) -> Callable[[Callable[Parameters, Answer]], Callable[Parameters, Answer]]:
    """Keep what a function loads for all users of the server."""

    def decorate(function: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
        kept: Callable[Parameters, Answer] = st.cache_resource(
            max_entries=max_entries, show_spinner=spinner, hash_funcs=HASHES
        )(function)
        return kept

    return decorate


def answer(
    max_entries: int, spinner: bool | str = False
) -> Callable[[Callable[Parameters, Answer]], Callable[Parameters, Answer]]:
    """Keep a function's answers, so that the same question is computed once.

    An answer about public images (`is_public`: phantoms, licensed samples) or about no image at
    all is kept for all users; one about an upload stays in its session. Outside of a session (a
    worker thread) an answer about an upload is computed and not kept.

    Args:
        max_entries: Answers kept for all users. A session keeps `KEPT_IN_SESSION` about its
            uploads, or as many where they are figures only.
        spinner: A sentence to show while the function runs, True for one of its name.
    """
    has_pictures = max_entries < FIGURES_ONLY

    def decorate(function: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
        for_all: Callable[Parameters, Answer] = st.cache_data(
            max_entries=max_entries, show_spinner=spinner, hash_funcs=HASHES
        )(function)

        @st.cache_data(
            max_entries=KEPT_IN_SESSION if has_pictures else max_entries,
            show_spinner=spinner,
            hash_funcs=HASHES,
            scope="session",
        )
        @wraps(function)
        def for_session(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
            found = function(*args, **kwargs)
            if has_pictures:
                named = {name: _without_pixels(one) for name, one in kwargs.items()}
                forget = partial(for_session.clear, *map(_without_pixels, args), **named)
                digest = _images((*args, *kwargs.values()))[0].digest
                _answers_by_film().setdefault(digest, []).append(forget)
            return found

        @wraps(function)
        def kept(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
            images = _images((*args, *kwargs.values()))
            if all(image.is_public for image in images):
                return for_all(*args, **kwargs)
            if get_script_run_ctx(suppress_warning=True) is None:
                return function(*args, **kwargs)
            if has_pictures:
                _asked(images[0].digest)
            return for_session(*args, **kwargs)

        return kept

    return decorate
