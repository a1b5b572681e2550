"""Networks of the chest page whose answers are known, and films to show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st

from core.chest.result import Findings
from core.film_kind import KINDS, ORIENTATIONS, FilmKind
from core.images import Radiograph
from core.stages import Step
from models.chest import heatmaps, predict, segment
from models.film_kind import recognise
from pages.tasks.chest import loaders as chest_loaders
from tests import page_runner
from tests.files.radiograph_files import raster
from tests.page_runner import PageTest

FILM = ("film.png", raster(), "image/png")


OTHER = ("other.png", raster(pixels=np.fliplr(np.eye(64, dtype=np.uint8) * 200)), "image/png")


BROKEN = ("broken.png", b"\x89PNG\r\n\x1a\nnothing more", "image/png")


LABELS = ("Cardiomegaly", "Effusion", "Pleural_Thickening")


CHANCES = {"Cardiomegaly": 0.6, "Effusion": 0.1, "Pleural_Thickening": 0.05}


POINTS = {"Cardiomegaly": 0.3, "Effusion": 0.08, "Pleural_Thickening": 0.07}


def masks_of(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Lungs over the middle four fifths, and a heart of half their width."""
    height, width = shape
    masks = {name: np.zeros(shape, bool) for name in ("left_lung", "right_lung", "heart")}
    tenth = width // 10
    masks["right_lung"][height // 5 : -height // 5, tenth : 4 * tenth] = True
    masks["left_lung"][height // 5 : -height // 5, 6 * tenth : 9 * tenth] = True
    masks["heart"][height // 2 : -height // 5, 3 * tenth : 7 * tenth] = True
    return masks


def kind_of(kind: str = "chest", orientation: str = "upright", inverted: float = 0.0) -> FilmKind:
    kinds = dict.fromkeys(KINDS, 0.0) | {kind: 1.0}
    orientations = dict.fromkeys(ORIENTATIONS, 0.0) | {orientation: 1.0}
    return FilmKind(kinds, orientations, inverted, 1.0)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """All networks answer the same on every film, and every call of theirs is counted."""
    counted: Counter[str] = Counter()

    def classify(model: Any, image: Radiograph) -> Findings:
        counted["classify"] += 1
        kept = {label: CHANCES[label] for label in model.labels}
        points = {label: POINTS[label] for label in model.labels}
        return Findings(kept, points, "stand-in", 128)

    def segmented(model: Any, image: Radiograph) -> dict[str, np.ndarray]:
        counted["segment"] += 1
        return masks_of(image.shape)

    def class_map(
        model: Any, image: Radiograph, finding: str, method: str = "Grad-CAM", layer: str = "last"
    ) -> heatmaps.HeatMap:
        counted["heat"] += 1
        values = np.zeros(image.shape, np.float32)
        values[image.shape[0] // 2 :, image.shape[1] // 3 :] = 0.4
        values[-4:, -4:] = 1
        return heatmaps.HeatMap(values, finding, method, layer, (8, 8))

    def features(
        model: Any, image: Radiograph, count: int, layer: str = "last"
    ) -> heatmaps.FeatureMaps:
        maps = np.linspace(0, 1, count * 12, dtype=np.float32).reshape(count, 3, 4)
        return heatmaps.FeatureMaps(maps, tuple(range(count)), (1.0,) * count, layer, 99)

    class Worker:
        """Stands in for the process that holds PyTorch."""

        def __init__(self, network: str) -> None:
            counted["workers"] += 1

        def call(
            self, function: str, card: Any, image: Radiograph, *asked: Any, cancelled: Any
        ) -> Any:
            assert not cancelled()
            if function.endswith(":explain"):
                return class_map(None, image, *asked)
            return features(None, image, asked[1], asked[0])

    def load(card: Any) -> Any:
        labels = LABELS if len(card.labels) > 1 else ("Cardiomegaly",)
        return SimpleNamespace(labels=labels)

    monkeypatch.setattr(predict, "load_model", load)
    monkeypatch.setattr(predict, "classify", classify)
    monkeypatch.setattr(
        predict, "steps", lambda model, image: [Step("Square", image.pixels, {}, "Because.")]
    )
    monkeypatch.setattr(segment, "load_model", lambda card: None)
    monkeypatch.setattr(segment, "segment", segmented)
    monkeypatch.setattr(heatmaps, "class_map", class_map)
    monkeypatch.setattr(heatmaps, "last_features", features)
    monkeypatch.setattr(chest_loaders, "Worker", Worker)
    monkeypatch.setattr(recognise, "load_model", lambda card: None)
    monkeypatch.setattr(recognise, "recognise", lambda model, image: kind_of())
    st.cache_resource.clear()
    st.cache_data.clear()
    yield counted
    st.cache_resource.clear()
    st.cache_data.clear()


def opened() -> PageTest:
    return page_runner.opened("chest")


def with_upload(*files: tuple[str, bytes, str]) -> PageTest:
    return opened().upload(*files)


def finding(app: PageTest) -> Any:
    """The choice of the heat map's finding, which goes with the film."""
    return next(box for box in app.selectbox if str(box.key).startswith("chest_finding_"))


def in_a_thread(task: Callable[[], bytes]) -> bytes:
    """What a task returns in a thread without a session, as downloads are made."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(task).result()


def seen_as(monkeypatch: pytest.MonkeyPatch, kind: FilmKind) -> None:
    monkeypatch.setattr(recognise, "recognise", lambda model, image: kind)
