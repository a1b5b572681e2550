"""Everything kept as one file, and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import ImagingError
from core.practice.answers import FractureAnswer
from core.practice.series import TASKS
from core.practice.store import Store
from core.practice.transfer import export_csv, export_json, import_csv, import_json
from tests.practice.readers import answer_of, case_of, model_reads, read_all, series_of

SERIES = series_of("fracture", 4, order="fixed")
RIGHT = answer_of("fracture", 0, right=True)


def _filled(path: Path) -> Store:
    store = Store(path)
    for task in TASKS:
        series = series_of(task, 3, mode="aided", title="=HYPERLINK(1)")
        read_all(store, series, "Ann")
        read_all(store, series, "Ben", 0.4)
        model_reads(store, series)
    return store


def test_export_comes_back_whole(tmp_path: Path) -> None:
    store = _filled(tmp_path / "a.sqlite")
    exported, lines = export_json(store), export_csv(store)
    other, third = Store(tmp_path / "b.sqlite"), Store(tmp_path / "c.sqlite")
    assert import_json(other, exported).readings == 48
    assert import_csv(third, lines).readings == 48
    for copy in (other, third):
        assert copy.readings() == store.readings()
        assert set(copy.series()) == set(store.series())
        assert export_csv(copy) == lines
    series = store.series("chest")[0]
    assert other.model_answers(series) == store.model_answers(series) != {}
    again = import_json(other, exported)
    assert (again.readings, again.series, again.known) == (0, 0, 48)
    # No cell is a formula for a spreadsheet.
    assert b",=HYPERLINK" not in lines


def test_import_does_not_overwrite_an_answer(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "a.sqlite"), Store(tmp_path / "b.sqlite")
    store.keep("Ann", SERIES, case_of(SERIES, 0), RIGHT, seconds=1)
    other.keep("Ann", SERIES, case_of(SERIES, 0), FractureAnswer(((1, 1, 9, 9),)), seconds=1)
    done = import_json(store, export_json(other))
    assert (done.readings, done.refused) == (0, 1)
    assert "it stands" in done.sentence
    assert [one.answer for one in store.readings()] == [RIGHT]


def test_bad_import_gives_one_sentence_and_keeps_nothing(tmp_path: Path) -> None:
    store = _filled(tmp_path / "a.sqlite")
    exported, lines = export_json(store), export_csv(store)

    def altered(**values: object) -> bytes:
        found = json.loads(exported)
        found["readings"][-1] |= values
        return json.dumps(found).encode()

    target = Store(tmp_path / "b.sqlite")
    for content in (
        b"",
        exported[:-50],
        b"{}",
        b"[]",
        b'{"lightbox_practice": 1}',
        b'{"lightbox_practice": 9, "readings": []}',
        altered(answer={"months": "x"}),
        altered(answer=7),
        altered(round=3),
        altered(seconds=-1),
        altered(seconds="nan"),
        altered(source={"phantom": 77}),
        altered(source={"folder": "/d", "file": "../x", "sha256": "0" * 64}),
        altered(reader=7),
        altered(series="unknown"),
        altered(kept_at=None),
    ):
        with pytest.raises(ImagingError):
            import_json(target, content)
    for content in (b"", b"a,b\n1,2\n", lines[:-300], b"\xff\xfe\x00", lines.replace(b"{", b"[")):
        with pytest.raises(ImagingError):
            import_csv(target, content)
    assert target.readings() == [] and target.readers() == ()
