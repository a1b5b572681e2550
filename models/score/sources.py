"""What is to be scored: the images of a folder, a list, a zip archive or a DICOMDIR.

Nothing is read here but names and, for volumes, the first bytes of each file.
"""

from __future__ import annotations

import csv
import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.files.archives import MAX_FILE_BYTES, clean, is_companion, is_junk, unpacked
from core.files.kinds import kind_of
from models.score.task import Contents

PATH_COLUMNS = ("path", "file", "filename", "image", "image_path")
VOLUME_ENDINGS = (".nii", ".nii.gz", ".mgz", ".mgh", ".nrrd")
LISTS = (".csv", ".parquet")


@dataclass(frozen=True)
class Item:
    """One image that is to be scored.

    Attributes:
        path: What its row calls it: the path as given, with what lies below it.
        files: Where its bytes are: one file, or the files of a DICOM series.
        entry: Name within the zip archive that `files` names; empty where it is none.
        sex: "F" or "M" where a list says so.
        problem: Why there is nothing to read, where that is known already.
    """

    path: str
    files: tuple[str, ...]
    entry: str = ""
    sex: str | None = None
    problem: str = ""


def items(given: str | Path, *, volumes: bool, leave_out: Path | None = None) -> Iterator[Item]:
    """Everything that is to be scored, in an order that is always the same.

    Args:
        given: A folder, read with all that lies below it; a CSV or Parquet list with a column
            "path" (relative to the list) and perhaps "sex"; a zip archive; a DICOMDIR; or one
            image. Hidden files, and labels and read-me files beside images, are passed over.
        volumes: Whether the files of a DICOM series are one image, or each is one.
        leave_out: A folder that is not looked into: that of the results.

    Raises:
        UnsuitableInputError: If nothing is there, or a list has no column of paths.
    """
    path = Path(given).absolute()  # a worker may stand in another folder
    if not path.exists():
        raise UnsuitableInputError(
            f"There is no “{given}”; give a folder, a zip archive, a DICOMDIR, or a list (CSV or "
            "Parquet) with a column “path”."
        )
    if path.suffix.lower() in LISTS and path.is_file():
        yield from _listed(path, volumes, leave_out)
    else:
        yield from _found(str(given), path, volumes, leave_out)


def contents(item: Item) -> Contents:
    """The bytes of an item's files.

    Raises:
        ImagingError: If they are not there, cannot be read or are too many.
    """
    if item.problem:
        raise UnreadableImageError(item.problem)
    if item.entry:
        return [(item.entry, _entry(item))]
    try:
        size = sum(Path(file).stat().st_size for file in item.files)
        if size > MAX_FILE_BYTES:
            raise UnsuitableInputError(
                f"The file takes {size / 2**20:,.0f} MB, and at most "
                f"{MAX_FILE_BYTES // 2**20} MB are read; export it smaller."
            )
        return [(Path(file).name, Path(file).read_bytes()) for file in item.files]
    except FileNotFoundError as err:
        raise UnreadableImageError(
            "There is no such file; correct the list or its folder."
        ) from err
    except OSError as err:
        raise UnreadableImageError(
            f"The file cannot be read ({err.strerror or err}); check its permissions and disk."
        ) from err


def _found(name: str, path: Path, volumes: bool, leave_out: Path | None) -> Iterator[Item]:
    """The items of one path, whatever it is."""
    if path.is_dir():
        yield from _below(name, path, volumes, leave_out)
    elif path.name.upper() == "DICOMDIR":
        yield from _dicomdir(name, path, volumes)
    elif path.suffix.lower() == ".zip":
        yield from _zipped(name, path, volumes)
    else:
        yield Item(name, (str(path),))


def _below(name: str, folder: Path, volumes: bool, leave_out: Path | None) -> Iterator[Item]:
    for root, folders, files in os.walk(folder):
        here = Path(root)
        if leave_out is not None and here.resolve() == leave_out.resolve():
            folders.clear()
            continue
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        wanted = [here / one for one in sorted(files) if not is_companion(one)]
        named = [(_joined(name, path.relative_to(folder)), path) for path in wanted]
        if volumes:
            title = name if here == folder else _joined(name, here.relative_to(folder))
            yield from _grouped(title, named)
        else:
            for title, path in named:
                yield from _found(title, path, volumes, leave_out)


def _joined(name: str, relative: Path) -> str:
    return f"{name.rstrip('/')}/{relative.as_posix()}"


def _grouped(title: str, named: Iterable[tuple[str, Path]]) -> Iterator[Item]:
    """Volume files one by one, and the DICOM files among them one item a series."""
    series: dict[str, list[str]] = {}
    for name, path in named:
        if path.suffix.lower() == ".zip":
            yield from _zipped(name, path, volumes=True)
        elif (uid := _series(path)) is None:
            yield Item(name, (str(path),))
        else:
            series.setdefault(uid, []).append(str(path))
    for number, files in enumerate(series.values(), start=1):
        yield Item(title if len(series) == 1 else f"{title}#{number}", tuple(files))


def _series(path: Path) -> str | None:
    """What tells a DICOM file's series from others, or None where it is no DICOM file.

    The identifier serves to group and is kept nowhere.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        with path.open("rb") as handle:
            if kind_of(handle.read(4096)) != "DICOM":
                return None
        found = pydicom.dcmread(
            path, stop_before_pixels=True, specific_tags=["SeriesInstanceUID"], force=True
        )
        return str(found.get("SeriesInstanceUID", ""))
    except (OSError, InvalidDicomError, ValueError, AttributeError, KeyError, EOFError):
        return None  # the reader says what is wrong with it


def _dicomdir(name: str, path: Path, volumes: bool) -> Iterator[Item]:
    """The image files that a DICOMDIR refers to (DICOM PS3.3 F.3)."""
    import pydicom

    try:
        records = pydicom.dcmread(path).DirectoryRecordSequence
        listed = [record.ReferencedFileID for record in records if "ReferencedFileID" in record]
    except Exception as err:  # pydicom raises many kinds on damage
        raise UnreadableImageError(
            "The DICOMDIR is damaged or incomplete; give the folder that it lies in instead."
        ) from err
    parts = [[one] if isinstance(one, str) else [str(part) for part in one] for one in listed]
    # A component "..", or a drive, must not lead out of the folder.
    inside = [Path(*[part for part in one if clean(part) == part]) for one in parts]
    title = str(Path(name).parent)
    named = [(_joined(title, one), path.parent / one) for one in inside]
    if volumes:
        yield from _grouped(title, named)
    else:
        yield from (Item(title, (str(file),)) for title, file in named)


def _zipped(name: str, path: Path, volumes: bool) -> Iterator[Item]:
    try:
        archive = _archive(str(path), path.stat().st_mtime_ns)
    except ImagingError as err:
        yield Item(name, (str(path),), problem=str(err))
        return
    entries = sorted(one.filename for one in archive.infolist() if not is_junk(one))
    if volumes:
        # A zip that holds no volume file holds the DICOM files of one series: one item.
        entries = [one for one in entries if one.lower().endswith(VOLUME_ENDINGS)] or [""]
    elif not entries:
        yield Item(name, (str(path),), problem="The zip archive holds no images.")
    for entry in entries:
        yield Item(f"{name}/{clean(entry)}" if entry else name, (str(path),), entry)


def _entry(item: Item) -> bytes:
    path = Path(item.files[0])
    try:
        archive = _archive(str(path), path.stat().st_mtime_ns)
        return unpacked(archive, archive.getinfo(item.entry), MAX_FILE_BYTES)
    except (OSError, KeyError) as err:
        raise UnreadableImageError(
            "The zip archive is no longer there, or was changed while it was read."
        ) from err


@lru_cache(maxsize=2)
def _archive(path: str, changed: int) -> zipfile.ZipFile:
    """An archive, opened once for all its entries; a changed one is opened again."""
    try:
        return zipfile.ZipFile(path)
    except Exception as err:  # zipfile raises struct errors and others on damage
        raise UnreadableImageError(
            "The zip archive is damaged or incomplete, so that it cannot be opened; pack or "
            "download it again."
        ) from err


def _listed(path: Path, volumes: bool, leave_out: Path | None) -> Iterator[Item]:
    rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else _csv_rows(path)
    column = None
    for row in rows:
        if column is None:
            column = next((name for name in PATH_COLUMNS if name in row), None)
            if column is None:
                raise UnsuitableInputError(
                    f"The list {path.name} has no column “path”; its columns are: "
                    f"{', '.join(str(name) for name in row)}."
                )
        name = str(row[column] or "").strip()
        if not name:
            continue
        sex = str(row.get("sex") or "").strip().upper()[:1]
        for item in _found(name, path.parent / name, volumes, leave_out):
            yield Item(
                item.path, item.files, item.entry, sex if sex in ("F", "M") else None, item.problem
            )


def _csv_rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            yield from csv.DictReader(handle)
    except (UnicodeDecodeError, csv.Error) as err:
        raise UnsuitableInputError(f"The list {path.name} is no CSV text (UTF-8).") from err


def _parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow
    from pyarrow import parquet

    try:
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=4096):
            yield from batch.to_pylist()
    except (pyarrow.ArrowInvalid, OSError) as err:
        raise UnsuitableInputError(f"The list {path.name} is no Parquet file.") from err
