"""The bone-age page as a person uses it: answer, sex, stages left out, upload, download."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

pytestmark = pytest.mark.browser

AGE = re.compile(r"^\d+ years?( \d+ months?)?$")


@pytest.fixture
def bone_age(page: Page, app_url: str) -> Iterator[Page]:
    """The page, opened and answered; fails the test where the browser's console had an error."""
    expect.set_options(timeout=60_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def complain(line: ConsoleMessage) -> None:
        if line.type == "error":
            complaints.append(f"{line.text} {line.location['url']}")

    page.on("console", complain)
    # Through the navigation: Streamlit itself looks in vain below the path of a deep link.
    page.goto(app_url)
    page.get_by_role("link", name="Bone age", exact=True).first.click()
    # The first answer waits until another process has loaded TensorFlow.
    expect(metric(page, "Bone age")).to_have_text(AGE, timeout=300_000)
    settled(page)
    yield page
    assert complaints == []


def metric(page: Page, label: str) -> Locator:
    labelled = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
    return labelled.get_by_test_id("stMetricValue")


def settled(page: Page) -> None:
    page.wait_for_timeout(400)
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=180_000
    )


def choose(page: Page, name: str) -> None:
    page.get_by_test_id("stMain").get_by_role("radio", name=name, exact=True).click()
    settled(page)


def test_opens_on_a_hand_with_answer_and_interval(bone_age: Page) -> None:
    viewer = bone_age.get_by_role("figure").first
    expect(viewer).to_have_attribute("aria-label", re.compile("Phantom.*bone age"))
    expect(metric(bone_age, "90 % interval")).to_have_text(
        re.compile(r"\d+ y \d+ m to \d+ y \d+ m")
    )
    expect(metric(bone_age, "Known bone age")).to_have_text(AGE)


def test_chronological_age_brings_standard_deviations(bone_age: Page) -> None:
    bone_age.get_by_role("combobox", name=re.compile("Chronological age")).click()
    bone_age.get_by_role("option", name="Age", exact=True).click()
    expect(metric(bone_age, "Standard deviations")).to_have_text(re.compile(r"^[+-]\d+\.\d$"))
    expect(bone_age.get_by_text("This is no diagnosis")).to_be_visible()


def test_stage_left_out_stands_beside_the_default(bone_age: Page) -> None:
    bone_age.get_by_test_id("stMain").get_by_role("button", name="CLAHE", exact=True).click()
    expect(metric(bone_age, "As changed")).to_have_text(AGE)
    expect(metric(bone_age, "Change")).to_have_text(re.compile(r"^[+-]\d+\.\d months$"))
