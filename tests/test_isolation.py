"""Nothing of one visitor reaches another, or stays in what the server keeps for all."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.runtime.caching import cache_data_api, cache_resource_api
from streamlit.runtime.memory_session_storage import MemorySessionStorage

from core.images import Radiograph, Volume
from core.phantoms.hand.phantom import hand_phantom
from core.phantoms.limb.phantom import LimbPhantom, limb_phantom
from pages.shared import background, server
from tests.page_runner import opened
from tests.visitor import Visitor, served

NAME = "Roentgen_Anna_PID4711.png"


@cache
def films(task: str) -> tuple[bytes, bytes]:
    """Two films that the task reads, as files."""
    if task == "fracture":
        made = [limb_phantom(LimbPhantom(seed=seed))[0] for seed in (901, 902)]
    else:
        made = [hand_phantom(seed).image for seed in (901, 902)]
    return encoded(made[0]), encoded(made[1])


def encoded(film: Radiograph) -> bytes:
    out = BytesIO()
    Image.fromarray((film.pixels[::2, ::2] * 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def kept_for_all() -> Iterator[tuple[str, Any]]:
    """What lies in every cache of the server that is no session's: a name for it, and itself."""
    for name, one in cache_data_api._data_caches._function_caches.get(None, {}).items():
        for key, packed in one.storage._mem_cache.items():  # type: ignore[attr-defined]
            yield f"{name} {key}", pickle.loads(packed)
    for name, two in cache_resource_api._resource_caches._function_caches.get(None, {}).items():
        for key, result in two._mem_cache.items():
            yield f"{name} {key}", result.value
    yield from ((f"background {key}", value) for key, value in results().items())


def results() -> dict[Any, Any]:
    return background._results().by_question


def within(thing: Any, most: int = 20_000) -> Iterator[Any]:
    """A thing and what it refers to, code and modules aside."""
    seen, waiting = {id(thing)}, [thing]
    while waiting and len(seen) < most:
        one = waiting.pop()
        yield one
        if isinstance(one, type) or type(one).__name__ in ("function", "module", "method"):
            continue
        new = [other for other in gc.get_referents(one) if id(other) not in seen]
        seen.update(map(id, new))
        waiting += new


@pytest.mark.parametrize("page", ["fracture", "bone_age"])
def test_no_cache_of_the_server_keeps_an_upload(page: str) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()
    results(), background.queue()  # made at their first use
    first, second = films(page)
    app = opened(page)
    names: list[set[str]] = []
    for number, film in enumerate((first, second)):
        app.upload((f"{number}{NAME}", film, "image/png"))
        for part in ("Steps", "Explain"):
            app.more(part)
            assert app.metrics
        names.append({name for name, _ in kept_for_all()})
    new = [value for name, value in kept_for_all() if name in names[1] - names[0]]
    assert not new, "the second upload left something for all"
    for name, value in kept_for_all():
        for one in within(value):
            if isinstance(one, Radiograph | Volume):
                assert one.is_public, name
            assert not (isinstance(one, bytes) and len(one) > 64 and one in (first, second)), name
            assert not (isinstance(one, str) and NAME in one), name


def test_two_visitors_see_nothing_of_each_other() -> None:
    with served() as running:
        anna, berta = (Visitor(running.port, "fracture") for _ in "ab")
        for visitor in (anna, berta):
            visitor.choose("fracture_source", "Upload")
        anna.send_files("Radiographs", (NAME, films("fracture")[0]))
        (threshold,) = (one for one in anna.slider if one.label == "Confidence threshold")
        threshold.set_value(0.05).run()
        assert NAME in anna.everything
        assert anna.metrics
        berta.run()
        assert berta.session != anna.session
        assert NAME not in berta.everything
        assert not berta.metrics
        berta.send_files("Radiographs", ("other.png", films("fracture")[1]))
        assert NAME not in berta.everything
        assert "0.05" not in berta.query
        mine, hers = (
            next(one.proto.default[0] for one in visitor.slider if one.key == threshold.key)
            for visitor in (anna, berta)
        )
        assert mine == hers  # the default: what Anna set is hers alone
        address = f"{anna.address}/_stcore/upload_file/{anna.session}/{next(iter(anna.sent))}"
        answer = berta.browser.get(address, timeout=10)
        assert answer.status_code >= 400 or b"<title>Streamlit" in answer.content
        for visitor in (anna, berta):
            visitor.go("chest")
            assert NAME not in visitor.everything
            visitor.close()
        running.process.terminate()
        running.process.wait(30)
        assert NAME not in running.log.read_text()


def test_sessions_that_do_not_come_back_are_ended() -> None:
    now = [0.0]
    storage = MemorySessionStorage(ttl_seconds=120)
    storage._cache._timer = lambda: now[0]  # type: ignore[attr-defined]
    ended: list[str] = []

    class Session:
        def __init__(self, name: str) -> None:
            self.id = name

        def shutdown(self) -> None:
            ended.append(self.id)

    class Info:
        def __init__(self, name: str) -> None:
            self.session = Session(name)

    storage.save(Info("early"))  # type: ignore[arg-type]  # a stand-in
    now[0] = 60.0
    storage.save(Info("late"))  # type: ignore[arg-type]
    assert server.forget_ended(storage) == 0
    now[0] = 150.0
    assert server.forget_ended(storage) == 1
    assert ended == ["early"]
    server.give_back_memory()
    gc.unfreeze()
