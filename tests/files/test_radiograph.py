"""Reading radiographs: good files of every kind by known content, broken ones by their sentence."""

from __future__ import annotations

import re
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.files.jpeg_size import codestream_size
from core.files.kinds import named_kind
from core.files.radiograph import read_radiograph
from tests.files.broken_files import BROKEN, NAME, cut, deep_colour_png, deflated_bomb
from tests.files.fuzz import good_files
from tests.files.radiograph_files import (
    BAR,
    HEIGHT,
    PATIENT,
    WIDTH,
    encoded,
    film,
    is_film,
    lossless_jpeg,
    raster,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # decoders warn of damage

GREY = Image.fromarray(film())
RGB = np.dstack([film()] * 3)


def with_letters() -> np.ndarray:
    """The film in RGB with a small yellow mark burned in."""
    pixels = RGB.copy()
    pixels[40:46, 4:12] = (255, 220, 0)
    return pixels


def bottom_up_tiff() -> bytes:
    """A 16-bit TIFF in which white is zero."""
    return raster("TIFF", 65535 - film(65535), tiffinfo={262: 0})


def palette_with_alpha() -> bytes:
    """A palette PNG of which one entry is transparent."""
    return encoded(GREY.convert("P"), "PNG", transparency=0)


@pytest.mark.parametrize(
    ("name", "source", "tolerance"),
    [
        ("PNG", raster(), 0),
        ("PNG RGB", encoded(GREY.convert("RGB"), "PNG"), 0),
        ("PNG RGBA", encoded(GREY.convert("RGBA"), "PNG"), 0),
        ("PNG grey with alpha", encoded(GREY.convert("LA"), "PNG"), 0),
        ("PNG palette", encoded(GREY.convert("P"), "PNG"), 0),
        ("PNG palette with alpha", palette_with_alpha(), 0),
        ("PNG 16 bit", raster("PNG", film(65535)), 2e-5 + 1 / 510),
        ("PNG 16 bit RGB", deep_colour_png(), 2e-5 + 1 / 510),
        ("JPEG", raster("JPEG", quality=95), 0.02),
        ("JPEG RGB", encoded(GREY.convert("RGB"), "JPEG", quality=95), 0.02),
        ("JPEG CMYK", encoded(GREY.convert("CMYK"), "JPEG", quality=95), 0.02),
        ("JPEG progressive", raster("JPEG", quality=95, progressive=True), 0.02),
        ("TIFF", raster("TIFF"), 0),
        ("TIFF 16 bit", raster("TIFF", film(65535)), 2e-5 + 1 / 510),
        ("TIFF 16 bit white is zero", bottom_up_tiff(), 2e-5 + 1 / 510),
        ("TIFF LZW", raster("TIFF", compression="tiff_lzw"), 0),
        ("TIFF float", raster("TIFF", (film() / 255).astype(np.float32)), 1e-6),
        ("BMP", raster("BMP"), 0),
        ("BMP RGB", encoded(GREY.convert("RGB"), "BMP"), 0),
        ("WebP", encoded(GREY.convert("RGB"), "WebP", lossless=True), 0),
        ("WebP lossy", encoded(GREY.convert("RGB"), "WebP", quality=95), 0.04),
    ],
)
def test_raster_gives_the_film(name: str, source: bytes, tolerance: float) -> None:
    image = read_radiograph(source, name=f"x.{name.split()[0].lower()}")
    assert is_film(image, tolerance + 1e-6)
    assert image.spacing_mm is None
    assert image.windows == ()
    assert not [note for note in image.notes if "ends in" in note or "turned grey" in note]


def test_one_bit_gives_black_and_white() -> None:
    bar = np.zeros((HEIGHT, WIDTH), bool)
    bar[BAR] = True
    image = read_radiograph(encoded(Image.fromarray(bar), "PNG"))
    assert np.array_equal(image.pixels, bar.astype(np.float32))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_keeps_what_8_bit_would_lose(kind: str) -> None:
    steps = np.tile(np.arange(64, dtype=np.uint16) + 40_000, (48, 1))
    steps[0, 0] = 65_535
    image = read_radiograph(raster(kind, steps))
    assert len(np.unique(image.pixels)) == 65


def test_16_bit_colour_keeps_what_8_bit_would_lose() -> None:
    assert len(np.unique(read_radiograph(deep_colour_png()).pixels)) == 65


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_16_bit_storage_is_scaled_by_the_bits_in_use(bits: int) -> None:
    image = read_radiograph(raster("PNG", film(2**bits - 1)))
    assert image.pixels[BAR] == pytest.approx(0.9, abs=1e-3)
    assert any(f"{bits}-bit" in note for note in image.notes) == (bits < 16)


def test_unsigned_32_bit_is_read_as_such() -> None:
    pixels = film().astype(np.uint32) * 2**24  # beyond 2**31 in the bar
    source = raster("TIFF", pixels.view(np.int32))
    signed, unsigned = (struct.pack("<HHII", 339, 3, 1, sample) for sample in (2, 1))
    assert source.count(signed) == 1
    image = read_radiograph(source.replace(signed, unsigned))
    assert np.abs(image.pixels - film() / film().max()).max() < 1e-6


def test_transparent_parts_are_black() -> None:
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:, 50:] = 0
    image = read_radiograph(raster("PNG", np.dstack([RGB, alpha])))
    assert not image.pixels[:, 50:].any()
    assert image.pixels[BAR][:, 0] == pytest.approx(0.9, abs=0.01)


TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How the picture lies in a file with each EXIF orientation."""


def deep_tiff(orientation: int) -> bytes:
    """The film as 16-bit RGB TIFF, turned, with its orientation in a directory at the end."""
    import cv2

    lying = np.asarray(Image.fromarray(film(65535)).transpose(TURNED[orientation]))
    options = [cv2.IMWRITE_TIFF_COMPRESSION, 1]
    source = bytearray(cv2.imencode(".tiff", np.dstack([lying] * 3), options)[1])
    (at,) = struct.unpack_from("<I", source, 4)
    (count,) = struct.unpack_from("<H", source, at)
    entries = [struct.unpack_from("<HHII", source, at + 2 + 12 * i) for i in range(count)]
    entries = sorted([*entries, (274, 3, 1, orientation)])
    source[4:8] = struct.pack("<I", len(source))
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return bytes(source) + struct.pack("<H", len(entries)) + packed + bytes(4)


def oriented(kind: str, orientation: int) -> bytes:
    """The film, turned, with its EXIF orientation."""
    exif = Image.Exif()
    exif[274] = orientation
    turned = GREY.convert("RGB").transpose(TURNED[orientation])
    return encoded(turned, kind, exif=exif)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "TIFF", "16-bit TIFF", "16-bit RGB TIFF"])
@pytest.mark.parametrize("orientation", TURNED)
def test_exif_orientation_is_undone(kind: str, orientation: int) -> None:
    if kind == "16-bit RGB TIFF":
        source = deep_tiff(orientation)
    elif kind == "16-bit TIFF":
        lying = np.asarray(Image.fromarray(film(65535)).transpose(TURNED[orientation]))
        source = raster("TIFF", lying, tiffinfo={274: orientation})
    else:
        source = oriented(kind, orientation)
    image = read_radiograph(source)
    assert is_film(image, 0.15 if kind in ("JPEG", "WebP") else 0.003)
    assert sum("upright" in note for note in image.notes) == 1


def test_small_coloured_letters_are_tolerated_and_noted() -> None:
    image = read_radiograph(raster("PNG", with_letters()))
    assert image.pixels[BAR] == pytest.approx(0.9, abs=0.01)
    assert any("turned grey" in note for note in image.notes)


@pytest.mark.parametrize("kind", ["TIFF", "WebP", "PNG"])
def test_of_several_pictures_the_first_is_read(kind: str) -> None:
    other = Image.fromarray(film()[::-1].copy())
    options = {"lossless": True} if kind == "WebP" else {}
    source = encoded(
        GREY.convert("RGB"), kind, save_all=True, append_images=[other.convert("RGB")], **options
    )
    image = read_radiograph(source)
    assert is_film(image)
    assert any("only the first" in note for note in image.notes)


def test_wrong_extension_is_read_by_content_and_noted() -> None:
    image = read_radiograph(raster("JPEG"), name="hand.png")
    assert is_film(image, 0.1)
    assert "ends in .png" in image.notes[0]
    assert read_radiograph(raster("JPEG"), name="hand.JPG").notes == ()


@pytest.mark.parametrize("wrong", BROKEN)
def test_broken_file_gives_one_clear_sentence(wrong: str) -> None:
    extension, made = BROKEN[wrong]
    with pytest.raises((UnreadableImageError, UnsuitableInputError)) as caught:
        read_radiograph(made(), name=NAME + extension)
    sentence = str(caught.value)
    assert re.fullmatch(r"(The|All|A|Frame) [^\n]*[A-Za-z0-9)]\.", sentence)
    assert not re.search(r"[.!?] +[A-Z]", sentence), "more than one sentence"
    assert ";" in sentence, "does not say what to do"
    assert not re.search(r"Error|Traceback|Exception|None|0x|object at|[<>{}]", sentence)
    assert [word for word in (*PATIENT, "4711") if word.lower() in sentence.lower()] == []


def test_there_are_enough_broken_files() -> None:
    assert len({made() for _, made in BROKEN.values()}) >= 40


@pytest.mark.parametrize("wrong", [wrong for wrong in BROKEN if "bomb" in wrong])
def test_bomb_is_refused_before_it_is_decoded(wrong: str) -> None:
    source = BROKEN[wrong][1]()
    assert len(source) < 2_000_000
    tracemalloc.start()
    try:
        with pytest.raises(ImagingError):
            read_radiograph(source)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_webp_bomb_is_known_by_its_header() -> None:
    with pytest.raises(UnsuitableInputError, match="16383 × 16383"):  # not Pillow's own limit
        read_radiograph(BROKEN["WebP bomb"][1]())


def test_colours_have_a_lower_limit_than_greys() -> None:
    with pytest.raises(UnsuitableInputError, match="8000 × 5001 pixels in colour"):
        read_radiograph(BROKEN["colour PNG bomb"][1]())


def test_real_png_bomb_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = zlib.compress(bytes(20_000 * 20_001 // 8), 1)  # a true picture of one bit a pixel
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 20_000 * 8, 2_500, 1, 0, 0, 0, 0)), (b"IDAT", rows)]
    source = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + mark + body + struct.pack(">I", zlib.crc32(mark + body))
        for mark, body in [*chunks, (b"IEND", b"")]
    )
    for decoder in ("PIL.ImageFile.ImageFile.load", "cv2.imdecode"):
        monkeypatch.setattr(decoder, lambda *_: pytest.fail("the picture was decoded"))
    with pytest.raises(UnsuitableInputError, match="million"):
        read_radiograph(source)


def test_deflated_bomb_is_small() -> None:
    assert len(deflated_bomb()) < 2_000_000


@pytest.mark.parametrize(
    ("source", "size"),
    [
        (b"", None),
        (b"\xff\xd8\xff", None),
        (lossless_jpeg(film()), (HEIGHT, WIDTH)),
        (raster("JPEG"), (HEIGHT, WIDTH)),
        (encoded(GREY, "JPEG2000", no_jp2=True), (HEIGHT, WIDTH)),
        (encoded(GREY, "JPEG2000"), (HEIGHT, WIDTH)),
        (raster(), None),
    ],
)
def test_codestream_size_is_height_and_width(source: bytes, size: tuple[int, int] | None) -> None:
    assert codestream_size(source) == size


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("", ("", "")),
        ("hand", ("", "")),
        ("hand.PNG", (".png", "PNG")),
        ("x.1.2.840.19010203", ("", "")),
        ("Hand.Roentgen", ("", "")),
    ],
)
def test_only_known_extensions_are_named(name: str, known: tuple[str, str]) -> None:
    assert named_kind(name) == known


@pytest.mark.parametrize("name", good_files())
def test_undamaged_files_are_good(name: str) -> None:
    assert read_radiograph(good_files()[name]).shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize("name", good_files())
def test_every_cut_is_survived(name: str) -> None:
    source = good_files()[name]
    for part in np.linspace(0, 0.999, 40):
        try:
            assert read_radiograph(cut(source, part)).pixels.dtype == np.float32
        except ImagingError as err:
            assert str(err).endswith(".")
