"""Who may import whom, checked on the source and in a fresh interpreter."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.page_runner import ROOT, modules_after

HEAVY = {"torch", "tensorflow", "keras", "ultralytics", "albumentations", "SimpleITK"}
FORBIDDEN = {
    "core": {"models", "pages", "streamlit"},
    "models": {"pages", "streamlit"},
}
# A network, its training and its export may have the framework at the top: they are themselves
# imported inside functions.
NEEDS_FRAMEWORK = re.compile(r"(\w+_)?network|train(_\w+)?|loop|export|gradients|score_heatmaps")
PAGES_MAY = {"streamlit", "core", "models", "pages", "pathlib", "__future__"}


def imported_packages(path: Path) -> set[str]:
    """Top-level names of all packages that a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_layer_imports_nothing_above_it(layer: str) -> None:
    modules = sorted((ROOT / layer).rglob("*.py"))
    assert modules
    found = {
        str(path.relative_to(ROOT)): bad
        for path in modules
        if (bad := imported_packages(path) & FORBIDDEN[layer])
    }
    assert found == {}


def test_pages_import_only_what_a_page_may() -> None:
    pages = [path for path in sorted((ROOT / "pages").glob("*.py")) if path.name != "__init__.py"]
    assert pages
    found = {path.name: bad for path in pages if (bad := imported_packages(path) - PAGES_MAY)}
    assert found == {}


TASKS = {"fracture", "bone_age", "chest", "skull_strip"}
OPEN_TO_ALL_TASKS = {
    "augmentation",  # the lab works on the images of every task
    "augment",
    "practice",
    "evaluation",
    "datasets",
    "score",
    "own",  # a person’s own model is tried on its task’s phantoms by its task’s code
    "pictures",  # Home's pictures show every task
    "phantoms",  # a simulated image knows its task's truth, and everybody may use one
    "warm",  # computes every page's opening case ahead
}


def task_of(module: str) -> str | None:
    """The task whose room a module lies in; None for a general room or a page's own script."""
    parts = module.split(".")
    inside = parts[2:3] if parts[:2] == ["pages", "tasks"] else parts[1:2]
    return inside[0] if parts[0] != "tests" and inside and inside[0] in TASKS else None


def test_no_room_imports_the_room_of_another_task() -> None:
    files = [path for layer in ("core", "models", "pages") for path in (ROOT / layer).rglob("*.py")]
    found = set()
    for path in files:
        parts = path.relative_to(ROOT).with_suffix("").parts
        if (parts[0] == "pages" and len(parts) == 2) or OPEN_TO_ALL_TASKS & set(parts):
            continue
        here = task_of(".".join(parts))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.module is None:
                continue
            for alias in node.names:
                there = task_of(f"{node.module}.{alias.name}")
                if there not in (None, here):
                    found.add(f"{'.'.join(parts)} imports {node.module}.{alias.name}")
    assert found == set()


def test_first_page_opens_without_heavy_packages() -> None:
    code = (
        "from streamlit.testing.v1 import AppTest\n"
        "run = AppTest.from_file('app.py', default_timeout=60).run()\n"
        "assert not run.exception, run.exception\n"
        "assert run.title[0].value == 'Lightbox'"
    )
    assert modules_after(code) & HEAVY == set()


@pytest.mark.parametrize("layer", ["core", "models"])
def test_layer_loads_without_heavy_packages(layer: str) -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / layer).rglob("*.py"))
        if path.stem != "__init__" and not NEEDS_FRAMEWORK.fullmatch(path.stem)
    ]
    found = modules_after("\n".join(f"import {name}" for name in names))
    assert found & (HEAVY | {"streamlit"}) == set()
