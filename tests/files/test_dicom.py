"""Radiographs from DICOM files: every syntax, windows, frames, spacing, and no patient."""

from __future__ import annotations

import dataclasses
import struct

import numpy as np
import pydicom.uid as uid
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate

from core.errors import UnreadableImageError, UnsuitableInputError
from core.files.dicom_windows import windowed
from core.files.kinds import kind_of
from core.files.radiograph import read_radiograph
from core.images import Radiograph
from tests.files.radiograph_files import (
    BAR,
    HEIGHT,
    PATIENT,
    WIDTH,
    dicom,
    film,
    is_film,
    item,
    lossless_jpeg,
    raster,
)

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
    assert is_film(read_radiograph(dicom(syntax=uid.JPEGBaseline8Bit)), 0.02)


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
    assert is_film(read_radiograph(source[start:]))


def test_dicom_with_a_tiff_header_in_its_preamble_is_dicom() -> None:
    assert is_film(read_radiograph(b"II*\x00" + dicom()[4:]))


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
    assert is_film(read_radiograph(dicom(np.dstack([film()] * 3))))


def test_modality_table_comes_before_the_window() -> None:
    table = item(
        LUTDescriptor=[256, 0, 16],
        LUTData=(np.arange(256, dtype="<u2") * 10).tobytes(),
        ModalityLUTType="US",
    )
    tags = {"ModalityLUTSequence": [table], "WindowCenter": 1275.5, "WindowWidth": 2551}
    assert is_film(read_radiograph(dicom(**tags)))


def test_voi_table_is_the_first_preset() -> None:
    squared = (np.arange(256) ** 2 // 16).astype("<u2")
    table = item(LUTDescriptor=[256, 0, 12], LUTData=squared.tobytes(), LUTExplanation="HARDER")
    image = read_radiograph(dicom(VOILUTSequence=[table], WindowCenter=128, WindowWidth=256))
    assert image.windows == ("Harder", "Window 1 (centre 128, width 256)", "Full range")
    assert np.abs(image.pixels - squared[film()] / 4095).max() < 1e-6


@pytest.mark.parametrize(
    ("bits", "entries", "full_scale"),
    [
        (8, np.arange(256, dtype=np.uint8)[::-1], 255),  # two to a word
        (8, np.arange(256, dtype="<u2")[::-1], 255),
        (16, np.arange(256, dtype="<u2") * 257, 65535),
        (16, np.arange(256, dtype="<u2") * 16, 4080),  # claims 16 bits, ends at 12
    ],
)
def test_voi_table_is_scaled_by_what_it_holds(
    bits: int, entries: np.ndarray, full_scale: int
) -> None:
    table = item(LUTDescriptor=[256, 0, bits], LUTData=entries.tobytes())
    image = read_radiograph(dicom(VOILUTSequence=[table]))
    assert np.abs(image.pixels - entries[film()] / full_scale).max() < 1e-6


@pytest.mark.parametrize(
    ("syntax", "encoded"),
    [
        (uid.JPEGBaseline8Bit, raster("JPEG", np.tile(film(), (2, 2)))),
        (uid.JPEGLosslessSV1, lossless_jpeg(film().T)),
        (uid.JPEGLSLossless, lossless_jpeg(film()).replace(b"\xff\xc3", b"\xff\xc4")),
        (uid.RLELossless, bytes(HEIGHT * WIDTH * 3)),
    ],
)
def test_foreign_codestream_never_reaches_the_decoder(
    syntax: str, encoded: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[object] = []
    monkeypatch.setattr("pydicom.pixels.pixel_array", lambda *a, **k: decoded.append(a))
    with pytest.raises(UnreadableImageError, match="another size"):
        read_radiograph(dicom(syntax=syntax, PixelData=encapsulate([encoded])))
    assert decoded == []


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
    assert is_film(images[2])


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
    assert is_film(image)
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


def test_empty_rescale_is_none_at_all() -> None:
    assert is_film(read_radiograph(dicom(RescaleSlope=None, RescaleIntercept=None)))


def test_other_modality_is_noted() -> None:
    film = read_radiograph(dicom(Modality="CT"))
    assert film.modality == "CT"
    assert any("CT" in note for note in film.notes)


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


def test_warnings_do_not_quote_the_patient(recwarn: pytest.WarningsRecorder) -> None:
    source = dicom(NumberOfFrames="12345678").replace(b"12345678", b"Roentgen")
    with pytest.raises(UnreadableImageError, match="NumberOfFrames"):
        read_radiograph(source)
    assert [str(found.message) for found in recwarn if "Roentgen" in str(found.message)] == []
