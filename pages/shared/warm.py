"""Every page's opening case computed ahead, so that the first visitor finds it.

A thread of the server opens the engine and asks the cached loaders what the pages ask them at
first. It waits while somebody is there: a visitor's own question goes first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec

import streamlit as st

from core.errors import ImagingError

TASKS = ("fracture", "chest", "bone_age", "skull_strip")
"""The quickest first; a task's room may have an `opening` with `compute()`."""
QUIET_SECONDS = 4.0
LOOK_SECONDS = 0.5


class Visits:
    """When the last page was asked for."""

    def __init__(self) -> None:
        self.last = float("-inf")

    def note(self) -> None:
        """Somebody asks for a page now."""
        self.last = time.monotonic()

    @property
    def is_quiet(self) -> bool:
        return time.monotonic() - self.last > QUIET_SECONDS


@st.cache_resource(show_spinner=False)
def visits() -> Visits:
    """Of this server."""
    return Visits()


def start() -> None:
    """Begin in the background."""
    jobs = [_compute(task) for task in TASKS if find_spec(f"pages.tasks.{task}.opening")]
    threading.Thread(target=run, args=(jobs, visits()), name="warm", daemon=True).start()


def run(jobs: Sequence[Callable[[], None]], seen: Visits) -> None:
    """Do the jobs one after the other, each when nobody has asked for a page for a while."""
    for job in jobs:
        while not seen.is_quiet:
            time.sleep(LOOK_SECONDS)
        try:
            job()
        except ImagingError:
            continue  # weights that are missing: the page says it to whoever opens it


def _compute(task: str) -> Callable[[], None]:
    def compute() -> None:
        import_module(f"pages.tasks.{task}.opening").compute()

    return compute
