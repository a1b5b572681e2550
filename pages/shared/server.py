"""What the server does by itself: page addresses, work done ahead, and ended sessions forgotten."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from streamlit import runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage

from core.files.volume_foreign import clear_leftovers

LOOK_SECONDS = 10.0
FULL_SECONDS = 300.0  # between two collections of everything while somebody is there
SLOW_SECONDS = 0.1  # of CPU time for a collection: more than a class's sessions take
SWITCH_SECONDS = 0.0005
"""How long a thread that computes in Python keeps others waiting; Python's own value is ten times
that. A page's script passes a hundred messages to the server's loop, and may have to wait so long
after each."""
WORKED_SECONDS = 0.5  # of CPU time between two looks: after less there is little to return

HISTORY = (Path(__file__).parent / "history.js").read_text(encoding="utf-8")

CHART = "PlotlyChart"
ELEMENTS = (
    *(CHART, "BidiComponent", "ButtonGroup", "Button", "Checkbox", "NumberInput", "Radio"),
    *("Selectbox", "Slider"),
)
"""Parts of Streamlit's browser side that every task page shows, by the names of their files."""
HEAD = 8000
IMPORTED = re.compile(r"""(?:from|import) ?["']\./([\w.@-]+\.js)["']""")
# A second of the browser's time goes into Plotly, which Streamlit begins to load when the first
# chart arrives, after the server's answer. Begun while the server works, it is ready by then.
EARLY = """<script>new MutationObserver((_, seen) => {
  if (!document.querySelector('[data-test-script-state="running"]')) return;
  seen.disconnect();
  import("./static/js/%s").catch(() => {});
}).observe(document, {subtree: true, childList: true, attributes: true,
                      attributeFilter: ["data-test-script-state"]});</script>"""


def scripts_of(folder: Traversable, elements: Sequence[str] = ELEMENTS) -> list[str]:
    """Names of the script files that elements need, each before the files that it needs itself.

    A name that this Streamlit does not have is left out: the page then loads it when it needs it.
    """
    there = {one.name: one for one in folder.iterdir() if one.name.endswith(".js")}
    wanted = [name for element in elements for name in there if name.split(".")[0] == element]
    for name in wanted:  # grows while it is read
        with there[name].open(encoding="utf-8") as script:  # its imports stand at its head
            needed = IMPORTED.findall(script.read(HEAD))
        wanted += [one for one in dict.fromkeys(needed) if one in there and one not in wanted]
    return wanted


def _ahead(folder: Traversable, document: str) -> str:
    """Tags that load the scripts of a task page beside Streamlit's own, not one after the other."""
    names = [name for name in scripts_of(folder) if name not in document]
    tags = [f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in names]
    chart = next((name for name in names if name.startswith(f"{CHART}.")), None)
    return "".join([*tags, EARLY % chart if chart else ""])


def page_routes(
    pages: Sequence[str], asked: Callable[[str], None] = lambda page: None
) -> list[Route]:
    """Streamlit's own first document for the address of each page, with what it has to know.

    Below the path of a page, Streamlit's browser part first looks for its server in that folder,
    in vain: two errors in the console of every deep link. Told the address, it does not look.

    Args:
        pages: Their names; the first page needs none.
        asked: Told the name of a page whose address was asked for; returns at once.
    """
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    root = f"/{base}/" if base else "/"
    static = files("streamlit").joinpath("static")
    document = static.joinpath("index.html").read_text(encoding="utf-8")
    server = f"window.__streamlit = {{ BACKEND_BASE_URL: location.origin + '{root}' }};"
    told = document.replace("<head>", f"<head><script>{server}\n{HISTORY}</script>", 1)
    ahead = _ahead(static.joinpath("static", "js"), document)
    task = told.replace("</head>", f"{ahead}</head>", 1)

    def placed(text: str) -> str:
        # Files are named relative to the document, which lies one level below the root here.
        return text.replace('="./', f'="{root}').replace('import("./', f'import("{root}')

    first, other = placed(told), placed(task)

    async def answer(request: Request) -> HTMLResponse:
        name = request.url.path.removeprefix(root.rstrip("/")).strip("/")
        asked(name)
        return HTMLResponse(other if name else first, headers={"Cache-Control": "no-cache"})

    paths = {root, root.rstrip("/") or "/", *(f"{root}{page}" for page in pages)}
    return [Route(path, answer) for path in sorted(paths)]


def lifespan(ahead: Callable[[], None]) -> Callable[[Any], Any]:
    """Start `ahead` once the server runs, and forget ended sessions as long as it does."""

    @asynccontextmanager
    async def started(app: Any) -> AsyncIterator[dict[str, Any]]:
        clear_leftovers()
        ahead()
        forgetting, before = asyncio.create_task(_forget()), sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        yield {}
        sys.setswitchinterval(before)
        forgetting.cancel()
        gc.unfreeze()  # libraries would take what is left for leaks, and print it

    return started


@dataclass
class Housekeeping:
    """When to collect all that sessions have left: it holds everybody up, half a second and more.

    Attributes:
        seconds: CPU time of the last full collection.
        left: Sessions that have ended since all was collected.
    """

    seconds: float = 0.0
    left: int = 0
    _began: float = 0.0
    _last: float = float("-inf")

    def note(self, phase: str, info: Mapping[str, int]) -> None:
        """One of `gc.callbacks`."""
        if info["generation"] == 2:
            self.seconds = time.thread_time() - self._began if phase == "stop" else self.seconds
            self._began = time.thread_time()

    def is_due(self, is_empty: bool, now: float) -> bool:
        """Whether to collect all now: nobody is there, or it was not done for long."""
        due = self.left > 0 and (is_empty or now - self._last > FULL_SECONDS)
        if due:
            self.left, self._last = 0, now
        return due

    @property
    def is_slow(self) -> bool:
        """Whether collections take long, because something large was loaded since the last one."""
        return self.seconds > SLOW_SECONDS


async def _forget() -> None:
    worked, house = 0.0, Housekeeping(_last=time.monotonic())
    gc.callbacks.append(house.note)
    try:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(RuntimeError):  # the server is still starting, or stops
                manager = runtime.get_instance()._session_mgr
                house.left += forget_ended(manager._session_storage)  # type: ignore[attr-defined]
                if house.is_due(not manager.num_active_sessions(), time.monotonic()):
                    await asyncio.to_thread(give_back_memory)
                elif house.is_slow:
                    keep_for_good()
                if time.process_time() - worked > WORKED_SECONDS:
                    await asyncio.to_thread(clear_up)
                worked = time.process_time()
    finally:
        gc.callbacks.remove(house.note)


def forget_ended(storage: Any) -> int:
    """End the sessions that have been away for too long to come back, with uploads and work.

    Streamlit itself drops them when the next browser leaves, hence the last of a class never.

    Returns:
        How many there were.
    """
    if not isinstance(storage, MemorySessionStorage):
        return 0
    ended = storage._cache.expire()  # type: ignore[attr-defined]  # of its TTLCache
    for _, info in ended:
        info.session.shutdown()
    return len(ended)


def give_back_memory() -> None:
    """Collect what refers to itself, and return what is free to the operating system."""
    gc.unfreeze()
    gc.collect()
    keep_for_good()
    return_free_memory()


def clear_up() -> None:
    """Collect what came since `keep_for_good`, and return what is free to the operating system.

    Streamlit would collect after every script run, under everybody else's sliders: a fifth of the
    interpreter's time in a class of twenty (`postScriptGC` in `.streamlit/config.toml`).
    """
    gc.collect()
    return_free_memory()


def return_free_memory() -> None:
    """Return what is free to the operating system: 30 ms of work on a gigabyte.

    Every script run is a new thread, for each of which the C library keeps what it once held.
    """
    with suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


def keep_for_good() -> None:
    """Leave what is loaded by now out of later collections, until `give_back_memory`.

    Everybody waits for a collection: a tenth of a second where it looks at all that the libraries
    hold, a few milliseconds without.
    """
    gc.freeze()
