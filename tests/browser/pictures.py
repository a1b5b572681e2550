"""Takes the guides' pictures from the running app: `python -m tests.browser.pictures`.

Beside them it keeps what the pages said then, as a hash of their words, so that a test can tell
that a picture no longer shows what the page does.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tempfile

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from tests.browser.browsing import ROOT, settled, started
from tests.browser.conftest import BROWSERS, FLAGS, free_port
from tests.page_runner import opened

FOLDER = ROOT / "pages" / "guides"
HASHES = FOLDER / "pictures.json"
PAGES = ("fracture", "chest", "augmentation", "practice")
KINDS = ("slider", "selectbox", "radio", "toggle", "number_input", "button_group", "multiselect")


def words_of(page: str) -> str:
    """A hash of what the page's first screen says: title, names and choices of its widgets."""
    app = opened(page)
    words = [title.value for title in app.title]
    for kind in KINDS:
        for one in app.get(kind):
            words += [str(one.label), *map(str, getattr(one, "options", ()))]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def take(url: str) -> None:
    """A picture of each page's first screen, small enough to travel with the repository."""
    browser = next(path for name in BROWSERS if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser, args=FLAGS)
        window = running.new_page(viewport={"width": 1440, "height": 900}, color_scheme="dark")
        for name in PAGES:
            window.goto(f"{url}/{name}")
            expect(window.locator("h1")).to_be_visible(timeout=180_000)
            settled(window)
            window.wait_for_timeout(5_000)  # the film arrives after the page's last run
            settled(window)
            picture = Image.open(io.BytesIO(window.screenshot())).convert("RGB")
            picture.resize((960, 600), Image.Resampling.LANCZOS).save(
                FOLDER / f"{name}.jpg", quality=80, optimize=True
            )
        running.close()


def main() -> None:
    port = free_port()
    url = f"http://localhost:{port}"
    with tempfile.TemporaryDirectory() as own:  # no samples that were fetched here
        app = started(port, {"HOME": own, "XDG_CACHE_HOME": own, "LIGHTBOX_DATA": own})
        try:
            take(url)
        finally:
            app.terminate()
            app.wait(30)
    said = {name: words_of(name) for name in PAGES}
    HASHES.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
