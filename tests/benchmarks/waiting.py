"""What a person waits for, and what it costs in memory, as ratios to a page of one line.

Run on an otherwise idle machine: python tests/benchmarks/waiting.py [--pages fracture,chest]
Drives the app in headless Chromium. The page of one line has a title, a metric and a Plotly chart.

- First figures after a cold start: the server is started and the page opened at once.
- Second visitor: a fresh browser session on the same server, once it is quiet.
- Threshold and display: how long the server's script runs after a slider was moved.
- Where the second visitor's time goes: script runs, their CPU time on the server, bytes of messages
  and scripts, when the last message came and when the figures stood.
- Memory: the whole process tree after one visitor opened all pages (proportional set size).
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Browser, Page, WebSocket, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from pages.shared.server import LOOK_SECONDS  # noqa: E402  needs the path above
from tests.browser.conftest import BROWSERS, FLAGS  # noqa: E402  needs the path above

ONE_LINE = """
import plotly.graph_objects as go
import streamlit as st
st.title("one line"); st.metric("Answer", "42"); st.plotly_chart(go.Figure(go.Bar(y=[1, 2])))
"""
STARTER = """
import json, sys, time
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.web.cli import main
log, base = sys.argv[1], ScriptRunner._run_script
def counted(self, data):
    start = time.thread_time()
    try:
        base(self, data)
    finally:
        with open(log, "a") as file:
            file.write(json.dumps(1000 * (time.thread_time() - start)) + "\\n")
ScriptRunner._run_script = counted
sys.argv = ["streamlit", "run", *sys.argv[2:]]
main()
"""
"""Streamlit's server, which notes the CPU time of each script run in milliseconds."""
METRIC, CHART = '[data-testid="stMetricValue"]', ".js-plotly-plot .main-svg"
FIGURES = {
    "fracture": (METRIC, CHART),
    "bone_age": (METRIC, CHART),
    "chest": (METRIC, CHART),
    "skull_strip": (METRIC,),
    "augmentation": (CHART,),
}
COLD_BARS = dict.fromkeys(FIGURES, 3.0) | {"skull_strip": 5.0}
SECOND_BAR, SLIDER_BAR_MS, MEMORY_BAR_GB, PLAIN_MEMORY_BAR_GB = 1.7, 300, 1.5, 1.0
MOST_MS = 300_000
RUNS = Path(tempfile.gettempdir()) / f"lightbox_runs_{os.getpid()}.txt"
WINDOW = ("Level", "Display window")
SLIDERS = {
    "fracture": (("Confidence threshold", ""), WINDOW),
    "bone_age": (WINDOW,),
    "chest": (("Heat shown from (%)", ""), WINDOW),
    "skull_strip": (("Threshold", ""), ("Slice", "")),
    "augmentation": (("How often", "1. "),),
}
"""Of each page its sliders, with the words of the expander where they lie in a closed one."""
WATCH = """() => {
  window.lightboxRuns = [];
  const app = document.querySelector('[data-testid=stApp]');
  new MutationObserver(() => {
    window.lightboxRuns.push([app.dataset.testScriptState, performance.now()]);
  }).observe(app, { attributes: true, attributeFilter: ['data-test-script-state'] });
}"""


@contextmanager
def served(script: Path, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], float]]:
    """A server of a script: its address, its process, and when it was started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--server.headless=true", "--browser.gatherUsageStats=false")
    RUNS.write_text("")
    start = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-c", STARTER, RUNS, script, f"--server.port={port}", *options],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://localhost:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.02)
        yield address, server, start
    finally:
        server.terminate()
        server.wait()


def figures(page: Page, address: str, wanted: tuple[str, ...]) -> float:
    """Seconds from asking for a page to its figures."""
    start = time.perf_counter()
    page.goto(address)
    for selector in wanted:
        page.locator(selector).first.wait_for(timeout=MOST_MS)
    return time.perf_counter() - start


def quiet(page: Page) -> None:
    """Wait until the script has ended and stays so for a moment."""
    for _ in range(2):
        page.wait_for_function(
            "document.querySelector('[data-testid=stApp]').dataset.testScriptState == 'notRunning'",
            timeout=MOST_MS,
        )
        page.wait_for_timeout(1500)


def explained(page: Page, address: str, wanted: tuple[str, ...]) -> tuple[float, str]:
    """Seconds to a page's figures, and where they went, in words."""
    frames: list[tuple[float, int]] = []

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: frames.append((time.perf_counter(), len(frame))))

    page.on("websocket", opened)
    before, start = len(RUNS.read_text().splitlines()), time.perf_counter()
    taken = figures(page, address, wanted)
    quiet(page)
    runs = [float(line) for line in RUNS.read_text().splitlines()[before:]]
    files = page.evaluate(
        "() => performance.getEntriesByType('resource').map(e => [e.name, e.decodedBodySize])"
    )
    scripts = [size for name, size in files if name.endswith(".js")]
    rest = sum(size for name, size in files if not name.endswith(".js"))
    # The page may go on below its first figures, so the last message may come after them.
    return taken, (
        f"{len(runs)} script runs of {sum(runs):.0f} ms CPU; {len(frames)} messages of "
        f"{sum(size for _, size in frames) / 1000:.0f} kB, first after {frames[0][0] - start:.2f} "
        f"s, last after {frames[-1][0] - start:.2f} s; {len(scripts)} scripts of "
        f"{sum(scripts) / 1e6:.1f} MB, other files {rest / 1e6:.1f} MB; figures after "
        f"{taken:.2f} s"
    )


def cold_and_second(
    browser: Browser, script: Path, folder: Path, path: str, wanted: tuple[str, ...]
) -> tuple[float, float, float, str]:
    """Seconds to the figures of the first and of the second visitor, and to the server's answer.

    Returns:
        The three, and where the second visitor's time went.
    """
    with served(script, folder) as (address, _, start):
        up = time.perf_counter() - start
        first = browser.new_page()
        figures(first, f"{address}/{path}", wanted)
        cold = time.perf_counter() - start
        quiet(first)
        first.close()
        second = browser.new_context()
        warm, where = explained(second.new_page(), f"{address}/{path}", wanted)
        second.close()
        return cold, warm, up, where


def slider_ms(page: Page, label: str, expander: str) -> float | None:
    """How long the script ran after a slider was moved by a key; None without such a slider."""
    closed = page.locator("details:not([open]) > summary").filter(has_text=expander)
    if expander and closed.count():
        closed.first.click()
        quiet(page)
    found = page.get_by_role("slider", name=label)
    if not found.count():
        return None
    slider = found.first
    page.evaluate(WATCH)
    slider.focus()
    at_end = slider.evaluate("one => one.value === one.max")
    slider.press("ArrowLeft" if at_end else "ArrowRight")
    page.wait_for_timeout(400)
    quiet(page)
    runs = page.evaluate("() => window.lightboxRuns")
    began = next((at for state, at in runs if state == "running"), None)
    ended = next((at for state, at in reversed(runs) if state == "notRunning"), None)
    return None if began is None or ended is None else ended - began


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    children = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # it ended meanwhile
            children += (thread / "children").read_text().split()
    return [pid, *(one for child in children for one in tree(int(child)))]


def memory_gb(pid: int) -> dict[str, float]:
    """Gigabytes of each process of a tree, shared pages counted by their share."""
    found = {}
    for one in tree(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            command = Path(f"/proc/{one}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it ended meanwhile
            continue
        kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        found[f"{one} {command[-60:].strip()}"] = kilobytes / 1e6
    return found


def told(name: str, value: float, bar: float, unit: str) -> None:
    print(f"{name:<46} {value:8.2f} {unit:<3} (bar {bar:g}) {'' if value <= bar else 'OVER'}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pages", default=",".join(FIGURES))
    pages = options.parse_args().pages.split(",")
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        bare = Path(folder) / "bare.py"
        bare.write_text(ONE_LINE)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        place = Path(folder)
        cold_and_second(browser, bare, place, "", (METRIC, CHART))  # warms the disk cache
        base = [cold_and_second(browser, bare, place, "", (METRIC, CHART)) for _ in range(2)]
        cold, second, up = (min(values) for values in zip(*(one[:3] for one in base), strict=True))
        print(f"page of one line: cold {cold:.2f} s (server {up:.2f} s), second {second:.2f} s")
        print(f"  second visitor: {base[-1][3]}")
        for name in pages:
            ours = cold_and_second(browser, ROOT / "app.py", ROOT, name, FIGURES[name])
            print(f"{name}: cold {ours[0]:.2f} s (server {ours[2]:.2f} s), second {ours[1]:.2f} s")
            told(f"  {name}, cold start", ours[0] / cold, COLD_BARS[name], "×")
            told(f"  {name}, second visitor", ours[1] / second, SECOND_BAR, "×")
            print(f"    {ours[3]}")
        with served(ROOT / "app.py", ROOT) as (address, server, _):
            page = browser.new_page()
            for name in pages:
                figures(page, f"{address}/{name}", FIGURES[name])
                quiet(page)
                for label, expander in SLIDERS[name]:
                    taken = slider_ms(page, label, expander)
                    if taken is None:
                        print(f"  {name}, {label}: not found, or it moved nothing")
                    else:
                        told(f"  {name}, {label}", taken, SLIDER_BAR_MS, "ms")
            page.wait_for_timeout(2000 * LOOK_SECONDS)  # the server returns what is free
            held = memory_gb(server.pid)
            told("memory after all pages", sum(held.values()), PLAIN_MEMORY_BAR_GB, "GB")
            print(f"  (with a gradient explanation opened, the bar is {MEMORY_BAR_GB} GB)")
            for process, gigabytes in sorted(held.items(), key=lambda one: -one[1]):
                print(f"    {gigabytes:.2f} GB  {process}")
        browser.close()
        RUNS.unlink()


if __name__ == "__main__":
    main()
