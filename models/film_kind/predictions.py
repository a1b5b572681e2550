"""What the film-kind network says of each film: refused by which page, turned and inverted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import pandas as pd

from core.film_kind import EXPECTED, ORIENTATIONS
from models.cards import load_card
from models.film_kind.evaluate import (
    Case,
    all_ways,
    as_found,
    cases,
    cross_section_films,
    out_of_distribution_films,
)
from models.film_kind.films import Film, phantom_films, real_films
from models.film_kind.recognise import Model, load_model

DATA_SET = "Hands, limbs, chests and brain slices of all data sets"
PHANTOM_SET = "Phantoms, pictures out of distribution and simulated cross-sections"
PHANTOMS = 100
WAYS = 8
"""Each chest and hand is also shown in four orientations and both polarities."""


def tables(data: Path | None, split: str, limit: int | None = None) -> dict[str, pd.DataFrame]:
    """A row a film: what it is, 1 where a page refuses it, as it is and squeezed into 64 px.

    For chests and hands also in how many of `WAYS` orientation and polarity were right, and it
    was refused by its own page.
    """
    if data is None or split == "phantoms":
        films: Iterator[Film] = chain(
            phantom_films(0, PHANTOMS),
            out_of_distribution_films(PHANTOMS),
            cross_section_films(PHANTOMS),
        )
    else:
        films = real_films(data, split)
    model = load_model(load_card("film_kind", "film_kind"))
    return {"": table(model, list(islice(films, limit)))}


def table(model: Model, films: Sequence[Film]) -> pd.DataFrame:
    """The rows of some films."""
    rows = pd.DataFrame(
        {
            "file": [film.file for film in films],
            "source": [film.source for film in films],
            "kind": [film.kind for film in films],
        }
    )
    for word in ("refused", "squeezed"):
        found = list(cases(model, as_found(films, word == "squeezed")))
        for wanted in EXPECTED:
            rows[f"{word} {wanted}"] = [int(case.refused(wanted)) for case in found]
    own = [film for film in films if film.kind in ("chest", "hand")]
    ways = list(cases(model, all_ways(own)))
    told: dict[str, Callable[[Case], bool]] = {
        "ways orientation": lambda case: case.answer.orientation == ORIENTATIONS[case.turns],
        "ways polarity": lambda case: case.answer.inverted == case.inverted,
        "ways refused": lambda case: case.refused(case.film.kind),
        "upright turned": lambda case: (
            not case.turns and not case.inverted and case.answer.orientation != ORIENTATIONS[0]
        ),
    }
    places = rows.index[rows["kind"].isin(["chest", "hand"])]
    for name, right in told.items():
        counts = [
            sum(right(case) for case in ways[first : first + WAYS])
            for first in range(0, len(ways), WAYS)
        ]
        rows[name] = pd.Series(counts, index=places, dtype="Int64")
    return rows
