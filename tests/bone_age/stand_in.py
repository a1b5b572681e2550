"""Networks of the bone-age page whose answers are known, and films to show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
import streamlit as st

from core.bone_age.geometry import View
from core.bone_age.result import BoneAge, Member
from core.images import FloatArray, Radiograph
from core.phantoms.hand.phantom import hand_phantom
from core.stages import run_stages
from models.bone_age import explain, predict
from models.bone_age.pipelines import stages_of
from models.cards import ModelCard
from pages.shared import input_check
from pages.tasks.bone_age import loaders as bone_age_loaders
from pages.tasks.bone_age import sidebar as bone_age_inputs
from tests import page_runner
from tests.files.radiograph_files import raster
from tests.page_runner import PageTest

FILM = ("film.png", raster(), "image/png")
BROKEN = ("broken.png", b"\x89PNG\r\n\x1a\nnothing more", "image/png")
FOOT = "This looks like another part of the limbs (98\u00a0%). Expected is one whole hand."


class Networks:
    """Answer 100 months, 6 more for a boy, 5 more for every stage left out; count their calls."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.blind = False

    def estimate(
        self,
        card: ModelCard,
        image: Radiograph,
        sex: str | None,
        skip: Collection[str] = (),
        parameters: Mapping[str, Any] | None = None,
    ) -> BoneAge:
        self.calls["estimate"] += 1
        steps = run_stages(image.pixels, stages_of("whole_hand", **(parameters or {})), skip=skip)
        months = 100.0 + 6 * (sex == "M") + 5 * len(skip) + 3 * len(parameters or {})
        seen = np.zeros((8, 6), np.float32)
        views = (View((0, 0, 6, 8), np.diag([6 / image.shape[1], 8 / image.shape[0], 1.0])),)
        attention = None if self.blind else np.eye(4, 3, dtype=np.float32)
        members = {
            name: Member(months, weight, seen, views, attention)
            for name, weight in (("lite0", 0.25), ("landmark", 0.75))
        }
        return BoneAge(months, months - 10, months + 12, sex, card.name, steps, seen, members)

    def call(
        self, function: str, name: str, sha256: str, image: Radiograph, sex: str | None
    ) -> dict[str, FloatArray]:
        self.calls[function.split(":")[1]] += 1
        heat = np.eye(*image.shape, dtype=np.float32)
        return {"lite0": heat, "landmark": heat[::-1]}

    def occlusion(
        self, model: Any, image: Radiograph, sex: str | None, progress: Any
    ) -> FloatArray:
        self.calls["occlusion"] += 1
        progress(0.5, "half")
        return np.eye(*image.shape, dtype=np.float32) * -7


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Networks:
    """Networks whose answers are known; every film is taken for a hand."""
    found = Networks()
    monkeypatch.setattr(bone_age_loaders, "model", lambda card: card)
    monkeypatch.setattr(bone_age_loaders, "gradients", lambda: found)
    monkeypatch.setattr(predict, "estimate", found.estimate)
    monkeypatch.setattr(explain, "occlusion", found.occlusion)
    monkeypatch.setattr(input_check, "problem", lambda image, wanted: ("", None))
    small = partial(hand_phantom, shape=(160, 128))
    monkeypatch.setattr(bone_age_inputs, "hand_phantom", small)
    st.cache_data.clear()  # PageTest gives every test the same session; phantoms stay
    return found


def opened() -> PageTest:
    return page_runner.opened("bone_age")


def with_upload(*files: tuple[str, bytes, str]) -> PageTest:
    return opened().upload(*files)
