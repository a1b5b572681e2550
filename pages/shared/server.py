"""What the server does before anybody comes: pages under their own address, work done ahead."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

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
    """Start `ahead` once the server runs."""

    @asynccontextmanager
    async def started(app: Any) -> AsyncIterator[dict[str, Any]]:
        ahead()
        yield {}

    return started
