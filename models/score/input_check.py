"""Whether a film is of the task: asked of its header first, then of the film-kind network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core import film_kind
from core.errors import UnsuitableInputError
from core.files.dicom_header import OTHER_MODALITIES
from core.film_kind import FilmKind
from core.images import Radiograph
from models.cards import load_card

FILM_KIND = ("film_kind", "film_kind")
Recognise = Callable[[Radiograph], FilmKind]
Refused = Callable[[Radiograph], str | None]
"""Why a film is none of the task, in a sentence, or None where it is."""


def refused_by(recognise: Recognise, wanted: str, image: Radiograph) -> str | None:
    """Why a film is none of the task, in a sentence, or None: by its header, then by its pixels."""
    other = other_modality(image)
    if other or wanted not in film_kind.EXPECTED:  # the check does not know every task
        return other
    return without_offer(film_kind.refusal(recognise(image), wanted))


def without_offer(refused: str | None) -> str | None:
    """A refusal without what only the screen of one film offers."""
    return refused and refused.replace(", or show it anyway.", ".")


def other_modality(image: Radiograph) -> str | None:
    """Why the file's own header says that it is no radiograph, or None."""
    if image.modality not in OTHER_MODALITIES:
        return None
    return f"The file says that its modality is {image.modality}. A radiograph was expected."


def check(why: str | None) -> None:
    """Raise `UnsuitableInputError` with a sentence, where there is one."""
    if why:
        raise UnsuitableInputError(why)


def load_film_kind() -> Recognise:
    """Load the network that says what a film is."""
    from models.film_kind import recognise

    return partial(recognise.recognise, recognise.load_model(load_card(*FILM_KIND)))
