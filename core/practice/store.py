"""Keeps series, readers and readings; what it has confirmed is on the disk.

Never an image: a case is kept as its source and its digest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import StoreError
from core.practice import rows
from core.practice.answers import Answer, answer_from_mapping, answer_mapping
from core.practice.database import TIMEOUT_SECONDS, Database
from core.practice.readings import SELECT, Reading, checked_nickname, folded, from_row, now, packed
from core.practice.series import Series, from_mapping
from core.practice.sources import case_key
from core.practice.truths import truth_mapping
from core.user_folder import user_folder

if TYPE_CHECKING:  # opening images takes readers that keeping answers does not need
    from core.practice.cases import Case

FILE = "practice.sqlite"


@dataclass(frozen=True)
class Turn:
    """What a reader reads next: the case's index in the series, the round, and how many of the
    series' cases are done."""

    index: int
    round: int
    done: int


def default_path() -> Path:
    """The file in the user's data folder."""
    return user_folder() / FILE


class Store:
    """What Practice keeps. One object serves all threads of a process.

    Every method raises `StoreError` where the file cannot be read or written.
    """

    def __init__(self, path: Path | None = None, *, timeout_seconds: float = TIMEOUT_SECONDS):
        self.database = Database(path or default_path(), timeout_seconds=timeout_seconds)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what opening did, for the screen."""
        return tuple(self.database.notes)

    def close(self) -> None:
        self.database.close()

    # Readers

    def add_reader(self, nickname: str) -> str:
        """Make a reader, or find the one of this name whatever its case.

        Returns:
            The nickname as kept.

        Raises:
            UnsuitableInputError: If it is no nickname.
        """
        name = checked_nickname(nickname)
        with self.database.writing() as connection:
            return rows.find_or_add_reader(connection, name)[1]

    def readers(self, series: str | None = None) -> tuple[str, ...]:
        """Nicknames, in alphabetical order; only those with readings of a series if given."""
        query = "SELECT nickname FROM readers"
        if series is not None:
            query += " WHERE id IN (SELECT reader FROM readings WHERE series = ?)"
        with self.database.reading() as connection:
            found = connection.execute(
                f"{query} ORDER BY folded", () if series is None else (series,)
            ).fetchall()
        return tuple(row[0] for row in found)

    # Series

    def add_series(self, series: Series) -> str:
        """Keep a series unless it is there; returns its key."""
        with self.database.writing() as connection:
            rows.add_series(connection, series)
        return series.key

    def series(self, task: str | None = None) -> tuple[Series, ...]:
        """All series, or those of a task, the latest first."""
        with self.database.reading() as connection:
            found = connection.execute(
                "SELECT content FROM series WHERE ? IS NULL OR task = ? "
                "ORDER BY added_at DESC, key",
                (task, task),
            ).fetchall()
        return tuple(from_mapping(json.loads(row[0])) for row in found)

    def find_series(self, key: str) -> Series | None:
        """The series of this key, or None."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT content FROM series WHERE key = ?", (key,)).fetchone()
        return from_mapping(json.loads(row[0])) if row else None

    # Readings

    def keep(
        self,
        reader: str,
        series: Series,
        case: Case,
        answer: Answer,
        *,
        seconds: float,
        round: int = 1,
        model: str = "",
        model_answer: Answer | None = None,
    ) -> Reading:
        """Keep one answer; when this returns, it is on the disk.

        The same answer a second time (a double click, a reload) changes nothing.

        Args:
            reader: Nickname; made if new.
            series: What is read; kept if new.
            case: One of its cases, opened.
            answer: What the reader says.
            seconds: Time taken.
            round: 1, or 2 in an aided series after the model's answer was shown.
            model: Name of the model, with `model_answer` or in round 2.
            model_answer: The model's answer to this case, if it is at hand.

        Raises:
            StoreError: If it could not be kept, or the case has another answer already.
            UnsuitableInputError: If the nickname is none.
            ValueError: If the case is not of the series, or round 2 is not due.
        """
        if case.task != series.task or case.source not in series.cases:
            raise ValueError(f"case {case.key} is not in the series {series.key}")
        if round not in (1, 2) or (round == 2 and series.mode != "aided"):
            raise ValueError(f"round {round} is not part of an {series.mode} series")
        name = checked_nickname(reader)
        shown = model if round == 2 else ""
        said, true = packed(answer_mapping(answer)), packed(truth_mapping(case.truth))
        with self.database.writing() as connection:
            number, name = rows.find_or_add_reader(connection, name)
            rows.add_series(connection, series)
            rows.add_case(connection, case)
            where = (number, series.key, case.key)
            rounds = dict(
                connection.execute(
                    "SELECT round, answer FROM readings "
                    "WHERE reader = ? AND series = ? AND case_key = ?",
                    where,
                ).fetchall()
            )
            if round == 2 and 1 not in rounds:
                raise ValueError("round 2 comes after round 1")
            if round in rounds and rounds[round] != said:
                raise StoreError(
                    f"{name} has answered this case already, and the first answer stands; go on "
                    "to the next case."
                )
            if round not in rounds:
                connection.execute(
                    "INSERT INTO readings (reader, series, case_key, round, digest, answer, "
                    "truth, model, seconds, kept_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*where, round, case.image.digest, said, true, shown, float(seconds), now()),
                )
            if model_answer is not None:
                rows.add_model_answer(connection, case, model, model_answer)
            row = connection.execute(
                f"{SELECT} WHERE reader = ? AND series = ? AND case_key = ? AND round = ?",
                (*where, round),
            ).fetchone()
        return from_row(*row)

    def keep_model_answer(self, case: Case, model: str, answer: Answer) -> None:
        """Keep a model's answer to a case; a newer one replaces it."""
        with self.database.writing() as connection:
            rows.add_case(connection, case)
            rows.add_model_answer(connection, case, model, answer)

    def model_answers(self, series: Series, model: str | None = None) -> dict[str, Answer]:
        """The model's answers to the cases of a series, by case key.

        Args:
            series: Whose cases.
            model: Name of the model; None takes the one kept last of each case.
        """
        found: dict[str, Answer] = {}
        with self.database.reading() as connection:
            for source in series.cases:
                key = case_key(series.task, source)
                row = connection.execute(
                    "SELECT answer FROM model_answers WHERE case_key = ? "
                    "AND (? IS NULL OR model = ?) ORDER BY rowid DESC LIMIT 1",
                    (key, model, model),
                ).fetchone()
                if row:
                    found[key] = answer_from_mapping(series.task, json.loads(row[0]))
        return found

    def models(self, series: Series) -> tuple[str, ...]:
        """Names of the models with kept answers to cases of a series, the latest first."""
        keys = [case_key(series.task, source) for source in series.cases]
        marks = ",".join("?" * len(keys))
        with self.database.reading() as connection:
            found = connection.execute(
                f"SELECT model FROM model_answers WHERE case_key IN ({marks}) "
                "GROUP BY model ORDER BY max(rowid) DESC",
                keys,
            ).fetchall()
        return tuple(row[0] for row in found)

    def readings(self, series: str | None = None, reader: str | None = None) -> list[Reading]:
        """Readings in the order in which they were kept, all or of a series' key and a reader."""
        with self.database.reading() as connection:
            found = connection.execute(
                f"{SELECT} "
                "WHERE (? IS NULL OR readings.series = ?) AND (? IS NULL OR readers.folded = ?) "
                "ORDER BY readings.id",
                (series, series, reader, reader and folded(reader)),
            ).fetchall()
        return [from_row(*row) for row in found]

    def next_turn(self, reader: str, series: Series) -> Turn | None:
        """What this reader reads next, or None where the series is finished.

        In an aided series the second round of a case follows its first at once.
        """
        with self.database.reading() as connection:
            found = connection.execute(
                "SELECT case_key, max(round) FROM readings JOIN readers ON readers.id = reader "
                "WHERE folded = ? AND series = ? GROUP BY case_key",
                (folded(reader), series.key),
            ).fetchall()
        reached: dict[str, int] = dict(found)
        rounds = 2 if series.mode == "aided" else 1
        done = sum(1 for value in reached.values() if value == rounds)
        for index in series.order_for(reader):
            so_far = reached.get(case_key(series.task, series.cases[index]), 0)
            if so_far < rounds:
                return Turn(index, so_far + 1, done)
        return None

    # Deleting

    def what_goes(self, *, reader: str | None = None, series: str | None = None) -> str:
        """A sentence that names what deleting a reader, or a series by key, would take away."""
        found = self.readings(series, reader)
        answers = _counted(len(found), "answer")
        if reader is not None:
            several = len({row.series for row in found})
            return f"Deletes the reader {reader} with {answers} in {several} series."
        own = self.find_series(series or "")
        title = (own.title if own else "") or series
        several = len({row.reader for row in found})
        return f"Deletes the series “{title}” with {answers} of {_counted(several, 'reader')}."

    def delete_reader(self, nickname: str) -> None:
        """Delete a reader with all of their answers."""
        with self.database.writing() as connection:
            connection.execute("DELETE FROM readers WHERE folded = ?", (folded(nickname),))
            rows.drop_unread_cases(connection)

    def delete_series(self, key: str) -> None:
        """Delete a series with all answers to it."""
        with self.database.writing() as connection:
            connection.execute("DELETE FROM series WHERE key = ?", (key,))
            rows.drop_unread_cases(connection)


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"
