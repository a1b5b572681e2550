"""Every recipe from its first step to what ships, on phantoms, with numbers as small as can be."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models import cards
from models.cards import MODELS, load_card
from models.predictions import FOLDERS
from models.training import record, ship
from models.training.recipe import (
    Recipe,
    file_sha256,
    read_recipe,
    recipes_of,
    with_numbers,
)
from models.training.record import Run, carry_out
from tests.training.simulated import simulated_data, untrained_parent

SMALL: dict[str, Any] = {
    "epochs": 1,
    "stop_after": 1,
    "steps": 2,
    "batch": 2,
    "filters": 2,
    "phantoms": 1,
    "simulated": 2,
    "simulated_an_epoch": 2,
    "out_of_distribution": 4,
    "cross_sections": 2,
    "chest_every": 1,
    "thresholds": [0.5],
}
"""Numbers to try a recipe with, where it has one of the name."""
FURTHER: dict[str, dict[str, Any]] = {
    "bone_age/hand_age": {"shares": [0.0, 1.0]},
    "chest/heart_lungs": {"side_px": 64},
    "fracture/detector": {"shape_hw": [96, 64]},
    "fracture/classifier": {"shape_hw": [96, 64]},
    "skull_strip/unet": {"shares": [0.0, 1.0]},
}


def small(task: str, name: str) -> Recipe:
    """The recipe with numbers of its own, and published weights of any hash."""
    recipe = read_recipe(MODELS / task / "recipes" / f"{name}.toml")
    known = {key for step in recipe.steps for key in (*step, *step.get("plan", {}))}
    numbers = {key: value for key, value in SMALL.items() if key in known}
    recipe = with_numbers(recipe, numbers | FURTHER.get(f"{task}/{name}", {}))
    parents = {key: replace(one, sha256="") for key, one in recipe.parents.items()}
    return replace(recipe, parents=parents)


LONG = {
    "bone_age/attention_xception",
    "bone_age/hand_age",
    "bone_age/landmark",
    "bone_age/lite0",
    "fracture/classifier",
    "fracture/detector",
    "skull_strip/published",
    "skull_strip/published_focal",
    "skull_strip/unet",
}
"""Take 10 to 50 s each, most of it for building the network: only where EVERY_RECIPE is set."""

Carry = Callable[[str, str], tuple[Recipe, Path, Mapping[str, Any]]]


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Carry:
    """Carries a recipe out, once; those of one task lie in one folder."""
    folder = tmp_path_factory.mktemp("recipes")
    data, parents = simulated_data(folder / "data"), folder / "parents"
    found: dict[tuple[str, str], tuple[Recipe, Path, Mapping[str, Any]]] = {}

    def carry(task: str, name: str) -> tuple[Recipe, Path, Mapping[str, Any]]:
        if (task, name) not in found:
            recipe, out = small(task, name), folder / "runs" / task / name
            for parent in recipe.parents.values():
                if parent.recipe:
                    carry(task, parent.recipe)
                elif parent.file and not (parents / parent.file).is_file():
                    untrained_parent(parents / parent.file)
            run = Run(recipe, data / FOLDERS[task], out, parents_folder=parents)
            found[task, name] = recipe, out, carry_out(run)
        return found[task, name]

    return carry


@pytest.mark.parametrize(
    ("task", "name"),
    [
        (task, name)
        for task in FOLDERS
        for name in recipes_of(task)
        if (MODELS / task / f"{name}.toml").is_file()  # a recipe comes before its card
    ],
)
def test_recipe_runs_to_its_end_and_what_it_made_ships(
    task: str, name: str, carried: Carry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if f"{task}/{name}" in LONG and not os.environ.get("EVERY_RECIPE"):
        pytest.skip("takes long: set EVERY_RECIPE=1 to run it, too")
    recipe, out, kept = carried(task, name)
    assert list(kept["steps"]) == [step["name"] for step in recipe.steps]
    assert set(kept["parents"]) >= set(recipe.parents)
    assert all((out / curve).stat().st_size for curve in kept["curves"])

    for module in (ship, record, cards):
        monkeypatch.setattr(module, "MODELS", tmp_path)
    monkeypatch.setattr(ship, "WEIGHTS", tmp_path)
    monkeypatch.setattr(ship, "read_recipe", lambda path: recipe)
    (tmp_path / task).mkdir()
    text = (MODELS / task / f"{name}.toml").read_text(encoding="utf-8")
    (tmp_path / task / f"{name}.toml").write_text(text, encoding="utf-8")
    folder = ship.ship(task, name, out)
    card = load_card(task, name)
    assert card.sha256 == kept["result"]["sha256"]
    if kept["result"]["file"]:
        assert file_sha256(tmp_path / card.file) == card.sha256 != _shipped_sha256(text)
    for step in kept["steps"].values():
        for key, value in step["found"].items():
            if key.startswith(ship.ON_CARD):
                assert _at(tmp_path / task / f"{name}.toml", key) == pytest.approx(value, abs=1e-3)
    assert record.record_of(card.sha256, folder) == kept


def _shipped_sha256(text: str) -> str:
    return str(tomllib.loads(text)["sha256"])


def _at(path: Path, key: str) -> Any:
    """The value of a card under a key of dots."""
    *tables, last = key.split(".")
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    for table in tables:
        found = found[table]
    return found[last]
