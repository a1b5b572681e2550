"""Model cards: what a weights file is, how good it is, and the check before it is opened."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.errors import WeightsError
from core.user_folder import user_folder

MODELS = Path(__file__).parent
WEIGHTS = MODELS / "weights"


@dataclass(frozen=True)
class Metric:
    """One measured figure.

    Attributes:
        name: The figure's usual name, with its unit where it has one ("MAE (months)").
        value: The point estimate on the whole split.
        low, high: Bootstrap 95 % interval.
        data_set, split, n: What it was measured on.
        note: What a reader must know to compare it.
    """

    name: str
    value: float
    low: float
    high: float
    data_set: str
    split: str
    n: int
    note: str = ""

    @property
    def sentence(self) -> str:
        """The figure with its interval and what it was measured on."""
        return (
            f"{self.name} {self.value:.3g} (95 % interval {self.low:.3g} to {self.high:.3g}), "
            f"{self.data_set}, {self.split}, n = {self.n}"
        )


@dataclass(frozen=True)
class ModelCard:
    """What a weights file is, read from `models/<task>/<name>.toml`.

    Attributes:
        name, title, task: File stem, name on the screen, task package.
        role: What the model is for ("detector", "findings", "age"): pages offer all of a role.
        purpose: One sentence.
        file: Weights file below `models/weights`.
        sha256: Hash of that file (hex).
        licence, source, framework, architecture: Terms, origin and kind of the weights.
        input_shape: What the network receives, without the batch.
        labels: Output labels in the order of the outputs.
        operating_points: Threshold per label.
        training: How it was trained, as name and value for display.
        metrics: Measured figures; the first is the headline.
        limitations: Sentences.
        rebuild: In a sentence, how far its recipe makes the same weights again.
        citations: Sentences.
        settings: The table that the task's own `models/<task>/settings.py` gives types to.
        reads: Only of a person's own model: what its network takes and gives, see
            `models.own.reads`. Its card and file lie in `own_folder`.
    """

    name: str
    title: str
    task: str
    role: str
    purpose: str
    file: str
    sha256: str
    licence: str
    source: str
    framework: str
    architecture: str
    input_shape: tuple[int, ...]
    labels: tuple[str, ...]
    operating_points: Mapping[str, float] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    limitations: tuple[str, ...] = ()
    citations: tuple[str, ...] = ()
    rebuild: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    reads: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_own(self) -> bool:
        """Whether a person brought it: nothing was measured on it here."""
        return bool(self.reads)


def own_folder() -> Path:
    """Where a person's own models lie, as `<task>/<name>.toml`."""
    return user_folder() / "models"


def own_files() -> Path:
    """Where their files lie."""
    return own_folder() / "files"


def read_card(path: Path) -> ModelCard:
    """Read a card.

    Raises:
        WeightsError: If the file is missing, is not TOML, or lacks a field.
    """
    try:
        state = path.stat()
        return _parsed(path, state.st_mtime_ns, state.st_size)
    except (OSError, ValueError, TypeError, RecursionError) as err:
        raise WeightsError(f"The model card {path.name} cannot be read ({err}).") from err


@lru_cache(maxsize=64)
def _parsed(path: Path, changed_ns: int, size: int) -> ModelCard:
    """The card of a file as it was at a time: a page asks for a dozen cards at every run."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    table["metrics"] = tuple(Metric(**row) for row in table.get("metrics", ()))
    for key in ("input_shape", "labels", "limitations", "citations"):
        table[key] = tuple(table.get(key, ()))
    return ModelCard(name=path.stem, **table)


def load_card(task: str, name: str) -> ModelCard:
    """The card `models/<task>/<name>.toml`, or else a person's own of that name."""
    shipped = MODELS / task / f"{name}.toml"
    own = own_folder() / task / f"{name}.toml"
    return read_card(own if own.is_file() and not shipped.is_file() else shipped)


def task_cards(task: str) -> list[ModelCard]:
    """All cards of a task that ship, by file name."""
    return [read_card(path) for path in sorted((MODELS / task).glob("*.toml"))]


def own_cards(task: str) -> list[ModelCard]:
    """A person's own cards of a task, by file name; one that cannot be read is left out."""
    found = []
    for path in sorted((own_folder() / task).glob("*.toml")):
        with suppress(WeightsError):
            found.append(read_card(path))
    return [card for card in found if card.is_own and card.task == task]


def cards_of(task: str, role: str, first: Sequence[str] = ()) -> list[ModelCard]:
    """The cards of a task with a role, by file name; those named in `first` come first.

    A person's own come last.

    Raises:
        WeightsError: If a card that ships cannot be read.
    """
    order = {name: place for place, name in enumerate(first)}
    shipped = task_cards(task)
    taken = {card.name for card in shipped}
    own = [card for card in own_cards(task) if card.name not in taken]
    found = [card for card in (*shipped, *own) if card.role == role]
    return sorted(found, key=lambda card: (card.is_own, order.get(card.name, len(order))))


def verified_weights(card: ModelCard, folder: Path = WEIGHTS) -> Path:
    """Path of a card's weights file, after its hash was checked.

    Call it before anything opens the file: some formats run code when they are opened.

    Raises:
        WeightsError: If the file is missing or its SHA-256 is not the card's.
    """
    # A card that ships may name a file elsewhere, as one in training does; a person's own never.
    path = own_files() / Path(card.file).name if card.is_own else folder / card.file
    if not path.is_file() and card.is_own:
        raise WeightsError(
            f"The file {card.file} of your model “{card.title}” is missing from {path.parent}. Put "
            "it back, or remove the model under “Your models”."
        )
    if not path.is_file():
        raise WeightsError(
            f"The weights {card.file} of “{card.title}” are missing. "
            "Install Lightbox again, or restore models/weights."
        )
    with path.open("rb") as handle:
        found = hashlib.file_digest(handle, "sha256").hexdigest()
    if found != card.sha256:
        raise WeightsError(
            f"The weights {card.file} are not the file that the card of “{card.title}” describes "
            f"(SHA-256 {found[:12]}…, expected {card.sha256[:12]}…). They were not opened. "
            + ("Add the model again." if card.is_own else "Restore models/weights.")
        )
    return path
