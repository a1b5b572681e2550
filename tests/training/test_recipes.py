"""Recipes: each card has one that fits its code, and a run keeps what made it, and goes on."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import UnsuitableInputError, WeightsError
from models.cards import MODELS, load_card, task_cards, verified_weights
from models.predictions import FOLDERS
from models.training import record, ship
from models.training.recipe import Recipe, file_sha256, parent_file, read_recipe, recipes_of
from models.training.record import Run, carry_out, made, record_of

RECIPES = [(task, name) for task in FOLDERS for name in recipes_of(task)]
SHIPPED = [(task, name) for task, name in RECIPES if made(task, name).is_dir()]


@pytest.mark.parametrize("task", FOLDERS)
def test_every_card_has_a_recipe(task: str) -> None:
    # A recipe may come first: a run names a commit that has it, its card comes with the weights.
    assert {card.name for card in task_cards(task)} <= set(recipes_of(task))


@pytest.mark.parametrize(("task", "name"), SHIPPED)
def test_shipped_record_is_of_the_weights_and_the_recipe(task: str, name: str) -> None:
    found = record_of(load_card(task, name).sha256, made(task, name))
    assert found is not None, "the record is of other weights than those that ship"
    assert found["recipe_sha256"] == read_recipe(MODELS / task / "recipes" / f"{name}.toml").sha256
    assert found["limit"] is None and "dirty" not in found["commit"]
    assert all((made(task, name) / curve).is_file() for curve in found["curves"])


@pytest.mark.parametrize(("task", "name"), SHIPPED)
def test_shipped_record_names_each_shipped_file_that_answers_with_it(task: str, name: str) -> None:
    """A mean of several networks has no file: its record holds the hash of each of them."""
    kept = record_of(load_card(task, name).sha256, made(task, name))
    assert kept is not None
    recipe = read_recipe(MODELS / task / "recipes" / f"{name}.toml")
    of = {key: parent.card for key, parent in recipe.parents.items() if parent.card}
    of |= {member: member for member in load_card(task, name).settings.get("members", {})}
    assert {key: load_card(task, card).sha256 for key, card in of.items()} == {
        key: kept["parents"][key] for key in of
    }
    if name == "hand_age":
        assert len(of) > 1


def test_what_ships_is_named_by_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ship, record):
        monkeypatch.setattr(module, "MODELS", tmp_path)
    monkeypatch.setattr(ship, "WEIGHTS", tmp_path)
    recipe, out = tiny(tmp_path), tmp_path / "run"
    card = (MODELS / "film_kind" / "film_kind.toml").read_text(encoding="utf-8")
    (tmp_path / "film_kind" / "film_kind.toml").write_text(card, encoding="utf-8")
    carry_out(Run(recipe, tmp_path, out, limit=5))
    with pytest.raises(UnsuitableInputError, match="on all films"):
        ship.ship("film_kind", "film_kind", out)
    (out / "run.json").unlink()
    found = carry_out(Run(recipe, tmp_path, out))
    folder = ship.ship("film_kind", "film_kind", out)
    sha256 = found["result"]["sha256"]
    assert f'sha256 = "{sha256}"' in (tmp_path / "film_kind" / "film_kind.toml").read_text()
    assert file_sha256(tmp_path / load_card("film_kind", "film_kind").file) == sha256
    assert record_of(sha256, folder) == found
    assert (folder / "training" / "curves.csv").is_file()
    tiny(tmp_path, steps=3)
    with pytest.raises(UnsuitableInputError, match="recipe as it is now"):
        ship.ship("film_kind", "film_kind", out)


@pytest.mark.parametrize(("task", "name"), RECIPES)
def test_recipe_asks_for_what_its_steps_take(task: str, name: str) -> None:
    recipe = read_recipe(MODELS / task / "recipes" / f"{name}.toml")
    tree = ast.parse((MODELS / task / "train_steps.py").read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    (names,) = (
        dict(zip((k.value for k in n.value.keys), (v.id for v in n.value.values), strict=True))
        for n in tree.body
        if isinstance(n, ast.AnnAssign) and n.target.id == "STEPS"  # type: ignore[union-attr]
    )
    known = set(recipe.parents)
    for step in recipe.steps:
        arguments = functions[names[step["do"]]].args
        needed = [
            argument.arg
            for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if default is None
        ]
        given = set(step) - {"do", "name"}
        assert set(needed) <= given <= {argument.arg for argument in arguments.kwonlyargs}
        assert set(step.get("plan", {})) <= set(plan_fields(task))
        for key in ("start", "go_on_from", "of"):
            named = step.get(key, [])
            assert {named} if isinstance(named, str) and named else set(named) <= known, key
        known.add(step["name"])


def plan_fields(task: str) -> Iterator[str]:
    """Names of what the plans of a task's trainings hold."""
    for path in (MODELS / task).glob("train*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name.endswith("Plan"):
                yield from (a.target.id for a in node.body if isinstance(a, ast.AnnAssign))  # type: ignore[union-attr]


TINY = """
seed = 3
[[steps]]
name = "training"
do = "film_kind"
[steps.plan]
steps = {steps}
batch = 4
phantoms = 0
out_of_distribution = 4
cross_sections = 2
[steps.shares]
"out of distribution" = 0.5
"cross-sections" = 0.5
[[steps]]
name = "weights"
do = "export"
of = "training"
"""


def tiny(folder: Path, steps: int = 2) -> Recipe:
    path = folder / "film_kind" / "recipes" / "film_kind.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TINY.format(steps=steps), encoding="utf-8")
    return read_recipe(path)


def test_run_keeps_what_made_it_and_is_not_done_twice(tmp_path: Path) -> None:
    recipe, out = tiny(tmp_path), tmp_path / "run"
    made = carry_out(Run(recipe, tmp_path / "no data", out))
    kept = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert kept == made
    assert kept["recipe"]["steps"][0]["plan"]["batch"] == 4
    assert (kept["seed"], kept["recipe_sha256"]) == (3, recipe.sha256)
    assert kept["versions"]["torch"] and set(kept["steps"]) == {"training", "weights"}
    assert kept["steps"]["training"]["found"] == {
        "out of distribution": 4,
        "cross-sections": 2,
        "corners of chests": 0,
    }
    assert kept["curves"] == ["training/curves.csv"]
    result = kept["result"]
    assert result["sha256"] == kept["steps"]["weights"]["found"]["sha256"]
    told: list[str] = []
    assert carry_out(Run(recipe, tmp_path, out), told.append) == kept
    assert told == ["training: done before", "weights: done before"]
    again = carry_out(Run(recipe, tmp_path / "no data", tmp_path / "again"))
    assert again["result"]["sha256"] == result["sha256"]  # the same bits from the same recipe
    with pytest.raises(UnsuitableInputError, match="another recipe"):
        carry_out(Run(tiny(tmp_path, steps=3), tmp_path, out))
    with pytest.raises(UnsuitableInputError, match="limit"):
        carry_out(Run(recipe, tmp_path, out, limit=5))


def test_comments_do_not_make_another_recipe(tmp_path: Path) -> None:
    first = tiny(tmp_path)
    path = tmp_path / "film_kind" / "recipes" / "film_kind.toml"
    path.write_text("# why\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert read_recipe(path).sha256 == first.sha256 != tiny(tmp_path, steps=5).sha256


def test_parent_weights_are_checked_before_they_are_used(tmp_path: Path) -> None:
    recipe = read_recipe(MODELS / "chest" / "recipes" / "findings.toml")
    with pytest.raises(WeightsError, match="torchvision"):
        parent_file(recipe, "imagenet", tmp_path, tmp_path)
    (tmp_path / "mobilenet_v2-b0353104.pth").write_bytes(b"another file")
    with pytest.raises(WeightsError, match="not the file of the recipe"):
        parent_file(recipe, "imagenet", tmp_path, tmp_path)
    follower = read_recipe(MODELS / "chest" / "recipes" / "cardiomegaly_ctr.toml")
    shipped = next(c for c in task_cards("chest") if c.name == "cardiomegaly_published")
    assert parent_file(follower, "published", None, tmp_path) == verified_weights(shipped)
    classifier = read_recipe(MODELS / "fracture" / "recipes" / "classifier.toml")
    with pytest.raises(WeightsError, match="Run the recipe “detector” first"):
        parent_file(classifier, "detector", None, tmp_path)


def test_unknown_step_is_a_sentence(tmp_path: Path) -> None:
    recipe = tiny(tmp_path)
    other = Recipe("film_kind", "film_kind", 0, {}, ({"name": "a", "do": "guess"},), recipe.table)
    with pytest.raises(UnsuitableInputError, match="no step “guess”"):
        record.carry_out(Run(other, tmp_path, tmp_path / "run"))
