"""Many draws answered by a model in the background: watched, stopped, kept for the session.

A press of any button starts the page's script anew, so the work lives in a worker thread that
knows nothing of Streamlit, in the queue of all users (`pages.shared.queue`). A stopped job keeps
what it has.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import streamlit as st

from core.augment.checks import flags
from core.augment.pipeline import Draw
from core.augment.report import Trial
from core.errors import ImagingError
from core.stages import Cancelled
from pages.shared import background
from pages.shared.queue import Ticket
from pages.tasks.augmentation.models import Answering
from pages.tasks.augmentation.subjects import Subject

KEPT_JOBS = 12


@dataclass(eq=False)
class Job:
    """Draws on their way through a model; written by the worker, read by the page.

    Attributes:
        total: Number of draws.
        original: The answer to the untouched image, once it is there.
        trials: Those that are done.
        stop: Set to end it.
        ticket: Its place in the queue.
    """

    total: int
    original: dict[str, float] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    future: Future[None] = field(default_factory=Future)
    ticket: Ticket | None = None

    @property
    def words(self) -> str:
        """How far it is, or its place in the queue."""
        waiting = self.ticket.waiting_words if self.ticket else ""
        return waiting or f"{len(self.trials)} of {self.total} answers"

    @property
    def state(self) -> str:
        """ "running", "stopped", "failed" or "done"."""
        if self.stop.is_set() and len(self.trials) < self.total:
            return "stopped"  # at once: what the worker still computes is not heard
        if not self.future.done():
            return "running"
        return "failed" if self.future.exception() else "done"

    @property
    def error(self) -> BaseException | None:
        """What went wrong, if it did."""
        return self.future.exception() if self.state == "failed" else None

    @property
    def fraction(self) -> float:
        return len(self.trials) / max(self.total, 1)

    def end(self) -> None:
        """Ask the worker to stop; what is done stays."""
        self.stop.set()
        self.future.cancel()
        if self.ticket is not None:
            self.ticket.cancel()


def jobs() -> dict[str, Job]:
    """The session's jobs by what they were asked."""
    found: dict[str, Job] = st.session_state.setdefault("augmentation_jobs", {})
    return found


def end_others(wanted: str) -> None:
    """Stop jobs that are under way for something that nobody looks at any more."""
    for name, job in jobs().items():
        if name != wanted and job.state == "running":
            job.end()


def start(
    wanted: str,
    subject: Subject,
    make: Callable[[], Answering],
    plan: Sequence[tuple[Draw, float | None]],
) -> None:
    """Begin a job; a button's callback.

    Args:
        wanted: Names the question: image, pipeline, number of draws.
        subject: The image.
        make: Loads the model, here and not in the worker.
        plan: Draws, each with the value of the swept parameter or None.
    """
    end_others(wanted)
    kept = jobs()
    kept.pop(wanted, None)
    while len(kept) >= KEPT_JOBS:
        kept.pop(next(iter(kept)))
    job = Job(len(plan))
    kept[wanted] = job
    try:
        answering = make()
    except ImagingError as err:
        job.future.set_exception(err)
        return

    def worked() -> None:
        if not job.future.set_running_or_notify_cancel():
            return
        try:
            _work(job, subject, answering, list(plan))
        except BaseException as err:  # noqa: BLE001 (handed to whoever asks for the result)
            job.future.set_exception(err)
        else:
            job.future.set_result(None)

    is_head = subject.pixels.ndim == 3
    job.ticket = Ticket(background.session(), worked, job.stop, is_head, may_rest=True)
    background.queue().add(job.ticket)


def _work(
    job: Job, subject: Subject, answering: Answering, plan: list[tuple[Draw, float | None]]
) -> None:
    stopped = job.stop.is_set
    try:
        job.original = answering.answer([subject.untouched], stopped)[0]
        for first in range(0, len(plan), answering.batch):
            moved = []
            for draw, _ in plan[first : first + answering.batch]:
                if stopped():
                    return
                moved.append(subject.after(draw))
            answers = answering.answer(moved, stopped)
            if job.ticket is not None:
                job.ticket.rest()
            if stopped():
                return
            for (draw, value), figures, one in zip(
                plan[first : first + answering.batch], answers, moved, strict=True
            ):
                found = flags(subject.modality, subject.pixels, subject.labels, one)
                sentences = tuple(flag.sentence for flag in found)
                job.trials.append(Trial(draw, figures, sentences, value))
    except Cancelled:
        return
