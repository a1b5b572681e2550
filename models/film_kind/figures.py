"""The figures of the film-kind card, from kept predictions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from core.film_kind import ACCEPTED, EXPECTED
from models.cards import ModelCard
from models.figures import Figure, Rows, mean
from models.film_kind.predictions import WAYS

PAGES = {"hand": "bone-age", "limb": "fracture", "chest": "chest"}
CHESTS = "NIH, JSRT and hospital chests"
AS_IS, SQUEEZED = "as they are", "all first squeezed into 64 px"
SOURCES = ("NIH 128 px", "NIH 64 px", "JSRT chests", "hospital chests")


def figures(card: ModelCard, rows: Rows) -> list[Figure]:
    """Test first, then val, then phantoms."""
    found: list[Figure] = []
    for split in ("test", "val"):
        found += _of_split(rows(split), split)
    return [*found, *_phantoms(rows("phantoms"))]


def _of_split(films: pd.DataFrame, split: str) -> Iterator[Figure]:
    source, kind = films["source"], films["kind"]

    def share(
        name: str, column: str, chosen: pd.Series, data_set: str, note: str = "", of: int = 1
    ) -> Figure:
        values = films.loc[chosen, column].to_numpy(float) / of
        return Figure(name, data_set, split, (values,), mean, note=note)

    def foreign(wanted: str) -> pd.Series:
        apart = kind == "other hand" if wanted == "hand" else kind == ""
        return ~kind.isin(ACCEPTED[wanted]) & ~apart

    hand, limb, chest = (f"refused {wanted}" for wanted in ("hand", "limb", "chest"))
    shoulders, part = source == "FracAtlas shoulders", "as they are; part of the line above"
    yield share("Hands refused by the bone-age page", hand, kind == "hand", "RSNA hands", AS_IS)
    yield share(
        "Chests, limbs and brain slices refused by the bone-age page",
        "squeezed hand",
        foreign("hand"),
        f"{CHESTS}; FracAtlas without hands; brain slices",
        SQUEEZED,
    )
    yield share(
        "Limbs refused by the bone-age page",
        "squeezed hand",
        source == "FracAtlas limbs",
        "FracAtlas legs, hips and elbows",
        SQUEEZED,
    )
    yield share(
        "Hands of FracAtlas refused by the bone-age page",
        "squeezed hand",
        kind == "other hand",
        "FracAtlas hands (wrists, forearms, side views, several views)",
        "apart from the limbs: some show a whole hand at the end of a forearm",
    )
    own = kind.isin(ACCEPTED["limb"])
    data_set = "FracAtlas and RSNA hands"
    yield share("Hands and limbs refused by the fracture page", limb, own, data_set, AS_IS)
    data_set = "FracAtlas shoulders"
    yield share("Shoulders refused by the fracture page", limb, shoulders, data_set, part)
    yield share(
        "Chests and brain slices refused by the fracture page",
        "squeezed limb",
        foreign("limb"),
        f"{CHESTS}; brain slices",
        SQUEEZED,
    )
    yield share("Chests refused by the chest page", chest, kind == "chest", CHESTS, AS_IS)
    for one in SOURCES:
        yield share(f"{one}: refused by the chest page", chest, source == one, one, AS_IS)
    yield share(
        "Hands, limbs and brain slices refused by the chest page",
        "squeezed chest",
        foreign("chest"),
        "RSNA hands, FracAtlas, brain slices",
        SQUEEZED,
    )
    yield share("Shoulders refused by the chest page", chest, shoulders, data_set, part)
    ways = "each in four orientations and both polarities"
    for name, column in (("Orientation", "ways orientation"), ("Polarity", "ways polarity")):
        title = f"{name} of turned chests right"
        yield share(title, column, kind == "chest", CHESTS, ways, WAYS)
    title = "Upright chests called turned"
    yield share(title, "upright turned", kind == "chest", CHESTS, "false alarms")
    title = "Hands refused in four orientations and both polarities"
    yield share(title, "ways refused", kind == "hand", "RSNA hands", of=WAYS)


def _phantoms(films: pd.DataFrame) -> Iterator[Figure]:
    for wanted in EXPECTED:
        for source in dict.fromkeys(films["source"]):
            if source == "limb phantoms, hands":
                continue  # grown-ups' hands: a matter of taste which page takes them
            values = films.loc[films["source"] == source, f"refused {wanted}"].to_numpy(float)
            split = "seeds 0 to 11, 9 slices each" if "brain" in source else "seeds 0 to 99"
            films_of = source.replace("out of", "pictures out of")
            name = f"{films_of[0].upper()}{films_of[1:]} refused by the {PAGES[wanted]} page"
            yield Figure(name, films_of, split, (np.asarray(values),), mean)
