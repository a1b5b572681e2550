"""What a file is, judged by its first bytes and never by its name."""

from __future__ import annotations

import struct
import zlib
from pathlib import PurePath

RASTER_KINDS = {"PNG", "JPEG", "TIFF", "BMP", "WebP"}

KIND_OF_EXTENSION = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".webp": "WebP",
    ".dcm": "DICOM",
    ".dicom": "DICOM",
    ".zip": "zip",
    ".nii": "NIfTI",
    ".nrrd": "NRRD",
    ".pdf": "PDF",
    ".gif": "GIF",
}
"""Extensions that may be named on the screen; others may hold a name, an ID or a date."""

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (128, b"DICM", "DICOM"),  # first: its preamble may be a TIFF header (PS3.10 7.1)
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (0, b"II+\x00", "TIFF"),
    (0, b"MM\x00+", "TIFF"),
    (0, b"BM", "BMP"),
    (8, b"WEBP", "WebP"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"%PDF", "PDF"),
    (0, b"GIF8", "GIF"),
    (0, b"NRRD", "NRRD"),
    (0, b"\x93NUMPY", "NumPy array"),
    (0, b"\x89HDF", "HDF5"),
    (0, b"Rar!", "RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000 image"),
    (4, b"jP  ", "JPEG 2000 image"),
    (4, b"ftypheic", "HEIC photo"),
    (4, b"ftypmif1", "HEIC photo"),
    (4, b"ftypavif", "AVIF image"),
    (4, b"ftyp", "video"),
    (0, b"\x7fELF", "program"),
    (0, b"MZ", "program"),
)
_MARKUP = {b"<?xml": "XML text", b"<svg": "SVG drawing", b"<!doc": "web page", b"<html": "web page"}


def kind_of(source: bytes) -> str:
    """The file's kind in words ("PNG", "DICOM", "NIfTI", "text"), or "unknown"."""
    for offset, signature, kind in _SIGNATURES:
        if source.startswith(signature, offset):
            return kind
    if source.startswith(b"\x1f\x8b"):
        return "NIfTI" if _is_nifti(_inflated_start(source)) else "gzip archive"
    if _is_nifti(source):
        return "NIfTI"
    if _is_bare_dicom(source):
        return "DICOM"
    return _kind_of_text(source)


def named_kind(name: str) -> tuple[str, str]:
    """The extension of a file name and the kind it promises, or two empty strings.

    Only a known extension is returned: what follows the last dot of another name may be part
    of a patient's name or of an identifier.
    """
    extension = PurePath(name).suffix.lower()
    kind = KIND_OF_EXTENSION.get(extension, "")
    return (extension, kind) if kind else ("", "")


def described(kind: str) -> str:
    """The kind as the object of a sentence: "a PDF file", "an AVIF image"."""
    if kind == "unknown":
        return "of an unknown kind or damaged at its start"
    article = "an" if kind.startswith(("AVIF", "HDF5", "XML", "SVG")) else "a"
    return f"{article} {kind}" if " " in kind else f"{article} {kind} file"


def _is_nifti(start: bytes) -> bool:
    return start[344:348] in (b"n+1\x00", b"ni1\x00") or start[4:8] in (b"n+2\x00", b"ni2\x00")


def _inflated_start(source: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(source[:4096], 352)
    except zlib.error:
        return b""


def _is_bare_dicom(source: bytes) -> bool:
    """Whether the file starts with DICOM elements though the preamble is missing."""
    if len(source) < 8:
        return False
    explicit = source[4:6].isalpha() and source[4:6].isupper()
    for order in "<>":
        group, element, length = struct.unpack(f"{order}HHI", source[:8])
        if group in (0x0002, 0x0008) and element <= 0x0100 and (explicit or length < 256):
            return True
    return False


def _kind_of_text(source: bytes) -> str:
    start = source[:1024].lstrip(b"\xef\xbb\xbf \r\n\t")
    for opening, kind in _MARKUP.items():
        if start[:5].lower().startswith(opening):
            return kind
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError as err:
        if err.start < len(start) - 4:  # not just a character cut in two at the end
            return "unknown"
        text = start[: err.start].decode("utf-8")
    readable = bool(text) and all(letter.isprintable() or letter in "\r\n\t" for letter in text)
    return "text" if readable else "unknown"
