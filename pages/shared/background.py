"""Long work in the background: started once, watched with progress, cancelled, and kept.

A press of any button starts the page's script anew and ends the run that is under way, so long
work cannot live in the script; and nothing may be drawn inside a cached function. So it lives in
a worker thread that knows nothing of Streamlit; the page asks how far it is.

    result = background.result("fracture_sweep", question, lambda run: sweep(..., run.report))
    if result is not None: ...
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import streamlit as st

from core.errors import ImagingError
from core.stages import Cancelled

Result = TypeVar("Result")
KEPT_RUNS = 4  # of one key in one session
KEPT_RESULTS = 48  # public ones, for all users
LOOK_SECONDS = 0.1


@dataclass(eq=False)
class Run(Generic[Result]):
    """One piece of work; written by the worker, read by the page.

    Attributes:
        future: Holds the result, or what went wrong.
        stop: Set to cancel.
        fraction, stage: How far it is in [0, 1], and what it is doing.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    fraction: float = 0.0
    stage: str = "Waiting for the processor"
    future: Future[Result] = field(default_factory=Future)

    @property
    def state(self) -> str:
        """ "running", "cancelled", "failed" or "done"."""
        if not self.future.done():
            return "running"
        if self.future.cancelled() or isinstance(self.future.exception(), Cancelled):
            return "cancelled"
        return "failed" if self.future.exception() else "done"

    def report(self, fraction: float, stage: str) -> None:
        """Say how far the work is; the `progress` callback of long functions.

        Raises:
            Cancelled: If the page has cancelled the run, which so ends it.
        """
        self.fraction, self.stage = fraction, stage
        if self.stop.is_set():
            raise Cancelled

    def cancel(self) -> None:
        """Ask the worker to stop at its next report."""
        self.stop.set()
        self.future.cancel()

    def result(self) -> Result:
        """What the work returned.

        Raises:
            ImagingError: What a person's input or installation broke.
        """
        return self.future.result(0)


@dataclass(frozen=True, eq=False)
class _Results:
    """Results for all users, the oldest dropped first."""

    by_question: dict[Hashable, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, question: Hashable, result: Any) -> None:
        with self.lock:
            while len(self.by_question) >= KEPT_RESULTS:
                del self.by_question[next(iter(self.by_question))]
            self.by_question[question] = result


@st.cache_resource(show_spinner=False)
def _results() -> _Results:
    return _Results()


@st.cache_resource(show_spinner=False)
def _workers() -> ThreadPoolExecutor:
    """Two for all users: more would only take each other's processor."""
    return ThreadPoolExecutor(2, thread_name_prefix="background")


def run(
    key: str,
    question: Hashable,
    work: Callable[[Run[Result]], Result],
    *,
    is_public: bool = False,
) -> Run[Result]:
    """The run that answers a question: found again, or started.

    A run of the same key that is still under way for another question is cancelled.

    Args:
        key: The place on the page that shows it; one question at a time is worked on there.
        question: All that the result depends on: digests, hashes of weights, settings.
        work: Gets the run, to report progress; touches nothing of Streamlit's but cached loaders.
        is_public: Whether the question is about phantoms and samples alone, so that the result
            may be kept for all users.
    """
    runs = _runs(key)
    for other, one in runs.items():
        if other != question and one.state == "running":
            one.cancel()
    if question in runs:
        return runs[question]
    while len(runs) >= KEPT_RUNS:
        runs.pop(next(iter(runs)))
    started: Run[Result] = Run()
    runs[question] = started
    results = _results()
    if is_public and (key, question) in results.by_question:
        started.future.set_result(results.by_question[key, question])
        return started

    def worked() -> Result:
        result = work(started)
        if is_public:
            results.put((key, question), result)
        return result

    started.future = _workers().submit(worked)
    return started


def ahead(key: str, question: Hashable, work: Callable[[Run[Result]], Result]) -> None:
    """Work out a public question before anybody asks it; for `pages.shared.warm`."""
    results = _results()
    if (key, question) not in results.by_question:
        results.put((key, question), work(Run()))


def forget(key: str, question: Hashable) -> None:
    """Drop a run, so that the next look at the page starts it again."""
    _runs(key).pop(question, None)


def result(
    key: str,
    question: Hashable,
    work: Callable[[Run[Result]], Result],
    *,
    is_public: bool = False,
) -> Result | None:
    """The result of long work, waited for under a progress bar with a Cancel button.

    Args: as of `run`.

    Returns:
        The result; None where it was cancelled or failed, which the page then says with a button
        that runs it again.
    """
    one = run(key, question, work, is_public=is_public)
    if one.state == "running":
        place = st.empty()
        with place.container(horizontal=True, vertical_alignment="center"):
            bar = st.progress(0.0, one.stage)
            st.button("Cancel", key=f"{key}_cancel", on_click=one.cancel)
        while one.state == "running":
            bar.progress(min(max(one.fraction, 0.0), 1.0), one.stage)
            time.sleep(LOOK_SECONDS)
        place.empty()
    if one.state == "done":
        return one.result()
    if one.state == "cancelled":
        st.info("Cancelled.")
    else:
        try:
            one.result()
        except ImagingError as err:
            st.error(str(err), icon=":material/error:")
    st.button(
        "Run again",
        key=f"{key}_again",
        icon=":material/refresh:",
        on_click=forget,
        args=(key, question),
    )
    return None


def _runs(key: str) -> dict[Hashable, Run[Any]]:
    """The session's runs at one place, by question."""
    found: dict[Hashable, Run[Any]] = st.session_state.setdefault(f"{key}_runs", {})
    return found
