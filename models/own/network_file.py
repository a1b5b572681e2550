"""A look into an ONNX file: what its network takes and gives, and what the file itself says."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import UnsuitableInputError, WeightsError
from models.onnx_runtime import Network, open_file

MOST_BYTES = 1_000_000_000
DRAFT = "draft-"
"""Files so named are kept for an hour at most."""
NOTE = "lightbox"
"""Key under which a kept file says how it is read, in its own metadata."""


@dataclass(frozen=True)
class Port:
    """An input or output: its name, its sides (None where any length is taken) and its type."""

    name: str
    shape: tuple[int | None, ...]
    kind: str

    @property
    def words(self) -> str:
        """As a reader says it: "images: 1 × 3 × 640 × 640"."""
        sides = " × ".join("any" if side is None else str(side) for side in self.shape)
        return f"{self.name}: {sides or 'one number'}"


@dataclass(frozen=True)
class NetworkFile:
    """What was found in a file.

    Attributes:
        path, sha256, size: The file, its hash (hex) and its bytes.
        inputs, outputs: In the order of the file.
        metadata: What its writer noted.
    """

    path: Path
    sha256: str
    size: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: Mapping[str, str]

    @property
    def noted(self) -> dict[str, Any]:
        """How this program read it before, where the file was kept once."""
        try:
            found = json.loads(self.metadata.get(NOTE, "{}"))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def shown(path: Path) -> str:
    """A file's name as the person knows it, without what this program put before it."""
    return re.sub(rf"^{DRAFT}[0-9a-f]{{16}}-", "", path.name)


def checked_size(path: Path) -> int:
    """Bytes of a file.

    Raises:
        WeightsError: If it is missing, empty, or larger than 1 GB.
    """
    if not path.is_file():
        raise WeightsError(f"There is no file {shown(path)}.")
    size = path.stat().st_size
    if size == 0:
        raise WeightsError(f"{shown(path)} is empty.")
    if size > MOST_BYTES:
        raise WeightsError(
            f"{shown(path)} holds {size / 1e9:.1f} GB; at most 1 GB is taken, since every answer "
            "would need several times that in memory."
        )
    return size


def look(path: Path) -> NetworkFile:
    """Open an ONNX file and see what its network takes and gives. It runs no code of the file.

    Raises:
        WeightsError: If it is larger than 1 GB or holds no network.
    """
    size = checked_size(path)
    try:
        network = open_file(path)
    except WeightsError as err:
        raise WeightsError(
            f"{shown(path)} holds no network that can be opened: it is not ONNX, or it was cut "
            "short or damaged on the way."
        ) from err
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return NetworkFile(
        path,
        digest,
        size,
        _ports(network, "get_inputs"),
        _ports(network, "get_outputs"),
        dict(network.session.get_modelmeta().custom_metadata_map),
    )


def _ports(network: Network, which: str) -> tuple[Port, ...]:
    return tuple(
        Port(
            one.name,
            tuple(side if isinstance(side, int) and side > 0 else None for side in one.shape),
            one.type,
        )
        for one in getattr(network.session, which)()
    )


def image_input(file: NetworkFile, volumes: bool) -> tuple[int, Port]:
    """The input that takes the image, and its number.

    Raises:
        UnsuitableInputError: If none has the rank of an image.
    """
    rank = 5 if volumes else 4
    for number, port in enumerate(file.inputs):
        if len(port.shape) == rank:
            return number, port
    what = "1 × channels × three sides of a volume" if volumes else "1 × channels × height × width"
    raise UnsuitableInputError(
        f"The network takes {'; '.join(port.words for port in file.inputs)}. Needed is an input of "
        f"{rank} axes ({what}, or the channels last)."
    )
