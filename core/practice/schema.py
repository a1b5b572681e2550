"""The tables of Practice, and how a file of an older version becomes one of this."""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x4C425852  # "LBXR": tells our file from another program's
_FIRST = (
    """CREATE TABLE series (
        key TEXT PRIMARY KEY,
        task TEXT NOT NULL,
        title TEXT NOT NULL,
        content TEXT NOT NULL,
        added_at TEXT NOT NULL
    )""",
    """CREATE TABLE readers (
        id INTEGER PRIMARY KEY,
        nickname TEXT NOT NULL,
        folded TEXT NOT NULL UNIQUE,
        added_at TEXT NOT NULL
    )""",
    """CREATE TABLE cases (
        key TEXT PRIMARY KEY,
        task TEXT NOT NULL,
        source TEXT NOT NULL
    )""",
    # The truth and the image's digest stand beside each answer: a later version may make
    # another image from the same seed, and the answer was given to this one.
    """CREATE TABLE readings (
        id INTEGER PRIMARY KEY,
        reader INTEGER NOT NULL REFERENCES readers (id) ON DELETE CASCADE,
        series TEXT NOT NULL REFERENCES series (key) ON DELETE CASCADE,
        case_key TEXT NOT NULL REFERENCES cases (key),
        round INTEGER NOT NULL CHECK (round IN (1, 2)),
        digest TEXT NOT NULL,
        answer TEXT NOT NULL,
        truth TEXT NOT NULL,
        model TEXT NOT NULL,
        seconds REAL NOT NULL CHECK (seconds >= 0),
        kept_at TEXT NOT NULL,
        UNIQUE (reader, series, case_key, round)
    )""",
    "CREATE INDEX readings_of_series ON readings (series, reader)",
    "CREATE INDEX readings_of_case ON readings (case_key)",
    """CREATE TABLE model_answers (
        case_key TEXT NOT NULL REFERENCES cases (key) ON DELETE CASCADE,
        digest TEXT NOT NULL,
        model TEXT NOT NULL,
        answer TEXT NOT NULL,
        PRIMARY KEY (case_key, digest, model)
    )""",
)
MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)
"""Statements that lead from version n to n + 1; what was released is never altered, only added
to."""


def latest() -> int:
    """The version that this program writes."""
    return len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """The version of an open file; 0 where it is new."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_foreign(connection: sqlite3.Connection) -> bool:
    """Whether the file holds tables and is not ours."""
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    return owner != APPLICATION_ID and tables > 0


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the latest version in one transaction: all of it or nothing.

    The caller has begun no transaction. A file that another process migrates at the same time
    is waited for, and then left as it is.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statements in MIGRATIONS[version_of(connection) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {latest()}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
