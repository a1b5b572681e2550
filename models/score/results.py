"""Results of a run, read again: its rows, its boxes, and the images behind them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import UnsuitableInputError
from models.score import sources
from models.score.sources import Item
from models.score.task import Contents
from models.score.tasks import tasks


@dataclass(frozen=True, eq=False)
class Results:
    """The tables of a run (`models.score` names their columns).

    Attributes:
        task: What was asked.
        rows: One row an image, in order.
        boxes: One row a box; empty for a task without.
        listed: Images of the whole run; more than `rows` while it is not finished.
        folder: The run's folder, or None for tables that were handed over alone.
    """

    task: str
    rows: pd.DataFrame
    boxes: pd.DataFrame
    listed: int
    folder: Path | None = None

    @property
    def answered(self) -> pd.DataFrame:
        """The rows with an answer."""
        return self.rows[~self.rows["refused"]]

    @property
    def refused(self) -> pd.DataFrame:
        """The rows without, each with the sentence that says why."""
        return self.rows[self.rows["refused"]]

    def mask(self, name: str) -> Path | None:
        """Where a mask that a row names lies, if it is there."""
        path = None if self.folder is None else self.folder / "masks" / Path(name).name
        return path if path is not None and path.is_file() else None

    def contents(self, number: int) -> Contents:
        """The bytes of an image's files, as the run read them.

        Raises:
            ImagingError: If they are not on this computer.
        """
        return sources.contents(self._item(number))

    def _item(self, number: int) -> Item:
        listed = None if self.folder is None else self.folder / "list.parquet"
        if listed is None or not listed.is_file():
            path = str(self.rows.set_index("number").loc[number, "path"])
            return Item(path, (path,))
        # A row group holds 4,096 images: only the right one is read.
        from pyarrow import parquet

        table = parquet.ParquetFile(listed)
        for group in range(table.num_row_groups):
            count = table.metadata.row_group(group).num_rows
            if number < count:
                row = table.read_row_group(group).slice(number, 1).to_pylist()[0]
                return Item(**{**row, "files": tuple(row["files"])})
            number -= count
        raise UnsuitableInputError("The run's list no longer holds this image.")


def open_results(folder: Path) -> Results:
    """The folder of a run (`--out`), finished or not.

    Raises:
        UnsuitableInputError: If it is none, or nothing is done yet.
    """
    folder = folder.expanduser()
    try:
        about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        task, listed = str(about["task"]), int(about["images"])
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise UnsuitableInputError(
            f"“{folder}” is no folder of results; name the one given as --out to "
            "“python -m models.score”."
        ) from err
    if task not in tasks():
        raise UnsuitableInputError(f"These are results of a task “{task}” that is not known here.")
    if not any((folder / "images").glob("part-*.parquet")):
        raise UnsuitableInputError("No part of this run is done yet; open it again later.")
    names = ["images"] + (["boxes"] if tasks()[task].box_columns else [])
    found = [pd.read_parquet(folder / name) for name in names]
    return Results(task, found[0], _together(found[1:]), listed, folder)


def read_results(files: Iterable[tuple[str, bytes]]) -> Results:
    """Tables of a run that are handed over as files: parts of images/ and boxes/, or a CSV.

    Raises:
        UnsuitableInputError: If one is no such table, or no images are among them.
    """
    images: list[pd.DataFrame] = []
    boxes: list[pd.DataFrame] = []
    for name, content in files:
        table = _table(name, content)
        (boxes if "xmin" in table else images).append(table)
    known = [one for one in images if {"number", "path", "refused", "why"} <= set(one)]
    task = next((name for one in known[:1] for name in tasks() if _fits(one, name)), None)
    if task is None or len(known) < len(images):
        raise UnsuitableInputError(
            "These are no tables of results: add part-….parquet files from the run's images/ (and "
            "boxes/), or the same rows as CSV."
        )
    rows = _together(known).sort_values("number").reset_index(drop=True)
    return Results(task, rows, _together(boxes), len(rows))


def _fits(table: pd.DataFrame, task: str) -> bool:
    # A person's own network has findings of its own.
    told = {column for column, _ in tasks()[task].columns if not column.startswith("p_")}
    return told <= set(table)


def _table(name: str, content: bytes) -> pd.DataFrame:
    try:
        if name.lower().endswith(".csv"):
            return pd.read_csv(io.BytesIO(content))
        return pd.read_parquet(io.BytesIO(content))
    except Exception as err:  # both readers raise many kinds on damage
        raise UnsuitableInputError(f"{name} is no table that can be read.") from err


def _together(tables: list[pd.DataFrame]) -> pd.DataFrame:
    empty: dict[str, Any] = {"number": []}
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(empty)
