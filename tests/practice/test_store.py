"""What is kept stays kept: killed, locked, full, read-only, damaged, newer."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import StoreError, UnsuitableInputError
from core.practice import schema
from core.practice.answers import FractureAnswer
from core.practice.series import TASKS
from core.practice.store import Store, default_path
from tests.practice.kept_until_killed import ROOT, killed_at_random, lost
from tests.practice.readers import answer_of, case_of, read_all, series_of

SERIES = series_of("fracture", 4, order="fixed")
AIDED = replace(SERIES, mode="aided")
RIGHT = [answer_of("fracture", index, right=True) for index in range(4)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "kept" / "practice.sqlite", timeout_seconds=0.2)


def _keep(store: Store, index: int = 0, reader: str = "Ann") -> None:
    store.keep(reader, SERIES, case_of(SERIES, index), RIGHT[index], seconds=2.5)


def test_new_store_is_empty(store: Store) -> None:
    assert store.readers() == store.series() == ()
    assert store.readings() == []
    assert store.notes == ()


@pytest.mark.parametrize("task", TASKS)
def test_every_task_comes_back_as_it_was_kept(store: Store, task: str) -> None:
    series = series_of(task, 3, order="fixed")
    for index in range(3):
        answer = answer_of(task, index, right=index != 1)
        kept = store.keep("Ann", series, case_of(series, index), answer, seconds=index)
        assert kept.answer == answer
    again = Store(store.database.path).readings(series.key, "ann")
    assert [one.answer for one in again] == [
        answer_of(task, index, right=index != 1) for index in range(3)
    ]
    assert [one.verdict.right for one in again] == [True, False, True]
    assert [one.seconds for one in again] == [0, 1, 2]
    assert again[0].digest == case_of(series, 0).image.digest
    assert again[0].source == series.cases[0]


def test_reader_goes_on_where_they_stopped(store: Store) -> None:
    turn = store.next_turn("Ann", SERIES)
    assert turn is not None and (turn.index, turn.round, turn.done) == (0, 1, 0)
    _keep(store, 0)
    store.close()
    turn = Store(store.database.path).next_turn(" ANN ", SERIES)
    assert turn is not None and (turn.index, turn.done) == (1, 1)
    for index in (1, 2, 3):
        _keep(store, index)
    assert store.next_turn("Ann", SERIES) is None
    other = store.next_turn("Ben", SERIES)
    assert other is not None and other.done == 0


def test_aided_series_keeps_both_answers(store: Store) -> None:
    case = case_of(AIDED, 0)
    with pytest.raises(ValueError, match="after round 1"):
        store.keep("Ann", AIDED, case, RIGHT[0], seconds=1, round=2)
    store.keep("Ann", AIDED, case, RIGHT[0], seconds=1)
    turn = store.next_turn("Ann", AIDED)
    assert turn is not None and (turn.index, turn.round) == (0, 2)
    changed = answer_of("fracture", 0, right=False)
    store.keep("Ann", AIDED, case, changed, seconds=4, round=2, model="detector")
    turn = store.next_turn("Ann", AIDED)
    assert turn is not None and (turn.index, turn.round, turn.done) == (1, 1, 1)
    kept = store.readings()
    assert [(one.round, one.answer, one.model) for one in kept] == [
        (1, RIGHT[0], ""),
        (2, changed, "detector"),
    ]
    with pytest.raises(ValueError, match="unaided"):
        store.keep("Ann", SERIES, case, changed, seconds=1, round=2)


def test_answer_is_given_once(store: Store) -> None:
    _keep(store)
    _keep(store)  # a double click
    assert len(store.readings()) == 1
    with pytest.raises(StoreError, match="answered this case already"):
        other = FractureAnswer(((3, 3, 9, 9),), 10)
        store.keep("Ann", SERIES, case_of(SERIES, 0), other, seconds=1)
    assert [one.answer for one in store.readings()] == [RIGHT[0]]
    with pytest.raises(ValueError, match="not in the series"):
        store.keep("Ann", SERIES, case_of(series_of("fracture", 9), 8), RIGHT[0], seconds=1)


@pytest.mark.parametrize(
    "nickname", ["", "   ", "x" * 41, "a@b.org", "=1+1", "a\x00b"], ids=range(6)
)
def test_bad_nickname_gives_one_sentence(store: Store, nickname: str) -> None:
    with pytest.raises(UnsuitableInputError, match="nickname"):
        store.add_reader(nickname)
    assert store.readers() == ()


def test_nickname_is_one_reader_whatever_its_case(store: Store) -> None:
    assert store.add_reader("  Ann  B ") == "Ann B"
    assert store.add_reader("ann b") == "Ann B"
    assert store.readers() == ("Ann B",)


def test_deleting_names_what_goes_and_takes_only_that(store: Store) -> None:
    for reader in ("Ann", "Ben"):
        _keep(store, 0, reader)
    _keep(store, 1)
    store.keep("Ben", AIDED, case_of(AIDED, 2), RIGHT[2], seconds=1)
    assert store.what_goes(reader="Ann") == "Deletes the reader Ann with 2 answers in 1 series."
    assert "“4 fracture” with 3 answers of 2 readers" in store.what_goes(series=SERIES.key)
    store.delete_reader("ann")
    assert [(one.reader, one.series) for one in store.readings()] == [
        ("Ben", SERIES.key),
        ("Ben", AIDED.key),
    ]
    store.delete_series(SERIES.key)
    assert store.series() == (AIDED,)
    assert [one.series for one in store.readings()] == [AIDED.key]
    with store.database.reading() as connection:  # nothing of what went stays behind
        assert connection.execute("SELECT count(*) FROM cases").fetchone()[0] == 1


def test_nothing_confirmed_is_lost_by_kill(tmp_path: Path) -> None:
    """Five times here; `tests/benchmarks/practice.py` does it a hundred times."""
    path, rng = tmp_path / "practice.sqlite", random.Random(3)
    confirmed = {
        f"reader {n}": killed_at_random(path, f"reader {n}", rng, longest=0.5) for n in range(5)
    }
    assert any(confirmed.values())
    assert lost(path, confirmed) == []


def test_threads_share_one_store(store: Store) -> None:
    series = series_of("fracture", 10)
    threads = [
        threading.Thread(target=read_all, args=(store, series, f"reader {n}")) for n in range(4)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(store.readings()) == 40


def test_locked_by_another_process_says_so(store: Store) -> None:
    _keep(store)
    other = sqlite3.connect(store.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="in use by another program"):
        _keep(store, 1)
    assert len(store.readings()) == 1  # reading goes on meanwhile
    other.execute("ROLLBACK")
    other.close()
    _keep(store, 1)
    assert len(store.readings()) == 2


def test_full_disk_says_so_and_keeps_what_was_kept(store: Store) -> None:
    _keep(store)
    with store.database.reading() as connection:  # SQLite then reports what a full disk does
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full"):
        store.keep_model_answer(case_of(SERIES, 1), "x" * 100_000, RIGHT[1])
    assert len(store.readings()) == 1
    store.close()  # space again
    _keep(store, 1)
    assert len(store.readings()) == 2


_ON_A_SMALL_DISK = """
import resource, sys
from pathlib import Path
from core.errors import ImagingError
from core.practice.store import Store
from tests.practice.readers import answer_of, case_of, series_of
series = series_of("fracture", 400)
store = Store(Path(sys.argv[1]))
store.add_reader("Ann")
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
for index in range(400):
    try:
        answer = answer_of("fracture", index, right=True)
        store.keep("Ann", series, case_of(series, index), answer, seconds=1)
    except ImagingError as err:
        print("said:", err)
        break
    print("kept", index)
"""


def test_failing_write_of_the_operating_system_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "practice.sqlite"
    printed = subprocess.run(
        [sys.executable, "-c", _ON_A_SMALL_DISK, str(path)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert printed[-1].startswith("said:") and "not kept" in printed[-1]
    kept = [line for line in printed if line.startswith("kept")]
    assert kept
    assert len(Store(path).readings()) == len(kept)


_AS_NOBODY = """
import os, sys
from pathlib import Path
from core.errors import StoreError
from core.practice.store import Store
if os.getuid() == 0:
    os.setuid(65534)
for path in sys.argv[1:]:
    try:
        Store(Path(path)).add_reader("Ann")
        print("kept")
    except StoreError as err:
        print(err)
"""


def test_read_only_folder_says_so() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        Store(folder / "practice.sqlite").add_reader("Ann")
        (folder / "file").write_text("no folder")
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        places = ["practice.sqlite", "new.sqlite", "below/practice.sqlite", "file/p.sqlite"]
        printed = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, *(str(folder / place) for place in places)],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
        ).stdout.splitlines()  # fmt: skip
        folder.chmod(0o755)
    assert len(printed) == 4
    for line in printed:
        assert "can be kept" in line and "ermissions" in line, line


@pytest.mark.parametrize("damage", ["text", "middle", "half"])
def test_damaged_file_is_set_aside_and_not_deleted(store: Store, damage: str) -> None:
    read_all(store, series_of("fracture", 60), "Ann")
    store.close()
    path = store.database.path
    whole = path.read_bytes()
    broken = {
        "text": b"This is no database. " * 400,
        "middle": whole[:4096] + os.urandom(3 * 4096) + whole[4 * 4096 :],
        "half": whole[: len(whole) // 2 + 100],
    }[damage]
    path.write_bytes(broken)
    assert store.readings() == []
    (note,) = store.notes
    (aside,) = path.parent.glob("practice.damaged-*.sqlite")
    assert aside.name in note and "nothing was deleted" in note
    assert aside.read_bytes() == broken
    _keep(store)
    assert len(Store(path).readings()) == 1


def test_newer_file_is_left_as_it_is(store: Store) -> None:
    _keep(store)
    with store.database.writing() as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="later Lightbox"):  # found in the middle of work
        _keep(store, 1)
    store.close()
    before = store.database.path.read_bytes()
    with pytest.raises(StoreError, match="later Lightbox"):
        store.readings()
    assert store.database.path.read_bytes() == before


def test_file_of_another_program_is_left_as_it_is(store: Store) -> None:
    path = store.database.path
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        _keep(store)
    assert path.read_bytes() == before


def test_older_file_is_migrated_with_what_it_holds(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _keep(store)
    store.close()
    failing = ("CREATE TABLE more (a)", "ALTER TABLE nowhere ADD COLUMN b")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, failing))
    with pytest.raises(StoreError, match="nowhere"):
        store.readings()
    later = ("ALTER TABLE readings ADD COLUMN remark TEXT NOT NULL DEFAULT ''",)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:-1], later))
    assert len(store.readings()) == 1  # the failed migration left nothing behind
    with store.database.reading() as connection:
        assert schema.version_of(connection) == 2
        assert connection.execute("SELECT remark FROM readings").fetchall() == [("",)]


def test_file_that_was_moved_away_is_noticed(store: Store) -> None:
    _keep(store)
    store.database.path.rename(store.database.path.with_name("moved.sqlite"))
    _keep(store, 1)
    assert [one.seconds for one in Store(store.database.path).readings()] == [2.5]


def test_default_path_is_in_the_users_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("LIGHTBOX_DATA", raising=False)
    assert default_path().name == "practice.sqlite"
    assert "lightbox" in default_path().parts
    monkeypatch.setenv("LIGHTBOX_DATA", str(tmp_path / "elsewhere"))
    assert default_path() == tmp_path / "elsewhere" / "practice.sqlite"
