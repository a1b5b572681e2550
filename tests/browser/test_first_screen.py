"""Film and answer share the first screen, and the film's tools work in the browser alone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import choose, settled

pytestmark = pytest.mark.browser

SIZES = ((1440, 900), (1280, 720))
NARROW = 800
MOST_TITLE_PX = 60
MOST_PAGE_PX = 2500
HEIGHT = "document.querySelector('[data-testid=stMain]').scrollHeight"
LAYOUTS = 40  # looks at the page, half a second apart, before a film counts as too low
VIEWERS = {
    "fracture": ".st-key-fracture_viewer_frame",
    "bone_age": ".st-key-bone_age_viewer_frame",
    "chest": ".st-key-chest_viewer_frame",
    "skull_strip": "iframe",
    "augmentation": ".st-key-augmentation_viewer_frame",
}
RANGE = (
    "() => document.querySelector('.st-key-fracture_viewer_frame .js-plotly-plot')"
    "._fullLayout.xaxis.range.map(Math.round)"
)
SLOW_LINE = """
const add = WebSocket.prototype.addEventListener;
WebSocket.prototype.addEventListener = function (kind, act, ...more) {
  let last = Promise.resolve();
  const late = (event) => {
    const wait = (done) => setTimeout(() => done(act.call(this, event)), window.lineDelay ?? 0);
    last = last.then(() => new Promise(wait));
  };
  return add.call(this, kind, kind === "message" ? late : act, ...more);
};
"""


def box(found: Locator) -> dict[str, Any]:
    expect(found).to_be_visible()
    measured = found.bounding_box()
    assert measured is not None
    return {**measured, "bottom": measured["y"] + measured["height"]}


@pytest.mark.parametrize("name", VIEWERS)
def test_film_and_answer_stand_in_the_first_screen(name: str, page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/{name}")
    viewer = page.locator(VIEWERS[name]).first
    expect(page.locator("[class*='st-key-verdict_']").first).to_be_visible(timeout=180_000)
    expect(viewer).to_be_visible(timeout=180_000)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        settled(page)
        # A busy computer lays the page out in several steps; what counts is where it ends.
        for patience in range(LAYOUTS, -1, -1):
            navigation, title = box(page.get_by_test_id("stHeader")), box(page.locator("h1"))
            film = box(viewer)
            high = title["bottom"] - navigation["bottom"] <= MOST_TITLE_PX
            if high and film["height"] > 0.4 * height and film["bottom"] <= height:
                break
            page.wait_for_timeout(500 if patience else 0)
        assert title["bottom"] - navigation["bottom"] <= MOST_TITLE_PX
        assert film["bottom"] <= height
        assert film["height"] > 0.4 * height
        verdict = box(page.locator("[class*='st-key-verdict_']").first)
        assert verdict["bottom"] <= film["y"]
    for width in (SIZES[0][0], NARROW):
        page.set_viewport_size({"width": width, "height": SIZES[0][1]})
        settled(page)
        page.wait_for_function(f"{HEIGHT} <= {MOST_PAGE_PX}")


def test_viewer_zooms_windows_steps_and_presents(page: Page, app_url: str) -> None:
    """Wheel, right button, overlays, arrow keys, P and L, on one page load."""
    page.goto(f"{app_url}/fracture")
    viewer = page.locator(VIEWERS["fracture"])
    scale = viewer.locator(".film-scale").first
    expect(scale).to_be_visible(timeout=180_000)
    settled(page)
    whole, first = page.evaluate(RANGE), scale.inner_text()
    area = box(viewer.locator(".nsewdrag").first)
    page.mouse.move(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
    for _ in range(12):
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(60)
    page.wait_for_timeout(600)
    zoomed = page.evaluate(RANGE)
    assert zoomed[1] - zoomed[0] < 0.6 * (whole[1] - whole[0])
    assert scale.inner_text() != first  # the bar follows

    page.mouse.down(button="right")
    page.mouse.move(area["x"] + area["width"] / 2 - 60, area["y"] + area["height"] / 2, steps=4)
    page.mouse.up(button="right")
    expect(page.get_by_text(re.compile("Window 80 %"))).to_be_visible()

    boxes = page.get_by_text("Show boxes")
    boxes.click()
    settled(page)
    assert page.evaluate(RANGE) == zoomed  # an overlay taken away keeps the zoom
    boxes.click()
    settled(page)

    number = page.get_by_role("spinbutton", name="Phantom number")
    before = int(number.input_value())
    page.locator("h1").click()  # keys work wherever nothing else wants them
    page.keyboard.press("ArrowRight")
    expect(number).to_have_value(str(before + 1))
    settled(page)

    page.keyboard.press("p")
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(page).to_have_url(re.compile("present=1"))
    expect(page.locator("[class*='st-key-verdict_']")).to_be_visible()
    expect(page.get_by_text("More about this film")).to_have_count(0)
    settled(page)
    back = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    dark = page.evaluate(back)
    page.keyboard.press("l")
    page.wait_for_function(f"{back} != {dark!r}")  # the theme, without a reload
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    expect(number).to_have_value(str(before + 1))


def test_zoom_survives_a_slow_line(page: Page, app_url: str) -> None:
    """Every message of a run is drawn alone, as it comes where server or line are busy."""
    page.add_init_script(SLOW_LINE)
    page.goto(f"{app_url}/fracture")
    viewer = page.locator(VIEWERS["fracture"])
    expect(viewer.locator(".film-scale").first).to_be_visible(timeout=180_000)
    settled(page)
    whole = page.evaluate(RANGE)
    viewer.locator(".nsewdrag").first.hover()
    page.mouse.wheel(0, -300)
    page.wait_for_function(f"({RANGE})()[1] < {whole[1]}")
    page.wait_for_timeout(1000)
    zoomed = page.evaluate(RANGE)
    viewer.evaluate("(frame) => { frame.seen = true; }")
    page.evaluate("window.lineDelay = 30")
    page.get_by_text("Show boxes").click()
    settled(page)
    page.wait_for_timeout(1000)
    assert viewer.evaluate("(frame) => frame.seen")  # the film was never taken away
    assert page.evaluate(RANGE) == zoomed
    page.evaluate("window.lineDelay = 0")
    choose(page, "Many radiographs")
    choose(page, "One radiograph")  # a new frame: what it showed is known all the same
    page.wait_for_function(f"`${{({RANGE})()}}` === '{zoomed[0]},{zoomed[1]}'")


@pytest.mark.parametrize("width", [1400, 1280, 800])
def test_every_page_stays_in_the_navigation(width: int, page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{app_url}/evaluation")
    links = page.get_by_test_id("stTopNavLink")
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    expect(links.filter(visible=True)).to_have_count(9)
    expect(page.get_by_role("link", name="Evaluation")).to_be_visible()
    if width == SIZES[1][0]:  # any run that lasts is said to be one
        app = "document.querySelector('.stApp').setAttribute('data-test-script-state', 'running')"
        said = "getComputedStyle(document.querySelector('.stMainBlockContainer'), '::after')"
        page.evaluate(app)
        page.wait_for_function(f"{said}.content.includes('Working') && {said}.opacity === '1'")
