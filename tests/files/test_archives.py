"""Many files and zip archives: what is read, what is passed over and what is refused."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterable, Iterator
from io import BytesIO

import numpy as np
import pytest

from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.files import archives
from core.files.archives import contents_of
from core.files.radiograph import read_radiograph
from core.images import Radiograph
from tests.files.broken_files import NAME, damaged, noise, zipped
from tests.files.radiograph_files import dicom, film, raster


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, folder: str = "") -> bytes:
    """A zip archive, with an entry for a folder where one is named."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        if folder:
            archive.mkdir(folder)
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def read_many(
    files: Iterable[tuple[str, bytes]],
) -> Iterator[tuple[str, Radiograph | ImagingError]]:
    """The films of files and archives one by one, as a batch reads them."""
    for name, source in contents_of(files):
        try:
            yield name, source if isinstance(source, ImagingError) else read_radiograph(source)
        except ImagingError as err:
            yield name, err


def read_all(*files: tuple[str, bytes]) -> dict[str, Radiograph | ImagingError]:
    return dict(read_many(files))


def test_nothing_gives_nothing() -> None:
    assert read_all() == {}


def test_one_broken_file_does_not_stop_the_others() -> None:
    found = read_all(("a.png", raster()), ("b.png", b"junk"), ("c.dcm", dicom()))
    assert list(found) == ["a.png", "b.png", "c.dcm"]
    assert isinstance(found["a.png"], Radiograph)
    assert isinstance(found["b.png"], UnreadableImageError)
    assert isinstance(found["c.dcm"], Radiograph)


def test_files_are_read_one_at_a_time() -> None:
    taken: list[str] = []

    def files() -> Iterator[tuple[str, bytes]]:
        for name in ("a", "b"):
            taken.append(name)
            yield name, raster()

    reading = read_many(files())
    next(reading)
    assert taken == ["a"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archive_gives_its_images_in_their_order(method: int) -> None:
    turned = raster("PNG", film()[::-1].copy())
    source = packed({"two/b.png": turned, "a.dcm": dicom()}, method, folder="two")
    found = read_all(("films.zip", source))
    assert list(found) == ["films.zip/two/b.png", "films.zip/a.dcm"]
    image = found["films.zip/two/b.png"]
    assert isinstance(image, Radiograph)
    assert np.allclose(image.pixels, film()[::-1] / 255)


def test_archive_is_known_by_content() -> None:
    assert list(read_all(("films.png", packed({"a.png": raster()})))) == ["films.png/a.png"]


def test_junk_and_companions_are_passed_over() -> None:
    junk = ["__MACOSX/._a.png", ".DS_Store", "x/.hidden/b.png", "Thumbs.db", "DICOMDIR"]
    junk += ["labels/a.txt", "boxes.csv", "coco.json", "a.xml", "README.md"]
    source = packed({**dict.fromkeys(junk, b"junk"), "a.png": raster()}, folder="empty")
    assert list(read_all(("films.zip", source))) == ["films.zip/a.png"]


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("../../etc/passwd.png", "z/etc/passwd.png"),
        ("/root/a.png", "z/root/a.png"),
        ("C:\\films\\a.png", "z/C_/films/a.png"),
        ("..\\a.png", "z/a.png"),
        ("a\n\x1b[31m.png", "z/a[31m.png"),
    ],
)
def test_label_cannot_point_out_of_a_folder(path: str, label: str) -> None:
    assert list(read_all(("z", packed({path: raster()})))) == [label]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (zipped(), "holds no images"),
        (packed({"a.txt": b"text"}), "holds no images"),
        (packed({"a.png": raster()})[:-30], "damaged"),
        (b"PK\x03\x04" + noise(500).tobytes(), "damaged"),
    ],
)
def test_useless_archive_gives_one_error(source: bytes, words: str) -> None:
    found = read_all(("films.zip", source))
    assert list(found) == ["films.zip"]
    assert words in str(found["films.zip"])


def encrypted() -> bytes:
    """An archive whose entry is marked as encrypted, in both headers."""
    source = bytearray(packed({"a.png": raster()}))
    source[6] |= 1
    source[source.rfind(b"PK\x01\x02") + 8] |= 1
    return bytes(source)


def lying_about_size() -> bytes:
    """An archive whose directory says that a file is shorter than it is."""
    source = bytearray(packed({"a.png": raster()}, zipfile.ZIP_STORED))
    at = source.rfind(b"PK\x01\x02")
    source[at + 20 : at + 28] = struct.pack("<II", 100, 100)
    return bytes(source)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (packed({"a.png": packed({"b.png": raster()})}), "within a zip archive"),
        (encrypted(), "encrypted"),
        (packed({"a.png": raster()}, zipfile.ZIP_LZMA), "method"),
        (damaged(packed({"a.png": raster()}, zipfile.ZIP_STORED), b"IHDR"), "damaged"),
        (lying_about_size(), "damaged"),
        (packed({"a.png": b"junk"}), "unknown kind|text file"),
    ],
)
def test_unreadable_entry_gives_its_own_error(source: bytes, words: str) -> None:
    found = read_all(("z", source))
    assert list(found) == ["z/a.png"]
    assert re.search(words, str(found["z/a.png"]))
    assert isinstance(found["z/a.png"], ImagingError)


def test_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    source = packed({f"{i}.png": raster("BMP") for i in range(4)})
    size = len(raster("BMP"))
    monkeypatch.setattr(archives, "MAX_ARCHIVE_BYTES", 3 * size)
    kinds = [type(found) for found in read_all(("z", source)).values()]
    assert kinds == [Radiograph] * 3 + [UnsuitableInputError]
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", size - 1)
    assert {type(found) for found in read_all(("z", source)).values()} == {UnsuitableInputError}
    monkeypatch.undo()
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    found = read_all(("z", source))
    assert list(found) == ["z/0.png", "z/1.png", "z/2.png", "z"]
    assert "only the first 3" in str(found["z"])
    monkeypatch.setattr(archives, "MAX_ENTRIES", 3)
    assert "more than 3 entries" in str(read_all(("z", source))["z"])


def test_zip_bomb_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 10_000_000)
    source = packed({"a.png": bytes(archives.MAX_FILE_BYTES + 1)})
    assert len(source) < 20_000
    found = read_all(("z", source))
    assert "unpacks to more" in str(found["z/a.png"])


def test_errors_do_not_repeat_the_file_name() -> None:
    files = {f"{NAME}.dcm": b"\x00" * 500, f"{NAME}.4711.png": raster()[:90]}
    for error in read_all((f"{NAME}.zip", packed(files))).values():
        assert isinstance(error, ImagingError)
        assert "Roentgen" not in str(error)
        assert "4711" not in str(error)


def test_fuzzed_archives_raise_nothing() -> None:
    good = packed({"a.png": raster(), "b/c.dcm": dicom()})
    rng = np.random.default_rng(3)
    for _ in range(300):
        source = bytearray(good)
        for at in rng.integers(0, len(source), rng.integers(1, 12)):
            source[at] ^= 1 << int(rng.integers(8))
        for _, found in read_many([("z.zip", bytes(source[: rng.integers(4, len(source))]))]):
            assert isinstance(found, Radiograph | ImagingError)
        for _, found in read_many([("z.zip", bytes(source))]):
            assert isinstance(found, Radiograph | ImagingError)
