"""The folder of results: what is to be scored, its parts, and what a run may go on from.

Every file is written beside its place and moved there, so that none is ever half there; a part
counts as done when its images' table is in place, which is moved last.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import UnsuitableInputError
from core.files.write import stem
from models.score.sources import Item
from models.score.task import Task

if TYPE_CHECKING:
    import pyarrow

COMMON = (
    ("number", "int64"),
    ("path", "string"),
    ("digest", "string"),
    ("refused", "bool"),
    ("why", "string"),
    ("card", "string"),
    ("card_sha256", "string"),
    ("seconds", "float64"),
)
BOX_COMMON = (("number", "int64"), ("path", "string"), ("digest", "string"))
LISTED = (
    ("path", "string"),
    ("files", "list"),
    ("entry", "string"),
    ("sex", "string"),
    ("problem", "string"),
)


def schema_of(columns: Sequence[tuple[str, str]]) -> pyarrow.Schema:
    """Columns as (name, type) as an Arrow schema; "list" is a list of texts."""
    import pyarrow

    types = {
        "int64": pyarrow.int64(),
        "float64": pyarrow.float64(),
        "string": pyarrow.string(),
        "bool": pyarrow.bool_(),
        "list": pyarrow.list_(pyarrow.string()),
    }
    return pyarrow.schema([(name, types[kind]) for name, kind in columns])


class Folder:
    """A run's folder. Only one run at a time may hold it (`locked`).

    Args:
        path: The folder; made when the run starts.
        task: What is scored.
    """

    def __init__(self, path: Path, task: Task) -> None:
        self.path = path
        self.task = task
        self.images = schema_of((*COMMON, *task.columns))
        self.boxes = schema_of((*BOX_COMMON, *task.box_columns))

    def locked(self) -> AbstractContextManager[None]:
        """Hold the folder; the system lets go of it when the process ends, however that ends.

        Raises:
            UnsuitableInputError: If another run holds it.
        """
        import locket

        self.path.mkdir(parents=True, exist_ok=True)
        lock = locket.lock_file(str(self.path / ".lock"), timeout=0)
        try:
            lock.acquire()
        except locket.LockError as err:
            raise UnsuitableInputError(
                f"Another run is writing into {self.path}; wait for it, or give another --out."
            ) from err
        return _Held(lock)

    def begin(self, items: Iterable[Item], about: Mapping[str, Any], *, resume: bool) -> int:
        """Write down what is to be scored and how, or find it written; the number of images.

        Args:
            items: What is to be scored; not looked at where a list is in place already.
            about: What must be the same when a run is taken up again: task, cards, choices.
            resume: Whether a run may be taken up.

        Raises:
            UnsuitableInputError: If results are here that may not be gone on with, or there is
                nothing to score.
        """
        begun = self.path / "run.json"
        if begun.exists():
            if not resume:
                raise UnsuitableInputError(
                    f"{self.path} already holds a run; go on with it by --resume, or give another "
                    "--out."
                )
            told = json.loads(begun.read_text(encoding="utf-8"))
            changed = [name for name, value in about.items() if told.get(name) != value]
            if changed:
                raise UnsuitableInputError(
                    f"{self.path} holds a run with another {' and '.join(changed)}; its rows "
                    "would not fit together. Give another --out."
                )
            return int(told["images"])
        if any((self.path / "images").glob("part-*.parquet")):
            raise UnsuitableInputError(
                f"{self.path} holds parts of a run whose run.json is gone; give another --out."
            )
        count = self._list(items)
        if not count:
            raise UnsuitableInputError("There is nothing to score: no images were found.")
        text = json.dumps({**about, "images": count}, indent=2)
        moved(begun, lambda path: path.write_text(text, encoding="utf-8"))
        return count

    def _list(self, items: Iterable[Item]) -> int:
        import pyarrow
        from pyarrow import parquet

        schema, count = schema_of(LISTED), 0

        def write(path: Path) -> None:
            nonlocal count
            with parquet.ParquetWriter(path, schema) as writer:
                for group in _groups(items, 4096):
                    rows = [{**vars(item), "files": list(item.files)} for item in group]
                    writer.write_table(pyarrow.Table.from_pylist(rows, schema))
                    count += len(group)

        moved(self.path / "list.parquet", write)
        return count

    def open_parts(self) -> Iterator[tuple[int, list[Item]]]:
        """Number and images of every part that is not in place yet, in order."""
        from pyarrow import parquet

        listed = parquet.ParquetFile(self.path / "list.parquet")
        # One part at a time: the list of an archive need not fit in memory.
        batches = listed.iter_batches(batch_size=self.task.part_size, use_threads=False)
        for part, rows in enumerate(_rebatched(batches, self.task.part_size)):
            if not self.part(part).exists():
                yield part, [Item(**{**row, "files": tuple(row["files"])}) for row in rows]

    def part(self, number: int, table: str = "images") -> Path:
        """Where a part of a table is or will be."""
        return self.path / table / f"part-{number:06d}.parquet"

    def write_part(
        self,
        number: int,
        images: Sequence[Mapping[str, Any]],
        boxes: Sequence[Mapping[str, Any]],
    ) -> None:
        """Move a part's tables into place, that of the images last."""
        import pyarrow
        from pyarrow import parquet

        tables = [("images", images, self.images)]
        if self.task.box_columns:
            tables.insert(0, ("boxes", boxes, self.boxes))
        for name, rows, schema in tables:
            table = pyarrow.Table.from_pylist([dict(row) for row in rows], schema)
            moved(self.part(number, name), partial(parquet.write_table, table))

    def write_rows(
        self,
        number: int,
        items: Sequence[Item],
        rows: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]],
        card_sha256: str,
    ) -> None:
        """Write a part from its images and the columns and boxes of each.

        Args:
            number: Of the part.
            items: Its images.
            rows: (columns, boxes) of each, as `models.score.task.Scored` has them.
            card_sha256: Of the main model's weights.
        """
        images: list[Mapping[str, Any]] = []
        boxes: list[Mapping[str, Any]] = []
        card = {"card": self.task.cards[0][1], "card_sha256": card_sha256}
        for place, (item, (columns, own)) in enumerate(zip(items, rows, strict=True)):
            where = {
                "number": number * self.task.part_size + place,
                "path": item.path,
                "digest": columns["digest"],
            }
            images.append({**columns, **where, **card})
            boxes += [{**box, **where} for box in own]
        self.write_part(number, images, boxes)

    def mask_name(self, path: str) -> str:
        """The file name of an image's mask: its own name, and what tells it from namesakes."""
        own = stem(path.rsplit("/", 1)[-1])[:80]
        return f"{own}-{hashlib.sha256(path.encode()).hexdigest()[:10]}{self.task.mask_suffix}"

    def write_mask(self, name: str, content: bytes) -> None:
        """Move a mask into place."""
        moved(self.path / "masks" / name, lambda path: path.write_bytes(content))

    def rows(self, table: str = "images") -> Iterator[dict[str, Any]]:
        """All rows of a table, part by part, in order."""
        from pyarrow import parquet

        for path in sorted((self.path / table).glob("part-*.parquet")):
            yield from parquet.read_table(path).to_pylist()

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Move a JSON file into place."""
        text = json.dumps(content, indent=2)
        moved(self.path / name, lambda path: path.write_text(text, encoding="utf-8"))


class _Held:
    """A lock that was taken, let go at the end of a `with`."""

    def __init__(self, lock: Any) -> None:
        self.lock = lock

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def moved(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, see it on the disk, and move it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    write(unfinished)
    with unfinished.open("rb+") as handle:
        os.fsync(handle.fileno())
    unfinished.replace(path)


def _groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    group: list[Item] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _rebatched(batches: Iterable[Any], size: int) -> Iterator[list[dict[str, Any]]]:
    """Rows in lists of `size`: Parquet's own batches end where its row groups do."""
    rows: list[dict[str, Any]] = []
    for batch in batches:
        rows += batch.to_pylist()
        while len(rows) >= size:
            yield rows[:size]
            rows = rows[size:]
    if rows:
        yield rows
