"""Many heads at once: one line and one mask each, and one opened by a click."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest

from core.files.volume import nifti_bytes
from core.images import Volume
from core.phantoms.head.phantom import random_head
from core.skull_strip import OURS, Settings
from models.cards import ModelCard
from models.skull_strip.predict import BrainMask
from pages.tasks.skull_strip import loaders
from pages.tasks.skull_strip.many_films import heads
from tests import page_runner
from tests.files.volume_files import nifti, scan

PAGE = "skull_strip"


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Says that the middle of every head is brain; lists the heads it saw."""
    seen: list[str] = []

    def segment(card: ModelCard, volume: Volume, settings: Settings | None = None) -> BrainMask:
        seen.append(volume.digest)
        mask = np.zeros(volume.voxels.shape, np.uint8)
        i, j, k = (n // 4 for n in mask.shape)
        mask[i:-i, j:-j, k:-k] = 1
        return BrainMask(mask, volume.affine, OURS.threshold)

    monkeypatch.setattr(loaders, "segment", segment)
    yield seen


def test_batch_of_heads_goes_on_past_what_is_none(network: list[str]) -> None:
    head = random_head(1, 4.0).volume
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.nii.gz", nifti_bytes(head.voxels, head))
        archive.writestr("two.nii.gz", nifti_bytes(head.voxels[::-1].copy(), head))
    app = page_runner.page(PAGE)
    app.session_state[f"{PAGE}_mode"] = "Many heads"
    app.run()
    assert "python -m models.score skull_strip" in app.code[0].value
    files = [("all.zip", packed.getvalue(), ""), ("notes.nii", b"no volume", "")]
    app.file_uploader(key=f"{PAGE}_batch").set_value(files).run()
    assert app.metrics["Heads read"] == "2 of 3"
    assert sorted(app.dataframe[0].value["file"]) == ["all.zip/one.nii.gz", "all.zip/two.nii.gz"]
    assert app.words.count("notes.nii") == 1
    assert len(network) == 2


def test_loose_slices_are_one_head_and_a_zip_of_slices_another() -> None:
    slice_bytes = b"\0" * 128 + b"DICM" + b"\0" * 64
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("1.dcm", slice_bytes)
    files = [("1", slice_bytes), ("s.zip", packed.getvalue()), ("2", slice_bytes)]
    files.append(("head.nii", nifti(scan(), np.eye(4))))
    found = {name: len(contents) for name, contents in heads(iter(files))}  # type: ignore[arg-type]
    assert found == {"s.zip": 1, "head.nii": 1, "DICOM series": 2}
