"""Files that a person could bring, made once, and a folder of their own for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.cards import ModelCard, own_files
from models.own import keep
from models.own.guess import Guess, guess
from models.own.network_file import look
from models.own.roles import card_of
from models.worker import Worker

CONVERT = "models.own.convert:convert"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, worker: Worker) -> Path:
    """Networks with random weights, of every kind of file."""
    folder = tmp_path_factory.mktemp("made")
    worker.call("tests.own.made:make", folder)
    (folder / "renamed.onnx").write_text("This is a text file.\n" * 50)
    (folder / "renamed.keras").write_text("This is a text file.\n" * 50)
    (folder / "renamed.pt").write_text("This is a text file.\n" * 50)
    whole = (folder / "mobilenet.onnx").read_bytes()
    (folder / "cut_short.onnx").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.onnx").write_bytes(b"")
    return folder


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """The process that converts."""
    one = Worker("models.own.convert")
    yield one
    one.close()


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for what a person keeps."""
    monkeypatch.setenv("LIGHTBOX_DATA", str(tmp_path))
    return tmp_path


def guessed(source: Path, role: str, worker: Worker | None = None, **given: Any) -> tuple:
    """The ONNX file of a source in the person's folder, and what it tells."""
    own_files().mkdir(parents=True, exist_ok=True)
    target = own_files() / f"draft-{source.stem}-{role}.onnx"
    if worker is None:
        shutil.copy(source, target)
    else:
        asked = (given.get("architecture", ""), given.get("side", 0), given.get("trusted", False))
        worker.call(CONVERT, source, target, role, *asked)
    file = look(target)
    return file, guess(file, role)


def card(file: Any, told: Guess, role: str, title: str = "My model", **more: str) -> ModelCard:
    """A draft's card."""
    return card_of(role, file.path.name, file.sha256, told.reads, told.labels, title=title, **more)


def kept(source: Path, role: str, title: str = "My model") -> ModelCard:
    """An ONNX file, kept as a model."""
    file, told = guessed(source, role)
    return keep.keep(card(file, told, role, title), file.path)
