"""The one runner of the page tests: a page that shows an exception after any rerun fails."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[1]
SECONDS = 180.0
Upload = tuple[str, bytes, str]
"""Name, content and MIME type of a file."""


def modules_after(code: str, seconds: float = 120) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sorted(sys.modules))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in done.stdout.split()}


class PageError(AssertionError):
    """The page showed an exception."""


class PageTest(AppTest):
    """Streamlit's `AppTest`, which fails wherever a run leaves an exception on the page."""

    def _run(
        self, widget_state: WidgetStates | None = None, timeout: float | None = None
    ) -> PageTest:
        super()._run(widget_state, timeout)
        if self.exception:
            # The app keeps tracebacks from the screen: they are in the captured output.
            raise PageError(f"{len(self.exception)} exceptions on the page, see the output")
        return self

    def more(self, part: str) -> PageTest:
        """Open one of the parts below the answer."""
        page = Path(self._script_path).stem
        self.button_group(key=f"{page}_more").set_value(part).run()
        return self

    def upload(self, *files: Upload) -> PageTest:
        """Choose "Upload" and add files."""
        page = Path(self._script_path).stem
        self.radio(key=f"{page}_source").set_value("Upload").run()
        self.file_uploader(key=f"{page}_upload").set_value(list(files)).run()
        return self

    def until(self, ready: Callable[[PageTest], Any], seconds: float = SECONDS) -> PageTest:
        """Run the page again, as its progress does, until something is so."""
        end = time.monotonic() + seconds
        while not ready(self):
            assert time.monotonic() < end, "the page did not get there in time"
            time.sleep(0.1)
            self.run()
        return self

    @property
    def metrics(self) -> dict[str, str]:
        """The figures of the page by label."""
        return {metric.label: metric.value for metric in self.metric}

    @property
    def words(self) -> str:
        """All sentences of the page."""
        parts = (self.markdown, self.caption, self.info, self.warning, self.error, self.success)
        return "\n".join(element.value for kind in parts for element in kind)


def page(name: str, **query: str) -> PageTest:
    """A page on its own, not run yet.

    Through app.py, AppTest would take pages/ for an old kind of multipage app at every run, and
    starting over from the frame would lose the click that made the run.

    Args:
        query: Parameters of its address.
    """
    test = PageTest(str(ROOT / "pages" / f"{name}.py"), default_timeout=SECONDS)
    for key, value in query.items():
        test.query_params[key] = value
    return test


def opened(name: str, **query: str) -> PageTest:
    """A page on its own, after its first run."""
    test = page(name, **query)
    test.run()
    return test


def opened_in_app(name: str) -> PageTest:
    """The whole app with a page opened first, as by a bookmark."""
    app = PageTest(str(ROOT / "app.py"), default_timeout=SECONDS)
    app.run() if name == "home" else app.switch_page(f"pages/{name}.py").run()
    return app
