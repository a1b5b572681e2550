"""The patient table of many films: sex, chronological age and a reader's bone age by file name."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from core.errors import UnsuitableInputError

COLUMNS = ("file", "sex", "chronological_months", "known_months")
SEX_WORDS = {
    "f": "F", "female": "F", "girl": "F", "w": "F", "m": "M", "male": "M", "boy": "M",
    "": None, "unknown": None, "u": None,
}  # fmt: skip


@dataclass(frozen=True)
class Child:
    """What a table says of the child on a film."""

    sex: str | None = None
    chronological_months: float | None = None
    known_months: float | None = None


Children = Mapping[str, Child]
"""By file name."""


def read_children(source: bytes) -> tuple[dict[str, Child], list[str]]:
    """The patient table of a batch by file name, and the columns in it that are not read.

    Raises:
        UnsuitableInputError: If it is no CSV table with a column "file", or a value is none.
    """
    try:
        reader = csv.DictReader(io.StringIO(source.decode("utf-8-sig")))
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as err:
        raise UnsuitableInputError(
            "The patient table is no CSV text; save it as CSV (UTF-8)."
        ) from err
    if not rows or "file" not in rows[0]:
        raise UnsuitableInputError(
            "The patient table has no column “file”; its first line must name the columns."
        )
    children = {}
    for number, row in enumerate(rows, start=2):
        try:
            children[(row["file"] or "").strip()] = Child(
                _sex(row.get("sex")),
                _number(row.get("chronological_months")),
                _number(row.get("known_months")),
            )
        except ValueError as err:
            raise UnsuitableInputError(
                f"Line {number} of the patient table cannot be read ({err}); correct the value "
                "or leave it empty."
            ) from err
    return children, [name for name in reader.fieldnames or () if name not in COLUMNS]


def _sex(text: str | None) -> str | None:
    """ "F", "M" or None.

    Raises:
        ValueError: If the word is none of those known.
    """
    word = (text or "").strip().lower()
    if word not in SEX_WORDS:
        raise ValueError(f"sex “{text}” is neither F nor M")
    return SEX_WORDS[word]


def child_of(name: str, children: Children) -> Child:
    """What the table says of a film, by its name with or without the zip and folders before it."""
    return children.get(name) or children.get(PurePath(name).name) or Child()


def _number(text: str | None) -> float | None:
    return float(text) if text and text.strip() else None
