"""Cold start of the home page against a one-line Streamlit app, as a ratio.

Run: python -m tests.benchmarks.home
Each run starts a server, opens the page in headless Chromium and waits for its heading.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks.waiting import ROOT, RUNS, served
from tests.browser.conftest import BROWSERS, FLAGS


def seconds_to_heading(script: Path, folder: Path, browser: Browser) -> float:
    """Seconds from starting the server to the first heading on screen."""
    with served(script, folder) as (address, _, start):
        window = browser.new_page()
        window.goto(address)
        window.locator("h1").first.wait_for()
        seconds = time.perf_counter() - start
        window.close()
        return seconds


def main() -> None:
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
        RUNS.unlink()
        print(f"median ratio {statistics.median(ratios):.2f} (bar: at most 1.3)")


if __name__ == "__main__":
    main()
