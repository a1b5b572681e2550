"""What stands behind every page: the tests' runner, cached answers, and background runs."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st

from core.images import Radiograph
from core.stages import Cancelled
from pages.shared import background, caching
from tests.page_runner import PageError, PageTest

FILM = Radiograph(np.zeros((4, 6), np.float32), "a" * 64)
CALLS: Counter[str] = Counter()

SCRIPT = """
import streamlit as st
from pages.shared import background
from tests.test_page_runner import worked

number = st.slider("Number", 0, 9, key="number")
done = background.result("page_runner", number, worked(number), is_public=True)
if done is not None:
    st.metric("Square", done)
if st.button("Break", key="break"):
    raise ValueError("broken here")
"""


def worked(number: int):  # type: ignore[no-untyped-def]
    def work(run: background.Run[int]) -> int:
        CALLS["work"] += 1
        run.report(0.5, "Halfway")
        return number**2

    return work


@pytest.fixture
def page(tmp_path: Path) -> PageTest:
    st.cache_resource.clear()
    CALLS.clear()
    script = tmp_path / "page.py"
    script.write_text(SCRIPT)
    test = PageTest(str(script), default_timeout=30)
    test.run()
    return test


def test_exception_after_a_click_fails_the_test(page: PageTest) -> None:
    with pytest.raises(PageError, match="1 exceptions on the page"):
        page.button(key="break").click().run()


def test_background_result_comes_back_on_later_runs_and_for_other_users(page: PageTest) -> None:
    page.slider(key="number").set_value(3).run()
    assert page.metrics == {"Square": "9"}
    page.slider(key="number").set_value(0).run()
    assert page.metrics == {"Square": "0"}
    other = PageTest(page._script_path, default_timeout=30)
    other.run()
    other.slider(key="number").set_value(3).run()
    assert other.metrics == {"Square": "9"}
    assert CALLS["work"] == 2


def test_cancelled_run_ends_at_its_next_report() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(run: background.Run[int]) -> int:
        begun.set()
        go_on.wait(10)
        run.report(0.5, "after the cancel")
        return 1

    run = background.run("place", "question", work)
    begun.wait(10)
    run.cancel()
    go_on.set()
    with pytest.raises(Cancelled):
        run.future.result(10)
    assert run.state == "cancelled"


def test_answers_about_public_images_are_kept_and_those_about_uploads_are_their_sessions() -> None:
    st.cache_data.clear()
    asked: list[str] = []

    @caching.answer(max_entries=4)
    def shape(image: Radiograph, times: int) -> int:
        asked.append(image.digest)
        return image.shape[0] * times

    phantom = replace(FILM, is_public=True)
    assert [shape(phantom, 2), shape(image=replace(phantom, title="again"), times=2)] == [8, 8]
    assert len(asked) == 1
    assert [shape(FILM, 2), shape(FILM, 2)] == [8, 8]  # no session here: nothing may be kept
    assert len(asked) == 3


ALBUM = """
import streamlit as st
from tests.test_page_runner import FILM, heat, outline
from dataclasses import replace

number = st.slider("Film", 0, 9, key="number")
film = replace(FILM, digest=str(number) * 64)
st.metric("Heat", heat(film) + outline(image=film, times=2))
"""


@caching.answer(max_entries=16)
def heat(image: Radiograph) -> int:
    CALLS[f"heat {image.digest[0]}"] += 1
    return int(image.digest[0])


@caching.answer(max_entries=16)
def outline(image: Radiograph, times: int) -> int:
    CALLS[f"outline {image.digest[0]}"] += 1
    return times * int(image.digest[0])


def test_a_session_keeps_the_pictures_of_its_last_uploads_only(tmp_path: Path) -> None:
    st.cache_data.clear()
    CALLS.clear()
    script = tmp_path / "album.py"
    script.write_text(ALBUM)
    page = PageTest(str(script), default_timeout=30)
    page.run()
    shown = [0, 1, 0, 2, 0, 1]
    for number in shown:
        page.slider(key="number").set_value(number).run()
        assert page.metrics == {"Heat": str(3 * number)}
    # The film looked at again stays; the one not looked at for longest is asked about anew.
    for of in ("heat", "outline"):
        assert [CALLS[f"{of} {film}"] for film in range(3)] == [1, 2, 1]
