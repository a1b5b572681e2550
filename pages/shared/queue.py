"""One fair queue for the heavy work of all users: each session in turn, a few pieces at a time.

Work runs in threads that step back (`models.priority`), so that a slider's answer goes first. A
piece in many parts rests between two of them where others wait. A session that is away (its
browser closed or lost the connection) gets no turn; one that has ended takes its work with it.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from models.priority import step_back

PLACES = 2
"""Pieces under way at once, for all users: more would only take each other's processor."""
HEADS = 1
"""Of these, how many may hold a whole head: 0.5 to 1 GB each while it is worked on."""
WORKERS = 1
"""Of these, how many may wait for a process of their own, which explains with gradients: it takes
one request after the other, and two of them would leave no place to anybody else meanwhile."""
SLICE_SECONDS = 5.0  # a piece works on at least so long before it rests for others
LOOK_SECONDS = 0.5


@dataclass(eq=False)
class Ticket:
    """One piece of work in the queue.

    Attributes:
        session: Whose it is.
        work: What to do, in a thread of its own.
        stop: Set to end it; asked by the work.
        is_head: Whether it holds a whole head.
        may_rest: Whether it comes in parts, and holds little between two of them.
        in_worker: Whether a process of its own does it (`models.worker`).
        state: "waiting", "working", "resting" or "ended".
    """

    session: str
    work: Callable[[], None]
    stop: threading.Event
    is_head: bool = False
    may_rest: bool = False
    in_worker: bool = False
    state: str = "waiting"
    number: int = 0
    began: float = 0.0
    queue: Queue | None = None

    @property
    def waiting_words(self) -> str:
        """How far on it is in the queue; empty where it is not (or no longer) in it."""
        ahead = self.queue.ahead_of(self) if self.queue else 0
        if self.state == "resting":
            return f"Laid aside while others work, place {ahead + 1}"
        return f"Waiting in the queue, place {ahead + 1}" if self.state == "waiting" else ""

    def rest(self) -> None:
        """Between two parts: let others have the place for a while; asked by the work itself."""
        if self.queue is not None:
            self.queue.rest(self)

    def cancel(self) -> None:
        """Leave the line, or ask the work to stop where it is under way."""
        self.stop.set()
        if self.queue is not None:
            self.queue.cancel(self)


@dataclass(eq=False)
class Queue:
    """The pieces that wait, and those under way.

    Attributes:
        places, heads, workers: As `PLACES`, `HEADS` and `WORKERS`.
        is_there: Whether a session's browser is connected.
    """

    places: int = PLACES
    heads: int = HEADS
    workers: int = WORKERS
    is_there: Callable[[str], bool] = lambda session: True
    slice_seconds: float = SLICE_SECONDS
    _tickets: list[Ticket] = field(default_factory=list)
    _last_turn: dict[str, int] = field(default_factory=dict)
    _numbers: itertools.count = field(default_factory=itertools.count)
    _gone: set[str] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, ticket: Ticket) -> Ticket:
        """Wait for a turn, or begin at once where there is a place."""
        with self._changed:
            ticket.number, ticket.queue = next(self._numbers), self
            self._tickets.append(ticket)
            self._advance()
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        """Take a piece out of the line, or wake it where it rests."""
        with self._changed:
            if ticket.state == "waiting":
                self._end(ticket)
            self._changed.notify_all()

    def leave(self, session: str) -> None:
        """A session has ended: so does its work, at the next look at the queue.

        May be called while an object is destroyed, anywhere, so it only leaves a note.
        """
        self._gone.add(session)

    def ahead_of(self, ticket: Ticket) -> int:
        """How many pieces have their turn before this one; 0 if it is next or under way."""
        with self._changed:
            self._advance()
            line = self._line()
            return line.index(ticket) if ticket in line else 0

    def rest(self, ticket: Ticket) -> None:
        """Wait here while it is others' turn."""
        with self._changed:
            self._advance()
            away = not self.is_there(ticket.session)
            worked = time.monotonic() - ticket.began
            waited_for = any(self.is_there(one.session) for one in self._line())
            if ticket.stop.is_set() or not ticket.may_rest:
                if away and self._line():
                    ticket.stop.set()  # nobody looks, others wait, and it cannot be laid aside
                return
            if not away and (not waited_for or worked < self.slice_seconds):
                return
            ticket.state = "resting"
            self._advance()
            while ticket.state == "resting" and not ticket.stop.is_set():
                self._changed.wait(LOOK_SECONDS)
                self._advance()

    def _line(self) -> list[Ticket]:
        """Those without a place, in the order of their turns.

        The next is always of the session whose last turn is longest ago, or never was.
        """
        left = [one for one in self._tickets if one.state in ("waiting", "resting")]
        last, line = dict(self._last_turn), []
        for turn in range(len(left)):
            chosen = min(left, key=lambda one: (last.get(one.session, -1), one.number))
            left.remove(chosen)
            line.append(chosen)
            last[chosen.session] = sys.maxsize - len(self._tickets) + turn  # later than all so far
        return line

    def _advance(self) -> None:
        """Drop the work of ended sessions, and give free places to those whose turn it is."""
        for one in [one for one in self._tickets if one.session in self._gone]:
            one.stop.set()
            if one.state == "waiting":
                self._end(one)
        working = [one for one in self._tickets if one.state == "working"]
        for one in self._line():
            if len(working) >= self.places:
                return
            if self._is_full(one, working) or not self.is_there(one.session):
                continue
            working.append(one)
            self._last_turn[one.session] = next(self._numbers)
            one.began = time.monotonic()
            was, one.state = one.state, "working"
            if was == "resting":
                self._changed.notify_all()
            else:
                threading.Thread(target=self._run, args=(one,), name="heavy", daemon=True).start()

    def _is_full(self, ticket: Ticket, working: list[Ticket]) -> bool:
        """Whether as many of its kind are under way as may be."""
        heads = sum(one.is_head for one in working)
        workers = sum(one.in_worker for one in working)
        return (ticket.is_head and heads >= self.heads) or (
            ticket.in_worker and workers >= self.workers
        )

    def _run(self, ticket: Ticket) -> None:
        step_back()
        try:
            ticket.work()
        finally:
            with self._changed:
                self._end(ticket)
                self._advance()

    def _end(self, ticket: Ticket) -> None:
        ticket.state = "ended"
        ticket.work = _ended  # what the work holds, a head perhaps, goes with whoever asked for it
        self._tickets.remove(ticket)
        if all(one.session != ticket.session for one in self._tickets):
            self._last_turn.pop(ticket.session, None)
            self._gone.discard(ticket.session)


def _ended() -> None:
    """What is left to do of a piece that has ended."""
