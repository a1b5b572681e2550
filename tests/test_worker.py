"""The worker process: it starts when asked, ends when idle, and its loss is a sentence."""

from __future__ import annotations

import os
import time

import pytest

from core.errors import ImagingError
from core.stages import Cancelled
from models.worker import Worker

ECHO = "tests.test_worker"


def number() -> int:
    """The process that answers."""
    return os.getpid()


def slow(seconds: float) -> str:
    time.sleep(seconds)
    return "done"


def wrong() -> None:
    raise ImagingError("This film is no film.")


def waiting() -> str:
    """How the process's threads wait for each other."""
    return os.environ.get("OMP_WAIT_POLICY", "")


def test_waiting_threads_of_the_worker_leave_the_processor_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    worker = Worker(ECHO)
    try:
        assert worker.call(f"{ECHO}:waiting") == "PASSIVE"
    finally:
        worker.close()


def test_worker_starts_when_asked_says_what_is_wrong_and_survives_its_end() -> None:
    worker = Worker(ECHO)
    try:
        assert not worker.is_running
        first = worker.call(f"{ECHO}:number")
        assert first != os.getpid()
        with pytest.raises(ImagingError, match="no film"):
            worker.call(f"{ECHO}:wrong")
        with pytest.raises(Cancelled):
            worker.call(f"{ECHO}:slow", 0.5, cancelled=lambda: True)

        def killed() -> bool:
            assert worker.process is not None
            worker.process.kill()
            return False

        with pytest.raises(ImagingError, match="was ended"):
            worker.call(f"{ECHO}:slow", 20.0, cancelled=killed)
        assert worker.call(f"{ECHO}:number") != first
    finally:
        worker.close()
    assert not worker.is_running


def test_worker_ends_when_nobody_asks_and_starts_again() -> None:
    worker = Worker(ECHO, idle_seconds=0.5)
    try:
        first = worker.call(f"{ECHO}:number")
        end = time.monotonic() + 20
        while worker.is_running and time.monotonic() < end:
            time.sleep(0.05)
        assert not worker.is_running
        assert worker.call(f"{ECHO}:number") != first
    finally:
        worker.close()


def test_worker_that_is_stuck_is_ended_with_a_sentence_and_starts_again() -> None:
    worker = Worker(ECHO, most_seconds=60.0)
    try:
        first = worker.call(f"{ECHO}:number")
        worker.most_seconds = 0.2
        with pytest.raises(ImagingError, match="no answer"):
            worker.call(f"{ECHO}:slow", 60.0)
        worker.most_seconds = 60.0
        assert worker.call(f"{ECHO}:number") != first
    finally:
        worker.close()
