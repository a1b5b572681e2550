"""Score a labelled folder in this process, as a page does: the rows and the folder of a run.

For some hundred images; `models.score.run` is for more. What it leaves can be opened like any
other run's results, and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from core.dataset_folders.dataset import Dataset
from core.errors import ImagingError
from core.stages import Progress
from core.user_folder import user_folder
from models.cards import load_card, verified_weights
from models.score import sources
from models.score.parts import Folder
from models.score.progress import Pace
from models.score.results import Results, open_results
from models.score.sources import Item
from models.score.task import Ask, Task, score

PART = 20
"""Images in a part: what a press of Cancel costs at most."""
SEXES = {"girl": "F", "boy": "M"}


def items_of(dataset: Dataset, names: Sequence[str], most: int) -> list[Item]:
    """Images of a data set as a run lists them.

    Args:
        dataset: Where they are.
        names: Paths below its folder.
        most: If there are more, so many are drawn, always the same ones.
    """
    some = sorted(Random(0).sample(list(names), most)) if len(names) > most else names
    sexes = dict(dataset.rows["sex"]) if "sex" in dataset.rows else {}
    return [
        Item(name, (str(dataset.listing.path(name)),), sex=SEXES.get(str(sexes.get(name, ""))))
        for name in some
    ]


def folder_of(task: Task, items: Sequence[Item]) -> Path:
    """Where the answers of these models about these files are kept.

    The name stands for the weights and for each file's path, size and time of change, so that
    another model or a changed file is asked anew.
    """
    parts = [f"{room}/{name} {load_card(room, name).sha256}" for room, name in task.cards]
    for item in items:
        state = Path(item.files[0]).stat()
        parts.append(f"{item.files[0]}|{state.st_size}|{state.st_mtime_ns}|{item.sex}")
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
    return user_folder() / "evaluations" / task.name / digest


def is_done(folder: Path) -> bool:
    """Whether a run went through."""
    return (folder / "summary.json").is_file()


def score_here(task: Task, items: Sequence[Item], out: Path, progress: Progress) -> Results:
    """Ask a task's models about every image, and keep rows, boxes and masks of heads.

    Args:
        task: What is asked.
        items: From `items_of`.
        out: From `folder_of`; a run that lies there is gone on with.
        progress: Called before each image; what it raises ends the run.

    Raises:
        ImagingError: If the models cannot be loaded, or the folder cannot be written.
    """
    cards = [load_card(room, name) for room, name in task.cards]
    for card in cards:
        verified_weights(card)
    folder = Folder(out, replace(task, part_size=PART))
    about: dict[str, Any] = {
        "task": task.name,
        "in": "a labelled folder",
        "cards": [f"{card.task}/{card.name} {card.sha256}" for card in cards],
        "masks": task.volumes,
    }
    try:
        total = folder.begin(items, about, resume=True)
        done = total - sum(len(part) for _, part in folder.open_parts())
        pace = Pace(total, done, unit="heads" if task.volumes else "films")
        model = None
        for number, some in folder.open_parts():
            rows = []
            for item in some:
                pace.at(time.monotonic())
                progress(pace.share, f"{cards[0].title}: {pace.words}")
                model = task.load() if model is None else model
                rows.append(_row(folder, model, item))
                pace.done += 1
                pace.refused += bool(rows[-1][0]["refused"])
            folder.write_rows(number, some, rows, cards[0].sha256)
        folder.write_json("summary.json", {**about, "images": total})
    except OSError as err:
        raise ImagingError(
            f"The answers cannot be kept in {out} ({err.strerror or err}); make room or give the "
            "folder back its permissions."
        ) from err
    return open_results(out)


def _row(folder: Folder, model: Any, item: Item) -> tuple[dict[str, Any], Sequence[Any]]:
    """An image's columns and boxes; its mask is put away at once."""
    try:
        given = sources.contents(item)
    except ImagingError as err:
        return {"digest": None, "refused": True, "why": str(err), "seconds": 0.0}, ()
    found = score(folder.task, model, given, Ask(item.sex, folder.task.volumes))
    row = dict(found.row)
    if found.mask:
        row["mask"] = folder.mask_name(item.path)
        folder.write_mask(row["mask"], found.mask)
    return row, found.boxes
