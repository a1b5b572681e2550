"""What a read folder is: its rows, its labels, and what its tables themselves get wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.dataset_folders.listing import Listing
from core.errors import UnsuitableInputError

MOST_TABLE_BYTES = 300_000_000
SEVERAL = " | "
"""Between the labels of a cell that holds several."""


@dataclass(frozen=True, eq=False)
class Outlines:
    """What is drawn on one image.

    Attributes:
        boxes_xyxy: float64 (N, 4).
        polygons: Corner points (K, 2) of each outline, where the labels have them.
        names: What each box is of; empty where there is only one class.
        fractions: Whether the numbers are shares of the image's width and height, not pixels.
    """

    boxes_xyxy: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))
    polygons: tuple[NDArray[np.float64], ...] = ()
    names: tuple[str, ...] = ()
    fractions: bool = False

    def in_pixels(self, width: float, height: float) -> Outlines:
        """The same outlines in pixels of an image of this size."""
        if not self.fractions:
            return self
        size = np.array([width, height], float)
        return Outlines(
            self.boxes_xyxy * np.tile(size, 2),
            tuple(points * size for points in self.polygons),
            self.names,
        )


@dataclass(frozen=True)
class Problem:
    """Something that is missing, contradictory or there twice.

    Attributes:
        kind: Short name, one of the keys that `problems.WORDS` explains.
        files: Paths below the folder, or names as the table writes them.
    """

    kind: str
    files: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A folder whose layout is known.

    Attributes:
        layout: Name of the layout, for the screen.
        task: "fracture", "bone_age", "chest" or "skull_strip".
        listing: The folder's files.
        rows: One row an image whose file is there, by the path below the folder (index), with
            "split" and "patient" (empty where unknown) and the columns of the task.
        outlines: Boxes and polygons by path; images without any are missing.
        masks: Path of the mask by path of the image.
        problems: What the tables alone already show.
        tables: The tables that were read, below the folder.
    """

    layout: str
    task: str
    listing: Listing
    rows: pd.DataFrame
    outlines: Mapping[str, Outlines] = field(default_factory=dict)
    masks: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    tables: tuple[str, ...] = ()


def table(listing: Listing, name: str, needed: Sequence[str] = ()) -> list[dict[str, str]]:
    """Rows of a CSV file of the folder; superfluous cells and blank names are dropped.

    Raises:
        UnsuitableInputError: If it is too large, no text, or lacks a needed column.
    """
    path = listing.path(name)
    if listing.files[name][0] > MOST_TABLE_BYTES:
        raise UnsuitableInputError(f"{name} is larger than {MOST_TABLE_BYTES / 1e6:.0f} MB.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""))
        missing = set(needed) - {str(column).strip() for column in reader.fieldnames or ()}
        if missing:
            raise UnsuitableInputError(f"{name} lacks the column “{sorted(missing)[0]}”.")
        return [
            {str(key).strip(): str(value or "").strip() for key, value in row.items() if key}
            for row in reader
        ]
    except (OSError, UnicodeDecodeError, csv.Error) as err:
        raise UnsuitableInputError(f"{name} cannot be read as a table of text.") from err


class Rows:
    """Collects the rows of a table, and what is wrong with them, on the way to a `Dataset`."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.rows: dict[str, dict[str, object]] = {}
        self.found: dict[str, list[str]] = {}

    def add(self, below: str | None, written: str, labels: Mapping[str, object]) -> None:
        """Add an image.

        Args:
            below: Its path below the folder; None where there is no such file.
            written: The name as the table writes it, for the complaint.
            labels: Its columns.
        """
        if below is None or below not in self.listing:
            self.complain("leaves the folder" if _leaves(written) else "row without image", written)
        elif below not in self.rows:
            self.rows[below] = dict(labels)
        elif repr(self.rows[below]) != repr(dict(labels)):  # equal also where a number is NaN
            self.complain("conflicting labels", below)
        else:
            self.complain("row twice", below)

    def complain(self, kind: str, file: str) -> None:
        """Note a problem with a file."""
        self.found.setdefault(kind, []).append(file)

    def without_row(self, images: Sequence[str]) -> None:
        """Note the images that no row names."""
        for image in images:
            if image not in self.rows:
                self.complain("image without row", image)

    def frame(self) -> pd.DataFrame:
        """The rows by path below the folder, in the table's order."""
        frame = pd.DataFrame.from_dict(self.rows, orient="index")
        for column in ("split", "patient"):
            if column not in frame:
                frame[column] = ""
        return frame.rename_axis("file")

    def problems(self) -> tuple[Problem, ...]:
        """What was noted, by kind."""
        if self.listing.links:
            self.found["link not followed"] = list(self.listing.links)
        return tuple(Problem(kind, tuple(sorted(set(files)))) for kind, files in self.found.items())


def number(text: str | None) -> float:
    """A number, or NaN where there is none."""
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def is_set(text: str | None) -> bool:
    """Whether a cell says yes."""
    return str(text or "").strip().lower() in ("1", "1.0", "true", "yes", "m", "male")


def _leaves(written: str) -> bool:
    return ".." in written.replace("\\", "/").split("/") or written.startswith(("/", "\\"))
