"""Formats of two files and MINC: read in a process of their own, right, within limits."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.files.volume import read_volume
from core.files.volume_foreign import clear_leftovers, endings_of, read_foreign
from tests.files.volume_files import oblique_affine, scan, zipped

DATA = Path(nib.__file__).parent / "tests" / "data"  # comes with nibabel


def pair(kind: type) -> list[tuple[str, bytes]]:
    image = kind(scan(), oblique_affine("PIR") if kind is nib.Nifti1Pair else None)
    if kind is not nib.Nifti1Pair:
        image.header.set_zooms((6.0, 5.0, 4.0))
    made = image.make_file_map({"header": "a.hdr", "image": "a.img"})
    with tempfile.TemporaryDirectory() as folder:
        for one in made.values():
            one.filename = f"{folder}/{one.filename}"
        image.to_file_map(made)
        return [(name, Path(folder, name).read_bytes()) for name in ("a.hdr", "a.img")]


def sample(*names: str) -> list[tuple[str, bytes]]:
    return [(name, (DATA / name).read_bytes()) for name in names]


def test_nifti_pair_and_its_zip_are_as_the_single_file() -> None:
    files = pair(nib.Nifti1Pair)
    found = [read_volume(files), read_volume([("a.zip", zipped(files))])]
    for volume in found:
        assert volume.voxels.shape != scan().shape  # turned to RAS
        assert sorted(volume.voxels.shape) == sorted(scan().shape)
        assert volume.source is not None
        np.testing.assert_allclose(volume.source.affine, oblique_affine("PIR"), atol=1e-4)
        assert volume.voxels.sum() == pytest.approx(float(scan().sum()), rel=1e-5)


def test_analyze_pair_says_that_its_sides_are_a_guess() -> None:
    volume = read_volume(pair(nib.AnalyzeImage)[::-1])
    assert volume.spacing_mm == pytest.approx((6.0, 5.0, 4.0))
    assert any("swapped" in note for note in volume.notes)
    np.testing.assert_allclose(volume.voxels, scan(), rtol=1e-4)


@pytest.mark.parametrize(
    ("names", "kind", "shape", "volumes"),
    [
        (("example4d+orig.HEAD", "example4d+orig.BRIK.gz"), "AFNI", (33, 41, 25), 3),
        (("phantom_EPI_asc_CLEAR_2_1.PAR", "phantom_EPI_asc_CLEAR_2_1.REC"), "PAR", (64, 64, 9), 3),
        (("minc1_4d.mnc",), "MINC", (10, 20, 20), 2),
    ],
)
def test_samples_of_nibabel_are_as_it_reads_them(
    names: tuple[str, ...], kind: str, shape: tuple[int, ...], volumes: int
) -> None:
    found = endings_of(sample(*names))
    assert found is not None
    stored = read_foreign(found, 1)
    assert (stored.array.shape, stored.volumes) == (shape, volumes)
    assert stored.kind.startswith(kind)
    image = nib.load(DATA / names[0])
    every = np.asanyarray(image.dataobj)
    expected = every[1] if kind == "MINC" else every[..., 1]
    np.testing.assert_allclose(stored.array, expected, rtol=1e-5)
    np.testing.assert_allclose(stored.affine, image.affine, atol=1e-6)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("a.HEAD", b"x")], "Add the .brik"),
        ([("a.img", b"x" * 999)], "Add the .hdr"),
        ([("a.hdr", b"x" * 348), ("a.img", b"y")], "damaged"),
        ([("a.par", b"# none"), ("a.rec", b"y")], "damaged"),
        ([("a.mnc", b"CDF\x01" + b"\xff" * 400)], "damaged"),
        ([("a.mnc", b"\x89HDF\r\n\x1a\n" + b"\xff" * 400)], "damaged"),
    ],
)
def test_what_cannot_be_read_is_a_sentence_and_leaves_nothing(
    files: list[tuple[str, bytes]], words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # others read at the same time
    with pytest.raises(ImagingError, match=words):
        read_volume(files)
    assert not list(tmp_path.iterdir())


def test_pair_that_promises_more_than_there_is_or_fits_is_refused() -> None:
    (_, header), (_, voxels) = pair(nib.Nifti1Pair)
    huge = bytearray(header)
    huge[42:48] = np.array([32000] * 3, "<i2").tobytes()
    with pytest.raises(UnsuitableInputError, match="limit"):
        read_volume([("a.hdr", bytes(huge)), ("a.img", voxels)])
    with pytest.raises(UnreadableImageError):
        read_volume([("a.hdr", header), ("a.img", voxels[:100])])


def test_file_of_another_kind_is_not_taken_for_half_of_a_pair() -> None:
    slice_bytes = b"\0" * 128 + b"DICM" + b"\0" * 64
    assert endings_of([("a.img", slice_bytes)]) is None
    assert endings_of([("a.img", b"x"), ("b.img", b"y")]) is None
    assert endings_of([("a.hdr", b"x"), ("b.rec", b"y")]) is None


def test_folders_of_a_killed_server_are_removed_at_the_next_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, new = tmp_path / "lightbox-scan-old", tmp_path / "lightbox-scan-new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "scan.img").write_bytes(b"x")
    os.utime(old, (time.time() - 4000,) * 2)
    clear_leftovers()
    assert [path.name for path in tmp_path.iterdir()] == ["lightbox-scan-new"]
