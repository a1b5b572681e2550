"""A visitor of the running app who speaks the browser's protocol: `AppTest` on a real server.

    with served() as server:
        visitor = Visitor(server.port, "fracture")
        visitor.slider(key="fracture_threshold").set_value(0.5).run()

Costs a few milliseconds where a browser costs a second and 200 MB, so a class of twenty fits on
one machine. Fragments that run on their own do not: ask again with `until`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.testing.v1.element_tree import (
    ButtonGroup,
    FileUploader,
    InitialValue,
    Widget,
    _unset_value_marker,
    parse_tree_from_messages,
)
from websockets.sync.client import connect

from tests.page_runner import ROOT, SECONDS, PageTest

TRIGGERS = ("trigger_value", "string_trigger_value", "chat_input_value")


class Visitor(PageTest):
    """One session on a server of this computer; loopback only.

    Args:
        port: The server's.
        name: The page that is opened.
        query: What stands behind the question mark of its address.
        browser: Its cookies are sent along; a new one by default.
        until: Time of `time.perf_counter` after which no answer is waited for.

    Attributes:
        seconds: How long the last run took, from the question to the end of its script.
    """

    def __init__(
        self,
        port: int,
        name: str = "home",
        query: str = "",
        browser: requests.Session | None = None,
        until: float = float("inf"),
    ) -> None:
        super().__init__(str(ROOT / "app.py"), default_timeout=SECONDS)
        self.address, self.query = f"http://127.0.0.1:{port}", query
        self.browser = browser or requests.Session()
        self.browser.trust_env = False
        # A browser sends again what meets a connection that the server has just closed as idle.
        self.browser.headers["Connection"] = "close"
        self.browser.get(f"{self.address}/_stcore/health", timeout=30)
        self.xsrf = self.browser.cookies.get("_streamlit_xsrf", "")
        self.socket = connect(
            f"ws://127.0.0.1:{port}/_stcore/stream",
            subprotocols=["streamlit", self.xsrf],  # type: ignore[list-item]  # plain strings
            origin=self.address,  # type: ignore[arg-type]  # a plain string
            additional_headers={
                "Cookie": "; ".join(f"{one.name}={one.value}" for one in self.browser.cookies)
            },
            max_size=None,
            ping_interval=None,  # a class that waits long is not to be cut off
            compression=None,
            proxy=None,
        )
        self.session = ""
        self.page_name, self.page_hash = "" if name == "home" else name, ""
        self.fragment = self.redirect = ""
        self.drawn: dict[tuple[int, ...], ForwardMsg] = {}
        self.kept: dict[str, WidgetState] = {}
        self.sent: set[str] = set()
        self.seconds = 0.0
        self.downloaded = 0
        self.until = until
        self._run()

    def go(self, name: str, query: str = "") -> Visitor:
        """Open another page in the same session."""
        self.page_name, self.page_hash, self.query = "" if name == "home" else name, "", query
        self.kept.clear()
        self._run()
        return self

    def choose(self, key: str, *shown: str) -> Visitor:
        """Choose what a radio, a selectbox or a segmented control shows."""
        (widget,) = [one for one in self._tree if isinstance(one, Widget) and one.key == key]
        state = WidgetState(id=widget.id)
        if isinstance(widget, ButtonGroup):
            state.string_array_value.data[:] = shown
        else:
            (state.string_value,) = shown
        self.kept[state.id] = state
        return self._run()

    def send_files(self, label: str, *files: tuple[str, bytes]) -> Visitor:
        """Put files into the uploader of a label."""
        (uploader,) = [one for one in self.get("file_uploader") if one.label == label]
        uploader.set_value([(name, content, "") for name, content in files])  # type: ignore[union-attr]
        uploader.run()  # type: ignore[union-attr]
        return self

    def look(self) -> Visitor:
        """What the browser does while a part of the page asks again and again how far its work is.

        The part alone is run, or the page where there is none (any more).
        """
        return self._run(fragment=self.fragment)

    def close(self) -> None:
        """Close the browser's window."""
        self.socket.close()
        self.browser.close()

    @property
    def everything(self) -> str:
        """All that the server has sent for this page, as text."""
        return "\n".join(str(message) for message in self.drawn.values())

    def _run(
        self,
        widget_state: WidgetStates | None = None,
        timeout: float | None = None,
        fragment: str = "",
    ) -> Visitor:
        changed = self._changed()
        message = BackMsg()
        client = message.rerun_script
        client.query_string, client.page_name = self.query, self.page_name
        client.page_script_hash = self.page_hash
        client.context_info.url = f"{self.address}/{self.page_name}"
        client.widget_states.widgets.extend(changed)
        client.fragment_id, client.is_auto_rerun = fragment, bool(fragment)
        start = time.perf_counter()
        self.socket.send(message.SerializeToString())
        self._receive(start + (timeout or SECONDS), bool(fragment))
        self.seconds = time.perf_counter() - start
        self._tree = parse_tree_from_messages(list(self.drawn.values()))
        self._tree._runner = self
        # Its own would ask for the state of every widget, which only the server has.
        self._tree.run = lambda timeout=None: self._run(None, timeout)  # type: ignore[method-assign]
        if self.exception:
            raise AssertionError(f"an exception on the page: {self.exception[0].value}")
        return self

    def _changed(self) -> list[WidgetState]:
        """What this visitor has set, now and before; presses of buttons only once."""
        once = []
        for node in self._tree:
            if not isinstance(node, Widget):
                continue
            value = getattr(node, _unset_value_marker(node)[0], None)
            if value is None or value is False or isinstance(value, InitialValue):
                continue
            if isinstance(node, FileUploader):
                self._upload(node)
            state = node._widget_state
            if state.WhichOneof("value") in TRIGGERS:
                once.append(state)
            else:
                self.kept[state.id] = state
        return [*self.kept.values(), *once]

    def _upload(self, uploader: FileUploader) -> None:
        for identity, name, content, kind in uploader._get_files_to_register():
            if identity in self.sent:
                continue
            answer = self.browser.put(
                f"{self.address}/_stcore/upload_file/{self.session}/{identity}",
                files={"file": (name, content, kind or "application/octet-stream")},
                headers={"X-Xsrftoken": self.xsrf},
                timeout=60,
            )
            assert answer.status_code == 204, answer.text
            self.sent.add(identity)

    def _receive(self, end: float, in_part: bool) -> None:
        """Take messages until the script has finished; a run of a part leaves the rest drawn."""
        while True:
            left = min(end, self.until) - time.perf_counter()
            if left <= 0:
                raise TimeoutError("the page did not finish in time")
            raw = self.socket.recv(timeout=left)
            message = ForwardMsg()
            message.ParseFromString(raw)  # type: ignore[arg-type]  # binary frames only
            self.downloaded += len(raw)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.session = message.new_session.initialize.session_id
                if not in_part:
                    self.drawn.clear()
                    self.fragment = ""
            elif kind == "navigation":
                self.page_hash = message.navigation.page_script_hash
            elif kind == "auth_redirect":
                self.redirect = message.auth_redirect.url
            elif kind == "page_info_changed":
                self.query = message.page_info_changed.query_string
            elif kind == "auto_rerun":
                self.fragment = message.auto_rerun.fragment_id
            elif kind == "script_finished":
                if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    return
                in_part = False  # the whole page follows
            elif kind == "delta":
                path = tuple(message.metadata.delta_path)
                if path in self.drawn:  # what is replaced takes along what was in it
                    for below in [one for one in self.drawn if one[: len(path)] == path]:
                        if below != path:
                            del self.drawn[below]
                self.drawn[path] = message


@dataclass(frozen=True)
class Server:
    """A running app."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def served(*more: str, **environment: str) -> Iterator[Server]:
    """The app on a free port of this computer, with folders of its own for caches and settings.

    Args:
        more: Options of Streamlit's command line.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="lightbox-served-") as folder:
        log = Path(folder) / f"app-{uuid4().hex[:6]}.log"
        own = {name: f"{folder}/{name}" for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
        own["LIGHTBOX_DATA"] = f"{folder}/data"
        options = (
            f"--server.port={port}",
            "--server.headless=true",
            "--server.address=127.0.0.1",
            *more,
        )
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", *options],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONPATH": str(ROOT)} | own | environment,
            )
            try:
                for _ in range(600):
                    if process.poll() is not None:
                        raise RuntimeError(f"the app ended: {log.read_text()}")
                    try:
                        urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2)
                        break
                    except OSError:
                        time.sleep(0.2)
                yield Server(port, process, log)
            finally:
                process.terminate()
                process.wait(30)
