"""The files of a folder: never outside it, and no link is followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from core.errors import UnsuitableInputError

MOST_FILES = 500_000
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".dcm")
VOLUME_ENDINGS = (".nii", ".nii.gz", ".mgz", ".mgh", ".nrrd")


class Listing:
    """What lies in a folder, by the path below it with forward slashes.

    Attributes:
        root: The folder, without links in its own path.
        files: Path below the root to size in bytes and time of change in nanoseconds.
        links: Links that were found and not followed.
    """

    def __init__(self, folder: Path) -> None:
        """List a folder.

        Raises:
            UnsuitableInputError: If it is no folder, may not be read, or holds too many files.
        """
        try:
            self.root = folder.expanduser().resolve(strict=True)
        except (OSError, RuntimeError) as err:
            raise UnsuitableInputError(f"There is no folder “{folder}” on this computer.") from err
        if not self.root.is_dir():
            raise UnsuitableInputError(f"“{folder}” is a file; name the folder that it lies in.")
        self.files: dict[str, tuple[int, int]] = {}
        self.links: list[str] = []
        try:
            for entry, below in _walk(self.root, ""):
                if entry.is_symlink():
                    self.links.append(below)
                    continue
                status = entry.stat(follow_symlinks=False)
                self.files[below] = (status.st_size, status.st_mtime_ns)
                if len(self.files) > MOST_FILES:
                    raise UnsuitableInputError(
                        f"“{folder.name}” holds more than {MOST_FILES:,} files; name a folder "
                        "further down."
                    )
        except OSError as err:
            raise UnsuitableInputError(f"“{folder.name}” cannot be read ({err.strerror}).") from err

    def __contains__(self, below: str) -> bool:
        return below in self.files

    def path(self, below: str) -> Path:
        """Where a listed file lies.

        Raises:
            KeyError: If the file was not listed, hence for any path that leaves the folder.
        """
        if below not in self.files:
            raise KeyError(below)
        return self.root / below

    def below(self, folder: str, endings: tuple[str, ...] = IMAGE_ENDINGS) -> list[str]:
        """Listed files of some kinds in a folder below the root ("" for all), sorted."""
        start = f"{folder}/" if folder else ""
        return sorted(
            name for name in self.files if name.startswith(start) and name.lower().endswith(endings)
        )

    def by_name(self, endings: tuple[str, ...] = IMAGE_ENDINGS) -> dict[str, str]:
        """Last part of the path to the path, for tables that name files without folders."""
        return {PurePosixPath(name).name: name for name in reversed(self.below("", endings))}


def _walk(folder: Path, below: str) -> Iterator[tuple[os.DirEntry[str], str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{below}{entry.name}"
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{name}/")
            else:
                yield entry, name
