"""Good image files with known content, as bytes: the readers' tests build on them."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    generate_uid,
)

from core.images import Radiograph

HEIGHT, WIDTH = 48, 64
BAR = (slice(8, 16), slice(30, 60))
"""Where the bright bar lies: high up and to the right, so that turns and swaps show."""

PATIENT = ("Roentgen", "Anna", "PID4711", "19010203", "20260405", "Juliusspital", "998877")


def film(full_scale: int = 255) -> np.ndarray[Any, Any]:
    """(48, 64): a ramp from left to right up to half of full scale, and a bar at 90 % of it."""
    ramp = np.linspace(0, full_scale / 2, WIDTH)
    pixels = np.tile(ramp, (HEIGHT, 1))
    pixels[BAR] = 0.9 * full_scale
    return np.rint(pixels).astype(np.uint8 if full_scale < 256 else np.uint16)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A Pillow image as a file."""
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def raster(kind: str = "PNG", pixels: np.ndarray[Any, Any] | None = None, **options: Any) -> bytes:
    """The film, or other pixels, as a raster file."""
    return encoded(Image.fromarray(film() if pixels is None else pixels), kind, **options)


def dicom(
    stored: np.ndarray[Any, Any] | None = None,
    *,
    photometric: str = "MONOCHROME2",
    bits: int | None = None,
    syntax: str = ExplicitVRLittleEndian,
    claimed_syntax: str = "",
    without: tuple[str, ...] = (),
    **tags: Any,
) -> bytes:
    """A DICOM file with a patient's name, identifiers and dates in it.

    Args:
        stored: (H, W), (frames, H, W) or (H, W, 3) unsigned values; the film by default.
        photometric: Photometric interpretation.
        bits: Bits stored, where not all.
        syntax: Transfer syntax; RLE, JPEG-LS and JPEG 2000 are compressed by pydicom, JPEG
            baseline by Pillow and lossless JPEG here.
        claimed_syntax: What the file claims instead.
        without: Keywords left out of the file.
        tags: Further elements by keyword, or others in place of the usual ones.
    """
    stored = film() if stored is None else stored
    colour = stored.ndim == 3 and stored.shape[-1] == 3
    rows, columns = stored.shape[-3:-1] if colour else stored.shape[-2:]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["film"])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.PatientName, dataset.PatientID = "Roentgen^Anna", "PID4711"
    dataset.PatientBirthDate, dataset.StudyDate = "19010203", "20260405"
    dataset.InstitutionName, dataset.AccessionNumber = "Juliusspital", "998877"
    dataset.Modality = "DX"
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SamplesPerPixel = 3 if colour else 1
    if colour:
        dataset.PlanarConfiguration = 0
    elif stored.ndim == 3:
        dataset.NumberOfFrames = len(stored)
    dataset.PhotometricInterpretation = "RGB" if colour else photometric
    allocated = stored.dtype.itemsize * 8
    dataset.BitsAllocated, dataset.BitsStored = allocated, bits or allocated
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OB" if allocated == 8 else "OW"
    _compress(dataset, stored, syntax)
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    for keyword in without:
        delattr(dataset, keyword)
    out = BytesIO()
    if claimed_syntax:
        dataset.file_meta.TransferSyntaxUID = UID(claimed_syntax)
        dataset.save_as(out, implicit_vr=False, little_endian=True)
    else:
        dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _compress(dataset: Dataset, stored: np.ndarray[Any, Any], syntax: str) -> None:
    by_hand = {JPEGBaseline8Bit: lambda a: raster("JPEG", a, quality=95)}
    by_hand[JPEGLosslessSV1] = lossless_jpeg
    if syntax in by_hand:
        frames = stored if stored.ndim == 3 and stored.shape[-1] != 3 else [stored]
        dataset.PixelData = encapsulate([by_hand[syntax](frame) for frame in frames])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = syntax
    elif dataset.file_meta.TransferSyntaxUID != syntax:
        if UID(syntax).is_encapsulated:
            dataset.compress(syntax, generate_instance_uid=False)
        else:
            dataset.file_meta.TransferSyntaxUID = UID(syntax)
            if syntax == ExplicitVRBigEndian:
                dataset.PixelData = stored.byteswap().tobytes()


def lossless_jpeg(pixels: np.ndarray[Any, Any]) -> bytes:
    """Code (H, W) as lossless JPEG, first-order prediction (ITU-T T.81 annex H).

    Each of the 17 difference categories has a code of five bits: larger than need be, but plain.
    """
    height, width = pixels.shape
    values = pixels.astype(np.int64)
    guess = np.empty_like(values)
    guess[:, 1:] = values[:, :-1]
    guess[1:, 0] = values[:-1, 0]
    guess[0, 0] = 1 << (8 * pixels.dtype.itemsize - 1)
    written = []
    for difference in ((values - guess + 32768) % 65536 - 32768).ravel().tolist():
        size = 16 if difference == -32768 else abs(difference).bit_length()
        written.append(f"{size:05b}")
        if 0 < size < 16:
            extra = difference if difference > 0 else difference + (1 << size) - 1
            written.append(f"{extra:0{size}b}")
    bits = "".join(written)
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    frame = struct.pack(">BHHB3B", 8 * pixels.dtype.itemsize, height, width, 1, 1, 0x11, 0)
    table = bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)])
    segments = [(0xC3, frame), (0xC4, table), (0xDA, bytes([1, 1, 0, 1, 0, 0]))]
    head = b"".join(
        bytes([0xFF, mark]) + struct.pack(">H", len(body) + 2) + body for mark, body in segments
    )
    return b"\xff\xd8" + head + scan + b"\xff\xd9"


def item(**tags: Any) -> Dataset:
    """One item of a sequence."""
    dataset = Dataset()
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return dataset


def is_film(image: Radiograph, tolerance: float = 1e-6) -> bool:
    """Whether the pixels are the film's."""
    expected = film() / 255.0
    return image.shape == expected.shape and bool(
        np.abs(image.pixels - expected).max() <= tolerance
    )
