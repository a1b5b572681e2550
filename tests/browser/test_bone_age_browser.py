"""The bone-age page as a person uses it: answer, chronological age, stages left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.browsing import go, metric, settled, without_complaints

pytestmark = pytest.mark.browser

AGE = re.compile(r"^\d+ years?( \d+ months?)?$")


@pytest.fixture
def bone_age(page: Page, app_url: str) -> Iterator[Page]:
    """The page, opened and answered; fails the test where the browser's console had an error."""
    with without_complaints(page):
        go(page, app_url, "Bone age")
        expect(metric(page, "Bone age")).to_have_text(AGE, timeout=120_000)
        settled(page)
        yield page


def test_opens_on_a_hand_with_answer_and_interval(bone_age: Page) -> None:
    viewer = bone_age.get_by_role("figure").first
    expect(viewer).to_have_attribute("aria-label", re.compile("Phantom.*bone age"))
    expect(bone_age.get_by_text(re.compile(r"Bone age \d+ y \d+ m"))).to_be_in_viewport()
    expect(metric(bone_age, "90 % interval")).to_have_text(re.compile(r"\d+ y \d+ m – \d+ y \d+ m"))
    expect(metric(bone_age, "Reference age")).to_have_text(AGE)


def test_age_brings_standard_deviations_and_a_stage_left_out_stands_beside(
    bone_age: Page,
) -> None:
    bone_age.get_by_role("combobox", name=re.compile("Chronological age")).click()
    bone_age.get_by_role("option", name="Age", exact=True).click()
    settled(bone_age)
    expect(metric(bone_age, "Standard deviations")).to_have_count(0)
    bone_age.get_by_label("Years", exact=True).fill("9")
    bone_age.get_by_label("Years", exact=True).press("Enter")
    expect(metric(bone_age, "Standard deviations")).to_have_text(re.compile(r"^[+-]\d+\.\d$"))
    expect(bone_age.get_by_text("Not a diagnosis")).to_be_visible()
    bone_age.get_by_test_id("stMain").get_by_role("button", name="CLAHE", exact=True).click()
    expect(metric(bone_age, "As changed")).to_have_text(AGE)
    expect(metric(bone_age, "Change")).to_have_text(re.compile(r"^[+-]\d+\.\d months$"))
    # Pictures of the run before stand on the page until the new ones have come.
    bone_age.wait_for_function(
        "() => document.querySelector('[data-testid=stMain]').scrollHeight < 2500"
    )
