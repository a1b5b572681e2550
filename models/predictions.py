"""What the shipped models say of every validation and test case and of seeded phantoms.

    python -m models.predictions --data ../shared/data [TASK ...]

writes `models/<task>/predictions/<split>[_<part>].csv`: one row a case (or a box), and a first
line that says of which data, split and weights, and when. `--card NAME ...` asks these cards
alone, of chest or bone age, and keeps what the others said. The Evaluation page shows them, and
`models.verify` computes the figures of the cards from them.
"""

from __future__ import annotations

import argparse
import datetime
import io
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from inspect import signature
from pathlib import Path

import pandas as pd

from core.errors import UnsuitableInputError, WeightsError
from models.cards import MODELS, ModelCard, task_cards

FOLDERS = {
    "fracture": "fracture",
    "bone_age": "bone_age",
    "chest": "chest",
    "skull_strip": "brain",
    "film_kind": ".",
}
"""Where each task's data lie below the folder of the data sets."""
SPLITS = ("val", "test")
PHANTOMS = "phantoms"
"""The third "split": phantoms of seeds that no training used. It needs no data."""


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
    path.write_text(as_text(predictions), encoding="utf-8")


def as_text(predictions: Predictions) -> str:
    """A table as it is kept: five digits a number."""
    first = "# " + json.dumps(asdict(predictions.about))
    body = predictions.rows.to_csv(index=False, float_format="%.5g", lineterminator="\n")
    return f"{first}\n{body}"


def from_text(text: str) -> Predictions:
    """The table back from `as_text`.

    Raises:
        ValueError, TypeError: If the text is damaged.
    """
    first, body = text.split("\n", 1)
    about = About(**json.loads(first.removeprefix("# ")))
    return Predictions(about, pd.read_csv(io.StringIO(body)))


def read(task: str, split: str, part: str = "") -> Predictions | None:
    """A task's predictions, or None where there are none yet.

    Raises:
        WeightsError: If the file is damaged.
    """
    path = path_of(task, split, part)
    if not path.is_file():
        return None
    try:
        return from_text(path.read_text(encoding="utf-8"))
    except (ValueError, TypeError) as err:
        raise WeightsError(f"The predictions {path.name} of {task} cannot be read.") from err


def splits_of(task: str) -> tuple[str, ...]:
    """The splits of a task, with `PHANTOMS` where its models are scored on some."""
    module = import_module(f"models.{task}.predictions")
    return (*SPLITS, PHANTOMS) if module.PHANTOM_SET else SPLITS


def made(
    task: str,
    data: Path | None,
    split: str,
    limit: int | None = None,
    only: Collection[str] = (),
) -> dict[str, Predictions]:
    """Run a task's models on a split: what they say by part, the first part named "".

    The module `models.<task>.predictions` makes the tables.

    Args:
        data: Folder of the data sets; phantoms need none.
        limit: Only so many cases, the first ones.
        only: Ask these cards; what the others said is taken from the kept tables.

    Raises:
        UnsuitableInputError: If a task cannot ask some of its cards alone.
    """
    module = import_module(f"models.{task}.predictions")
    folder = None if data is None else data / FOLDERS[task]
    some = {"only": only} if only else {}
    if only and "only" not in signature(module.tables).parameters:
        raise UnsuitableInputError(f"Cards of {task} cannot be asked one by one: leave out --card.")
    tables: dict[str, pd.DataFrame] = module.tables(folder, split, limit, **some)
    about = About(
        module.PHANTOM_SET if split == PHANTOMS else module.DATA_SET,
        split,
        len(tables[""]),
        datetime.date.today().isoformat(),
        {card.name: card.sha256 for card in task_cards(task)},
    )
    if only:
        kept = {part: read(task, split, part) for part in tables}
        return {part: beside(kept[part], about, rows, only) for part, rows in tables.items()}
    # Through the text, so that figures are the same now as when the file is read again.
    return {part: from_text(as_text(Predictions(about, rows))) for part, rows in tables.items()}


def beside(
    kept: Predictions | None, about: About, rows: pd.DataFrame, only: Collection[str]
) -> Predictions:
    """A kept table with the columns of some cards made anew; a new one where there was none.

    The other cards stay as of the weights that answered then.

    Raises:
        WeightsError: If the kept table is of other cases.
    """
    if kept is None:
        return from_text(as_text(Predictions(about, rows)))
    if list(kept.rows["file"]) != list(rows["file"]):
        raise WeightsError(f"The kept predictions of {about.split} are of other cases: remake all.")
    new = {name: sha256 for name, sha256 in about.weights.items() if name in only}
    weights = {name: kept.about.weights.get(name, "") for name in about.weights} | new
    merged = kept.rows.assign(**{str(name): rows[name] for name in rows})
    return from_text(as_text(Predictions(replace(about, weights=weights), merged)))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", metavar="TASK", default=[])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--split", choices=(*SPLITS, PHANTOMS), help="only this one")
    parser.add_argument("--card", nargs="*", default=[], help="ask these only, keep the others")
    options = parser.parse_args(arguments)
    for task in options.tasks or FOLDERS:
        for split in (options.split,) if options.split else splits_of(task):
            for part, predictions in made(task, options.data, split, only=options.card).items():
                write(predictions, path_of(task, split, part))


if __name__ == "__main__":
    main()
