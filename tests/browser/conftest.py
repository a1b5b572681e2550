"""The running app and a headless Chromium for the browser tests.

Without a browser they skip and say so; where the variable CI is set, that is a failure instead.
A guard inside the app's process notes every connection that it opens to another machine.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.browsing import ROOT, started

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",  # CI runs as root
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",  # WebGL without a graphics card, for the volume viewer
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]
GUARD = """
import os, socket
_connect = socket.socket.connect
def connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        host = str(address[0])
        if not (host.startswith("127.") or host in ("::1", "localhost")):
            with open(os.environ["LIGHTBOX_CONNECTIONS"], "a") as log:
                log.write(f"{address}\\n")
            raise OSError("the tests allow no connection to another machine")
    return _connect(self, address)
socket.socket.connect = connect
"""


# The first page load on a slow machine brings a model along.
expect.set_options(timeout=60_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One second try: a browser and a server on two busy cores; the summary counts and names it."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# All end with this folder's tests: an idle browser and server take time from those after them.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        message = f"no browser found (looked for {', '.join(BROWSERS)})"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="package")
def connections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File that receives a line for every connection the app opens to another machine."""
    return tmp_path_factory.mktemp("guard") / "connections.txt"


@pytest.fixture(scope="package")
def app_url(tmp_path_factory: pytest.TempPathFactory, connections: Path) -> Iterator[str]:
    guard = tmp_path_factory.mktemp("site")
    (guard / "sitecustomize.py").write_text(GUARD)
    port = free_port()
    environment = {
        "PYTHONPATH": f"{guard}{os.pathsep}{ROOT}",
        "LIGHTBOX_CONNECTIONS": str(connections),
    }
    with (guard / "app.log").open("w") as log:
        try:
            app = started(port, environment, log)
        except AssertionError as err:
            pytest.fail(f"{err}: {(guard / 'app.log').read_text()}")
        try:
            yield f"http://localhost:{port}"
        finally:
            app.terminate()
            app.wait(20)
    assert not connections.exists(), connections.read_text()


@pytest.fixture
def page(browser: Browser, app_url: str) -> Iterator[Page]:
    """A fresh window on the app; fails the test where the browser asks another machine."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    window = context.new_page()
    window.set_default_timeout(60_000)
    asked: list[str] = []
    window.on("request", lambda request: asked.append(request.url))
    yield window
    context.close()
    elsewhere = [
        url
        for url in asked
        if not url.startswith((app_url, app_url.replace("http", "ws"), "data:", "blob:"))
    ]
    assert elsewhere == []
