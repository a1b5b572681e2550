"""Compare every figure of every card with what the shipped files really do.

    python -m models.verify [--data ../shared/data] [--task TASK ...] [--write]

Without `--data` figures are computed from the kept predictions, after it was checked that these
are of the weights that ship; with it the networks run again on the validation and test cases and
on phantoms. Ends with 1 where a figure differs by more than rounding. `--limit N` runs the
networks on the first N cases only and compares what they say with the kept predictions.
`--write` puts the measured figures on the cards (and keeps the new predictions).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import ImagingError, WeightsError
from models import predictions
from models.cards import MODELS, ModelCard, load_card, task_cards, verified_weights
from models.figures import Figure, Rows, same, write_metrics, write_settings
from models.predictions import FOLDERS, Predictions

TIMED = ("seconds", "seconds_without_n4")


@dataclass(frozen=True)
class Compared:
    """One figure on a card and measured.

    Attributes:
        card, name, place: Which card, figure, and data set with its split.
        told, measured: On the card (None where it is not there), and measured (None where no
            writer makes it).
    """

    card: str
    name: str
    place: str
    told: float | None
    measured: float | None

    @property
    def agrees(self) -> bool:
        """Whether they differ by no more than rounding."""
        if self.told is None or self.measured is None:
            return False
        return same(self.told, self.measured)

    @property
    def line(self) -> str:
        told, measured = (
            "missing" if value is None else f"{value:.4f}" for value in (self.told, self.measured)
        )
        word = "" if self.agrees else "  DIFFERS"
        return (
            f"{self.card:24} {self.name[:56]:56} {self.place[:44]:44} {told:>9} {measured:>9}{word}"
        )


def kept(task: str) -> Rows:
    """The kept predictions of a task.

    Raises:
        WeightsError: Where they are missing or of other weights than those that ship.
    """
    cards = task_cards(task)

    def rows(split: str, part: str = "") -> pd.DataFrame:
        found = predictions.read(task, split, part)
        if found is None:
            raise WeightsError(f"There are no predictions of {task}, {split} {part}".strip() + ".")
        other = [card.name for card in cards if not found.about.is_of(card)]
        if other:
            raise WeightsError(f"The predictions of {task}, {split}, are not of {other[0]}.")
        return found.rows

    return rows


def rerun(task: str, data: Path, limit: int | None = None) -> dict[tuple[str, str], Predictions]:
    """The same from the networks, by split and part."""
    return {
        (split, part): table
        for split in predictions.splits_of(task)
        for part, table in predictions.made(task, data, split, limit).items()
    }


def computed(card: ModelCard, rows: Rows) -> tuple[list[Figure], dict[tuple[str, str], Any]]:
    """The figures of a card, and what it sets from predictions."""
    module = import_module(f"models.{card.task}.figures")
    settings: Callable[..., dict[tuple[str, str], Any]] | None = getattr(module, "settings", None)
    return module.figures(card, rows), settings(card, rows) if settings else {}


def compared(card: ModelCard, rows: Rows) -> Iterator[Compared]:
    """Every figure and setting of a card against the measured one."""
    figures, settings = computed(card, rows)
    told = {(m.name, m.data_set, m.split): m.value for m in card.metrics}
    for figure in figures:
        value = told.pop((figure.name, figure.data_set, figure.split), None)
        place = f"{figure.data_set}, {figure.split}"
        yield Compared(card.name, figure.name, place, value, figure.value)
    for (name, data_set, split), value in told.items():
        yield Compared(card.name, name, f"{data_set}, {split}", value, None)
    for (table, key), measured in settings.items():
        for name, own in measured.items() if isinstance(measured, Mapping) else (("", measured),):
            value = _setting(card, (*table.split("."), key, *([name] if name else [])))
            yield Compared(card.name, " ".join([key, name]).strip(), table, value, float(own))


def _setting(card: ModelCard, path: Sequence[str]) -> float | None:
    found: Any = {"settings": card.settings, "operating_points": card.operating_points}
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return None if found is None else float(found)


def answers_differ(before: pd.DataFrame, now: pd.DataFrame) -> list[str]:
    """Sentences on rows whose numbers are no longer what they were (two parts in a hundred)."""
    found = []
    for column in now.columns:
        if column in TIMED or column not in before:
            continue
        old, new = before[column].iloc[: len(now)], now[column]
        if pd.api.types.is_numeric_dtype(new) and pd.api.types.is_numeric_dtype(old):
            first, second = (
                old.to_numpy(float, na_value=np.nan),
                new.to_numpy(float, na_value=np.nan),
            )
            wrong = ~np.isclose(first, second, rtol=0.02, atol=2e-3, equal_nan=True)
        else:
            wrong = old.astype(str).to_numpy() != new.astype(str).to_numpy()
        if wrong.any():
            place = int(np.flatnonzero(wrong)[0])
            found.append(
                f"{column}: {wrong.sum()} of {len(now)} rows, first row {place}, "
                f"{old.iloc[place]} kept, {new.iloc[place]} now"
            )
    return found


def further_tables(task: str, rows: Rows) -> dict[Path, pd.DataFrame]:
    """What else a task keeps of predictions beside its cards."""
    made: Callable[[Rows], dict[Path, pd.DataFrame]] | None
    made = getattr(import_module(f"models.{task}.figures"), "tables", None)
    return made(rows) if made else {}


def write(card: ModelCard, rows: Rows) -> None:
    """Put the measured figures and settings on a card."""
    path = MODELS / card.task / f"{card.name}.toml"
    _, settings = computed(card, rows)
    write_settings(path, settings)
    figures, settings = computed(load_card(card.task, card.name), rows)
    write_settings(path, settings)  # what the new operating points mean
    write_metrics(path, [figure.row() for figure in figures])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the data sets: run the networks")
    parser.add_argument("--task", nargs="*", choices=sorted(FOLDERS), default=sorted(FOLDERS))
    parser.add_argument("--card", nargs="*", help="only these cards")
    parser.add_argument("--limit", type=int, help="only the first cases, with --data")
    parser.add_argument("--write", action="store_true", help="put what was measured on the cards")
    options = parser.parse_args(arguments)
    wrong = total = 0
    for task in options.task:
        cards = [c for c in task_cards(task) if not options.card or c.name in options.card]
        try:
            for card in cards:
                verified_weights(card)
            rows = kept(task)
            if options.data is not None:
                tables = rerun(task, options.data, options.limit)
                if options.limit:
                    for (split, part), table in tables.items():
                        lines = answers_differ(rows(split, part), table.rows)
                        print(f"{task}, {split} {part}: {len(table.rows)} rows", *lines, sep="\n  ")
                        wrong, total = wrong + len(lines), total + 1
                    continue
                if options.write:
                    for (split, part), table in tables.items():
                        predictions.write(table, predictions.path_of(task, split, part))
                rows = _of(tables)
            for card in cards:
                if options.write:
                    write(card, rows)
                for one in compared(load_card(task, card.name), rows):
                    print(one.line)
                    wrong, total = wrong + (not one.agrees), total + 1
            for path, further in further_tables(task, rows).items():
                if options.write:
                    further.to_csv(path, index=False, float_format="%.5f", lineterminator="\n")
                lines = answers_differ(pd.read_csv(path), further)
                print(path.name, *lines, sep="\n  ")
                wrong, total = wrong + bool(lines), total + 1
        except ImagingError as err:
            print(f"{task}: {err}")
            wrong += 1
    print(f"{total} compared, {wrong} differ")
    return int(wrong > 0)


def _of(tables: Mapping[tuple[str, str], Predictions]) -> Rows:
    def rows(split: str, part: str = "") -> pd.DataFrame:
        return tables[split, part].rows

    return rows


if __name__ == "__main__":
    sys.exit(main())
