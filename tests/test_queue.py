"""Heavy work of all users: each session in turn, few at a time, behind those who move sliders."""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models import priority
from models.cards import WEIGHTS
from models.onnx_runtime import open_file
from pages.shared import background
from pages.shared.queue import Queue, Ticket
from tests.page_runner import PageTest

SECONDS = 20.0


class Work:
    """Pieces of work that begin when it is their turn and end when they are told to."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.begun: list[str] = []
        self.go_on: dict[str, threading.Event] = {}
        self.tickets: dict[str, Ticket] = {}

    def add(self, name: str, *, is_head: bool = False, in_worker: bool = False) -> Ticket:
        """`name` is the session's letter and a number."""
        self.go_on[name] = threading.Event()

        def work() -> None:
            self.begun.append(name)
            self.go_on[name].wait(SECONDS)

        ticket = Ticket(name[0], work, threading.Event(), is_head, in_worker=in_worker)
        self.tickets[name] = self.queue.add(ticket)
        return ticket

    def end(self, name: str) -> None:
        self.go_on[name].set()
        until(lambda: self.tickets[name].state == "ended")


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work(Queue(places=1))
    yield made
    for name in made.go_on:
        made.go_on[name].set()


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("asked", "begun"),
    [
        ("a1", "a1"),
        ("a1 a2 a3", "a1 a2 a3"),
        ("a1 a2 a3 b1 c1", "a1 b1 c1 a2 a3"),
        ("a1 a2 a3 b1 b2 c1", "a1 b1 c1 a2 b2 a3"),
    ],
)
def test_each_session_has_its_turn(asked: str, begun: str, work: Work) -> None:
    for name in asked.split():
        work.add(name)
    waiting = begun.split()[1:]
    assert [work.queue.ahead_of(work.tickets[name]) for name in waiting] == [*range(len(waiting))]
    for number, name in enumerate(begun.split(), start=1):
        until(lambda number=number: len(work.begun) == number)  # type: ignore[misc]
        work.end(name)
    assert work.begun == begun.split()


@pytest.mark.parametrize("kind", ["is_head", "in_worker"])
def test_one_head_and_one_explanation_at_a_time_and_what_is_neither_goes_past(kind: str) -> None:
    work = Work(Queue(places=2, heads=1, workers=1))
    for name, is_one in (("a1", True), ("b1", True), ("c1", False)):
        work.add(name, **{kind: is_one})
    until(lambda: work.begun == ["a1", "c1"])
    work.end("c1")
    assert work.tickets["b1"].state == "waiting"
    work.end("a1")
    until(lambda: work.begun[-1] == "b1")
    work.end("b1")


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_ended_work_holds_nothing(is_cancelled: bool, work: Work) -> None:
    # The page's run holds the ticket and its work the run: a head would wait for the collector.
    class Head:
        pass

    head, begin = Head(), threading.Event()
    known = weakref.ref(head)
    work.add("a1")
    ticket = Ticket("b", lambda head=head: begin.set(), threading.Event())  # type: ignore[misc]
    work.queue.add(ticket)
    del head
    assert known() is not None
    if is_cancelled:
        ticket.cancel()
    else:
        work.end("a1")
    until(lambda: ticket.state == "ended")
    until(lambda: known() is None)
    assert begin.is_set() != is_cancelled


def test_who_is_away_gets_no_turn_and_who_has_left_takes_the_work_along(work: Work) -> None:
    away = {"b", "c"}
    work.queue.is_there = lambda session: session not in away
    for name in ("a1", "b1", "c1"):
        work.add(name)
    until(lambda: work.begun == ["a1"])
    work.queue.leave("a")
    assert work.queue.ahead_of(work.tickets["c1"]) == 1
    assert work.tickets["a1"].stop.is_set()
    work.end("a1")
    assert work.begun == ["a1"]
    away.remove("c")
    assert work.queue.ahead_of(work.tickets["c1"]) == 0
    until(lambda: work.begun == ["a1", "c1"])
    work.tickets["b1"].cancel()
    assert work.tickets["b1"].state == "ended"
    work.end("c1")
    assert not work.queue._tickets and not work.queue._last_turn


@pytest.mark.parametrize("why", ["others wait", "away"])
def test_long_work_rests_between_its_parts(why: str, work: Work) -> None:
    away: set[str] = set()
    work.queue.slice_seconds = 0.0
    work.queue.is_there = lambda session: session not in away
    parts: list[int] = []
    second = threading.Event()
    ticket = Ticket("a", lambda: None, threading.Event(), may_rest=True)

    def batch() -> None:
        parts.append(1)
        second.wait(SECONDS)
        ticket.rest()
        parts.append(2)

    ticket.work = batch
    work.queue.add(ticket)
    if why == "away":
        away.add("a")
    else:
        work.add("b1")
    second.set()
    until(lambda: ticket.state == "resting")
    assert ticket.waiting_words == "Laid aside while others work, place 1"
    assert parts == [1]
    if why == "away":
        away.clear()
    else:
        until(lambda: work.begun == ["b1"])
        work.end("b1")
    until(lambda: ticket.state == "ended")
    assert parts == [1, 2]


SCRIPT = """
import streamlit as st
from pages.shared import background

run = background.run("place", "question", lambda run: 7)
st.caption(run.stage)
st.button("Cancel", key="cancel", on_click=run.cancel)
st.metric("State", run.state)
"""


def test_place_and_cancel_are_shown_and_a_session_that_ends_leaves(tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text(SCRIPT)
    queue = background.queue()
    others = Work(queue)
    for name in ("x1", "y1", "z1"):
        others.add(name)
    try:
        page = PageTest(str(tmp_path / "page.py"), default_timeout=30)
        page.run()
        assert page.caption[0].value == "Waiting in the queue, place 2"
        page.button(key="cancel").click().run()
        assert page.metrics == {"State": "cancelled"}
        second = PageTest(str(tmp_path / "page.py"), default_timeout=30)
        second.run()
        (mine,) = [one for one in queue._tickets if one.session not in "xyz"]
        second.session_state["background_presence"] = None  # as when the session is dropped
        second.run()
        queue.ahead_of(mine)
        assert mine.state == "ended"
    finally:
        for name in others.go_on:
            others.end(name)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux")
def test_heavy_work_steps_back_with_its_threads_and_networks() -> None:
    network = open_file(next(WEIGHTS.glob("film_kind*.onnx")))
    found: list[object] = []

    def work() -> None:
        found.append(network.session)
        helper = threading.Thread(target=lambda: found.append(priority.is_behind()))
        helper.start()
        helper.join()

    ticket = Queue().add(Ticket("a", work, threading.Event()))
    until(lambda: ticket.state == "ended")
    assert not priority.is_behind()
    assert found[0] is not network.session
    assert found[1] is True
