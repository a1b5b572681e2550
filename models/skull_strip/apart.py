"""The network in a process of its own, for a server that must not hold Keras.

Streamlit clears Keras' session and kernels after every run of a script, progress bars included,
while another thread may be loading or running the network: the page froze on it. In a second
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
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.errors import ImagingError
from core.images import FloatArray, Volume
from core.skull_strip import Cancelled, Prepared
from models.cards import ModelCard, load_card
from models.skull_strip import predict
from models.skull_strip.predict import BrainProbability

LOOK_SECONDS = 0.2
ROOT = Path(__file__).parents[2]


class Apart:
    """One process that holds the network, shared by all users; it loads while others prepare."""

    def __init__(self) -> None:
        self.process = _started()
        # One thread, so that a request waits for the answer to the one before it, heard or not.
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="network")

    def probability(
        self, card: ModelCard, prepared: Prepared, cancelled: Callable[[], bool]
    ) -> BrainProbability:
        """As `predict.probability`, in the other process.

        Raises:
            Cancelled: As soon as `cancelled` says so; the other process ends its work unheard.
            WeightsError: As `predict.load_model`.
            ImagingError: If the other process was ended from outside; the next call starts one.
        """
        # Only what the network receives crosses over, not the head and every stage.
        empty = Volume(np.zeros((1, 1, 1), np.float32), prepared.volume.affine, "")
        light = replace(prepared, volume=empty, steps=prepared.steps[-1:])
        future = self._asking.submit(self._ask, (card.name, card.sha256, light))
        while not future.done():
            if cancelled():
                future.cancel()
                raise Cancelled
            try:
                future.exception(LOOK_SECONDS)
            except TimeoutError:
                continue
        values, seconds = future.result()
        return BrainProbability(values, prepared, seconds)

    def close(self) -> None:
        """End the other process."""
        _ended(self.process)
        self._asking.shutdown(cancel_futures=True)

    def _ask(self, request: tuple[str, str, Prepared]) -> tuple[FloatArray, float]:
        if self.process.poll() is not None:
            _ended(self.process)
            self.process = _started()
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
        found: tuple[FloatArray, float] = answer
        return found


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "models.skull_strip.apart"],
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


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more: the other process."""
    from models.skull_strip import network  # noqa: F401  (loads TensorFlow before it is needed)

    while True:
        try:
            name, sha256, prepared = pickle.load(requests)
        except EOFError:
            return
        try:
            found = predict.probability(_model(name, sha256), prepared)
            answer: object = (found.values, found.seconds)
        except ImagingError as err:
            answer = err
        except Exception:  # noqa: BLE001 (raised again in the server, where somebody reads it)
            answer = RuntimeError(traceback.format_exc())
        pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


@lru_cache(maxsize=1)
def _model(name: str, sha256: str) -> predict.Model:
    """The model, loaded once in the other process; a changed card loads it again."""
    return predict.load_model(load_card("skull_strip", name))


if __name__ == "__main__":
    # Whatever a library prints must not get between the answers.
    with os.fdopen(os.dup(1), "wb") as channel:
        os.dup2(2, 1)
        with suppress(BrokenPipeError):  # the server is gone
            serve(sys.stdin.buffer, channel)
