"""Badges judge what is set; transforms are found by library names; files fit the code shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.augment import code, safety
from core.augment.apply import apply_film
from core.augment.films import FILMS
from core.augment.heads import HEADS
from tests.augmentation.test_augment import SHAPE, dot_film, strong


@pytest.mark.parametrize(
    ("modality", "degrees", "level"),
    [
        ("chest", 5, safety.SAFE),
        ("chest", 20, safety.CARE),
        ("chest", 90, safety.WRONG),
        ("limb", 90, safety.SAFE),  # limbs are filmed at any angle
    ],
)
def test_badge_judges_the_range_that_is_set(modality: str, degrees: float, level: str) -> None:
    ranges = {"degrees": (-degrees, degrees)}
    assert safety.judged(modality, FILMS["rotate"], ranges).level == level


def test_transforms_are_found_by_the_names_of_the_libraries() -> None:
    usual = {one.name: one.usual for one in FILMS["rotate"].parameters}
    assert code.library_name("rotate", "film", usual) == "Affine"
    usual = {one.name: one.usual for one in HEADS["bias"].parameters}
    assert code.library_name("bias", "head", usual) == "RandomBiasField"
    for kind, catalogue in (("film", FILMS), ("head", HEADS)):
        for name, transform in catalogue.items():
            usual = {one.name: one.usual for one in transform.parameters}
            assert code.library_name(name, kind, usual).isidentifier()


def test_saved_image_and_its_loading_lines_fit_the_code_that_is_shown(
    tmp_path: Path,
) -> None:
    pixels, labels = dot_film()
    path = tmp_path / "film.npz"
    path.write_bytes(code.saved(pixels, labels))
    one = strong("rotate")
    space: dict = {}
    exec(code.loading("film", str(path)) + code.film_draw(one, SHAPE), space)
    assert np.array_equal(space["out"], apply_film(one, pixels, labels).pixels)
    assert space["boxes_xyxy"].tolist() == labels.boxes_xyxy.tolist()
