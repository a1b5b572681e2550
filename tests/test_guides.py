"""The guides and the README: pictures that exist, are small, and show what the pages show now."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.browser import pictures

ROOT = Path(__file__).parents[1]
TEXTS = [ROOT / "README.md", *sorted((ROOT / "pages" / "guides").glob("*.md"))]
MOST_BYTES = 600_000


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_pictures_of_a_text_exist_and_say_what_is_to_be_seen(text: Path) -> None:
    shown = re.findall(r"!\[(.*)\]\((.*)\)", text.read_text(encoding="utf-8"))
    assert shown or text.stem == "department"
    files = [text.parent / file for _, file in shown]
    assert [file for file in files if not file.is_file()] == []
    assert all(len(words) > 20 for words, _ in shown)
    assert sum(file.stat().st_size for file in files) < MOST_BYTES


@pytest.mark.parametrize("name", pictures.PAGES)
def test_picture_shows_what_the_page_shows_now(name: str) -> None:
    taken = json.loads(pictures.HASHES.read_text(encoding="utf-8"))
    assert taken[name] == pictures.words_of(name), (
        f"The page {name} says something else than when its picture was taken: "
        "run python -m tests.browser.pictures and look at what it made"
    )
