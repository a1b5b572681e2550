"""A person's own models on this computer: drafts, kept ones, and files copied into the folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from core.errors import WeightsError
from models.cards import MODELS, ModelCard, own_cards, own_files, own_folder, read_card
from models.own.convert import ENDINGS
from models.own.network_file import DRAFT, NOTE
from models.own.roles import ROLES

DRAFT_SECONDS = 3600.0


def waiting() -> list[Path]:
    """Files that were copied into the folder and are no models yet, by name."""
    if not own_folder().is_dir():
        return []
    return sorted(
        path for path in own_folder().iterdir() if path.is_file() and path.suffix.lower() in ENDINGS
    )


def upload(name: str, content: bytes) -> Path:
    """Lay an uploaded file down for a look; `tidy` removes it later."""
    known = re.sub(r"[^\w.-]", "_", name.replace("\\", "/").rsplit("/", 1)[-1])[-80:]
    path = own_files() / f"{DRAFT}{hashlib.sha256(content).hexdigest()[:16]}-{known}"
    with _writing(path.parent):
        if not path.is_file():
            part = path.with_suffix(".part")
            part.write_bytes(content)
            part.replace(path)
    os.utime(path)
    return path


def converted(source: Path, question: str) -> Path:
    """Where the ONNX file of a source lies, once it was converted as `question` says."""
    with source.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    asked = hashlib.sha256(f"{digest}|{question}".encode()).hexdigest()
    with _writing(own_files()):
        return own_files() / f"{DRAFT}{asked[:16]}.onnx"


def tidy() -> None:
    """Remove drafts that nobody has looked at for an hour."""
    if not own_files().is_dir():
        return
    for path in own_files().glob(f"{DRAFT}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > DRAFT_SECONDS:
                path.unlink()


def keep(card: ModelCard, network: Path) -> ModelCard:
    """Keep a model: its file with a note of how it is read, and its card.

    Args:
        card: Its name, file and hash are set here.
        network: The ONNX file.

    Returns:
        The card as kept.

    Raises:
        WeightsError: If it has no title, the title is taken, or the folder cannot be written.
    """
    name = name_of(card.title)
    if not name:
        raise WeightsError("Give the model a name of at least one letter or figure.")
    place = own_folder() / card.task / f"{name}.toml"
    if place.exists() or (MODELS / card.task / f"{name}.toml").exists():
        raise WeightsError(f"There is a model named “{name}” already; choose another name.")
    note = {"reads": dict(card.reads), "role": card.role}
    content = network.read_bytes() + metadata(NOTE, json.dumps(note))
    found = replace(
        card,
        name=name,
        file=f"{card.task}-{name}.onnx",
        sha256=hashlib.sha256(content).hexdigest(),
    )
    text = toml(found)
    with _writing(place.parent), _writing(own_files()):
        (own_files() / found.file).write_bytes(content)
        place.write_text(text, encoding="utf-8")
    return read_card(place)


def remove(card: ModelCard) -> None:
    """Remove a model of a person's own with its file.

    Raises:
        WeightsError: If the folder cannot be written.
    """
    with _writing(own_folder()):
        (own_folder() / card.task / f"{card.name}.toml").unlink(missing_ok=True)
        (own_files() / Path(card.file).name).unlink(missing_ok=True)


def all_cards() -> tuple[list[ModelCard], list[str]]:
    """All own models, and a sentence for each card in the folder that cannot be read."""
    found: list[ModelCard] = []
    problems = []
    for task in dict.fromkeys(role.task for role in ROLES.values()):
        found += own_cards(task)
        for path in sorted((own_folder() / task).glob("*.toml")):
            try:
                card = read_card(path)
            except WeightsError as err:
                problems.append(str(err))
                continue
            if card not in found:
                problems.append(f"The card {path.name} lies under {task} and is of no such model.")
    return found, problems


def name_of(title: str) -> str:
    """A title as a name for files and commands: "My model 2" is "my_model_2"."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:48]


def metadata(key: str, value: str) -> bytes:
    """Bytes that, at the end of an ONNX file, add an entry to its metadata.

    An ONNX file is a protobuf message: of a repeated field, here metadata_props (14), what is
    appended is added (https://protobuf.dev/programming-guides/encoding/#last-one-wins). So two
    ways to read one network are two files with two hashes, and nothing that is kept under a hash
    can be mistaken for the other's; and the file tells how it is read wherever it is copied.
    """
    entry = b"".join(
        bytes([tag]) + _length(part) + part
        for tag, part in ((0x0A, key.encode()), (0x12, value.encode()))
    )
    return b"\x72" + _length(entry) + entry


def _length(part: bytes) -> bytes:
    """A length as protobuf's variable-length integer."""
    left, found = len(part), bytearray()
    while left > 0x7F:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*found, left])


def toml(card: ModelCard) -> str:
    """A card as TOML; its name is the file's."""
    table = {key: value for key, value in asdict(card).items() if key not in ("name", "metrics")}
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"{key} = {_toml(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            lines += ["", f"[{key}]"]
            lines += [f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items()]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        inner = (f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items())
        return "{ " + ", ".join(inner) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    # JSON's strings are TOML's, but for the one character that it leaves bare.
    return json.dumps(value).replace("\x7f", "\\u007f") if isinstance(value, str) else repr(value)


class _writing:
    """Make a folder and write below it; what the disk refuses becomes a sentence."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            self.__exit__(type(err), err, None)

    def __exit__(self, kind: object, err: BaseException | None, trace: object) -> None:
        if isinstance(err, OSError):
            raise WeightsError(
                f"The folder of your models, {self.folder}, cannot be written ({err.strerror})."
            ) from err
