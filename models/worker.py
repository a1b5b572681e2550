"""A worker process for explanations that need gradients: Keras or PyTorch, far from the server.

Answers need neither (`models.onnx_runtime`). A framework costs seconds to import and hundreds of
megabytes to hold, and Streamlit clears Keras' session after every run of a script, while another
thread may be using it. So a framework is imported in a process of its own when a person first
opens such an explanation, and the process ends when nobody has asked anything for some minutes.

    worker = Worker("models.chest.gradients")
    heat = worker.call("models.chest.gradients:grad_cam", card, image, label)

The process is this module, started by its name. The processes of `multiprocessing` would first
run the main module again, which in a Streamlit server is the app. Requests and answers are
pickles on its standard input and output; it ends when its input does, so also with the server.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import ImagingError, missing_package
from core.stages import Cancelled

LOOK_SECONDS = 0.2
IDLE_SECONDS = 300.0
MOST_SECONDS = 600.0
"""After this time without an answer the process is taken for stuck, and ended."""
ROOT = Path(__file__).parents[1]


class Worker:
    """One process that holds a framework and its networks, shared by all users.

    It starts with the first call, and again with the call after it ended.

    Args:
        network: Module imported first in the process, so that what it needs is there.
        idle_seconds: After this time without a call the process ends.
        most_seconds: After this time over one call it is ended.
    """

    def __init__(
        self,
        network: str,
        idle_seconds: float = IDLE_SECONDS,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        self.network = network
        self.idle_seconds = idle_seconds
        self.most_seconds = most_seconds
        self.process: subprocess.Popen[bytes] | None = None
        # One thread, so that a request waits for the answer to the one before it, heard or not.
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="worker")
        self._asked = 0.0
        self._idle: threading.Timer | None = None

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def call(
        self, function: str, *arguments: Any, cancelled: Callable[[], bool] = lambda: False
    ) -> Any:
        """What `function` ("module:name") returns in the other process.

        Raises:
            Cancelled: As soon as `cancelled` says so; the other process ends its work unheard.
            ImagingError: As the function, or if the other process was ended from outside or gave
                no answer in time; the next call starts a new one.
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
        """End the other process for good."""
        if self._idle is not None:
            self._idle.cancel()
        if self.process is not None:
            _ended(self.process)
        self._asking.shutdown(cancel_futures=True)

    def _ask(self, request: tuple[str, tuple]) -> Any:
        if self.process is None or self.process.poll() is not None:
            if self.process is not None:
                _ended(self.process)
            self.process = _started(self.network)
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None and stdout is not None
        begun = time.monotonic()
        limit = threading.Timer(self.most_seconds, self.process.kill)
        limit.daemon = True
        limit.start()
        try:
            pickle.dump(request, stdin, pickle.HIGHEST_PROTOCOL)
            stdin.flush()
            answer = pickle.load(stdout)
        except (OSError, EOFError, pickle.UnpicklingError) as err:
            _ended(self.process)
            if time.monotonic() - begun >= self.most_seconds:
                raise ImagingError(
                    f"The process that runs the network gave no answer for {self.most_seconds:.0f} "
                    "seconds and was ended. Run it again, or choose a smaller image."
                ) from err
            raise ImagingError(
                "The process that runs the network was ended, probably for lack of memory. "
                "Close other programs and run it again."
            ) from err
        finally:
            limit.cancel()
        self._wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _wait(self) -> None:
        """Look again after the idle time whether anybody has asked meanwhile."""
        self._asked = time.monotonic()
        if self._idle is not None and self._idle.is_alive():
            return
        self._idle = threading.Timer(self.idle_seconds, self._look)
        self._idle.daemon = True  # it must not hold up the server's end
        self._idle.start()

    def _look(self) -> None:
        with suppress(RuntimeError):  # closed meanwhile
            self._asking.submit(self._end_if_idle)  # behind whatever is being asked

    def _end_if_idle(self) -> None:
        if not self.is_running or self.process is None:
            return
        left = self._asked + self.idle_seconds - time.monotonic()
        if left <= 0:
            _ended(self.process)
            return
        self._idle = threading.Timer(left, self._look)
        self._idle.daemon = True
        self._idle.start()


def _started(network: str) -> subprocess.Popen[bytes]:
    # PyTorch's threads would spin while they wait for each other: where others want the cores, an
    # explanation so takes twenty times the processor, and everybody waits.
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "OMP_WAIT_POLICY": "PASSIVE"}
    return subprocess.Popen(
        [sys.executable, "-m", "models.worker", network],
        cwd=ROOT,
        env=quiet | os.environ,
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
    with suppress(ModuleNotFoundError):  # the request that needs it says so
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
        except ModuleNotFoundError as err:
            answer = missing_package(err)
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
