"""Everything that is kept as one JSON or CSV file, and back into a store."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from core.errors import UnsuitableInputError
from core.files.write import table
from core.practice.answers import answer_from_mapping, answer_mapping
from core.practice.readings import checked_nickname, packed
from core.practice.rows import add_series, find_or_add_reader
from core.practice.series import Series, from_mapping, to_mapping
from core.practice.sources import case_key, source_from_mapping, source_mapping
from core.practice.store import Store
from core.practice.tables import reading_row
from core.practice.truths import truth_from_mapping, truth_mapping

VERSION = 1
MAX_BYTES = 200 * 2**20


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes:
        readings: Readings that were added.
        series: Series that were added.
        known: Readings that were there already, word for word.
        refused: Readings whose reader has another answer to the case here; that one stands.
    """

    readings: int = 0
    series: int = 0
    known: int = 0
    refused: int = 0

    @property
    def sentence(self) -> str:
        said = f"Added {self.readings} answers and {self.series} series."
        if self.known:
            said += f" {self.known} answers were here already."
        if self.refused:
            said += (
                f" {self.refused} were left out: this reader has another answer to that case "
                "here, and it stands."
            )
        return said


def export_json(store: Store) -> bytes:
    """Series, readers, readings and the models' answers."""
    series = store.series()
    found: dict[str, Any] = {
        "lightbox_practice": VERSION,
        "readers": list(store.readers()),
        "series": [to_mapping(one) for one in series],
        "readings": [
            {
                "reader": one.reader,
                "series": one.series,
                "source": source_mapping(one.source),
                "digest": one.digest,
                "round": one.round,
                "answer": answer_mapping(one.answer),
                "truth": truth_mapping(one.truth),
                "model": one.model,
                "seconds": one.seconds,
                "kept_at": one.kept_at,
            }
            for one in store.readings()
        ],
        "model_answers": _model_answers(store),
    }
    return json.dumps(found, indent=1, ensure_ascii=False).encode()


def export_csv(
    store: Store,
    series: str | None = None,
    reader: str | None = None,
    cases: Collection[str] | None = None,
) -> bytes:
    """One line a reading with everything about it, its series included; read back by
    `import_csv`. The models' answers are in the JSON only.

    Args:
        cases: Keys of the cases to which it is limited: a line tells what is true of its case.
    """
    by_key = {one.key: one for one in store.series()}
    rows = []
    for one in store.readings(series, reader):
        if cases is not None and one.case not in cases:
            continue
        row = reading_row(one)
        row["series_title"] = _harmless(by_key[one.series].title)
        row["seconds"] = one.seconds
        row["series_content"] = packed(to_mapping(by_key[one.series]))
        rows.append(row)
    return table(rows, _CSV_FIRST)


_CSV_FIRST = ("reader", "series", "series_title", "task", "case", "round", "model_shown", "right")
_CSV_NEEDED = {
    "reader", "series_content", "source", "digest", "round", "answer", "truth", "model_shown",
    "seconds", "kept_at",
}  # fmt: skip


def import_json(store: Store, content: bytes) -> Imported:
    """Add what `export_json` wrote to what is kept, in one transaction: all of it or nothing.

    Raises:
        UnsuitableInputError: If the file is no such export, or is damaged.
        StoreError: If it cannot be kept.
    """
    _check_size(content)
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as err:
        raise UnsuitableInputError(
            "The file is no JSON or is not complete, and an export of Practice was expected; "
            "export it again."
        ) from err
    if not isinstance(found, dict) or "lightbox_practice" not in found:
        raise UnsuitableInputError("The file is no export of Practice; choose one.")
    if not isinstance(found["lightbox_practice"], int) or found["lightbox_practice"] > VERSION:
        raise UnsuitableInputError(
            "The export is of a later Lightbox; update this one, then import it again."
        )
    try:
        series = {one.key: one for one in map(from_mapping, found["series"])}
        rows = [_row(one, series[one["series"]]) for one in found["readings"]]
        readers = [checked_nickname(name) for name in found["readers"]]
        machine = [_model_row(one) for one in found["model_answers"]]
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise UnsuitableInputError(_DAMAGED) from err
    return _add(store, readers, list(series.values()), rows, machine)


def import_csv(store: Store, content: bytes) -> Imported:
    """Add what `export_csv` wrote, as `import_json` does.

    Raises:
        UnsuitableInputError: If the file is no such export, or is damaged.
        StoreError: If it cannot be kept.
    """
    _check_size(content)
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        if not set(reader.fieldnames or ()) >= _CSV_NEEDED:
            raise UnsuitableInputError("The CSV is no export of Practice; choose one.")
        series: dict[str, Series] = {}
        rows = []
        for line in reader:
            own = from_mapping(json.loads(line["series_content"]))
            series[own.key] = own
            whole = {name: json.loads(line[name]) for name in ("source", "answer", "truth")}
            rows.append(
                _row(
                    line
                    | whole
                    | {
                        "round": int(line["round"]),
                        "seconds": float(line["seconds"]),
                        "model": line["model_shown"],
                    },
                    own,
                )
            )
    except (csv.Error, KeyError, TypeError, ValueError, AttributeError, RecursionError) as err:
        raise UnsuitableInputError(_DAMAGED) from err
    return _add(store, [row.reader for row in rows], list(series.values()), rows, [])


_DAMAGED = "The export is damaged: a row lacks a value or has a wrong one; export it again."


@dataclass(frozen=True)
class _Row:
    """A reading as the tables hold it."""

    reader: str
    series: str
    case: str
    task: str
    source: str
    round: int
    values: tuple[str, str, str, str, float, str]


def _row(found: Any, series: Series) -> _Row:
    """A reading of an export, every part of it checked."""
    source = source_from_mapping(found["source"])
    key = case_key(series.task, source)
    if source not in series.cases or found["round"] not in (1, 2):
        raise ValueError("the case is not of its series, or there is no such round")
    answer = answer_from_mapping(series.task, found["answer"])
    truth = truth_from_mapping(series.task, found["truth"])
    seconds = float(found["seconds"])
    if not 0 <= seconds < 1e9:
        raise ValueError("seconds must not be negative")
    words = [found["digest"], found["model"], found["kept_at"]]
    if not all(isinstance(word, str) and len(word) <= 200 for word in words):
        raise TypeError("digest, model and time are text")
    values = (
        words[0],
        packed(answer_mapping(answer)),
        packed(truth_mapping(truth)),
        words[1],
        seconds,
        words[2],
    )
    return _Row(
        checked_nickname(found["reader"]),
        series.key,
        key,
        series.task,
        packed(source_mapping(source)),
        found["round"],
        values,
    )


def _model_row(found: Any) -> tuple[str, str, str, str]:
    answer = answer_from_mapping(found["task"], found["answer"])
    words = (found["case"], found["digest"], found["model"])
    if not all(isinstance(word, str) and len(word) <= 200 for word in words):
        raise TypeError("case, digest and model are text")
    return (*words, packed(answer_mapping(answer)))


def _model_answers(store: Store) -> list[dict[str, Any]]:
    with store.database.reading() as connection:
        rows = connection.execute(
            "SELECT case_key, task, digest, model, answer FROM model_answers "
            "JOIN cases ON cases.key = case_key ORDER BY model_answers.rowid"
        ).fetchall()
    names = ("case", "task", "digest", "model")
    return [dict(zip(names, row[:4], strict=True)) | {"answer": json.loads(row[4])} for row in rows]


def _add(
    store: Store,
    readers: list[str],
    series: list[Series],
    rows: list[_Row],
    machine: list[tuple[str, str, str, str]],
) -> Imported:
    added = known = refused = 0
    with store.database.writing() as connection:
        before = _count(connection, "series")
        numbers = {name: find_or_add_reader(connection, name)[0] for name in readers}
        for one in series:
            add_series(connection, one)
        for row in rows:
            number = numbers.get(row.reader) or find_or_add_reader(connection, row.reader)[0]
            connection.execute(
                "INSERT OR IGNORE INTO cases (key, task, source) VALUES (?, ?, ?)",
                (row.case, row.task, row.source),
            )
            where = (number, row.series, row.case, row.round)
            there = connection.execute(
                "SELECT digest, answer, truth, model, seconds, kept_at FROM readings "
                "WHERE reader = ? AND series = ? AND case_key = ? AND round = ?",
                where,
            ).fetchone()
            if there is None:
                connection.execute(
                    "INSERT INTO readings (reader, series, case_key, round, digest, answer, "
                    "truth, model, seconds, kept_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*where, *row.values),
                )
                added += 1
            elif there == row.values:
                known += 1
            else:
                refused += 1
        for answer in machine:
            connection.execute(
                "INSERT OR IGNORE INTO model_answers (case_key, digest, model, answer) "
                "SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM cases WHERE key = ?)",
                (*answer, answer[0]),
            )
        return Imported(added, _count(connection, "series") - before, known, refused)


def _count(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])


def _check_size(content: bytes) -> None:
    if len(content) > MAX_BYTES:
        raise UnsuitableInputError(
            f"The file has more than {MAX_BYTES // 2**20} MB and is not read; choose an export of "
            "Practice."
        )


def _harmless(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
