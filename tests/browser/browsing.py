"""What every browser test does: start the app, open a page, wait until it stands still, choose."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

ROOT = Path(__file__).parents[2]


def started(
    port: int, environment: Mapping[str, str], log: IO[str] | int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """The app on a port; returns once it answers."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    app = subprocess.Popen(
        [*command, f"--server.port={port}", "--server.headless=true"],
        cwd=ROOT,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    for _ in range(240):
        if app.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2)
            return app
        except OSError:
            time.sleep(0.5)
    app.kill()
    app.wait()
    raise AssertionError("the app ended, or did not answer within two minutes")


@contextmanager
def without_complaints(page: Page) -> Iterator[None]:
    """Fails where the browser's console had an error meanwhile."""
    complaints: list[str] = []

    def complain(line: ConsoleMessage) -> None:
        if line.type == "error":
            complaints.append(f"{line.text} {line.location['url']}")

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", complain)
    yield
    assert complaints == []


def go(page: Page, app_url: str, name: str) -> None:
    """Open a page through the navigation: below a deep link Streamlit itself looks in vain."""
    page.goto(app_url)
    page.get_by_role("link", name=name, exact=True).first.click()


def metric(page: Page, label: str) -> Locator:
    """The value of a figure."""
    labelled = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
    return labelled.get_by_test_id("stMetricValue")


def settled(page: Page) -> None:
    """Wait until no run of the page is under way."""
    page.wait_for_timeout(400)
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=180_000)


def choose(page: Page, name: str) -> None:
    """One of a segmented control's or radio's choices."""
    page.get_by_test_id("stMain").get_by_role("radio", name=name, exact=True).click()
    settled(page)
