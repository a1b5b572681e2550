"""Every page opens on its own phantom, and the frame around the pages holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.page_runner import PageTest, opened, opened_in_app

ROOT = Path(__file__).parents[1]
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py") if path.name != "__init__.py")


MALFORMED = ("", "nan", "-1e999", "9" * 40, "perhaps", "<script>", "\0", "%00", "🦴")
OWN = ("present", "image", "pipeline", "draw", "series", "kept", "reader")


@pytest.fixture(scope="module")
def first() -> Callable[[str], PageTest]:
    """Opens a page in the app, once for all tests that only look at it."""
    return cache(opened_in_app)


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_without_a_click(page: str, first: Callable[[str], PageTest]) -> None:
    app = first(page)
    assert not app.error
    assert len(app.title) == 1


@pytest.mark.parametrize("page", PAGES)
def test_disclaimer_stands_once_on_every_page(page: str, first: Callable[[str], PageTest]) -> None:
    app = first(page)
    words = [caption.value for caption in app.caption] + [text.value for text in app.markdown]
    assert sum("not for diagnosis" in text for text in words) == 1


@pytest.mark.parametrize("page", [page for page in PAGES if page != "home"])
def test_malformed_address_opens_the_page_as_it_is(page: str) -> None:
    """Every widget of the page is given in its address what no widget takes."""
    usual = opened(page)
    keys = sorted(key for key in usual.session_state.to_dict() if isinstance(key, str))
    linked = {name: MALFORMED[at % len(MALFORMED)] for at, name in enumerate((*OWN, *keys))}
    again = opened(page, **linked)
    assert [title.value for title in again.title] == [title.value for title in usual.title]
    for name in keys:
        if name.endswith(("_more", "_mode", "_source")):
            assert again.session_state[name] == usual.session_state[name]


def test_every_page_is_in_the_table_of_contents() -> None:
    contents = (ROOT / "app.py").read_text(encoding="utf-8")
    assert [page for page in PAGES if f'"{page}": (' not in contents] == []


def test_home_names_a_measured_figure_for_every_task_with_a_model(
    first: Callable[[str], PageTest],
) -> None:
    app = first("home")
    figures = [caption.value for caption in app.caption if "95 % interval" in caption.value]
    linked = {"guide", "your_models"}
    without_model = {"home", "augmentation", "practice", "datasets", "evaluation"} | linked
    assert len(figures) == len(set(PAGES) - without_model)
