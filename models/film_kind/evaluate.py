"""What the film-kind network says of films: as they are, brought to one size, and in all ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from core.film_kind import FilmKind, refusal
from core.images import FloatArray
from models.film_kind.cross_sections import cross_section
from models.film_kind.films import Film, pixels_of
from models.film_kind.out_of_distribution import foreign_picture
from models.film_kind.recognise import Model, contrast, film_kinds, shrink, stretch

SQUEEZED_PX = 64
"""All films brought to this side: neither size nor shape can tell them apart any more."""
BATCH = 256


@dataclass(frozen=True, eq=False)
class Case:
    """One film with the network's answer.

    Attributes:
        film: What it is and where it comes from.
        answer: The answer.
        turns: Quarter turns to the left that were made before.
        inverted: Whether it was inverted before.
    """

    film: Film
    answer: FilmKind
    turns: int = 0
    inverted: bool = False

    def refused(self, wanted: str) -> bool:
        """Whether the page that wants such a film refuses it."""
        return refusal(self.answer, wanted) is not None


def cases(model: Model, films: Iterable[tuple[Film, FloatArray, int, bool]]) -> Iterator[Case]:
    """Answers for films with their pixels, turns and polarity."""
    batch: list[tuple[Film, FloatArray, int, bool]] = []

    def answered() -> Iterator[Case]:
        inputs = np.stack([stretch(small) for _, small, _, _ in batch])[:, None]
        contrasts = [contrast(small) for _, small, _, _ in batch]
        answers = film_kinds(model.forward(inputs), contrasts, model.operating_points)
        for (film, _, turns, inverted), answer in zip(batch, answers, strict=True):
            yield Case(film, answer, turns, inverted)
        batch.clear()

    for film, pixels, turns, inverted in films:
        batch.append((film, shrink(pixels, model.side_px), turns, inverted))
        if len(batch) == BATCH:
            yield from answered()
    if batch:
        yield from answered()


def out_of_distribution_films(count: int) -> Iterator[Film]:
    """So many pictures of nothing; training draws its own from one other generator."""
    for seed in range(count):
        yield Film(
            foreign_picture(np.random.default_rng([seed, 7])),
            "other",
            "out of distribution",
            f"picture {seed}",
        )


def cross_section_films(count: int) -> Iterator[Film]:
    """So many simulated slices; training draws its own from one other generator."""
    for seed in range(count):
        grey = cross_section(np.random.default_rng([seed, 7]))
        yield Film(grey, "cross-section", "simulated cross-sections", f"cross-section {seed}")


def as_found(
    films: Iterable[Film], squeezed: bool = False
) -> Iterator[tuple[Film, FloatArray, int, bool]]:
    """The films as they are or squeezed into one small size, neither turned nor inverted."""
    for film in films:
        pixels = pixels_of(film)
        yield film, shrink(pixels, SQUEEZED_PX) if squeezed else pixels, 0, False


def all_ways(films: Iterable[Film]) -> Iterator[tuple[Film, FloatArray, int, bool]]:
    """Each film in four orientations and both polarities."""
    for film in films:
        pixels = pixels_of(film)
        for turns in range(4):
            for inverted in (False, True):
                seen = np.ascontiguousarray(np.rot90(pixels, turns))
                yield film, 1 - seen if inverted else seen, turns, inverted
