"""What runs in a Dask worker: the model, loaded once, and the scoring of a few images.

A worker plugin (https://distributed.dask.org/en/stable/plugins.html) holds the model: Dask hands
it to every worker, also to one that joins late or comes back after it died.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from distributed import WorkerPlugin, get_worker

from core.errors import ImagingError, WeightsError
from models.cards import load_card
from models.score import sources
from models.score.sources import Item
from models.score.task import Ask, Contents, Task, score


@dataclass(frozen=True, eq=False)
class Row:
    """What goes back to the run: lines for the tables, and the mask as a file."""

    columns: dict[str, Any]
    boxes: tuple[Mapping[str, Any], ...] = ()
    mask: bytes = b""


class Loaded(WorkerPlugin):
    """The model of a run in a worker.

    Args:
        task: What is scored.
        hashes: SHA-256 of every card's weights, as the run knows them.
        masks: Whether masks are wanted.
    """

    idempotent = True

    def __init__(self, task: Task, hashes: tuple[str, ...], masks: bool) -> None:
        self.task, self.hashes, self.masks = task, hashes, masks

    def setup(self, worker: Any) -> None:
        """Called by Dask in each worker; the model itself waits for the first image."""
        self._lock = threading.Lock()
        self._model: Any = None
        self._limit = TimeLimit(self.task.most_seconds)

    def teardown(self, worker: Any) -> None:
        """Called by Dask when the run is over; a lasting cluster gets its memory back."""
        self._model = None

    def limited(self) -> AbstractContextManager[None]:
        """The time that one image may take; the process ends when it is over."""
        return self._limit.limited()

    @property
    def model(self) -> Any:
        """The loaded networks.

        Raises:
            WeightsError: If this worker has other weights than the run, or none.
        """
        with self._lock:
            if self._model is None:
                if hashes_of(self.task) != self.hashes:
                    raise WeightsError(
                        "A worker has other model cards than this computer: install the same "
                        "version of Lightbox on both."
                    )
                _one_thread_each()
                self._model = self.task.load()
            return self._model


class TimeLimit:
    """Ends this process where an image takes too long: a decoder that hangs cannot be stopped.

    The clock is `faulthandler`'s, a thread without Python, which also runs while a library holds
    the interpreter. It is one for the process, hence set to whichever image ends first.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._ends: dict[int, float] = {}
        self._nowhere = open(os.devnull, "w")  # noqa: SIM115, PTH123 (as long as the process)

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Within, this thread has `seconds`."""
        self._set(time.monotonic() + self.seconds)
        try:
            yield
        finally:
            self._set(None)

    def _set(self, end: float | None) -> None:
        with self._lock:
            self._ends.pop(threading.get_ident(), None)
            if end is not None:
                self._ends[threading.get_ident()] = end
            if not self._ends:
                faulthandler.cancel_dump_traceback_later()
                return
            left = max(0.001, min(self._ends.values()) - time.monotonic())
            faulthandler.dump_traceback_later(left, exit=True, file=self._nowhere)


def dask_setup(worker: Any) -> None:
    """Called by Dask in the processes of `cluster.local`: Ctrl+C is for the run alone."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def hashes_of(task: Task) -> tuple[str, ...]:
    """SHA-256 of every card's weights."""
    return tuple(load_card(room, name).sha256 for room, name in task.cards)


def prepare(plugin: str) -> int:
    """Load the model, before the first image; the worker's process number."""
    _loaded(plugin).model  # noqa: B018 (loading it is the point)
    return os.getpid()


def score_items(
    plugin: str, items: Sequence[Item], sent: Sequence[Contents | str] | None
) -> list[Row]:
    """Score some images one after the other.

    Args:
        plugin: Name under which `Loaded` was registered.
        items: What to score.
        sent: The bytes of each, or the sentence why there are none; None where this worker
            sees the files itself.

    Raises:
        WeightsError: If the model cannot be loaded.
    """
    loaded = _loaded(plugin)
    model = loaded.model
    rows = []
    for number, item in enumerate(items):
        with loaded.limited():
            given = read(item) if sent is None else sent[number]
            if isinstance(given, str):
                rows.append(refused(given))
                continue
            done = score(loaded.task, model, given, Ask(item.sex, loaded.masks))
        rows.append(Row(done.row, done.boxes, done.mask))
    return rows


def read(item: Item) -> Contents | str:
    """An item's bytes, or the sentence why there are none."""
    try:
        return sources.contents(item)
    except ImagingError as err:
        return str(err)


def refused(why: str) -> Row:
    """The row of an image that could not even be read."""
    return Row({"digest": None, "refused": True, "why": why, "seconds": 0.0})


def same_file(path: str, size: int) -> bool:
    """Whether this worker sees a file of this size under this path."""
    try:
        return os.stat(path).st_size == size  # noqa: PTH116 (a path of the other computer)
    except OSError:
        return False


def _loaded(plugin: str) -> Loaded:
    found = get_worker().plugins[plugin]
    assert isinstance(found, Loaded)
    return found


def _one_thread_each() -> None:
    """Keep image libraries to the threads that Dask gives a worker: one, by OMP_NUM_THREADS."""
    import cv2

    cv2.setNumThreads(int(os.environ.get("OMP_NUM_THREADS", 1)))
