"""What the study of unseen sources found: its table, and how its networks compare."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core.metrics.paired import Paired, means
from models.cards import MODELS

FILE = MODELS / "skull_strip" / "unseen_sources.csv"
IXI = "ixi"
SOURCES = {
    "openms": "OpenMS: multiple sclerosis, slices of 3 mm",
    "ds000031": "MyConnectome: one man",
    "pycortex": "pycortex: one person",
    "mni6asym": "MNI152 template: mean of 152 heads",
    "colin27": "Colin27 template: mean of 27 scans of one man",
    IXI: "IXI: healthy adults, one hospital",
}
"""Beginnings of file names, and what the source is; all but IXI have one or two heads."""
OTHERS = tuple(name for name in SOURCES if name != IXI)
IXI_ONLY, EVERY, SHIPS, WITHOUT = "IXI alone", "others too", "as it ships", "without "
UNSEEN = "others but this"
NETWORKS = (IXI_ONLY, UNSEEN, EVERY, SHIPS)
"""As the screen calls them; the last two have seen the source."""
PAIRS = ((SHIPS, IXI_ONLY), (EVERY, UNSEEN), (IXI_ONLY, UNSEEN))
"""What is compared head by head: the second against the first."""


def write(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any], path: Path = FILE) -> None:
    """Write a row a head and network, with a first line that says how they were made."""
    body = pd.DataFrame(rows).to_csv(index=False, float_format="%.5g", lineterminator="\n")
    path.write_text(f"# {json.dumps(about)}\n{body}", encoding="utf-8")


def read(path: Path | None = None) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table, a column "trained on" of `NETWORKS` with it, and how it was made."""
    with (path or FILE).open(encoding="utf-8") as handle:
        about: dict[str, Any] = json.loads(handle.readline().removeprefix("# "))
        rows = pd.read_csv(handle)
    rows["trained on"] = rows["network"].where(~rows["network"].str.startswith(WITHOUT), UNSEEN)
    return rows, about


def by_source(rows: pd.DataFrame, figure: str) -> pd.DataFrame:
    """The mean of a figure, a row a source and a column a network; NaN where it was not asked."""
    found = rows.pivot_table(
        index="source", columns="trained on", values=figure, aggfunc="mean", dropna=False
    )
    order = [name for name in SOURCES if name in found.index]
    return found.reindex(index=order, columns=[one for one in NETWORKS if one in found])


def changes(rows: pd.DataFrame, figure: str, *, more: bool, style: str) -> list[Paired]:
    """Networks against each other head by head, over the five sources and over IXI."""
    heads = rows.pivot_table(index="file", columns="trained on", values=figure, dropna=False)
    ixi = heads.index.isin(rows.loc[rows["source"] == IXI, "file"])
    found = []
    for some, group in ((heads[~ixi], "five sources"), (heads[ixi], "IXI, test")):
        for first, second in PAIRS:
            if {first, second} <= set(some):
                words = f"{group}: “{second}” against “{first}”"
                found.append(means(words, some[first], some[second], more=more, style=style))
    return [one for one in found if one is not None]
