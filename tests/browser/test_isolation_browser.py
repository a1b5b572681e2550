"""Two browsers on one server: what one adds and sets, the other never sees."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.test_isolation import NAME, films

pytestmark = pytest.mark.browser
FIGURE = '[data-testid="stMetricValue"]'


def test_two_browsers_see_nothing_of_each_other(browser: Browser, app_url: str) -> None:
    contexts = [browser.new_context() for _ in range(2)]
    anna, berta = (context.new_page() for context in contexts)
    try:
        for page in (anna, berta):
            page.set_default_timeout(60_000)
            page.goto(f"{app_url}/fracture?fracture_source=Upload")
        film = {"name": NAME, "mimeType": "image/png", "buffer": films("fracture")[0]}
        anna.locator('input[type="file"]').first.set_input_files(film)  # type: ignore[arg-type]
        expect(anna.locator(FIGURE).first).to_be_visible()
        expect(anna.get_by_text(NAME).first).to_be_visible()
        anna.get_by_role("slider", name="Confidence threshold").press("ArrowRight")
        anna.wait_for_url("**threshold**")
        berta.reload()
        expect(berta.get_by_text("Add one or several radiographs")).to_be_visible()
        assert NAME not in berta.content()
        assert "threshold" not in berta.url
        expect(berta.locator(FIGURE)).to_have_count(0)
    finally:
        for context in contexts:
            context.close()
