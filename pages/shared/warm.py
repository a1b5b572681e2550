"""Every page's opening case computed ahead, so that the first visitor finds it.

A thread of the server opens the engine and asks the cached loaders what the pages ask them at
first. It waits while somebody is there: a visitor's own question goes first. The page whose address
is asked for is begun at once, while the browser still loads Streamlit's own scripts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module

import streamlit as st

from core.errors import ImagingError
from pages.shared import server

TASKS = ("fracture", "chest", "bone_age", "skull_strip")
"""The quickest first; their rooms have an `opening` with `compute()`."""
ASKED = ("fracture", "chest", "bone_age", "augmentation")
"""Begun at once when their address is asked for; their loaders let the script wait for the answer.
A head's page starts the same work by itself and would do it twice. The lab only when somebody
asks for it: its library brings PyTorch along."""
QUIET_SECONDS = 8.0
"""A page stands four seconds after its script began, and who sees it often opens a second one."""
LOOK_SECONDS = 0.5


class Visits:
    """When the last page was asked for, and which opening cases were begun."""

    def __init__(self) -> None:
        self.last = float("-inf")
        self.begun: set[str] = set()
        self.lock = threading.Lock()

    def note(self) -> None:
        """Somebody asks for a page now."""
        self.last = time.monotonic()

    def begin(self, task: str) -> bool:
        """Whether nobody has begun this task's opening case; from now on somebody has."""
        with self.lock:
            is_new = task not in self.begun
            self.begun.add(task)
            return is_new

    @property
    def is_quiet(self) -> bool:
        return time.monotonic() - self.last > QUIET_SECONDS

    def rest(self) -> None:
        """Return when nobody has asked for a page for a while."""
        while not self.is_quiet:
            time.sleep(LOOK_SECONDS)


@st.cache_resource(show_spinner=False)
def visits() -> Visits:
    """Of this server."""
    return Visits()


def start() -> None:
    """Begin in the background, when whoever started the server has not come at once."""
    visits().note()
    jobs = [_compute(task) for task in TASKS]
    threading.Thread(target=run, args=(jobs, visits()), name="warm", daemon=True).start()


def expect(page: str) -> None:
    """Begin a page's opening case now: its address was asked for, its script comes in a second."""
    visits().note()
    if page in ASKED:
        job = [_compute(page)]
        threading.Thread(target=run, args=(job, None), name=f"warm {page}", daemon=True).start()


def run(jobs: Sequence[Callable[[], None]], seen: Visits | None) -> None:
    """Do the jobs one after the other, each when nobody has asked for a page for a while.

    Args:
        seen: None where a visitor waits for the jobs.
    """
    for job in jobs:
        if seen is not None:
            seen.rest()
        try:
            job()
        except ImagingError:
            continue  # weights that are missing: the page says it to whoever opens it
        if seen is None:
            server.keep_for_good()  # at once: somebody waits
        else:
            server.give_back_memory()


def _compute(task: str) -> Callable[[], None]:
    def compute() -> None:
        if visits().begin(task):
            import_module(f"pages.tasks.{task}.opening").compute()

    return compute
