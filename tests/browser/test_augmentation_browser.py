"""The augmentation lab in a browser: it opens, composes, runs a model, and tells nobody."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

PATIENCE_MS = 300_000


def test_a_film_is_sent_from_its_page(page: Page, app_url: str) -> None:
    page.set_default_timeout(PATIENCE_MS)
    page.goto(app_url)
    page.get_by_role("link", name="Fracture", exact=True).first.click()
    page.get_by_role("button", name="Send to the augmentation lab").click()
    expect(page.get_by_role("heading", name="Augmentation lab")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("As sent")).to_be_visible(timeout=PATIENCE_MS)
