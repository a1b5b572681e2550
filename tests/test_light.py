"""The light install is the full one without frameworks, and says what is missing in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

from core.errors import missing_package
from pages.shared import views

ROOT = Path(__file__).parents[1]
FRAMEWORKS = {
    "torch", "torchvision", "ultralytics", "grad-cam", "tensorflow", "keras", "torchio",
    "safetensors", "onnx", "albumentationsx", "opencv-python", "matplotlib",
}  # fmt: skip


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    words = [line.split()[0] for line in lines if line and not line.startswith("#")]
    return dict(word.split("==", 1) for word in words)


def test_light_install_has_the_pins_of_the_full_one_without_the_frameworks() -> None:
    full, light = pins("requirements.txt"), pins("requirements-light.txt")
    assert light == {name: pin for name, pin in full.items() if name not in FRAMEWORKS}


def test_missing_framework_is_a_sentence_and_any_other_package_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(st, "info", lambda words, icon: said.append(words))

    def without() -> None:
        raise ModuleNotFoundError("No module named torch.nn", name="torch.nn")

    assert views.show_error(without) is None
    assert "needs the package torch" in said[0]
    with pytest.raises(ModuleNotFoundError):
        missing_package(ModuleNotFoundError("No module named numpy", name="numpy"))
