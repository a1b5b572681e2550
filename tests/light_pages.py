"""Open every page in the light install: `python -m tests.light_pages` in its environment.

Fails where a framework of the full install is there, a page shows an exception, or a task's page
has no answer.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from core.errors import LEFT_OUT
from tests.page_runner import opened

PAGES = sorted(path.stem for path in (Path(__file__).parents[1] / "pages").glob("[!_]*.py"))
ANSWERED = ("fracture", "bone_age", "chest", "skull_strip", "evaluation")
EXPLAINED = ("fracture", "bone_age", "chest")


def main() -> None:
    there = [name for name in LEFT_OUT if find_spec(name)]
    if there:
        sys.exit(f"not the light install: {', '.join(there)} are there")
    for name in PAGES:
        if name == "home":
            continue  # its links need the whole app; tests/test_pages.py opens it
        page = opened(name)
        if name in ANSWERED:
            page.until(lambda seen: seen.metric or seen.error)
        if page.error:
            sys.exit(f"{name}: {page.error[0].value}")
        if name in EXPLAINED:
            page.more("Explain")
        sys.stdout.write(f"{name}: {len(page.metric)} figures\n")


if __name__ == "__main__":
    main()
