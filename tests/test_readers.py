"""Reading radiographs: good files of every kind by known content, broken ones by their sentence."""

from __future__ import annotations

import dataclasses
import re
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pydicom.uid as uid
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from core.codestreams import codestream_size
from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.file_kinds import kind_of, named_kind
from core.images import Radiograph
from core.readers import read_radiograph
from core.windows import windowed
from tests.broken_files import BROKEN, NAME, cut, deep_colour_png, deflated_bomb
from tests.fuzz import good_files, mutated
from tests.radiograph_files import (
    BAR,
    HEIGHT,
    PATIENT,
    WIDTH,
    dicom,
    encoded,
    film,
    item,
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


def exact(image: Radiograph, tolerance: float = 1e-6) -> bool:
    """Whether the pixels are the film's."""
    expected = film() / 255.0
    return image.shape == expected.shape and bool(
        np.abs(image.pixels - expected).max() <= tolerance
    )


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
    assert exact(image, tolerance + 1e-6)
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
    assert exact(image, 0.15 if kind in ("JPEG", "WebP") else 0.003)
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
    assert exact(image)
    assert any("only the first" in note for note in image.notes)


def test_wrong_extension_is_read_by_content_and_noted() -> None:
    image = read_radiograph(raster("JPEG"), name="hand.png")
    assert exact(image, 0.1)
    assert "ends in .png" in image.notes[0]
    assert read_radiograph(raster("JPEG"), name="hand.JPG").notes == ()


SYNTAXES = [
    uid.ExplicitVRLittleEndian,
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
    uid.RLELossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
]


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_dicom_gives_the_film_in_every_lossless_syntax(syntax: str, bits: int) -> None:
    stored = film(2**bits - 1)
    image = read_radiograph(dicom(stored, syntax=syntax, bits=bits), name="film.dcm")
    scale = 255 if bits == 8 else stored.max()
    assert np.abs(image.pixels - stored / scale).max() < 1e-6
    assert image.windows == ("Full range",)


def test_dicom_in_lossy_jpeg_gives_the_film() -> None:
    assert exact(read_radiograph(dicom(syntax=uid.JPEGBaseline8Bit)), 0.02)


def test_dicom_in_12_bit_jpeg_is_read() -> None:
    path = get_testdata_file("JPGExtended.dcm")
    with open(path, "rb") as file:  # noqa: PTH123 - pydicom gives a string
        image = read_radiograph(file.read())
    assert image.shape == (1024, 256)
    assert image.pixels[image.pixels > 0].min() == pytest.approx(1 / 264)  # its highest value


@pytest.mark.parametrize("order", ["<", ">"])
def test_dicom_without_preamble_is_read(order: str) -> None:
    syntax = uid.ExplicitVRLittleEndian if order == "<" else uid.ExplicitVRBigEndian
    source = dicom(syntax=syntax)
    start = 144 + struct.unpack_from("<I", source, 140)[0]
    assert kind_of(source[start:]) == "DICOM"
    assert exact(read_radiograph(source[start:]))


def test_dicom_with_a_tiff_header_in_its_preamble_is_dicom() -> None:
    assert exact(read_radiograph(b"II*\x00" + dicom()[4:]))


def test_monochrome1_is_inverted_last() -> None:
    stored = 4095 - film(4095)
    tags = {"RescaleSlope": 2, "RescaleIntercept": -1000}
    tags |= {"WindowCenter": 3095, "WindowWidth": 8191}
    image = read_radiograph(dicom(stored, photometric="MONOCHROME1", bits=12, **tags))
    low, high = 3095 - 0.5 - 4095, 3095 - 0.5 + 4095  # PS3.3 C.11.2.1.2.1
    expected = 1 - np.clip((stored * 2.0 - 1000 - low) / (high - low), 0, 1)
    assert np.abs(image.pixels - expected).max() < 1e-6
    assert image.pixels[BAR].min() > image.pixels[20:, :].max()
    assert any("MONOCHROME1" in note for note in image.notes)


def test_signed_values_are_read_as_such() -> None:
    stored = film(4095).astype(np.int16) - 1000
    source = dicom(stored.view(np.uint16), PixelRepresentation=1)
    image = read_radiograph(source)
    assert np.abs(image.pixels - (stored + 1000) / (stored.max() + 1000)).max() < 1e-6


def test_grey_dicom_stored_as_rgb_is_accepted() -> None:
    assert exact(read_radiograph(dicom(RGB)))


def test_modality_table_comes_before_the_window() -> None:
    table = item(
        LUTDescriptor=[256, 0, 16],
        LUTData=(np.arange(256, dtype="<u2") * 10).tobytes(),
        ModalityLUTType="US",
    )
    tags = {"ModalityLUTSequence": [table], "WindowCenter": 1275.5, "WindowWidth": 2551}
    assert exact(read_radiograph(dicom(**tags)))


def test_voi_table_is_the_first_preset() -> None:
    squared = (np.arange(256) ** 2 // 16).astype("<u2")
    table = item(LUTDescriptor=[256, 0, 12], LUTData=squared.tobytes(), LUTExplanation="HARDER")
    image = read_radiograph(dicom(VOILUTSequence=[table], WindowCenter=128, WindowWidth=256))
    assert image.windows == ("Harder", "Window 1 (centre 128, width 256)", "Full range")
    assert np.abs(image.pixels - squared[film()] / 4095).max() < 1e-6


WINDOWS = {
    "WindowCenter": [100, 200],
    "WindowWidth": [50, 20],
    "WindowCenterWidthExplanation": ["BONE", "ROENTGEN ANNA 4711"],
}


def test_every_preset_is_offered_and_makes_its_own_pixels() -> None:
    source = dicom(**WINDOWS)
    images = [read_radiograph(source, window=index) for index in range(3)]
    assert images[0].windows == (
        "Bone (centre 100, width 50)",
        "Window 2 (centre 200, width 20)",
        "Full range",
    )
    assert [image.window for image in images] == [0, 1, 2]
    assert len({image.digest for image in images}) == 3
    assert images[0].digest == read_radiograph(source).digest
    for image, (centre, width) in zip(images, [(100, 50), (200, 20)], strict=False):
        low = centre - 0.5 - (width - 1) / 2
        expected = np.clip((film().astype(float) - low) / (width - 1), 0, 1)
        assert np.abs(image.pixels - expected).max() < 1e-6
    assert exact(images[2])


@pytest.mark.parametrize(
    ("function", "values"),
    [
        ("LINEAR", {99.5: 0.5, 89.9: 0.0, 110.0: 1.0}),
        ("LINEAR_EXACT", {100.0: 0.5, 90.0: 0.0, 105.0: 0.75}),
        ("SIGMOID", {100.0: 0.5, 110.0: 1 / (1 + np.exp(-2)), -9999.0: 0.0}),
    ],
)
def test_window_functions_follow_the_standard(function: str, values: dict[float, float]) -> None:
    found = windowed(np.array([list(values)]), 100, 20, function)
    assert found[0] == pytest.approx(list(values.values()), abs=1e-6)


def test_window_of_width_one_is_a_threshold() -> None:
    found = windowed(np.array([[99.0, 100.0]]), 100, 1)
    assert found.tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("width", [0, -5, "nan"])
def test_unusable_window_is_not_offered(width: object) -> None:
    image = read_radiograph(dicom(WindowCenter=100, WindowWidth=width))
    assert image.windows == ("Full range",)


def test_window_that_hides_all_falls_back_to_the_full_range() -> None:
    image = read_radiograph(dicom(WindowCenter=9000, WindowWidth=10))
    assert exact(image)
    assert image.windows[image.window] == "Full range"
    assert any("one grey value" in note for note in image.notes)


def test_each_frame_can_be_chosen() -> None:
    frames = np.stack([film(), film()[::-1], film()[:, ::-1]])
    for syntax in (uid.ExplicitVRLittleEndian, uid.RLELossless, uid.JPEG2000Lossless):
        source = dicom(frames, syntax=syntax)
        images = [read_radiograph(source, frame=index) for index in range(3)]
        for index, image in enumerate(images):
            assert np.abs(image.pixels - frames[index] / 255).max() < 1e-6
            assert (image.frames, image.frame) == (3, index)
            assert f"The file has 3 frames; frame {index + 1} is shown." in image.notes
        assert len({image.digest for image in images}) == 3


def test_functional_groups_hold_for_their_frame() -> None:
    def window(centre: int) -> object:
        return item(FrameVOILUTSequence=[item(WindowCenter=centre, WindowWidth=50)])

    source = dicom(
        np.stack([film(), film()]),
        SharedFunctionalGroupsSequence=[
            item(
                PixelMeasuresSequence=[item(PixelSpacing=[0.2, 0.3])],
                FrameAnatomySequence=[item(FrameLaterality="R")],
            )
        ],
        PerFrameFunctionalGroupsSequence=[window(60), window(210)],
    )
    first, second = read_radiograph(source), read_radiograph(source, frame=1)
    assert first.windows[0] == "Window 1 (centre 60, width 50)"
    assert second.windows[0] == "Window 1 (centre 210, width 50)"
    assert first.spacing_mm == (0.2, 0.3)
    assert first.laterality == "R"


@pytest.mark.parametrize("choice", [{"window": 1}, {"frame": 1}, {"window": -1}, {"frame": -1}])
@pytest.mark.parametrize("source", [raster(), dicom()], ids=["PNG", "DICOM"])
def test_choice_that_is_not_there_is_refused(source: bytes, choice: dict[str, int]) -> None:
    with pytest.raises(UnsuitableInputError):
        read_radiograph(source, **choice)


@pytest.mark.parametrize(
    ("tags", "spacing", "word"),
    [
        ({}, None, ""),
        ({"PixelSpacing": [0.2, 0.3]}, (0.2, 0.3), "PixelSpacing"),
        ({"ImagerPixelSpacing": [0.1, 0.15]}, (0.1, 0.15), "detector"),
        (
            {"PixelSpacing": [0.2, 0.3], "ImagerPixelSpacing": [0.1, 0.15]},
            (0.2, 0.3),
            "PixelSpacing",
        ),
        ({"NominalScannedPixelSpacing": [0.17, 0.18]}, (0.17, 0.18), "scanned"),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.1, 0.15]}, (0.1, 0.15), "detector"),
        ({"PixelSpacing": [-1, 0.2]}, None, "ignored"),
        ({"PixelSpacing": 0.2}, None, "ignored"),
    ],
)
def test_spacing_is_row_then_column_and_says_where_from(
    tags: dict[str, object], spacing: tuple[float, float] | None, word: str
) -> None:
    image = read_radiograph(dicom(**tags))
    assert image.spacing_mm == spacing
    assert word in " ".join(image.notes)


@pytest.mark.parametrize(
    ("tags", "laterality", "view"),
    [
        ({}, None, None),
        ({"ImageLaterality": "L", "Laterality": "R", "ViewPosition": "AP"}, "L", "AP"),
        ({"Laterality": "R", "ViewPosition": "LL"}, "R", "LL"),
        ({"ImageLaterality": "B", "ViewPosition": "ROENTGEN"}, None, None),
    ],
)
def test_laterality_and_view_come_from_an_allow_list(
    tags: dict[str, object], laterality: str | None, view: str | None
) -> None:
    image = read_radiograph(dicom(**tags))
    assert (image.laterality, image.view) == (laterality, view)


def test_padding_is_black_and_does_not_count_for_the_range() -> None:
    stored = film(4095)
    stored[:, :5] = 65535
    image = read_radiograph(dicom(stored, photometric="MONOCHROME1", PixelPaddingValue=65535))
    assert not image.pixels[:, :5].any()
    inside = stored[:, 5:].astype(float)
    expected = 1 - (inside - inside.min()) / (inside.max() - inside.min())
    assert np.abs(image.pixels[:, 5:] - expected).max() < 1e-6


def test_other_modality_is_noted() -> None:
    assert any("CT" in note for note in read_radiograph(dicom(Modality="CT")).notes)


def words_of(image: Radiograph) -> str:
    """All that the object says."""
    return repr(image) + repr(dataclasses.asdict(image))


def test_patient_never_enters_the_object() -> None:
    tags = {"Laterality": "R", "PixelSpacing": [0.2, 0.3], **WINDOWS}
    tags |= {"StudyDescription": "Roentgen", "ViewPosition": "Anna", "Modality": "PID4711"}
    tables = [item(LUTDescriptor=[256, 0, 16], LUTData=bytes(512), LUTExplanation="Anna 19010203")]
    for source in (dicom(**tags), dicom(VOILUTSequence=tables), dicom(np.stack([film()] * 2))):
        image = read_radiograph(source, name="Roentgen^Anna.19010203")
        words = words_of(image)
        assert [word for word in PATIENT if word.lower() in words.lower()] == []
    assert "dcm" in words_of(read_radiograph(raster(), name="Roentgen_Anna.dcm"))
    assert "Roentgen" not in words_of(read_radiograph(raster(), name="Roentgen_Anna.dcm"))


@pytest.mark.filterwarnings("always")
def test_warnings_do_not_quote_the_patient(recwarn: pytest.WarningsRecorder) -> None:
    source = dicom(Modality="DX", RescaleSlope="1.000000", RescaleIntercept=0)
    spoilt = source.replace(b"19010203", b"Roentgen").replace(b"1.000000", b"Roentgen")
    with pytest.raises(UnreadableImageError):
        read_radiograph(spoilt)
    assert [str(found.message) for found in recwarn if "Roentgen" in str(found.message)] == []


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


def test_real_png_bomb_is_not_decoded() -> None:
    rows = zlib.compress(bytes(20_000 * 20_001 // 8), 1)  # a true picture of one bit a pixel
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 20_000 * 8, 2_500, 1, 0, 0, 0, 0)), (b"IDAT", rows)]
    source = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + mark + body + struct.pack(">I", zlib.crc32(mark + body))
        for mark, body in [*chunks, (b"IEND", b"")]
    )
    start = time.perf_counter()
    with pytest.raises(UnsuitableInputError, match="million"):
        read_radiograph(source)
    assert time.perf_counter() - start < 0.5


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
def test_undamaged_files_of_the_fuzz_run_are_good(name: str) -> None:
    assert read_radiograph(good_files()[name]).shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize("name", good_files())
def test_every_cut_is_survived(name: str) -> None:
    source = good_files()[name]
    for part in np.linspace(0, 0.999, 40):
        survives(read_radiograph, cut(source, part))


def survives(read: Callable[[bytes], Radiograph], source: bytes) -> None:
    """Either a radiograph comes back or an error that a user can read."""
    try:
        image = read(source)
    except ImagingError as err:
        assert str(err).endswith(".")
    else:
        assert image.pixels.dtype == np.float32


def test_fuzz_raises_nothing_but_imaging_errors() -> None:
    files, rng = good_files(), np.random.default_rng(20_260_405)
    names = list(files)
    start = time.process_time()
    for number in range(2_000):
        survives(read_radiograph, mutated(files, names[number % len(names)], rng))
    assert time.process_time() - start < 30
