"""Carry out a recipe step by step, and keep `run.json`: what was run, with what, and what came.

A run that was stopped goes on with the step that was not finished; one whose recipe has changed
since is refused.
"""

from __future__ import annotations

import json
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from core.errors import UnsuitableInputError
from models.cards import MODELS
from models.training.recipe import Recipe, file_sha256, parent_file

PACKAGES = (
    "numpy",
    "torch",
    "torchvision",
    "tensorflow",
    "keras",
    "ultralytics",
    "onnx",
    "onnxruntime",
    "opencv-python-headless",
)
RECORD = "run.json"
Step = Callable[..., Mapping[str, Any] | None]


@dataclass(frozen=True)
class Run:
    """A recipe being carried out.

    Attributes:
        recipe: What is done.
        data: The task's data set.
        out: Folder of the run, one folder a step in it.
        limit: Films of a split at most, to try a recipe; None for all.
        parents_folder: Where published parent weights lie.
        used: Hash of each parent that was asked for.
    """

    recipe: Recipe
    data: Path
    out: Path
    limit: int | None = None
    parents_folder: Path | None = None
    used: dict[str, str] = field(default_factory=dict)

    def folder(self, step: str) -> Path:
        """Where a step keeps what it makes."""
        return self.out / step

    def weights(self, name: str, file: str = "last.pt") -> Path:
        """A parent's file, or the `file` that an earlier step of this name made."""
        if name not in self.recipe.parents:
            return self.folder(name) / file
        path = parent_file(self.recipe, name, self.parents_folder, self.out.parent)
        self.used[name] = file_sha256(path)
        return path


def carry_out(run: Run, say: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Do the steps that are not done, and return the record.

    Raises:
        UnsuitableInputError: If the folder holds a run of another recipe, or a step is unknown.
    """
    record = _begun(run)
    module = import_module(f"models.{run.recipe.task}.train_steps")
    steps: Mapping[str, Step] = module.STEPS
    for step in run.recipe.steps:
        settings = {key: value for key, value in step.items() if key not in ("do", "name")}
        name, what = step["name"], step["do"]
        if name in record["steps"]:
            say(f"{name}: done before")
            continue
        if what not in steps:
            raise UnsuitableInputError(f"There is no step “{what}” for {run.recipe.task}.")
        say(f"{name}: {what}")
        start = time.time()
        folder = run.folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        found = steps[what](run, folder, **settings)
        record["steps"][name] = {
            "do": what,
            "found": dict(found or {}),
            "seconds": round(time.time() - start, 1),
        }
        record["parents"] |= run.used
        record["curves"] = sorted(str(path.relative_to(run.out)) for path in run.out.rglob("*.csv"))
        results = sorted(run.out.glob("*/*.onnx"), key=lambda path: path.stat().st_mtime)
        if results:
            last = results[-1]
            record["result"] = {
                "file": str(last.relative_to(run.out)),
                "sha256": file_sha256(last),
            }
        elif found and "card_sha256" in found:  # weights of other cards, mixed
            record["result"] = {"file": "", "sha256": found["card_sha256"]}
        _write(run.out / RECORD, record)
    return record


def made(task: str, name: str) -> Path:
    """Where the record of the run that made a card's weights ships, with its curves."""
    return MODELS / task / "made" / name


def record_of(sha256: str, folder: Path) -> dict[str, Any] | None:
    """The record in a run's folder, where that run made the weights of this hash; else None."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return record if record["result"]["sha256"] == sha256 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _begun(run: Run) -> dict[str, Any]:
    """The record in the folder, or a new one."""
    path = run.out / RECORD
    if path.is_file():
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if record["recipe_sha256"] != run.recipe.sha256 or record["limit"] != run.limit:
            raise UnsuitableInputError(
                f"The run in {run.out.name} was begun with another recipe or limit. Take another "
                "folder, or bring back what it was begun with."
            )
        return record
    record = {
        "task": run.recipe.task,
        "name": run.recipe.name,
        "recipe": dict(run.recipe.table),
        "recipe_sha256": run.recipe.sha256,
        "seed": run.recipe.seed,
        "limit": run.limit,
        "commit": _commit(),
        "versions": _versions(),
        "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "parents": {},
        "steps": {},
    }
    run.out.mkdir(parents=True, exist_ok=True)
    _write(path, record)
    return record


def _write(path: Path, record: Mapping[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def _commit() -> str:
    """The commit of the source, marked where files differ from it; empty outside of git."""
    try:
        words = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        told = subprocess.run(
            words, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return told.stdout.strip()


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
