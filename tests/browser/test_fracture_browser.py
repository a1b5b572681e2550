"""The fracture page as a person uses it: keyboard, upload, zoom, measure, download."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.phantoms.limb.phantom import LimbPhantom, limb_phantom
from tests.browser.browsing import choose, go, metric, settled, without_complaints
from tests.files.radiograph_files import raster

pytestmark = pytest.mark.browser


def limb(kind: str = "PNG") -> bytes:
    """A simulated film as a file: what is no limb would be refused."""
    film, _ = limb_phantom(LimbPhantom(seed=5, fracture="oblique", shape=(320, 256), hung=True))
    return raster(kind, np.rint(film.pixels * 255).astype(np.uint8))


@pytest.fixture
def fracture(page: Page, app_url: str) -> Iterator[Page]:
    """The page, opened and answered; fails the test where the browser's console had an error."""
    with without_complaints(page):
        go(page, app_url, "Fracture")
        # The first answer waits until the models are loaded, on a busy machine for long.
        expect(metric(page, "Boxes")).to_be_visible(timeout=180_000)
        yield page


def test_opens_on_a_phantom_with_one_side_mark_and_scale(fracture: Page) -> None:
    viewer = fracture.get_by_role("figure").first
    expect(viewer).to_have_attribute("aria-label", re.compile("Simulated film"))
    expect(viewer.get_by_text(re.compile(r"^\d+ mm$")).first).to_be_visible()
    # The film has its own side letter; a second one of the viewer's would be one too many.
    expect(viewer.get_by_text(re.compile(r"^[LR]$"))).to_have_count(0)


def test_threshold_moves_by_keyboard_and_the_count_follows(fracture: Page) -> None:
    slider = fracture.get_by_role("slider", name="Confidence threshold")
    slider.focus()
    slider.press("End")
    expect(metric(fracture, "Boxes")).to_have_text("0")
    slider.press("Home")
    expect(metric(fracture, "Boxes")).not_to_have_text("0")


def test_zoom_of_one_panel_moves_the_other(fracture: Page) -> None:
    box = fracture.locator(".st-key-fracture_viewer .nsewdrag").first.bounding_box()
    assert box is not None
    ranges = (
        "() => { const l = document.querySelector('.st-key-fracture_viewer .js-plotly-plot')"
        "._fullLayout; return [l.xaxis.range, l.xaxis2.range].map(r => r.map(Math.round)); }"
    )
    before = fracture.evaluate(ranges)
    fracture.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3)
    fracture.mouse.down()
    fracture.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.6, steps=5)
    fracture.mouse.up()
    fracture.wait_for_timeout(500)
    left, right = fracture.evaluate(ranges)
    assert left == right
    assert left != before[0]
    slider = fracture.get_by_role("slider", name="Confidence threshold")
    slider.focus()
    slider.press("ArrowRight")
    settled(fracture)
    assert fracture.evaluate(ranges) == [left, right]  # a new result keeps the place


def test_upload_is_read_and_its_unknown_scale_is_said(fracture: Page) -> None:
    fracture.get_by_text("Upload", exact=True).first.click()
    settled(fracture)
    fracture.locator("input[type=file]").first.set_input_files(
        {"name": "wrist.png", "mimeType": "image/png", "buffer": limb()}
    )
    expect(fracture.get_by_text("wrist.png · 256 × 320 px · pixel size unknown")).to_be_visible()
    viewer = fracture.get_by_role("figure").first
    expect(viewer.get_by_text(re.compile(r"^\d+ px$")).first).to_be_visible()


def test_distance_is_measured_by_keyboard(fracture: Page) -> None:
    choose(fracture, "Measure")
    add = fracture.get_by_role("button", name="Add point")
    add.focus()
    add.press("Enter")
    settled(fracture)
    add.focus()
    add.press("Enter")
    for _ in range(4):
        fracture.keyboard.press("Shift+ArrowRight")
    expect(metric(fracture, "A to B")).to_have_text(re.compile(r"^\d+\.\d mm$"))
    caption = fracture.get_by_text(re.compile(r"A \(\d+, \d+\) px · B")).inner_text()
    x, y = (int(value) for value in re.findall(r"\d+", caption)[:2])
    # The page follows the keys one by one: wait for the last of them.
    expect(fracture.get_by_text(f"A ({x}, {y}) px · B ({x + 40}, {y}) px")).to_be_visible()


def test_batch_gives_a_zip_and_opens_a_film_at_its_top(fracture: Page) -> None:
    choose(fracture, "Many radiographs")
    fracture.locator("input[type=file]").first.set_input_files(
        [
            {"name": "a.png", "mimeType": "image/png", "buffer": limb()},
            {"name": "b.jpg", "mimeType": "image/jpeg", "buffer": limb("JPEG")},
            {"name": "c.png", "mimeType": "image/png", "buffer": b"no image"},
        ]
    )
    expect(metric(fracture, "Films read")).to_have_text("2 of 3")
    with fracture.expect_download() as waiting:
        fracture.get_by_role("button", name="Everything (zip)").click()
    path = waiting.value.path()
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as packed:
        assert sorted(packed.namelist()) == [
            "boxes.csv",
            "coco.json",
            "films.csv",
            "overlays/a.png.png",
            "overlays/b.jpg.png",
            "yolo/a.txt",
            "yolo/b.txt",
        ]
        assert packed.read("overlays/a.png.png").startswith(b"\x89PNG")
        assert packed.read("films.csv").decode().splitlines()[3].startswith("c.png,")
    fracture.set_viewport_size({"width": 1280, "height": 500})  # the tile lies below the screen
    fracture.get_by_role("button", name="b.jpg", exact=True).click()
    expect(fracture.get_by_role("button", name="All films")).to_be_visible()
    fracture.wait_for_function("document.querySelector('.stMain').scrollTop === 0")


def test_single_film_gives_a_table(fracture: Page) -> None:
    choose(fracture, "Download")
    with fracture.expect_download() as waiting:
        fracture.get_by_role("button", name="Table (CSV)").click()
    assert waiting.value.path().read_text().startswith("file,box,score,")
