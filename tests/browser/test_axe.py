"""axe-core finds nothing serious, keys alone reach everything, and narrow windows lose nothing.

Each page is opened once for all three.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.browsing import ROOT, choose, settled
from tests.browser.reach import lost, unreached

pytestmark = pytest.mark.browser

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# Left out: Streamlit's own box of code where it scrolls. Chromium and Firefox let keys into every
# box that scrolls, which axe does not count; Safari does not.
SERIOUS = """
async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .filter((one) => ["serious", "critical"].includes(one.impact))
  .flatMap((one) => one.nodes
    .filter((node) => one.id !== "scrollable-region-focusable" || !node.html.startsWith("<pre"))
    .map((node) => `${one.id}: ${node.html.slice(0, 300)} `
    + `(${node.target.flat().join(" ")}) ${node.failureSummary}`))
"""
BACKGROUND = {"dark": "rgb(16, 18, 20)", "light": "rgb(251, 251, 250)"}  # .streamlit/config.toml
LAST = "It is not a medical device"  # what app.py draws below every page
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py") if path.stem != "__init__")
VISITS: list[tuple[str, str]] = [
    *((name, "dark") for name in PAGES),
    ("practice?practice_mode=Make a series", "dark"),  # a button in the accent colour
    ("practice?practice_mode=Make a series", "light"),
    ("guide?guide_mode=For a department", "light"),  # code
    ("bone_age", "light"),
]


def serious(page: Page) -> list[str]:
    """What axe calls serious or critical, in the page and in the frames within it."""
    for frame in page.frames:
        frame.evaluate(f"() => {{ {AXE} }}")
    found: list[str] = page.evaluate(SERIOUS)
    return found


@pytest.mark.parametrize(("name", "theme"), VISITS)
def test_nothing_serious_bars_the_way(
    name: str, theme: Literal["dark", "light"], page: Page, app_url: str
) -> None:
    page.emulate_media(color_scheme=theme)
    page.goto(f"{app_url}/{'' if name == 'home' else name}")
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", BACKGROUND[theme])
    expect(page.get_by_text(LAST).first).to_be_visible(timeout=180_000)
    settled(page)
    settled(page)
    assert serious(page) == []
    if name not in PAGES or theme != "dark":
        return
    assert unreached(page) == []
    assert lost(page, 720, 450) == []  # 1440 × 900 at 200 %
    assert lost(page, 800, 900) == []


def test_nothing_serious_in_any_part_of_the_lab(page: Page, app_url: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{app_url}/augmentation")
    parts = page.locator(".st-key-augmentation_more").get_by_role("radio")
    expect(parts.first).to_be_visible(timeout=180_000)
    settled(page)
    names = parts.all_inner_texts()
    assert "Code and link" in names
    found = {}
    for name in names:
        choose(page, name)
        found[name] = serious(page)
    assert found == {name: [] for name in names}


def test_what_bars_the_way_is_found(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/guide")
    expect(page.get_by_text(LAST).first).to_be_visible(timeout=180_000)
    settled(page)
    page.evaluate(
        """() => document.querySelector("h1").insertAdjacentHTML("afterend",
            "<input type=range><p style='color: #888; background: #aaa'>pale</p>")"""
    )
    assert {one.split(":")[0] for one in serious(page)} == {"label", "color-contrast"}
    page.evaluate(
        """() => {
          addEventListener("keydown", (event) => event.preventDefault(), true);
          document.querySelector("h1").style.width = "1500px";
        }"""
    )
    assert "button Main menu" in unreached(page)
    assert any(one.startswith("sideways") for one in lost(page, 720, 450))
