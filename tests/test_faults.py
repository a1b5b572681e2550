"""What goes wrong on a computer gets a sentence, and the rest of the app goes on.

Elsewhere: a full disk and a read-only folder for readings (practice/test_store.py), a worker that
is killed or stuck (test_worker.py), no network and what a server sends wrongly (test_samples.py),
a session that ends in the middle (test_queue.py), a batch that is killed (score/test_run.py).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st

from models import onnx_runtime
from models.cards import WEIGHTS
from pages.tasks.practice import read
from tests.http_server import Quiet, serving
from tests.page_runner import ROOT, opened
from tests.visitor import Visitor, served

CONTENT = bytes(range(256)) * 4096  # 1 MB


class Broken:
    """A session of ONNX Runtime that gives no answer, or one that is no number."""

    def __init__(self, real: object, fault: str) -> None:
        self.real, self.fault = real, fault

    def run(self, names: object, fed: object) -> list[np.ndarray]:
        if self.fault == "raises":
            raise RuntimeError("bad allocation")
        found = self.real.run(names, fed)  # type: ignore[attr-defined]
        return [np.full_like(one, np.nan) for one in found]


@pytest.mark.parametrize(
    ("page", "fault", "words"),
    [
        ("fracture", "raises", "stopped with an error"),
        ("chest", "nan", "is no number"),
        ("bone_age", "truncated", "not the file"),
        ("skull_strip", "missing", "are missing"),
        ("skull_strip", "nan", "is no number"),
    ],
)
def test_model_that_gives_no_answer_is_a_sentence_and_the_page_lives_on(
    page: str, fault: str, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if fault in ("missing", "truncated"):
        if fault == "truncated":
            for path in WEIGHTS.glob("*.onnx"):
                (tmp_path / path.name).write_bytes(path.read_bytes()[:2000])
        monkeypatch.setattr(onnx_runtime.open_network, "__defaults__", (tmp_path, None))
    else:
        real = onnx_runtime.Network.session.fget  # type: ignore[attr-defined]
        broken = property(lambda network: Broken(real(network), fault))
        monkeypatch.setattr(onnx_runtime.Network, "session", broken)
    st.cache_data.clear()
    st.cache_resource.clear()
    try:
        app = opened(page)
        app.until(lambda app: any(words in one.value for one in app.error), seconds=60)
        assert app.title
        app.radio(key=f"{page}_source").set_value("Upload").run()
        assert not app.error
    finally:
        st.cache_data.clear()
        st.cache_resource.clear()


class Slow(Quiet):
    """Sends a file whole, or half of it and then nothing until it may go on."""

    asked, go_on = threading.Event(), threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        if self.path == "/half":
            self.wfile.write(CONTENT[: len(CONTENT) // 2])
            self.wfile.flush()
            self.asked.set()
            self.go_on.wait(30)
        else:
            self.wfile.write(CONTENT)


FETCH = """
import dataclasses, hashlib, os, resource, sys
from pathlib import Path
from core.errors import ImagingError
from core.samples import fetch, samples
url, folder, size, sha256, how = sys.argv[1:]
if how == "full":  # what a full disk does to a write
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
row = dataclasses.replace(samples("fracture")[0], url=url, bytes=int(size), sha256=sha256)
if how == "nobody" and os.getuid() == 0:
    fetch(row, cache=Path(folder), allow_loopback_http=True)  # imports what nobody may not
    os.setuid(65534)
try:
    path = fetch(row, cache=Path(folder), allow_loopback_http=True)
    print("got", hashlib.sha256(path.read_bytes()).hexdigest())
except ImagingError as err:
    print("said", err)
"""


@pytest.fixture
def server() -> Iterator[str]:
    Slow.asked.clear()
    Slow.go_on.clear()
    with serving(Slow, Slow.go_on) as address:
        yield address


def fetching(url: str, folder: Path, how: str = "") -> subprocess.Popen[str]:
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, url, str(folder), str(len(CONTENT)), sha256, how],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
    )


def test_download_that_is_killed_or_finds_the_disk_full_leaves_nothing_that_passes_for_whole(
    server: str, tmp_path: Path
) -> None:
    got = f"got {hashlib.sha256(CONTENT).hexdigest()}\n"
    killed = fetching(f"{server}/half", tmp_path)
    assert Slow.asked.wait(60)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    Slow.go_on.set()
    said = fetching(f"{server}/whole", tmp_path, "full").communicate()[0]
    assert said.startswith("said") and "free space" in said
    # Two servers of one computer fetch it at once.
    both = [fetching(f"{server}/whole", tmp_path) for _ in range(2)]
    assert [one.communicate()[0] for one in both] == [got, got]
    whole = [path for path in tmp_path.rglob("*") if path.stat().st_size == len(CONTENT)]
    assert len(whole) == 1


def test_sample_in_a_folder_that_cannot_be_written_is_read(server: str) -> None:
    with tempfile_for_all() as folder:
        fetching(f"{server}/whole", folder).communicate()
        for path in (*folder.rglob("*"), folder):
            path.chmod(0o555 if path.is_dir() else 0o444)
        said = fetching(f"{server}/half", folder, "nobody").communicate()[0]
        for path in (*folder.rglob("*"), folder):
            path.chmod(0o755)
        assert said.startswith("got")


class tempfile_for_all:
    """A folder that other users may enter, unlike pytest's."""

    def __enter__(self) -> Path:
        import tempfile

        self.folder = Path(tempfile.mkdtemp(prefix="lightbox-tests-"))
        self.folder.chmod(0o755)
        return self.folder

    def __exit__(self, *problem: object) -> None:
        shutil.rmtree(self.folder)


KEEP = """
import sys
from pathlib import Path
from core.practice.store import Store
from tests.practice.readers import answer_of, case_of, series_of
series = series_of("fracture", 30)
store = Store(Path(sys.argv[1]))
store.add_reader(sys.argv[2])
for index in range(30):
    answer = answer_of("fracture", index, right=True)
    store.keep(sys.argv[2], series, case_of(series, index), answer, seconds=1)
"""


def test_two_servers_keep_answers_in_one_store(tmp_path: Path) -> None:
    from core.practice.store import Store

    path = tmp_path / "practice.sqlite"
    both = [
        subprocess.Popen([sys.executable, "-c", KEEP, str(path), name], cwd=ROOT)
        for name in ("Ann", "Ben")
    ]
    assert [one.wait(120) for one in both] == [0, 0]
    assert len(Store(path).readings()) == 60


def test_clock_that_is_set_back_costs_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store refuses a time below 0, so the time to read is none of the wall clock's.

    Ages of files are, for that is how a file's time is kept: a leftover then goes later.
    """
    assert "time.time(" not in Path(read.__file__).read_text(encoding="utf-8")
    sources = [path for floor in ("pages", "core") for path in (ROOT / floor).rglob("*.py")]
    on_clock = [path.name for path in sources if "time.time()" in path.read_text("utf-8")]
    assert on_clock == ["volume_foreign.py"]


def test_page_that_is_closed_or_reloaded_while_it_works_leaves_the_others_alive() -> None:
    with served() as running:
        first = Visitor(running.port, "skull_strip")
        (seed,) = (one for one in first.slider if one.label == "Phantom")
        seed.set_value(7).run()  # not the one that is worked out ahead
        first.close()
        again = Visitor(running.port, "fracture")
        assert again.metrics
        again.go("skull_strip")
        (seed,) = (one for one in again.slider if one.label == "Phantom")
        seed.set_value(7).run()
        end = time.monotonic() + 180
        while not again.metrics:
            assert time.monotonic() < end
            time.sleep(0.5)
            again.look()
        again.close()
        assert "Traceback" not in running.log.read_text()
