"""A reload, the browser's back button and a copied link bring the page back as it was left."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.browsing import choose, metric, settled
from tests.browser.test_fracture_browser import limb

pytestmark = pytest.mark.browser

SEED, MODEL = "17", "small CNN"


def as_left(page: Page) -> None:
    """The page shows case, model and open part as they were set."""
    expect(metric(page, "Bone age")).to_be_visible(timeout=180_000)
    expect(page.get_by_role("spinbutton", name="Seed")).to_have_value(SEED)
    model = page.locator(".st-key-bone_age_model").get_by_role("combobox")
    expect(model).to_have_value(re.compile(re.escape(MODEL)))
    part = page.get_by_role("radio", name="Model card", exact=True)
    expect(part).to_have_attribute("aria-checked", "true")


def test_reload_back_and_link_bring_case_model_and_part_back(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/bone_age")
    expect(metric(page, "Bone age")).to_be_visible(timeout=180_000)
    seed = page.get_by_role("spinbutton", name="Seed")
    seed.fill(SEED)
    seed.press("Enter")
    settled(page)
    page.locator(".st-key-bone_age_model").get_by_role("combobox").click()
    page.get_by_role("option").filter(has_text=MODEL).click()
    settled(page)
    choose(page, "Model card")
    as_left(page)

    page.reload()
    as_left(page)

    address = page.url
    page.get_by_role("link", name="Datasets", exact=True).first.click()
    page.wait_for_url("**/datasets")
    page.go_back()
    as_left(page)

    page.context.clear_cookies()
    page.goto("about:blank")
    page.goto(address)
    as_left(page)


@pytest.mark.parametrize(
    ("name", "role", "label", "part"),
    [
        ("chest", "spinbutton", "Phantom number", "Model card"),
        ("skull_strip", "slider", "Threshold", "Model card"),
        ("augmentation", "spinbutton", "Draw", "Histograms"),
    ],
)
def test_every_page_comes_back_with_its_setting_and_open_part(
    name: str, role: Literal["spinbutton", "slider"], label: str, part: str,
    page: Page, app_url: str,
) -> None:  # fmt: skip
    setting = page.get_by_role(role, name=label).first
    chosen = page.get_by_test_id("stMain").get_by_role("radio", name=part, exact=True)
    page.goto(f"{app_url}/{name}")
    expect(chosen).to_be_visible(timeout=300_000)
    first = setting.input_value()
    setting.press("ArrowUp")
    setting.press("Enter")
    settled(page)
    choose(page, part)
    set_to = setting.input_value()
    assert set_to != first

    def as_it_was_left() -> None:
        expect(chosen).to_have_attribute("aria-checked", "true", timeout=180_000)
        expect(setting).to_have_value(set_to)

    as_it_was_left()
    page.reload()
    as_it_was_left()
    address = page.url
    page.get_by_role("link", name="Datasets", exact=True).first.click()
    page.wait_for_url("**/datasets")
    page.go_back()
    as_it_was_left()
    page.context.clear_cookies()
    page.goto("about:blank")
    page.goto(address)
    as_it_was_left()


def test_a_reload_keeps_the_threshold_and_asks_for_the_film_again(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/fracture?fracture_source=Upload")
    film = {"name": "film.png", "mimeType": "image/png", "buffer": limb()}
    page.locator('input[type="file"]').first.set_input_files(film)  # type: ignore[arg-type]
    expect(metric(page, "Boxes")).to_be_visible(timeout=180_000)
    threshold = page.get_by_role("slider", name="Confidence threshold")
    threshold.press("End")
    page.wait_for_url("**fracture_threshold**")
    set_to = threshold.input_value()
    assert "film.png" not in page.url

    page.reload()
    expect(page.get_by_text("after a reload, and behind a link, add them again")).to_be_visible()
    expect(metric(page, "Boxes")).to_have_count(0)
    expect(threshold).to_have_value(set_to)
