"""The check of every radiograph page: the file's modality, the film's kind, its size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import streamlit as st

from core.film_kind import KINDS, ORIENTATIONS, FilmKind
from core.images import Radiograph
from models.film_kind import recognise
from pages.shared import input_check

FILM = Radiograph(np.zeros((200, 160), np.float32), "b" * 64)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every film is taken for a turned chest, and every question to the network is noted."""
    seen: list[str] = []

    def recognised(model: object, image: Radiograph) -> FilmKind:
        seen.append(image.digest)
        kinds = dict.fromkeys(KINDS, 0.0) | {"chest": 1.0}
        return FilmKind(kinds, dict.fromkeys(ORIENTATIONS, 0.0) | {"turned left": 1.0}, 0.0, 1.0)

    monkeypatch.setattr(recognise, "load_model", lambda card: None)
    monkeypatch.setattr(recognise, "recognise", recognised)
    st.cache_resource.clear()
    yield seen
    st.cache_resource.clear()  # no later test may find the network that is none


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_file_that_says_ct_is_refused_without_asking_the_network(
    modality: str, asked: list[str]
) -> None:
    reason, fixable = input_check.problem(replace(FILM, modality=modality), "hand")
    assert f"modality is {modality}" in reason
    assert fixable is None
    assert asked == []


def test_turned_chest_can_be_put_right_on_the_page_that_wants_one(asked: list[str]) -> None:
    reason, fixable = input_check.problem(FILM, "chest")
    assert "turned by 90° to the left" in reason
    assert fixable is not None
    reason, fixable = input_check.problem(FILM, "hand")
    assert "a chest from the front" in reason
    assert fixable is None


@pytest.mark.parametrize(("side", "warned"), [(64, True), (200, False)])
def test_small_film_is_read_with_a_warning(side: int, warned: bool) -> None:
    film = replace(FILM, pixels=np.zeros((side, 300), np.float32))
    assert bool(input_check.small(film)) == warned
