"""Recipes: each card has one that fits its code, and a run keeps what made it, and goes on."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import UnsuitableInputError, WeightsError
from models.cards import MODELS, task_cards, verified_weights
from models.predictions import FOLDERS
from models.training import record
from models.training.recipe import Recipe, parent_file, read_recipe, recipes_of
from models.training.record import Run, carry_out

RECIPES = [(task, name) for task in FOLDERS for name in recipes_of(task)]


@pytest.mark.parametrize("task", FOLDERS)
def test_every_card_has_a_recipe(task: str) -> None:
    assert recipes_of(task) == [card.name for card in task_cards(task)]


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
