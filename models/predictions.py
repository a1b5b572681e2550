"""What the shipped models say of every validation and test case, kept for the Evaluation page.

    python -m models.predictions --data ../shared/data [TASK ...]

writes `models/<task>/predictions/<split>[_<part>].csv`: one row a case (or a box), and a first
line that says of which data, split and weights, and when.
"""

from __future__ import annotations

import argparse
import datetime
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path

import pandas as pd

from core.errors import WeightsError
from models.cards import MODELS, ModelCard, task_cards

FOLDERS = {"fracture": "fracture", "bone_age": "bone_age", "chest": "chest", "skull_strip": "brain"}
SPLITS = ("val", "test")


@dataclass(frozen=True)
class About:
    """What a table of predictions is of.

    Attributes:
        data_set, split, n: Which cases, and how many.
        date: Day on which they were made (ISO).
        weights: SHA-256 by card of the models that answered.
    """

    data_set: str
    split: str
    n: int
    date: str
    weights: dict[str, str] = field(default_factory=dict)

    def is_of(self, card: ModelCard) -> bool:
        """Whether the weights that ship now made the predictions."""
        return self.weights.get(card.name) == card.sha256


@dataclass(frozen=True, eq=False)
class Predictions:
    """A table of predictions and what it is of."""

    about: About
    rows: pd.DataFrame


def path_of(task: str, split: str, part: str = "") -> Path:
    """Where a task's predictions lie; `part` names a second table ("boxes")."""
    return MODELS / task / "predictions" / f"{split}{part and '_' + part}.csv"


def write(predictions: Predictions, path: Path) -> None:
    """Write a table with its first line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    first = "# " + json.dumps(asdict(predictions.about))
    body = predictions.rows.to_csv(index=False, float_format="%.5g", lineterminator="\n")
    path.write_text(f"{first}\n{body}", encoding="utf-8")


def read(task: str, split: str, part: str = "") -> Predictions | None:
    """A task's predictions, or None where there are none yet.

    Raises:
        WeightsError: If the file is damaged.
    """
    path = path_of(task, split, part)
    if not path.is_file():
        return None
    try:
        first, body = path.read_text(encoding="utf-8").split("\n", 1)
        about = About(**json.loads(first.removeprefix("# ")))
        return Predictions(about, pd.read_csv(io.StringIO(body)))
    except (ValueError, TypeError) as err:
        raise WeightsError(f"The predictions {path.name} of {task} cannot be read.") from err


def make(task: str, data: Path, split: str) -> None:
    """Run a task's models on a split and write what they say.

    The module `models.<task>.predictions` gives the tables by part, the first named "".
    """
    module = import_module(f"models.{task}.predictions")
    tables: dict[str, pd.DataFrame] = module.tables(data, split)
    about = About(
        module.DATA_SET,
        split,
        len(tables[""]),
        datetime.date.today().isoformat(),
        {card.name: card.sha256 for card in task_cards(task)},
    )
    for part, rows in tables.items():
        write(Predictions(about, rows), path_of(task, split, part))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", metavar="TASK", default=[])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    options = parser.parse_args(arguments)
    for task in options.tasks or FOLDERS:
        for split in SPLITS:
            make(task, options.data / FOLDERS[task], split)


if __name__ == "__main__":
    main()
