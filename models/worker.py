"""Keras networks in a process of their own, for a server that must not hold Keras.

Streamlit clears Keras' session and kernels after every run of a script, progress bars included,
while another thread may be loading or running a network: the page froze on it. In a second
process nothing of that reaches Keras, and the page keeps its own processor time.

The second process is this module, started by its name. The processes of `multiprocessing` would
first run the main module again, which in a Streamlit server is the app. Requests and answers are
pickles on its standard input and output; it ends when its input does, so also with the server.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import ImagingError
from core.stages import Cancelled

LOOK_SECONDS = 0.2
ROOT = Path(__file__).parents[1]


class Apart:
    """One process that holds networks, shared by all users; it loads while others prepare.

    Args:
        network: Module imported at once in the other process, so that the framework is there
            when the first request comes.
    """

    def __init__(self, network: str) -> None:
        self.network = network
        self.process = _started(network)
        # One thread, so that a request waits for the answer to the one before it, heard or not.
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="network")

    def call(
        self, function: str, *arguments: Any, cancelled: Callable[[], bool] = lambda: False
    ) -> Any:
        """What `function` ("module:name") returns in the other process.

        Raises:
            Cancelled: As soon as `cancelled` says so; the other process ends its work unheard.
            ImagingError: As the function, or if the other process was ended from outside; the
                next call starts a new one.
        """
        future = self._asking.submit(self._ask, (function, arguments))
        while not future.done():
            if cancelled():
                future.cancel()
                raise Cancelled
            try:
                future.exception(LOOK_SECONDS)
            except TimeoutError:
                continue
        return future.result()

    def close(self) -> None:
        """End the other process."""
        _ended(self.process)
        self._asking.shutdown(cancel_futures=True)

    def _ask(self, request: tuple[str, tuple]) -> Any:
        if self.process.poll() is not None:
            _ended(self.process)
            self.process = _started(self.network)
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None and stdout is not None
        try:
            pickle.dump(request, stdin, pickle.HIGHEST_PROTOCOL)
            stdin.flush()
            answer = pickle.load(stdout)
        except (OSError, EOFError, pickle.UnpicklingError) as err:
            _ended(self.process)
            raise ImagingError(
                "The process that runs the network was ended, probably for lack of memory. "
                "Close other programs and run it again."
            ) from err
        if isinstance(answer, Exception):
            raise answer
        return answer


def _started(network: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "models.worker", network],
        cwd=ROOT,
        env={"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl+C ends the server, and the end of its input this process
    )


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):  # what could not be sent is of no use any more
                pipe.close()


def serve(network: str, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more: the other process."""
    import_module(network)
    while True:
        try:
            function, arguments = pickle.load(requests)
        except EOFError:
            return
        module, name = function.split(":")
        try:
            answer: object = getattr(import_module(module), name)(*arguments)
        except ImagingError as err:
            answer = err
        except Exception:  # noqa: BLE001 (raised again in the server, where somebody reads it)
            answer = RuntimeError(traceback.format_exc())
        pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    # Whatever a library prints must not get between the answers.
    with os.fdopen(os.dup(1), "wb") as channel:
        os.dup2(2, 1)
        with suppress(BrokenPipeError):  # the server is gone
            serve(sys.argv[1], sys.stdin.buffer, channel)
