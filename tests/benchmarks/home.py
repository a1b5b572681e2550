"""Cold start of the home page against a one-line Streamlit app, as a ratio.

Run: python tests/benchmarks/home.py
Each run starts a server, opens the page in headless Chromium and waits for its heading.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from tests.browser.conftest import BROWSERS, FLAGS  # noqa: E402  needs the path above


def seconds_to_heading(script: Path, folder: Path, browser: object) -> float:
    """Seconds from starting the server to the first heading on screen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = time.perf_counter()
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            str(script),
            f"--server.port={port}",
            "--server.headless=true",
            "--browser.gatherUsageStats=false",
        ],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.02)
        window = browser.new_page()  # type: ignore[attr-defined]
        window.goto(f"http://localhost:{port}")
        window.locator("h1").first.wait_for()
        seconds = time.perf_counter() - start
        window.close()
        return seconds
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    import shutil

    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        bare = Path(folder) / "bare.py"
        bare.write_text("import streamlit as st\nst.title('one line')\n")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        ratios = []
        for number in range(6):
            ours = seconds_to_heading(ROOT / "app.py", ROOT, browser)
            theirs = seconds_to_heading(bare, Path(folder), browser)
            if number:  # the first pair warms the disk cache
                ratios.append(ours / theirs)
                print(f"home {ours:.2f} s, one-line app {theirs:.2f} s, ratio {ours / theirs:.2f}")
        print(f"median ratio {statistics.median(ratios):.2f} (bar: at most 1.3)")


if __name__ == "__main__":
    main()
