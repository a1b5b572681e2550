"""Practice in the browser: a link, boxes by mouse and by keyboard, a killed server, the results."""

from __future__ import annotations

import csv
import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.practice.store import Store
from core.practice.transfer import import_csv
from tests.browser.browsing import settled, started
from tests.browser.conftest import free_port

pytestmark = pytest.mark.browser


def window(browser: Browser) -> Page:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(90_000)
    return page


def film(page: Page) -> str:
    """The film on the screen: its picture's bytes."""
    shown = page.locator(".film svg image").first
    expect(shown).to_be_attached()
    return shown.get_attribute("href") or ""


def next_case(page: Page) -> None:
    expect(page.get_by_role("table")).to_contain_text("Truth")
    page.locator("body").press("Enter")
    expect(page.get_by_role("table")).to_have_count(0)
    settled(page)  # until then the film may still be the last one, which is locked


def test_series_is_read_over_a_killed_server_to_its_results(
    browser: Browser, tmp_path: Path
) -> None:
    expect.set_options(timeout=90_000)
    port, data = free_port(), tmp_path / "kept"
    app = started(port, {"LIGHTBOX_DATA": str(data)})
    try:
        maker = window(browser)
        maker.goto(f"http://localhost:{port}")
        maker.get_by_role("link", name="Practice", exact=True).first.click()
        maker.get_by_role("radio", name="Make a series").click()
        count = maker.get_by_role("slider", name="Number of cases")
        count.focus()
        for _ in range(4):
            count.press("ArrowLeft")
        expect(maker.get_by_text(re.compile("^Fracture, 6 cases; ")).last).to_be_visible()
        settled(maker)  # the link follows below the sentence
        link = maker.get_by_test_id("stCode").inner_text().strip()
        assert "/practice?series=" in link
        maker.context.close()

        reader = window(browser)
        reader.goto(link)
        reader.get_by_role("textbox", name="Nickname").fill("Kestrel")
        reader.keyboard.press("Enter")
        expect(reader.get_by_text("Reader: Kestrel")).to_be_visible()
        box = reader.locator(".film svg").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        reader.mouse.move(x, y)
        reader.mouse.down()
        reader.mouse.move(x + 60, y + 70, steps=4)
        reader.mouse.up()
        reader.get_by_role("button", name="Keep 1 box").click()
        next_case(reader)

        add = reader.get_by_role("button", name="Add box")
        expect(add).to_be_enabled()
        add.press("Enter")
        expect(reader.get_by_role("button", name="Keep 1 box")).to_be_enabled()
        reader.keyboard.press("Shift+ArrowRight")
        reader.keyboard.press("Tab")
        reader.keyboard.press("ArrowLeft")
        expect(reader.get_by_role("button", name="Keep 1 box")).to_be_enabled()
        reader.keyboard.press("k")
        next_case(reader)

        expect(reader.get_by_text("Case 3 of 6")).to_be_visible()
        third = film(reader)
        app.send_signal(signal.SIGKILL)
        app.wait(20)
        app = started(port, {"LIGHTBOX_DATA": str(data)})
        reader.reload()
        expect(reader.get_by_text("Case 3 of 6")).to_be_visible()
        assert film(reader) == third
        for _ in range(4):
            no = reader.get_by_role("button", name="No fracture")
            expect(no).to_be_enabled()
            reader.locator("body").press("n")
            next_case(reader)
        expect(reader.get_by_text("All 6 cases of this series are read")).to_be_visible()

        reader.get_by_role("radio", name="Results").click()
        expect(reader.get_by_test_id("stMetric").first).to_be_visible()
        with reader.expect_download() as waiting:
            reader.get_by_role("button", name="Every reading (CSV)").click()
        content = waiting.value.path().read_bytes()
        rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
        assert [row["reader"] for row in rows] == ["Kestrel"] * 6
        assert ["boxes_xyxy" in row["answer"] for row in rows] == [True] * 2 + [False] * 4
        again = Store(tmp_path / "again.sqlite")
        assert import_csv(again, content).readings == 6
        again.close()
        reader.context.close()
    finally:
        app.kill()
        app.wait(20)
