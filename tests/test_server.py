"""What the server does before anybody comes: page addresses, and opening cases computed ahead."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.errors import WeightsError
from models.fracture import predict
from pages.shared import background, server, warm
from tests.page_runner import opened


def test_page_address_has_the_app_and_tells_where_the_server_is() -> None:
    client = TestClient(Starlette(routes=server.page_routes(["fracture"])))
    answer = client.get("/fracture")
    assert answer.status_code == 200
    assert "BACKEND_BASE_URL" in answer.text
    assert 'src="./' not in answer.text
    assert client.get("/elsewhere").status_code == 404


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

    seen = Seen()
    warm.run([partial(done.append, "first"), missing, partial(done.append, "last")], seen)
    assert done == ["first", "last"]
    assert seen.looks > 4


def test_first_visitor_finds_the_opening_case_of_the_fracture_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: Counter[str] = Counter()
    real = predict.candidates

    def counted(*args: object) -> object:
        calls["detector"] += 1
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(predict, "candidates", counted)
    st.cache_data.clear()
    warm._compute("fracture")()
    assert calls["detector"] == 1
    assert opened("fracture").metric
    assert calls["detector"] == 1


def test_public_work_done_ahead_is_found() -> None:
    st.cache_resource.clear()
    background.ahead("place", "question", lambda run: 7)
    assert background._results().by_question["place", "question"] == 7
