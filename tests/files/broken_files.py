"""Files that must not be read as radiographs, by what is wrong with them."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from tests.files.radiograph_files import HEIGHT, WIDTH, dicom, encoded, film, item, raster

RLE = {"syntax": RLELossless}
NAME = "Roentgen_Anna_PID4711_19010203"
"""Stem of the file names that are given along: nothing of it may come back."""


def noise(*shape: int) -> np.ndarray:
    """Seeded bytes."""
    return np.random.default_rng(7).integers(0, 256, shape, np.uint8)


def photograph() -> np.ndarray:
    """(48, 64, 3): blue sky over a green meadow."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:24] = (90, 150, 230)
    pixels[24:] = (60, 140, 50)
    return pixels // 2 + noise(HEIGHT, WIDTH, 1) // 4


def zipped(**files: bytes) -> bytes:
    """A zip archive."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def nifti() -> bytes:
    """A NIfTI-1 header with a few voxels behind it."""
    header = bytearray(352)
    header[:4] = struct.pack("<i", 348)
    header[344:348] = b"n+1\x00"
    return bytes(header) + bytes(640)


def png_claiming(width: int, height: int, source: bytes | None = None) -> bytes:
    """A PNG whose header (with a right check sum) claims a size that its data do not have."""
    changed = bytearray(raster() if source is None else source)
    changed[16:24] = struct.pack(">II", width, height)
    changed[29:33] = struct.pack(">I", zlib.crc32(changed[12:29]))
    return bytes(changed)


def jpeg_claiming(width: int, height: int, source: bytes | None = None) -> bytes:
    """A JPEG whose frame header claims another size."""
    changed = bytearray(raster("JPEG") if source is None else source)
    at = max(changed.find(b"\xff\xc0"), changed.find(b"\xff\xc3"))
    changed[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(changed)


def tiff_claiming(width: int, height: int) -> bytes:
    """A TIFF whose directory claims another size."""
    source = bytearray(raster("TIFF"))
    (at,) = struct.unpack_from("<I", source, 4)
    (count,) = struct.unpack_from("<H", source, at)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag = struct.unpack_from("<H", source, entry)[0]
        if tag in (256, 257):
            source[entry + 2 : entry + 12] = struct.pack(
                "<HII", 4, 1, width if tag == 256 else height
            )
    return bytes(source)


def bmp_claiming(width: int, height: int) -> bytes:
    """A BMP whose header claims another size."""
    source = bytearray(raster("BMP"))
    source[18:26] = struct.pack("<ii", width, height)
    return bytes(source)


def webp_claiming(width: int, height: int) -> bytes:
    """A WebP with an extended header that claims another canvas."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + canvas + raster("WebP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff_of(pixels: np.ndarray) -> bytes:
    """A floating-point TIFF."""
    return raster("TIFF", pixels.astype(np.float32))


def with_one(value: float) -> np.ndarray:
    """The film as floats in [0, 1] with one other value in it."""
    pixels = film() / 255.0
    pixels[20, 20] = value
    return pixels


def deflated_bomb() -> bytes:
    """A small deflated DICOM file that unpacks to more than 256 MB."""
    source = dicom(syntax=DeflatedExplicitVRLittleEndian)
    start = 144 + struct.unpack_from("<I", source, 140)[0]
    packer = zlib.compressobj(1, wbits=-15)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = zlib.compressobj(1, wbits=-15)
    repeated = again.compress(bytes(2**20)) + again.flush(zlib.Z_FULL_FLUSH)
    return source[:start] + block + repeated * 256 + zlib.compressobj(wbits=-15).flush()


def in_dicom(encoded_frame: bytes, syntax: str) -> bytes:
    """A DICOM file with a foreign codestream for the film's header."""
    return dicom(syntax=syntax, PixelData=encapsulate([encoded_frame]))


def damaged(source: bytes, marker: bytes, length: int = 40) -> bytes:
    """The file with bytes overwritten behind a marker."""
    at = source.rfind(marker) + len(marker)
    return source[:at] + noise(length).tobytes() + source[at + length :]


def cut(source: bytes, part: float = 0.6) -> bytes:
    """The first part of a file."""
    return source[: int(len(source) * part)]


def deep_colour_png() -> bytes:
    """The film as 16-bit RGB, which Pillow cannot write."""
    import cv2

    return cv2.imencode(".png", np.dstack([film(65535)] * 3))[1].tobytes()


BROKEN: dict[str, tuple[str, Callable[[], bytes]]] = {
    # What is wrong: (extension of the name given along, how the bytes are made)
    "empty": (".png", lambda: b""),
    "one byte": (".png", lambda: b"\x89"),
    "random bytes": (".dcm", lambda: noise(5000).tobytes()),
    "zeros": ("", lambda: bytes(5000)),
    "text": (".txt", lambda: b"Patient Roentgen Anna, normal hand.\n" * 20),
    "text named PNG": (".png", lambda: "Größe und Höhe\n".encode() * 90),
    "JSON": (".json", lambda: b'{"name": "Roentgen"}'),
    "web page": (".jpg", lambda: b"<!DOCTYPE html><html><body>404 Not Found</body></html>"),
    "SVG": (".svg", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'),
    "XML": (".xml", lambda: b'<?xml version="1.0"?><a/>'),
    "PDF": (".pdf", lambda: b"%PDF-1.7\n" + noise(900).tobytes()),
    "GIF": (".gif", lambda: raster("GIF")),
    "zip of junk": (".zip", lambda: zipped(a=b"junk", b=noise(300).tobytes())),
    "zip with an image": (".zip", lambda: zipped(film=raster())),
    "empty zip": (".zip", lambda: zipped()),
    "gzip": (".gz", lambda: gzip.compress(raster())),
    "damaged gzip": (".gz", lambda: b"\x1f\x8b" + noise(200).tobytes()),
    "NIfTI": (".nii", nifti),
    "NIfTI packed": (".gz", lambda: gzip.compress(nifti())),
    "NRRD": (".nrrd", lambda: b"NRRD0004\ntype: short\ndimension: 3\n"),
    "NumPy": (".npy", lambda: b"\x93NUMPY\x01\x00" + bytes(300)),
    "HDF5": (".h5", lambda: b"\x89HDF\r\n\x1a\n" + bytes(300)),
    "HEIC": (".jpg", lambda: b"\x00\x00\x00\x18ftypheic" + bytes(300)),
    "AVIF": (".jpg", lambda: encoded(Image.fromarray(film()), "AVIF")),
    "video": (".mp4", lambda: b"\x00\x00\x00\x18ftypmp42" + bytes(300)),
    "program": (".exe", lambda: b"MZ" + bytes(300)),
    "RAR": (".rar", lambda: b"Rar!\x1a\x07" + bytes(300)),
    "7-Zip": (".7z", lambda: b"7z\xbc\xaf\x27\x1c" + bytes(300)),
    "bare JPEG 2000": (".jp2", lambda: encoded(Image.fromarray(film()), "JPEG2000")),
    "PNG cut": (".png", lambda: cut(raster())),
    "PNG cut in its header": (".png", lambda: raster()[:20]),
    "PNG signature only": (".png", lambda: raster()[:8]),
    "PNG with damaged data": (".png", lambda: damaged(raster(), b"IDAT")),
    "16-bit colour PNG cut": (".png", lambda: cut(deep_colour_png())),
    "JPEG cut": (".jpg", lambda: cut(raster("JPEG"))),
    "JPEG start only": (".jpg", lambda: raster("JPEG")[:20]),
    "TIFF cut": (".tif", lambda: cut(raster("TIFF"))),
    "TIFF packed and damaged": (
        ".tif",
        lambda: damaged(raster("TIFF", compression="tiff_lzw"), b"II*\x00", 200),
    ),
    "BMP cut": (".bmp", lambda: cut(raster("BMP"))),
    "BMP of two letters": (".bmp", lambda: b"BM"),
    "WebP cut": (".webp", lambda: cut(raster("WebP"))),
    "WebP header only": (".webp", lambda: raster("WebP")[:20]),
    "PNG bomb": (".png", lambda: png_claiming(60_000, 60_000)),
    "PNG just over the limit": (".png", lambda: png_claiming(8_000, 10_001)),
    "colour PNG bomb": (
        ".png",
        lambda: png_claiming(8_000, 5_001, raster("PNG", photograph())),
    ),
    "JPEG bomb": (".jpg", lambda: jpeg_claiming(65_000, 65_000)),
    "TIFF bomb": (".tif", lambda: tiff_claiming(1_000_000, 1_000_000)),
    "BMP bomb": (".bmp", lambda: bmp_claiming(100_000, 100_000)),
    "WebP bomb": (".webp", lambda: webp_claiming(16_383, 16_383)),
    "colour photograph": (".png", lambda: raster("PNG", photograph())),
    "colour photograph as JPEG": (".jpg", lambda: raster("JPEG", photograph())),
    "colour photograph with alpha": (
        ".png",
        lambda: encoded(Image.fromarray(photograph()).convert("RGBA"), "PNG"),
    ),
    "colour palette": (
        ".png",
        lambda: encoded(Image.fromarray(photograph()).quantize(16), "PNG"),
    ),
    "one pixel": (".png", lambda: raster("PNG", film()[:1, :1])),
    "one row": (".png", lambda: raster("PNG", film()[:1])),
    "too narrow": (".png", lambda: raster("PNG", film()[:, :31])),
    "all black": (".png", lambda: raster("PNG", np.zeros((48, 64), np.uint8))),
    "all white JPEG": (".jpg", lambda: raster("JPEG", np.full((48, 64), 255, np.uint8))),
    "constant 16 bit": (".png", lambda: raster("PNG", np.full((48, 64), 900, np.uint16))),
    "wholly transparent": (
        ".png",
        lambda: raster("PNG", np.dstack([film()] * 3 + [np.zeros((48, 64), np.uint8)])),
    ),
    "NaN in a TIFF": (".tif", lambda: tiff_of(with_one(np.nan))),
    "infinity in a TIFF": (".tif", lambda: tiff_of(with_one(-np.inf))),
    "DICOM cut in its pixels": (".dcm", lambda: cut(dicom(), 0.8)),
    "DICOM cut in its header": (".dcm", lambda: dicom()[:400]),
    "DICOM preamble only": (".dcm", lambda: dicom()[:132]),
    "DICOM then noise": (".dcm", lambda: dicom()[:132] + noise(4000).tobytes()),
    "DICOM without pixels": (".dcm", lambda: dicom(without=("PixelData",))),
    "DICOM report": (
        ".dcm",
        lambda: dicom(without=("PixelData",), SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11"),
    ),
    "DICOM with an empty PixelData": (".dcm", lambda: dicom(PixelData=b"")),
    "DICOM with too few pixels": (".dcm", lambda: dicom(PixelData=bytes(100))),
    "DICOM without rows": (".dcm", lambda: dicom(without=("Rows",))),
    "DICOM with no rows": (".dcm", lambda: dicom(Rows=0)),
    "DICOM with minus one frames": (".dcm", lambda: dicom(NumberOfFrames=-1)),
    "DICOM of 7 bits": (".dcm", lambda: dicom(BitsAllocated=7)),
    "DICOM of no polarity": (".dcm", lambda: dicom(without=("PhotometricInterpretation",))),
    "DICOM with a junk polarity": (".dcm", lambda: dicom(photometric="ROENTGEN ANNA")),
    "DICOM of two channels": (".dcm", lambda: dicom(SamplesPerPixel=2)),
    "DICOM bomb": (".dcm", lambda: dicom(Rows=60_000, Columns=60_000)),
    "DICOM bomb of frames": (".dcm", lambda: dicom(NumberOfFrames=2_000_000_000)),
    "DICOM bomb, deflated": (".dcm", deflated_bomb),
    "DICOM deflated and cut": (
        ".dcm",
        lambda: cut(dicom(syntax=DeflatedExplicitVRLittleEndian), 0.9),
    ),
    "DICOM around a JPEG bomb": (
        ".dcm",
        lambda: in_dicom(jpeg_claiming(65_000, 65_000), JPEGBaseline8Bit),
    ),
    "DICOM around text": (".dcm", lambda: in_dicom(b"Roentgen" * 30, JPEGBaseline8Bit)),
    "DICOM around a PNG": (".dcm", lambda: in_dicom(raster(), JPEG2000Lossless)),
    "DICOM in MPEG2": (
        ".dcm",
        lambda: dicom(**RLE, claimed_syntax="1.2.840.10008.1.2.4.100"),
    ),
    "DICOM in an unknown syntax": (
        ".dcm",
        lambda: dicom(**RLE, claimed_syntax="1.2.3.4711.19010203"),
    ),
    "DICOM JPEG, damaged": (
        ".dcm",
        lambda: damaged(dicom(syntax=JPEGLosslessSV1), b"\xff\xda", 200),
    ),
    "DICOM JPEG-LS, damaged": (
        ".dcm",
        lambda: damaged(dicom(syntax=JPEGLSLossless), b"\xff\xf7", 200),
    ),
    "DICOM JPEG 2000, damaged": (
        ".dcm",
        lambda: damaged(dicom(syntax=JPEG2000Lossless), b"\xff\x4f\xff\x51", 60),
    ),
    "DICOM RLE, damaged": (".dcm", lambda: cut(dicom(syntax=RLELossless), 0.7)),
    "DICOM in colour": (".dcm", lambda: dicom(photograph())),
    "DICOM of one value": (".dcm", lambda: dicom(np.full((48, 64), 5, np.uint16))),
    "DICOM too small": (".dcm", lambda: dicom(film()[:20])),
    "DICOM with a lookup table cut short": (
        ".dcm",
        lambda: dicom(VOILUTSequence=[item(LUTDescriptor=[256, 0, 16], LUTData=bytes(20))]),
    ),
    "DICOM with a slope of NaN": (".dcm", lambda: dicom(RescaleIntercept=0, RescaleSlope="nan")),
}
