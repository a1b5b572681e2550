"""Small good files of many kinds, to be damaged by `tests/test_hostile.py`."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from tests.files.radiograph_files import dicom, encoded, film, item, raster


def good_files() -> dict[str, bytes]:
    """Small good files of many kinds, by name."""
    grey = Image.fromarray(film())
    deep = film(4095)
    lut = item(LUTDescriptor=[64, 0, 16], LUTData=np.arange(64, dtype="<u2").tobytes())
    spacing = {"PixelSpacing": [0.2, 0.3], "WindowCenter": [2000, 900], "WindowWidth": [3000, 800]}
    return {
        "PNG": raster(),
        "PNG 16 bit": raster("PNG", film(65535)),
        "PNG RGBA": encoded(grey.convert("RGBA"), "PNG"),
        "PNG palette": encoded(grey.convert("P"), "PNG"),
        "PNG 1 bit": encoded(grey.convert("1"), "PNG"),
        "JPEG": raster("JPEG"),
        "JPEG progressive": encoded(grey.convert("RGB"), "JPEG", progressive=True),
        "TIFF": raster("TIFF"),
        "TIFF 16 bit LZW": raster("TIFF", film(65535), compression="tiff_lzw"),
        "TIFF float deflated": raster(
            "TIFF", film().astype(np.float32), compression="tiff_adobe_deflate"
        ),
        "BMP": raster("BMP"),
        "BMP RGB": encoded(grey.convert("RGB"), "BMP"),
        "WebP": raster("WebP"),
        "WebP lossless": encoded(grey.convert("RGB"), "WebP", lossless=True),
        "DICOM": dicom(deep, bits=12, **spacing),
        "DICOM implicit": dicom(deep, syntax=ImplicitVRLittleEndian, VOILUTSequence=[lut]),
        "DICOM big endian": dicom(deep, syntax=ExplicitVRBigEndian),
        "DICOM deflated": dicom(deep, syntax=DeflatedExplicitVRLittleEndian),
        "DICOM frames": dicom(np.stack([deep, deep[::-1]]), photometric="MONOCHROME1"),
        "DICOM RGB": dicom(np.dstack([film()] * 3)),
        "DICOM RLE": dicom(deep, syntax=RLELossless),
        "DICOM JPEG": dicom(syntax=JPEGBaseline8Bit),
        "DICOM JPEG lossless": dicom(deep, syntax=JPEGLosslessSV1),
        "DICOM JPEG-LS": dicom(deep, syntax=JPEGLSLossless),
        "DICOM JPEG 2000": dicom(deep, syntax=JPEG2000Lossless),
    }


def repair_checksums(png: bytearray) -> None:
    """Make the check sums of a PNG right again, so that damage reaches the decoder."""
    at = 8
    while at + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, at)
        if at + 12 + length > len(png):
            return
        end = at + 8 + length
        png[end : end + 4] = struct.pack(">I", zlib.crc32(png[at + 4 : end]))
        at = end + 4
