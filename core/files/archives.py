"""Radiographs from many files at once, zip archives among them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import PurePosixPath

from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.files.kinds import kind_of

MAX_FILES = 2_000
MAX_ENTRIES = 20_000
"""Most entries of an archive's directory, junk included; it is read into memory as a whole."""
MAX_FILE_BYTES = 200 * 2**20
MAX_ARCHIVE_BYTES = 2 * 2**30
"""Most bytes that one archive may unpack to; one file is unpacked at a time, in memory."""

_JUNK_NAMES = {"thumbs.db", "desktop.ini", "dicomdir"}
_JUNK_FOLDERS = {"__macosx"}
_COMPANIONS = {".txt", ".csv", ".json", ".xml", ".md", ".yaml", ".yml", ".toml", ".html"}
"""Labels and read-me files that lie beside images in data sets."""


def contents_of(
    files: Iterable[tuple[str, bytes]],
) -> Iterator[tuple[str, bytes | ImagingError]]:
    """The files one by one, and the files within zip archives; nothing is written to disk.

    Args:
        files: Name and bytes of each file.

    Yields:
        The name, and the bytes or the error that says why there are none. A file within an
        archive is called by the archive's name, a slash and its own path, cleaned of everything
        that could point out of a folder. Hidden files, folders, labels and read-me files within
        an archive are passed over.
    """
    for name, source in files:
        if kind_of(source) == "zip":
            yield from _packed(name, source)
        else:
            yield name, source


def count_of(source: bytes) -> int:
    """How many files `contents_of` makes of one; a broken archive is one."""
    if kind_of(source) != "zip":
        return 1
    try:
        with _opened(source) as archive:
            return max(1, sum(not is_junk(entry) for entry in archive.infolist()))
    except ImagingError:
        return 1


def _packed(name: str, source: bytes) -> Iterator[tuple[str, bytes | ImagingError]]:
    """What an archive holds."""
    try:
        archive = _opened(source)
    except ImagingError as err:
        yield name, err
        return
    with archive:
        entries = [entry for entry in archive.infolist() if not is_junk(entry)]
        if not entries:
            yield (
                name,
                UnsuitableInputError(
                    "The zip archive holds no images, and at least one radiograph was expected; "
                    "check what was packed."
                ),
            )
        left = MAX_ARCHIVE_BYTES
        for entry in entries[:MAX_FILES]:
            label = f"{name}/{clean(entry.filename)}"
            try:
                content = unpacked(archive, entry, left)
            except ImagingError as err:
                yield label, err
                continue
            left -= len(content)
            yield label, content
        if len(entries) > MAX_FILES:
            error = UnsuitableInputError(
                f"The zip archive holds {len(entries)} files, and only the first {MAX_FILES} were "
                "read; pack the others into a second archive."
            )
            yield name, error


def _opened(source: bytes) -> zipfile.ZipFile:
    if source.count(b"PK\x01\x02") > MAX_ENTRIES:  # before all of them become objects
        raise UnsuitableInputError(
            f"The zip archive lists more than {MAX_ENTRIES} entries, which is too many to read; "
            "split it."
        )
    try:
        return zipfile.ZipFile(BytesIO(source))
    except Exception as err:  # zipfile raises struct errors and others on damage
        raise UnreadableImageError(
            "The zip archive is damaged or incomplete, so that it cannot be opened; pack or "
            "download it again."
        ) from err


def unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes:
    """The bytes of one entry, never more than its header says and the limits allow."""
    if entry.flag_bits & 0x1:
        raise UnreadableImageError(
            "The file lies encrypted in the zip archive, and passwords are not supported; "
            "pack it without one."
        )
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableImageError(
            "The file is packed in the zip archive by a method that is not supported; "
            "pack it in the usual way (deflate)."
        )
    if entry.file_size > min(MAX_FILE_BYTES, left):
        raise UnsuitableInputError(
            f"The file unpacks to more than is allowed ({MAX_FILE_BYTES // 2**20} MB a file, "
            f"{MAX_ARCHIVE_BYTES // 2**30} GB an archive); give it by itself or split the archive."
        )
    try:
        with archive.open(entry) as packed:
            content = packed.read(entry.file_size)  # zipfile checks length and CRC
    except Exception as err:  # zipfile and zlib raise anything on damage
        raise UnreadableImageError(
            "The file is damaged within the zip archive; pack or download the archive again."
        ) from err
    if kind_of(content) == "zip":
        raise UnsuitableInputError(
            "The file is a zip archive within a zip archive, which is not opened; "
            "unpack the outer one first."
        )
    return content


def is_junk(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a folder, hidden, or one of the files that lie beside images."""
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    parts = [part.lower() for part in path.parts]
    return (
        not parts  # first: of a name without a letter zipfile cannot say whether it is a folder
        or entry.is_dir()
        or any(part in _JUNK_FOLDERS for part in parts)
        or any(part.startswith(".") and part != ".." for part in parts)
        or is_companion(parts[-1])
    )


def is_companion(name: str) -> bool:
    """Whether a file of this name is hidden, a system's own, a label or a read-me file."""
    lower = name.lower()
    return (
        lower.startswith(".") or lower in _JUNK_NAMES or PurePosixPath(lower).suffix in _COMPANIONS
    )


def clean(path: str) -> str:
    """The path as a label: no drive, no way up, no control characters."""
    parts = path.replace("\\", "/").replace(":", "_").split("/")
    kept = [part for part in parts if part not in ("", ".", "..")]
    return "".join(letter for letter in "/".join(kept) if letter.isprintable())[-200:]
