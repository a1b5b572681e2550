"""Where the cases of a series come from: a phantom's seed, a sample's name or a file's digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from core.errors import UnsuitableInputError

MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class PhantomSource:
    """A phantom by seed; whether it is abnormal follows from the seed and is written nowhere.

    Attributes:
        seed: In [0, `MAX_SEED`].
        options: What the maker of the series fixed, as sorted (name, value) pairs of
            `core.practice.phantoms.OPTIONS`.
    """

    seed: int
    options: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not is_whole(self.seed, 0, MAX_SEED):
            raise UnsuitableInputError(
                f"The seed of a phantom must be a whole number from 0 to {MAX_SEED}, but the "
                f"series has {shown(self.seed)}; make the series again."
            )
        object.__setattr__(self, "options", tuple(sorted(self.options)))


@dataclass(frozen=True)
class SampleSource:
    """A real sample by its file name in `core/samples.csv`."""

    name: str

    def __post_init__(self) -> None:
        check_text(self.name, "name of a sample")


@dataclass(frozen=True)
class FolderSource:
    """An image of a data set folder.

    Attributes:
        folder: The data set, as an absolute path without "..".
        file: Relative path within it, with forward slashes and without "..".
        digest: SHA-256 (hex) of the file's bytes.
    """

    folder: str
    file: str
    digest: str

    def __post_init__(self) -> None:
        check_text(self.folder, "folder", 1000)
        check_text(self.file, "file", 1000)
        for path, name in ((self.folder, "folder"), (self.file, "file")):
            if ".." in PurePosixPath(path.replace("\\", "/")).parts:
                raise UnsuitableInputError(
                    f"The series names the {name} {shown(path)}, which leads out of its place "
                    "with “..”, and that is not followed; make the series again on this computer."
                )
        if PurePosixPath(self.file).is_absolute() or PureWindowsPath(self.file).drive:
            raise UnsuitableInputError(
                f"The series names the file {shown(self.file)} by an absolute path, and a path "
                "within the folder was expected; make the series again."
            )
        if not (len(self.digest) == 64 and set(self.digest) <= set("0123456789abcdef")):
            raise UnsuitableInputError(
                f"The digest of {shown(self.file)} is no SHA-256 (64 hexadecimal digits); make "
                "the series again."
            )


Source = PhantomSource | SampleSource | FolderSource


def case_key(task: str, source: Source) -> str:
    """What a case is known by, in whichever series it stands: 16 hexadecimal digits."""
    return hashlib.sha256(canonical([task, source_mapping(source)])).hexdigest()[:16]


def source_mapping(source: Source) -> dict[str, Any]:
    """The source as JSON has it."""
    if isinstance(source, PhantomSource):
        found: dict[str, Any] = {"phantom": source.seed}
        return found | ({"options": dict(source.options)} if source.options else {})
    if isinstance(source, SampleSource):
        return {"sample": source.name}
    return {"folder": source.folder, "file": source.file, "sha256": source.digest}


def source_from_mapping(found: Any) -> Source:
    """The source that JSON has.

    Raises:
        UnsuitableInputError: If it is none.
    """
    if isinstance(found, dict):
        if set(found) <= {"phantom", "options"} and "phantom" in found:
            options = found.get("options", {})
            if isinstance(options, dict) and all(isinstance(v, str) for v in options.values()):
                return PhantomSource(found["phantom"], tuple(options.items()))
        elif set(found) == {"sample"}:
            return SampleSource(found["sample"])
        elif set(found) == {"folder", "file", "sha256"} and isinstance(found["sha256"], str):
            return FolderSource(found["folder"], found["file"], found["sha256"])
    raise UnsuitableInputError(
        f"The series has a case that is neither phantom, sample nor file: {shown(found)}; "
        "make the series again."
    )


def canonical(found: Any) -> bytes:
    """JSON with one spelling, to hash."""
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def is_whole(value: Any, low: int, high: int) -> bool:
    """Whether it is an integer in [low, high]; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def check_text(value: Any, name: str, most: int = 200, *, empty: bool = False) -> None:
    """Refuse what is no short printable text.

    Raises:
        UnsuitableInputError: If it is none.
    """
    if not isinstance(value, str) or len(value) > most or not (value or empty):
        raise UnsuitableInputError(
            f"The {name} in the series must be text of at most {most} letters, but it is "
            f"{shown(value)}; make the series again."
        )
    if not all(letter.isprintable() for letter in value):
        raise UnsuitableInputError(
            f"The {name} in the series has letters that cannot be shown; make the series again."
        )


def named(source: Source) -> str:
    """The source in a sentence."""
    if isinstance(source, PhantomSource):
        return f"phantom {source.seed}"
    return f"“{source.name if isinstance(source, SampleSource) else source.file}”"


def shown(value: Any) -> str:
    """A value in a sentence: short, and without control characters."""
    words = value if isinstance(value, str) else repr(value)
    words = "".join(letter if letter.isprintable() else "·" for letter in words)
    return f"“{words[:60]}…”" if len(words) > 60 else f"“{words}”"
