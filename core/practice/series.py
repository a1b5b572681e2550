"""A series: which cases are read, in which order, and when the truth is shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.errors import UnsuitableInputError
from core.practice.phantoms import check_options
from core.practice.sources import (
    MAX_SEED,
    PhantomSource,
    Source,
    canonical,
    check_text,
    is_whole,
    named,
    shown,
    source_from_mapping,
    source_mapping,
)

VERSION = 1
TASKS = ("fracture", "bone_age", "chest", "skull_strip")
MODES = ("unaided", "aided")
REVEALS = ("each", "end")
ORDERS = ("shuffled", "fixed")
MAX_CASES = 500
MAX_BYTES = 2 * 2**20
MAX_TITLE = 120


@dataclass(frozen=True)
class Series:
    """Cases to read, and how.

    Attributes:
        task: One of `TASKS`.
        cases: At least one, none twice.
        mode: "unaided", or "aided": after the first reading the model's answer is shown, and
            the reader may change theirs once (sequential reading: Beiden et al., Acad Radiol
            2002;9:1036-1043).
        reveal: The truth is shown after "each" case or at the "end".
        order: "shuffled" for each reader by seed and nickname, or "fixed".
        seed: Of the order, and of whatever the maker had drawn.
        prevalence: Share of abnormal cases that the maker asked for, or None.
        title: What the screen calls it.
        version: Of the format.
    """

    task: str
    cases: tuple[Source, ...]
    mode: str = "unaided"
    reveal: str = "each"
    order: str = "shuffled"
    seed: int = 0
    prevalence: float | None = None
    title: str = ""
    version: int = field(default=VERSION)

    def __post_init__(self) -> None:
        if not isinstance(self.version, int) or isinstance(self.version, bool):
            raise UnsuitableInputError("The version of the series is no number; make it again.")
        if self.version > VERSION:
            raise UnsuitableInputError(
                f"The series has format version {self.version}, and this Lightbox reads up to "
                f"{VERSION}; update Lightbox, or make the series again."
            )
        for value, allowed, name in (
            (self.task, TASKS, "task"),
            (self.mode, MODES, "mode"),
            (self.reveal, REVEALS, "reveal"),
            (self.order, ORDERS, "order"),
        ):
            if value not in allowed:
                raise UnsuitableInputError(
                    f"The {name} of the series is {shown(value)}, and one of "
                    f"{', '.join(allowed)} was expected; make the series again."
                )
        check_text(self.title, "title", MAX_TITLE, empty=True)
        if not is_whole(self.seed, 0, MAX_SEED):
            raise UnsuitableInputError(
                f"The seed of the series must be a whole number from 0 to {MAX_SEED}, but it is "
                f"{shown(self.seed)}; make the series again."
            )
        if self.prevalence is not None and not _is_share(self.prevalence):
            raise UnsuitableInputError(
                f"The prevalence of the series is {shown(self.prevalence)}, and a number from 0 "
                "to 1 was expected; make the series again."
            )
        if not 1 <= len(self.cases) <= MAX_CASES:
            raise UnsuitableInputError(
                f"The series has {len(self.cases)} cases, and 1 to {MAX_CASES} were expected; "
                "make it again."
            )
        for case in self.cases:
            if isinstance(case, PhantomSource):
                check_options(self.task, case.options)
        if len(set(self.cases)) < len(self.cases):
            twice = next(c for i, c in enumerate(self.cases) if c in self.cases[:i])
            raise UnsuitableInputError(
                f"The series has the case {named(twice)} twice, and each may be read once; "
                "remove one of the two."
            )

    @property
    def key(self) -> str:
        """What the series is known by: 16 hexadecimal digits of its content, title included."""
        return hashlib.sha256(canonical(to_mapping(self))).hexdigest()[:16]

    def order_for(self, nickname: str) -> tuple[int, ...]:
        """Indices into `cases` in the order in which this reader reads them."""
        if self.order == "fixed":
            return tuple(range(len(self.cases)))
        words = hashlib.sha256(" ".join(nickname.split()).casefold().encode()).digest()
        rng = np.random.default_rng([self.seed, int.from_bytes(words[:4], "big")])
        return tuple(int(index) for index in rng.permutation(len(self.cases)))


def to_mapping(series: Series) -> dict[str, Any]:
    """The series as JSON has it."""
    return {
        "lightbox_series": series.version,
        "task": series.task,
        "title": series.title,
        "mode": series.mode,
        "reveal": series.reveal,
        "order": series.order,
        "seed": series.seed,
        "prevalence": series.prevalence,
        "cases": [source_mapping(case) for case in series.cases],
    }


def from_mapping(found: Mapping[str, Any]) -> Series:
    """The series that JSON has.

    Raises:
        UnsuitableInputError: If a value is missing, of the wrong type or out of range.
    """
    version = found.get("lightbox_series")
    if version is None:
        raise UnsuitableInputError(
            "The JSON is no series (it has no “lightbox_series”); choose a file that Practice made."
        )
    if isinstance(version, int) and version > VERSION:  # before later fields look wrong
        Series("fracture", (PhantomSource(0),), version=version)
    missing = sorted({"task", "cases"} - set(found))
    if missing:
        raise UnsuitableInputError(
            f"The series lacks “{missing[0]}”; choose a file that Practice made."
        )
    if not isinstance(found["cases"], list):
        raise UnsuitableInputError("The cases of the series are no list; make the series again.")
    if len(found["cases"]) > MAX_CASES:
        raise UnsuitableInputError(
            f"The series has {len(found['cases'])} cases, and 1 to {MAX_CASES} were expected; "
            "make it again."
        )
    fields = {name: found[name] for name in _OPTIONAL if name in found}
    cases = tuple(source_from_mapping(case) for case in found["cases"])
    return Series(task=found["task"], cases=cases, version=version, **fields)


_OPTIONAL = ("title", "mode", "reveal", "order", "seed", "prevalence")


def to_json(series: Series) -> bytes:
    """The series as a file to pass on; it says nothing of what is true of a case."""
    return json.dumps(to_mapping(series), indent=1, ensure_ascii=False).encode()


def from_json(content: bytes) -> Series:
    """Read a series from the bytes of a JSON file.

    Raises:
        UnsuitableInputError: If they are no series that can be read here.
    """
    if len(content) > MAX_BYTES:
        raise UnsuitableInputError(
            f"The file has {len(content) / 2**20:.0f} MB, and a series has at most "
            f"{MAX_BYTES // 2**20} MB; choose a file that Practice made."
        )
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as err:
        raise UnsuitableInputError(
            "The file is no JSON or is not complete, and a series that Practice made was "
            "expected; download it again."
        ) from err
    if not isinstance(found, dict):
        raise UnsuitableInputError("The JSON is no series; choose a file that Practice made.")
    return from_mapping(found)


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
