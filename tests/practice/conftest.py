"""What the Practice page finds, sends and is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from pages.tasks.practice import film, kept, model_answers
from tests.practice.stand_in import World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    st.cache_resource.clear()
    st.cache_data.clear()
    made = World(tmp_path)
    monkeypatch.setattr(kept, "open_case", made.open_case)
    monkeypatch.setattr(kept, "Store", lambda: made.store)
    monkeypatch.setattr(model_answers, "answer", made.answer)
    yield made
    made.store.close()
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Everything that is sent to the browser to be shown, in order."""
    messages: list[bytes] = []
    enqueue = ForwardMsgQueue.enqueue

    def noted(self: ForwardMsgQueue, message: Any) -> None:
        if message.WhichOneof("type") == "delta":
            messages.append(message.SerializeToString(deterministic=True))
        enqueue(self, message)

    monkeypatch.setattr(ForwardMsgQueue, "enqueue", noted)
    return messages


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Boxes as the browser would send them."""
    boxes: list[tuple[float, ...]] = []

    def component(**given: Any) -> Any:
        return SimpleNamespace(drawn={"id": given["data"]["id"], "boxes": boxes})

    monkeypatch.setattr(film, "_boxes", component)

    def draw(*now: tuple[float, ...]) -> None:
        boxes[:] = now

    return draw
