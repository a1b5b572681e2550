"""Text burned into a film's border is noticed; side marks and bones are not taken for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.files.burned_text import has_text
from core.phantoms.limb.phantom import LimbPhantom, limb_phantom

FILM = limb_phantom(LimbPhantom(seed=5, kind="hand", fracture=None))[0].pixels
HEIGHT, WIDTH = FILM.shape


def written(text: str, at: tuple[float, float], size: float = 0.5) -> np.ndarray:
    """The film with a text whose lower left corner lies at a share of width and height."""
    place = round(at[0] * WIDTH), round(at[1] * HEIGHT)
    film = (FILM * 255).astype(np.uint8)
    cv2.putText(film, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, 255, 1, cv2.LINE_AA)
    return film.astype(np.float32) / 255


@pytest.mark.parametrize(
    ("text", "at", "size", "noticed"),
    [
        ("", (0.05, 0.05), 0.5, False),
        ("L", (0.9, 0.1), 1.5, False),
        ("R", (0.05, 0.1), 0.5, False),
        ("AP", (0.05, 0.95), 0.5, False),
        ("LEFT", (0.05, 0.95), 0.5, False),
        ("QUIXOTE DULCINEA", (0.05, 0.06), 0.5, True),
        ("Quixote, D. 1605-01-16", (0.05, 0.97), 0.4, True),
        ("ID 20931147", (0.05, 0.97), 0.4, True),
    ],
)
def test_names_are_noticed_and_side_marks_are_not(
    text: str, at: tuple[float, float], size: float, noticed: bool
) -> None:
    assert has_text(written(text, at, size)) is noticed


def test_dark_text_on_a_bright_border_is_noticed() -> None:
    assert has_text(1 - written("QUIXOTE DULCINEA", (0.05, 0.06)))


def test_small_picture_is_not_judged() -> None:
    assert not has_text(FILM[:100, :90])
