"""A server on loopback for the tests of downloads and of a sign-in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Quiet(BaseHTTPRequestHandler):
    """Logs nothing."""

    def log_message(self, *said: object) -> None:
        pass


@contextmanager
def serving(handler: type[Quiet], release: threading.Event | None = None) -> Iterator[str]:
    """The address where a handler answers.

    Args:
        release: Set at the end, so that a request that waits for it does not hold the server.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    if release is not None:
        release.set()
    server.shutdown()
    thread.join()
    server.server_close()
