"""Rows of the tables of Practice, written within a transaction of the caller."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from core.practice.answers import Answer, answer_mapping
from core.practice.readings import folded, now, packed
from core.practice.series import Series, to_mapping
from core.practice.sources import source_mapping

if TYPE_CHECKING:  # opening images takes readers that keeping answers does not need
    from core.practice.cases import Case


def find_or_add_reader(connection: sqlite3.Connection, name: str) -> tuple[int, str]:
    """The reader of this name, made if new: number and nickname as kept."""
    connection.execute(
        "INSERT OR IGNORE INTO readers (nickname, folded, added_at) VALUES (?, ?, ?)",
        (name, folded(name), now()),
    )
    row = connection.execute(
        "SELECT id, nickname FROM readers WHERE folded = ?", (folded(name),)
    ).fetchone()
    return int(row[0]), str(row[1])


def add_series(connection: sqlite3.Connection, series: Series) -> None:
    """Keep a series unless it is there."""
    connection.execute(
        "INSERT OR IGNORE INTO series (key, task, title, content, added_at) VALUES (?, ?, ?, ?, ?)",
        (series.key, series.task, series.title, packed(to_mapping(series)), now()),
    )


def add_case(connection: sqlite3.Connection, case: Case) -> None:
    """Keep where a case comes from unless it is there."""
    connection.execute(
        "INSERT OR IGNORE INTO cases (key, task, source) VALUES (?, ?, ?)",
        (case.key, case.task, packed(source_mapping(case.source))),
    )


def add_model_answer(
    connection: sqlite3.Connection, case: Case, model: str, answer: Answer
) -> None:
    """Keep a model's answer to a case; a newer one replaces it."""
    connection.execute(
        "INSERT OR REPLACE INTO model_answers (case_key, digest, model, answer) "
        "VALUES (?, ?, ?, ?)",
        (case.key, case.image.digest, model, packed(answer_mapping(answer))),
    )


def drop_unread_cases(connection: sqlite3.Connection) -> None:
    """Delete cases, and the models' answers to them, that nobody has read."""
    connection.execute("DELETE FROM cases WHERE key NOT IN (SELECT case_key FROM readings)")
