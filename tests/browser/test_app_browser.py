"""The frame of the app as a person meets it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_home_opens_and_leads_to_a_page(page: Page, app_url: str) -> None:
    page.goto(app_url)
    expect(page.get_by_role("heading", name="Lightbox", exact=True)).to_be_visible()
    page.get_by_role("link", name="Open fracture detection").click()
    expect(page.get_by_role("heading", name="Fracture detection")).to_be_visible()


@pytest.mark.parametrize("name", ["fracture", "skull_strip"])
def test_bookmark_opens_the_page_in_its_frame(page: Page, app_url: str, name: str) -> None:
    page.goto(f"{app_url}/{name}")
    expect(page.get_by_text("not for diagnosis")).to_be_visible()
    expect(page.get_by_role("link", name="Lightbox")).to_be_visible()


def test_home_pictures_have_words_for_those_who_do_not_see_them(page: Page, app_url: str) -> None:
    page.goto(app_url)
    expect(page.get_by_role("heading", name="Lightbox", exact=True)).to_be_visible()
    page.get_by_role("img").first.wait_for()
    texts = page.locator("[data-testid=stImage] img").evaluate_all("all => all.map(i => i.alt)")
    assert texts
    assert all(len(text) > 20 for text in texts)
