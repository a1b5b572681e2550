"""The chest page as a person uses it: keyboard, movable lines, a refused film, downloads."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.files import write as exports
from core.phantoms.chest.phantom import chest_phantom
from core.phantoms.limb.phantom import LimbPhantom, limb_phantom
from core.plots import draw
from tests.browser.browsing import choose, go, metric, settled, without_complaints

pytestmark = pytest.mark.browser


def png(pixels: np.ndarray) -> bytes:
    return exports.png(draw.windowed(pixels))


CHEST = chest_phantom(3, heart_ratio=0.6).image.pixels
HAND = limb_phantom(LimbPhantom(seed=5, kind="hand"))[0].pixels


@pytest.fixture
def chest(page: Page, app_url: str) -> Iterator[Page]:
    """The page, opened and answered; fails the test where the browser's console had an error."""
    with without_complaints(page):
        go(page, app_url, "Chest")
        # The first answer waits until the networks are loaded, on a busy machine for long.
        expect(metric(page, "Findings")).to_be_visible(timeout=180_000)
        yield page


def upload(page: Page, name: str, pixels: np.ndarray) -> None:
    page.get_by_text("Upload", exact=True).first.click()
    settled(page)
    page.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": png(pixels)}
    )


def test_first_look_bars_and_movable_lines(chest: Page) -> None:
    """The opening case, a heart that grows by keyboard, a clicked bar, and lines by hand."""
    settled(chest)
    expect(chest.get_by_role("figure").first).to_have_attribute("aria-label", re.compile("Phantom"))
    shown = chest.get_by_role("figure").first.get_by_text("Grad-CAM, cardiomegaly")
    expect(shown).to_be_visible()
    bar = chest.locator(".st-key-chest_bars .bars .point path").nth(5)
    bar.scroll_into_view_if_needed()
    chest.wait_for_timeout(500)
    box = bar.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] - 4, box["y"] + box["height"] / 2
    chest.mouse.move(x, y)
    chest.wait_for_timeout(400)  # the chart finds what lies under the pointer
    chest.mouse.click(x, y)
    expect(shown).to_have_count(0)

    slider = chest.get_by_role("slider", name="Heart size (cardiothoracic ratio)")
    slider.focus()
    slider.press("Home")
    expect(metric(chest, "True CTR")).to_have_text("0.36")
    expect(metric(chest, "Heart ÷ chest (CTR)")).to_have_text(re.compile(r"^0\.3\d$"))
    expect(chest.get_by_text(re.compile("heart not enlarged")).first).to_be_visible()

    choose(chest, "Heart size")
    right = chest.get_by_role("slider", name="heart line, right end (px)")
    start = float(right.get_attribute("aria-valuenow") or "nan")
    right.focus()
    right.press("Shift+ArrowLeft")
    right.press("ArrowLeft")
    expect(right).to_have_attribute("aria-valuenow", f"{start - 11:g}")
    expect(metric(chest, "By hand")).to_be_visible()
    by_hand = chest.get_by_text(re.compile("lines moved by hand")).first
    expect(by_hand).to_be_visible()  # in the verdict
    before = metric(chest, "By hand").inner_text()
    number = chest.get_by_label("chest, right end")
    number.fill("300")
    number.press("Tab")
    expect(metric(chest, "By hand")).not_to_have_text(before)
    choose(chest, "Download")
    with chest.expect_download() as waiting:
        chest.get_by_role("button", name="Report (HTML)").click()
    report = waiting.value.path().read_text()
    assert "not for diagnosis" in report and "by hand" in report
    assert report.count("data:image/") == 2
    choose(chest, "Heart size")  # what was moved is still there
    moved = chest.get_by_role("slider", name="heart line, right end (px)")
    expect(moved).to_have_attribute("aria-valuenow", f"{start - 11:g}")
    chest.get_by_role("button", name="Reset lines").click()
    expect(metric(chest, "By hand")).to_have_count(0)
    expect(by_hand).to_have_count(0)


def test_films_of_ones_own_one_and_many(chest: Page) -> None:
    """A turned film is put right, an AP film is not judged, a hand is refused; then a batch."""
    upload(chest, "turned.png", np.ascontiguousarray(np.rot90(CHEST)))
    chest.get_by_role("button", name="Put it right").click()
    expect(chest.get_by_text(re.compile("was put right on this page"))).to_be_visible()
    expect(chest.get_by_text(re.compile("heart enlarged")).first).to_be_visible()
    chest.get_by_test_id("stSidebar").get_by_role("radio", name="AP", exact=True).click()
    expect(chest.get_by_text(re.compile("heart not judged: an AP film")).first).to_be_visible()

    choose(chest, "Many radiographs")
    chest.locator("input[type=file]").first.set_input_files(
        [
            {"name": "a.png", "mimeType": "image/png", "buffer": png(CHEST)},
            {"name": "hand.png", "mimeType": "image/png", "buffer": png(HAND)},
            {"name": "b.png", "mimeType": "image/png", "buffer": b"no image"},
        ]
    )
    # The film that was turned stays: uploads are kept over the page's modes.
    expect(metric(chest, "Films read")).to_have_text("2 of 4", timeout=120_000)
    with chest.expect_download() as waiting:
        chest.get_by_role("button", name="Everything (zip)").click()
    with zipfile.ZipFile(io.BytesIO(waiting.value.path().read_bytes())) as packed:
        kept = [f"{folder}/{name}" for name in ("turned", "a") for folder in ("masks", "overlays")]
        assert packed.namelist() == ["films.csv", *(f"{name}.png.png" for name in kept)]
        lines = packed.read("films.csv").decode().splitlines()
        assert [line.split(",")[0] for line in lines[1:]] == [
            "turned.png", "a.png", "hand.png", "b.png",
        ]  # fmt: skip
