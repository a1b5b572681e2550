"""Every page opens on its own phantom, and the frame around the pages holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.page_runner import opened_in_app

ROOT = Path(__file__).parents[1]
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_without_a_click(page: str) -> None:
    app = opened_in_app(page)
    assert not app.error
    assert len(app.title) == 1


@pytest.mark.parametrize("page", PAGES)
def test_disclaimer_stands_once_on_every_page(page: str) -> None:
    app = opened_in_app(page)
    words = [caption.value for caption in app.caption] + [text.value for text in app.markdown]
    assert sum("not for diagnosis" in text for text in words) == 1


def test_every_page_is_in_the_table_of_contents() -> None:
    contents = (ROOT / "app.py").read_text(encoding="utf-8")
    assert [page for page in PAGES if f'"{page}": (' not in contents] == []


def test_home_names_a_measured_figure_for_every_task_with_a_model() -> None:
    app = opened_in_app("home")
    figures = [caption.value for caption in app.caption if "95 % interval" in caption.value]
    without_model = {"home", "augmentation", "practice", "datasets", "evaluation"}
    assert len(figures) == len(set(PAGES) - without_model)
