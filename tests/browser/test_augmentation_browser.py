"""The augmentation lab in a browser: it opens, composes, runs a model, and tells nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

pytestmark = pytest.mark.browser

PATIENCE_MS = 300_000


@pytest.fixture
def lab(page: Page, app_url: str) -> Iterator[Page]:
    """The page, opened; fails the test where the browser's console had an error."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def complain(line: ConsoleMessage) -> None:
        if line.type == "error":
            complaints.append(f"{line.text} {line.location['url']}")

    page.on("console", complain)
    page.set_default_timeout(PATIENCE_MS)
    page.goto(app_url)
    page.get_by_role("link", name="Augmentation lab").first.click()
    last = page.get_by_role("button", name="Draw 9", exact=True)
    expect(last).to_be_visible(timeout=PATIENCE_MS)
    yield page
    assert complaints == []


def settled(page: Page) -> None:
    page.wait_for_timeout(400)
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=PATIENCE_MS
    )


def test_pipelines_are_composed_and_shared_and_nobody_is_told(lab: Page, connections: Path) -> None:
    lab.get_by_role("button", name="Next").click()
    settled(lab)
    assert re.search(r"pipeline=rotate.*draw=2", lab.url)
    assert lab.get_by_role("img", name=re.compile("Draw 2")).count() == 1
    lab.get_by_role("button", name="✕").first.click()
    settled(lab)
    assert "rotate" not in lab.url
    # The library reports pipelines from a thread; give it the time to try.
    lab.wait_for_timeout(3000)
    assert not connections.exists()


def test_effect_on_the_model_is_a_distribution(lab: Page) -> None:
    lab.get_by_test_id("stMain").get_by_role("radio", name="Effect on the model").click()
    lab.get_by_role("button", name="Run", exact=True).click()
    expect(lab.get_by_text("over 24 draws").first).to_be_visible(timeout=PATIENCE_MS)
    expect(lab.get_by_text("Least harmed").first).to_be_visible(timeout=PATIENCE_MS)
    with lab.expect_download() as started:
        lab.get_by_role("button", name="Report (CSV)").click()
    assert "original" in Path(started.value.path()).read_text()


def test_a_film_is_sent_from_its_page(page: Page, app_url: str) -> None:
    page.set_default_timeout(PATIENCE_MS)
    page.goto(app_url)
    page.get_by_role("link", name="Fracture", exact=True).first.click()
    page.get_by_role("button", name="Send to the augmentation lab").click()
    expect(page.get_by_role("heading", name="Augmentation lab")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("As sent")).to_be_visible(timeout=PATIENCE_MS)
