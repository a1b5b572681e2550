"""What the server does before anybody comes: page addresses, and opening cases computed ahead."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.runtime.scriptrunner import script_runner

from core.errors import WeightsError
from models.onnx_runtime import Network
from pages.shared import background, server, warm
from pages.tasks.fracture import opening as fracture_opening
from pages.tasks.skull_strip import opening as head_opening
from tests.page_runner import opened


def test_page_address_has_the_app_and_tells_where_the_server_is() -> None:
    client = TestClient(Starlette(routes=server.page_routes(["fracture"])))
    answer = client.get("/fracture")
    assert answer.status_code == 200
    assert "BACKEND_BASE_URL" in answer.text
    assert 'src="./' not in answer.text
    assert client.get("/elsewhere").status_code == 404


def test_page_loads_its_scripts_beside_streamlits_own() -> None:
    client = TestClient(Starlette(routes=server.page_routes(["fracture"])))
    told = client.get("/fracture").text
    scripts = Path(str(files("streamlit").joinpath("static", "static", "js")))
    for element in server.ELEMENTS:  # under the names that this Streamlit gives them
        (name,) = [one.name for one in scripts.glob(f"{element}.*.js")]
        assert told.count(f'<link rel="modulepreload" crossorigin href="/static/js/{name}">') == 1
    assert 'import("/static/js/PlotlyChart.' in told


def test_script_brings_what_it_imports_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "Slider.a1.js").write_text('import{a}from"./track.b.js";import"./index.js";')
    (tmp_path / "track.b.js").write_text('import{c}from"./Slider.a1.js";import("./later.js")')
    (tmp_path / "index.js").write_text("")
    (tmp_path / "later.js").write_text("")
    assert server.scripts_of(tmp_path, ["Slider"]) == ["Slider.a1.js", "track.b.js", "index.js"]
    assert server.scripts_of(tmp_path, ["Dial"]) == []


def test_opening_cases_wait_for_visitors_and_survive_missing_weights() -> None:
    done: list[str] = []

    class Seen(warm.Visits):
        looks = 0

        @property
        def is_quiet(self) -> bool:
            self.looks += 1
            return self.looks > 2

    def missing() -> None:
        raise WeightsError("The weights are missing.")

    gc.unfreeze()  # what the tests have frozen
    seen = Seen()
    warm.run([partial(done.append, "first"), missing, partial(done.append, "last")], seen)
    assert done == ["first", "last"]
    assert seen.looks > 4
    assert gc.get_freeze_count() > 10_000  # what the libraries hold, out of every later collection
    gc.unfreeze()


def test_free_memory_is_returned_after_work_and_not_while_nobody_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    returned: list[float] = []
    clock = [0.0]
    loads = iter([2.0, 0.1, 0.9])  # seconds of CPU time between two looks

    async def slept(seconds: float) -> None:
        clock[0] += next(loads)

    monkeypatch.setattr(server, "clear_up", lambda: returned.append(clock[0]))
    monkeypatch.setattr(server.time, "process_time", lambda: clock[0])
    monkeypatch.setattr(server.runtime, "get_instance", MagicMock())
    monkeypatch.setattr(server.asyncio, "sleep", slept)
    with pytest.raises(RuntimeError):  # of the exhausted loads
        asyncio.run(server._forget())
    assert returned == [2.0, 3.0]


def test_no_script_run_stops_the_others_for_its_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    collected = MagicMock()
    monkeypatch.setattr(script_runner, "gc", collected)
    runner, context = MagicMock(), MagicMock(has_script_started=False)
    script_runner.ScriptRunner._on_script_finished(runner, context, MagicMock(), False, MagicMock())
    assert runner.on_event.send.called
    assert not collected.mock_calls


def test_garbage_of_script_runs_is_collected_at_the_next_look() -> None:
    class Film:
        pass

    film = Film()
    film.itself = film  # type: ignore[attr-defined]
    known = weakref.ref(film)
    del film
    server.clear_up()
    assert known() is None


def test_page_that_is_asked_for_is_begun_at_once_and_only_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    seen = warm.Visits()
    monkeypatch.setattr(warm, "visits", lambda: seen)
    monkeypatch.setattr(fracture_opening, "compute", partial(done.append, "fracture"))
    monkeypatch.setattr(head_opening, "compute", partial(done.append, "the page does this itself"))
    pages = ["fracture", "skull_strip"]
    client = TestClient(Starlette(routes=server.page_routes(pages, warm.expect)))
    for page in ("skull_strip", "fracture", "fracture"):
        assert not client.get(f"/{page}").is_error
    for thread in threading.enumerate():
        if thread.name.startswith("warm "):
            thread.join()
    assert done == ["fracture"]
    assert not seen.is_quiet  # the other pages' cases wait for this visitor
    warm.run([warm._compute("fracture")], None)
    assert done == ["fracture"]
    gc.unfreeze()


@pytest.mark.parametrize("task", ["fracture", "bone_age", "chest"])
def test_first_visitor_finds_the_opening_case(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: Counter[Network] = Counter()
    real = Network.__call__

    def counted(network: Network, *arrays: np.ndarray, **named: Sequence[str]) -> object:
        runs[network] += 1
        return real(network, *arrays, **named)

    monkeypatch.setattr(Network, "__call__", counted)
    st.cache_data.clear()
    st.cache_resource.clear()
    warm._compute(task)()
    ahead = runs.copy()
    assert ahead
    page = opened(task)
    assert page.metric
    # Neither the figures nor the part that opens first run a network again.
    assert runs == ahead
    # No film that waits is drawn first: the second and every later visitor loads one figure less.
    drawn = [chart.key for chart in page.get("plotly_chart")]
    assert f"{task}_viewer" in drawn
    assert f"{task}_waiting" not in drawn


def test_public_work_done_ahead_is_found() -> None:
    st.cache_resource.clear()
    background.ahead("place", "question", lambda run: 7)
    assert background._results().by_question["place", "question"] == 7


def test_work_ahead_rests_while_somebody_is_there_and_ends_where_it_is_answered() -> None:
    st.cache_resource.clear()
    said: list[str] = []

    def work(run: background.Run[int]) -> int:
        for stage in ("first", "second"):
            run.report(0.0, stage)
            said.append(stage)
        return 7

    background.ahead("place", "question", work, lambda: said.append("rest"))
    assert said == ["rest", "first", "rest", "second"]
    assert background._results().by_question["place", "question"] == 7

    def answered() -> None:  # the visitor for whom it rested asked the same
        background._results().put(("place", "other"), 8)

    said.clear()
    background.ahead("place", "other", work, answered)
    assert said == []
    assert background._results().by_question["place", "other"] == 8


def test_rest_lasts_as_long_as_pages_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    seen = warm.Visits()
    asked = iter([1.0, 5.0])

    def slept(seconds: float) -> None:
        clock[0] += seconds
        if (at := next(asked, None)) is not None:
            clock[0] = at
            seen.note()

    monkeypatch.setattr(warm.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(warm.time, "sleep", slept)
    seen.note()
    seen.rest()
    assert 5.0 + warm.QUIET_SECONDS < clock[0] <= 6.0 + warm.QUIET_SECONDS


def test_page_address_below_a_path_names_files_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", {"server.baseUrlPath": "/lightbox/"}.__getitem__)
    client = TestClient(Starlette(routes=server.page_routes(["fracture"])))
    for path in ("/lightbox", "/lightbox/", "/lightbox/fracture"):
        text = client.get(path).text
        assert "location.origin + '/lightbox/'" in text
        assert 'src="/lightbox/static/' in text
    assert client.get("/fracture").status_code == 404


def test_all_is_collected_when_nobody_is_there_or_it_was_long_ago() -> None:
    house = server.Housekeeping(left=0, _last=0.0)
    assert not house.is_due(True, 10.0)  # nobody has left anything
    house.left = 2
    assert not house.is_due(False, 20.0)  # somebody would feel it
    assert house.is_due(True, 30.0)
    assert not house.is_due(True, 40.0)
    house.left = 1
    assert not house.is_due(False, 30.0 + server.FULL_SECONDS)
    assert house.is_due(False, 31.0 + server.FULL_SECONDS)


def test_collections_that_became_slow_are_noticed() -> None:
    house = server.Housekeeping()
    gc.callbacks.append(house.note)
    try:
        gc.collect()
        assert house.seconds > 0
        young = house.seconds
        gc.collect(0)
        assert house.seconds == young
    finally:
        gc.callbacks.remove(house.note)
    house.seconds = server.SLOW_SECONDS * 2
    assert house.is_slow


def test_threads_take_short_turns_while_the_server_runs() -> None:
    before, begun = sys.getswitchinterval(), []
    app = Starlette(lifespan=server.lifespan(lambda: begun.append(True)))
    with TestClient(app):
        assert begun
        assert sys.getswitchinterval() == pytest.approx(server.SWITCH_SECONDS)
    assert sys.getswitchinterval() == before
