"""Long work in the background: started once, watched with progress, cancelled, and kept.

A press of any button starts the page's script anew and ends the run that is under way, so long
work cannot live in the script; and nothing may be drawn inside a cached function. So it lives in
a worker thread that knows nothing of Streamlit; the page asks how far it is. All users' work
waits in one fair queue (`pages.shared.queue`).

    result = background.result("fracture_sweep", question, lambda run: sweep(..., run.report))
    if result is not None: ...
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.errors import ImagingError
from core.stages import Cancelled
from pages.shared.queue import Queue, Ticket

Result = TypeVar("Result")
KEPT_RUNS = 4  # of one key in one session
KEPT_RESULTS = 48  # public ones, for all users
LOOK_SECONDS = 0.4  # each look wakes the server's one loop, which serves everybody


@dataclass(eq=False)
class Run(Generic[Result]):
    """One piece of work; written by the worker, read by the page.

    Attributes:
        future: Holds the result, or what went wrong.
        stop: Set to cancel.
        fraction, said: How far it is in [0, 1], and what it is doing.
        ticket: Its place in the queue, once it has one.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    fraction: float = 0.0
    said: str = "Starting"
    future: Future[Result] = field(default_factory=Future)
    ticket: Ticket | None = None

    @property
    def stage(self) -> str:
        """What it is doing, or how many are before it in the queue."""
        return (self.ticket.waiting_words if self.ticket else "") or self.said

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
        self.fraction, self.said = fraction, stage
        if self.ticket is not None:
            self.ticket.rest()
        if self.stop.is_set():
            raise Cancelled

    def cancel(self) -> None:
        """Leave the queue, or ask the worker to stop at its next report."""
        self.stop.set()
        self.future.cancel()
        if self.ticket is not None:
            self.ticket.cancel()

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
def queue() -> Queue:
    """All users' heavy work."""
    return Queue(is_there=_is_there)


def _is_there(session: str) -> bool:
    """Whether a session's browser is connected; in a test there is no server to ask."""
    try:
        return runtime.get_instance().is_active_session(session.partition(" ")[0])
    except RuntimeError:
        return True


class _Presence:
    """Lies in the session's state, and goes with it."""

    numbers = itertools.count()

    def __init__(self) -> None:
        context = get_script_run_ctx(suppress_warning=True)
        self.name = f"{context.session_id if context else ''} {next(self.numbers)}"
        weakref.finalize(self, queue().leave, self.name).atexit = False


def session() -> str:
    """The session's name in the queue."""
    if "background_presence" not in st.session_state:
        st.session_state["background_presence"] = _Presence()
    return str(st.session_state["background_presence"].name)


def run(
    key: str,
    question: Hashable,
    work: Callable[[Run[Result]], Result],
    *,
    is_public: bool = False,
    is_head: bool = False,
    in_parts: bool = False,
    in_worker: bool = False,
) -> Run[Result]:
    """The run that answers a question: found again, or started.

    A run of the same key that is still under way for another question is cancelled.

    Args:
        key: The place on the page that shows it; one question at a time is worked on there.
        question: All that the result depends on: digests, hashes of weights, settings.
        work: Gets the run, to report progress; touches nothing of Streamlit's but cached loaders.
        is_public: Whether the question is about phantoms and samples alone, so that the result
            may be kept for all users.
        is_head: Whether the work holds a whole head: few may at once.
        in_parts: Whether it holds little whenever it reports, and may rest there for others.
        in_worker: Whether a process of its own does it (`models.worker`): one at a time.
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

    def worked() -> None:
        if not started.future.set_running_or_notify_cancel():
            return
        try:
            # Somebody else's, of the same question, may have ended while this one waited.
            found = results.by_question.get((key, question)) if is_public else None
            found = work(started) if found is None else found
            if is_public:
                results.put((key, question), found)
        except BaseException as err:  # noqa: BLE001 (handed to whoever asks for the result)
            started.future.set_exception(err)
        else:
            started.future.set_result(found)

    started.ticket = Ticket(session(), worked, started.stop, is_head, in_parts, in_worker)
    queue().add(started.ticket)
    return started


@dataclass(eq=False)
class _Ahead(Run[Result]):
    """Work that nobody waits for: it rests wherever it reports, as long as `rest` takes."""

    rest: Callable[[], None] = lambda: None
    is_answered: Callable[[], bool] = lambda: False

    def report(self, fraction: float, stage: str) -> None:
        self.rest()
        if self.is_answered():
            raise Cancelled
        super().report(fraction, stage)


def ahead(
    key: str,
    question: Hashable,
    work: Callable[[Run[Result]], Result],
    rest: Callable[[], None] = lambda: None,
) -> None:
    """Work out a public question before anybody asks it; for `pages.shared.warm`.

    Args:
        rest: Called whenever the work reports; returns when it may go on. Where somebody has
            asked the same meanwhile and has the answer, it ends there.
    """
    results = _results()

    def is_answered() -> bool:
        return (key, question) in results.by_question

    if not is_answered():
        with suppress(Cancelled):
            results.put((key, question), work(_Ahead(rest=rest, is_answered=is_answered)))


def forget(key: str, question: Hashable) -> None:
    """Drop a run, so that the next look at the page starts it again."""
    _runs(key).pop(question, None)


def result(
    key: str,
    question: Hashable,
    work: Callable[[Run[Result]], Result],
    *,
    is_public: bool = False,
    is_head: bool = False,
    in_parts: bool = False,
    in_worker: bool = False,
) -> Result | None:
    """The result of long work, waited for under a progress bar with a Cancel button.

    Args: as of `run`.

    Returns:
        The result; None where it was cancelled or failed, which the page then says with a button
        that runs it again.
    """
    one = run(
        key, question, work,
        is_public=is_public, is_head=is_head, in_parts=in_parts, in_worker=in_worker,
    )  # fmt: skip
    if one.state == "running":
        place = st.empty()
        with place.container(horizontal=True, vertical_alignment="center"):
            bar = st.progress(0.0, one.stage)
            st.button("Cancel", key=f"{key}_cancel", on_click=one.cancel)
        while one.state == "running":
            bar.progress(min(max(one.fraction, 0.0), 1.0), one.stage)
            wait([one.future], LOOK_SECONDS)
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
