"""One answer of one reader to one case, as it is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from core.errors import UnsuitableInputError
from core.practice.answers import Answer, answer_from_mapping
from core.practice.judging import Verdict, judge
from core.practice.sources import Source, source_from_mapping
from core.practice.truths import Truth, truth_from_mapping

MAX_NICKNAME = 40
SELECT = (
    "SELECT readers.nickname, readings.series, cases.task, cases.key, cases.source, digest, "
    "round, answer, truth, seconds, kept_at, model FROM readings "
    "JOIN readers ON readers.id = readings.reader JOIN cases ON cases.key = readings.case_key"
)
"""The columns of `from_row`."""


@dataclass(frozen=True)
class Reading:
    """One answer of one reader to one case.

    Attributes:
        reader: Nickname.
        series: Key of the series.
        task: The series' task.
        case: Key of the case.
        source: Where the case can be opened again from.
        digest: SHA-256 (hex) of the image that was read.
        round: 1 unaided, 2 after the model's answer was shown.
        answer: What the reader said.
        truth: What was true of that image.
        seconds: From showing the case (or the model's answer) to keeping.
        kept_at: ISO 8601, UTC.
        model: Name of the model whose answer was shown before, "" in round 1.
    """

    reader: str
    series: str
    task: str
    case: str
    source: Source
    digest: str
    round: int
    answer: Answer
    truth: Truth
    seconds: float
    kept_at: str
    model: str = ""

    @cached_property
    def verdict(self) -> Verdict:
        """The answer against the truth."""
        return judge(self.answer, self.truth)


def checked_nickname(nickname: str) -> str:
    """A nickname without surrounding space.

    Raises:
        UnsuitableInputError: If it is empty, too long, an e-mail address or not printable.
    """
    name = " ".join(nickname.split())
    if not name or len(name) > MAX_NICKNAME or not name.isprintable() or not name[0].isalnum():
        raise UnsuitableInputError(
            f"A nickname has 1 to {MAX_NICKNAME} letters and begins with a letter or a digit; "
            "choose another."
        )
    if "@" in name:
        raise UnsuitableInputError(
            "An e-mail address does not belong here: choose a nickname that names nobody."
        )
    return name


def folded(nickname: str) -> str:
    """What two spellings of one nickname share."""
    return " ".join(nickname.split()).casefold()


def now() -> str:
    """The time as kept: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def packed(found: Any) -> str:
    """JSON with one spelling, so that equal answers are equal text."""
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def from_row(*row: Any) -> Reading:
    """A row of `SELECT` as a reading."""
    nickname, series, task, key, source, digest, number, answer, truth, seconds, at, model = row
    return Reading(
        nickname,
        series,
        task,
        key,
        source_from_mapping(json.loads(source)),
        digest,
        number,
        answer_from_mapping(task, json.loads(answer)),
        truth_from_mapping(task, json.loads(truth)),
        seconds,
        at,
        model,
    )
