"""Networks of the fracture page whose answers are known, and films to show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
import streamlit as st

from core.detections import Detections
from core.film_kind import KINDS, ORIENTATIONS, FilmKind
from core.images import Radiograph
from models.film_kind import recognise
from models.fracture import classify, predict
from tests import page_runner
from tests.files.radiograph_files import raster
from tests.page_runner import PageTest

BOX = [10.0, 8.0, 30.0, 24.0]
WEAK = [40.0, 30.0, 60.0, 44.0]
FILM = ("film.png", raster(), "image/png")
BROKEN = ("broken.png", b"\x89PNG\r\n\x1a\nnothing more", "image/png")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Both models answer the same on every film, and every call of theirs is counted."""
    counted: Counter[str] = Counter()

    def proposals(model: object, image: Radiograph) -> Detections:
        counted["detector"] += 1
        boxes = np.array([BOX, np.add(BOX, 1), WEAK], np.float32)
        return Detections(boxes, np.array([0.9, 0.8, 0.4], np.float32))

    def probability(model: object, image: Radiograph) -> float:
        counted["classifier"] += 1
        return 0.1

    def opinion(model: object, image: Radiograph) -> classify.Classification:
        heat = np.zeros(image.shape, np.float32)
        heat[8:24, 10:30] = 1
        return classify.Classification(0.1, heat)

    monkeypatch.setattr(predict, "load_model", lambda card: predict.Model(lambda seen: None))  # type: ignore[arg-type,return-value]
    monkeypatch.setattr(predict, "proposals", proposals)
    monkeypatch.setattr(classify, "load_classifier", lambda card: object())
    monkeypatch.setattr(classify, "probability", probability)
    monkeypatch.setattr(classify, "classify", opinion)
    monkeypatch.setattr(recognise, "load_model", lambda card: object())
    monkeypatch.setattr(recognise, "recognise", lambda model, image: kind_of("limb"))
    st.cache_resource.clear()
    st.cache_data.clear()
    yield counted
    st.cache_resource.clear()
    st.cache_data.clear()


def kind_of(kind: str) -> FilmKind:
    """What the network that knows films says of one that is surely of a kind."""
    lies = {one: float(one == "upright") for one in ORIENTATIONS}
    return FilmKind({one: float(one == kind) for one in KINDS}, lies, 0.0, 0.5)


def opened() -> PageTest:
    return page_runner.opened("fracture")


def with_upload(
    *files: tuple[str, bytes, str], truth: tuple[str, bytes, str] | None = None
) -> PageTest:
    app = opened().upload(*files)
    if truth is not None:
        app.file_uploader(key="fracture_truth").set_value([truth]).run()
    return app


def threshold(app: PageTest) -> str:
    return next(slider.key for slider in app.slider if slider.label == "Confidence threshold")
