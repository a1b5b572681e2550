"""A recipe: everything that the run of one card needs, read from `models/<task>/recipes`."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import UnsuitableInputError, WeightsError
from models.cards import MODELS, load_card, verified_weights


@dataclass(frozen=True)
class Parent:
    """Weights that a run begins with: a file, a card's weights, or what another recipe made.

    Attributes:
        file: Name of the file; for a recipe, within the folder of its run.
        sha256: Its hash or the first eight digits; empty where nobody kept it (the run records
            what it was given) and for another recipe's.
        card, recipe: The card or recipe of this task that it is of.
        source: Where the file comes from.
    """

    file: str = ""
    sha256: str = ""
    card: str = ""
    recipe: str = ""
    source: str = ""


@dataclass(frozen=True)
class Recipe:
    """What makes the weights of a card.

    Attributes:
        task, name: Those of the card.
        seed: Of everything random.
        parents: By the name that the steps use.
        steps: In order. Each has "do", a function of `models.<task>.train_steps`, a "name" for
            its folder, and that function's arguments.
        table: All of it, as read.
    """

    task: str
    name: str
    seed: int
    parents: Mapping[str, Parent]
    steps: tuple[Mapping[str, Any], ...]
    table: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """Hash of what it says; comments and order of keys do not count."""
        return hashlib.sha256(json.dumps(self.table, sort_keys=True).encode()).hexdigest()


def recipes_of(task: str) -> list[str]:
    """Names of a task's recipes."""
    return sorted(path.stem for path in (MODELS / task / "recipes").glob("*.toml"))


def read_recipe(path: Path) -> Recipe:
    """Read `models/<task>/recipes/<name>.toml`.

    Raises:
        UnsuitableInputError: If it is missing, is not TOML, or lacks something.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        parents = {name: Parent(**row) for name, row in table.get("parents", {}).items()}
        steps = tuple(table["steps"])
        names = [step["name"] for step in steps]
        if len(set(names)) != len(names) or not all("do" in step for step in steps):
            raise ValueError("each step needs a name of its own and what to do")
        task = path.parent.parent.name
        return Recipe(task, path.stem, int(table["seed"]), parents, steps, table)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as err:
        raise UnsuitableInputError(f"The recipe {path.name} cannot be read ({err}).") from err


def with_numbers(recipe: Recipe, numbers: Mapping[str, Any]) -> Recipe:
    """The recipe with other values, to try it: a short run that is of another recipe.

    Args:
        recipe: As it was read.
        numbers: By the name of a plan's entry or a step's; each stands wherever a step has that
            name.

    Raises:
        UnsuitableInputError: If no step has an entry of a name.
    """
    table = deepcopy(dict(recipe.table))
    for name, value in numbers.items():
        holders = [one for step in table["steps"] for one in (step, step.get("plan", {}))]
        holders = [one for one in holders if name in one and name not in ("do", "name")]
        if not holders:
            raise UnsuitableInputError(f"No step of the recipe {recipe.name} has “{name}”.")
        for one in holders:
            one[name] = value
    return replace(recipe, steps=tuple(table["steps"]), table=table)


def parent_file(recipe: Recipe, name: str, folder: Path | None, runs: Path) -> Path:
    """The file of a parent, after its hash was checked.

    Args:
        folder: Where files that others published lie.
        runs: Where the runs of this task's recipes lie, by name.

    Raises:
        WeightsError: If it is missing or another file.
    """
    parent = recipe.parents[name]
    if parent.card:
        return verified_weights(load_card(recipe.task, parent.card))
    if parent.recipe:
        path = runs / parent.recipe / parent.file
        hint = f"Run the recipe “{parent.recipe}” first, into {runs}."
    else:
        path = (folder or Path()) / parent.file
        hint = f"Put it into the folder given by --parents; it comes from: {parent.source}"
    if not path.is_file():
        raise WeightsError(f"The parent weights “{parent.file}” are missing. {hint}")
    if not file_sha256(path).startswith(parent.sha256):
        raise WeightsError(
            f"{parent.file} is not the file of the recipe (SHA-256 {file_sha256(path)[:12]}…, "
            f"expected {parent.sha256[:12]}…). It was not opened."
        )
    return path


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
