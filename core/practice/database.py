"""One SQLite file: opened, checked, written in whole transactions; its troubles as sentences."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from core.errors import StoreError
from core.practice import schema

TIMEOUT_SECONDS = 10.0


class Database:
    """A file that any number of threads and processes may use at once.

    Within a process a lock lets one thread at a time at the only connection; between processes
    SQLite's own lock does, which is waited for. Every transaction is on the disk (WAL,
    synchronous=FULL) before `writing` returns.

    Attributes:
        path: The file.
        notes: Sentences about what opening did (a damaged file was set aside).
    """

    def __init__(self, path: Path, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.path = path
        self.notes: list[str] = []
        self._timeout = timeout_seconds
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read from.

        Raises:
            StoreError: If the file cannot be opened or read.
        """
        with self._lock, self._translated():
            yield self._open()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: when the block has ended, all of it is on the disk; else none.

        Raises:
            StoreError: If it cannot be kept.
        """
        with self._lock, self._translated():
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._check_version(connection)  # another process may have migrated the file
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = self._inode = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            if self._inode == _inode(self.path):
                return self._connection
            self.close()  # moved or deleted meanwhile: what is written there would be lost
        try:
            self._connection = self._opened()
        except sqlite3.DatabaseError as err:
            if not _is_damage(err):
                raise
            if _inode(self.path) == self._inode:  # else another process has just done it
                self._set_aside()
            self._connection = self._opened()
        return self._connection

    def _opened(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise StoreError(
                f"The folder {self.path.parent} for answers cannot be made "
                f"({err.strerror or err}); nothing can be kept. Check its permissions."
            ) from err
        connection = sqlite3.connect(
            self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False
        )
        self._inode = _inode(self.path)
        try:
            if schema.is_foreign(connection):
                raise StoreError(
                    f"{self.path} was made by another program and is left as it is; move it "
                    "away so that Practice can keep its answers there."
                )
            self._check_version(connection)
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise _Damaged
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            if schema.version_of(connection) < schema.latest():
                schema.migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_version(self, connection: sqlite3.Connection) -> None:
        found = schema.version_of(connection)
        if found > schema.latest():
            raise StoreError(
                f"{self.path} was written by a later Lightbox (version {found} of its tables, and "
                f"this one knows {schema.latest()}); it is left as it is. Update Lightbox."
            )

    def _set_aside(self) -> None:
        """Rename a damaged file, its log first: a log beside a new file would be replayed on it."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        kept = self.path.with_name(f"{self.path.stem}.damaged-{stamp}{self.path.suffix}")
        try:
            for ending in ("-wal", "-shm", ""):
                part = Path(f"{self.path}{ending}")
                if part.exists():
                    part.rename(f"{kept}{ending}")
        except OSError as err:
            raise StoreError(
                f"{self.path} is damaged and could not be set aside ({err.strerror or err}); "
                "nothing can be kept. Move it away by hand."
            ) from err
        self.notes.append(
            f"The file of kept answers was damaged. It was set aside as {kept.name} in "
            f"{kept.parent}, and a new one was begun; nothing was deleted."
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """SQLite's errors as sentences."""
        try:
            yield
        except sqlite3.IntegrityError:
            raise  # a fault of ours, or what the caller asks about
        except sqlite3.DatabaseError as err:
            if _is_damage(err):
                self.close()  # the next use sets the file aside
            raise StoreError(self._sentence(err)) from err

    def _sentence(self, err: sqlite3.DatabaseError) -> str:
        code = getattr(err, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return (
                f"{self.path.name} has been in use by another program for more than "
                f"{self._timeout:g} seconds, so nothing was kept; close that program or try again."
            )
        if code == sqlite3.SQLITE_FULL:
            return (
                f"The disk that holds {self.path.parent} is full, so this was not kept (what was "
                "kept before is safe); free some space and try again."
            )
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            return (
                f"{self.path} cannot be written, so nothing can be kept there; check the "
                "permissions of the folder."
            )
        if _is_damage(err):
            return (
                f"{self.path} is damaged; it is set aside when Practice is opened again, and "
                "not deleted."
            )
        return (
            f"{self.path} could not be read or written ({err}), so this was not kept; check the "
            "disk and free space, and try again."
        )


class _Damaged(sqlite3.DatabaseError):
    """The check of the file found something wrong."""


def _is_damage(err: sqlite3.DatabaseError) -> bool:
    code = getattr(err, "sqlite_errorcode", 0) & 0xFF
    return isinstance(err, _Damaged) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
