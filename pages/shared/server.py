"""What the server does by itself: page addresses, work done ahead, and ended sessions forgotten."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from streamlit import runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage

LOOK_SECONDS = 10.0

# Below the path of a page, Streamlit's browser part first looks for its server in that folder,
# in vain: two errors in the console of every deep link. Told the address, it does not look.
ADDRESS = "<script>window.__streamlit = { BACKEND_BASE_URL: location.origin + '/' };</script>"


def page_routes(pages: Sequence[str]) -> list[Route]:
    """Streamlit's own first document, for the address of each page."""
    document = files("streamlit").joinpath("static", "index.html").read_text(encoding="utf-8")
    told = document.replace("<head>", f"<head>{ADDRESS}", 1)
    # Files are named relative to the document, which lies one level below the root here.
    told = told.replace('="./', '="/')

    async def answer(request: Request) -> HTMLResponse:
        return HTMLResponse(told, headers={"Cache-Control": "no-cache"})

    return [Route(f"/{page}", answer) for page in pages]


def lifespan(ahead: Callable[[], None]) -> Callable[[Any], Any]:
    """Start `ahead` once the server runs, and forget ended sessions as long as it does."""

    @asynccontextmanager
    async def started(app: Any) -> AsyncIterator[dict[str, Any]]:
        ahead()
        forgetting = asyncio.create_task(_forget())
        yield {}
        forgetting.cancel()

    return started


async def _forget() -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        with suppress(RuntimeError):  # the server is still starting, or stops
            if forget_ended(runtime.get_instance()._session_mgr._session_storage):  # type: ignore[attr-defined]
                await asyncio.to_thread(give_back_memory)


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
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
