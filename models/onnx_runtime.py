"""The one engine for answers: ONNX Runtime opens a card's file after its hash was checked.

ONNX Runtime needs no training framework, starts in milliseconds, and its sessions may be run by
many threads at once. https://onnxruntime.ai/docs/
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import ImagingError, WeightsError
from core.images import FloatArray
from models.cards import WEIGHTS, ModelCard, verified_weights
from models.priority import is_behind

if TYPE_CHECKING:
    import onnxruntime

MOST_THREADS = 4
"""More bring little to networks of a few megabytes, and several readers share the processor."""


@dataclass(frozen=True, eq=False)
class Network:
    """A network that is ready to run, in any thread.

    Attributes:
        open_session: Opens ONNX Runtime's own object.
        inputs, outputs: Names, in the order of the file.
    """

    open_session: Callable[[], onnxruntime.InferenceSession]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    _opened: dict[bool, onnxruntime.InferenceSession] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def session(self) -> onnxruntime.InferenceSession:
        """The one for the calling thread: ONNX Runtime's threads have the priority of the thread
        that opened it, so heavy work (`models.priority`) gets one of its own at its first use.
        """
        with self._lock:
            if is_behind() not in self._opened:
                self._opened[is_behind()] = self.open_session()
            return self._opened[is_behind()]

    def __call__(self, *arrays: FloatArray, only: Sequence[str] = ()) -> tuple[FloatArray, ...]:
        """Run the network once.

        Args:
            arrays: One for each of `inputs`, in their order and of the file's shapes; made
                float32 and contiguous here.
            only: Names of the outputs that are wanted; all without it. What no wanted output
                needs is not computed.

        Returns:
            One array for each wanted output, in the order asked for.

        Raises:
            ValueError: If the number of arrays is not that of the inputs.
            ImagingError: If the network stops with an error, or its answer is no number.
        """
        fed: dict[str, Any] = {
            name: np.ascontiguousarray(array, np.float32)
            for name, array in zip(self.inputs, arrays, strict=True)
        }
        session = self.session
        try:
            found = tuple(np.asarray(one) for one in session.run(list(only) or None, fed))
        except Exception as err:  # its exceptions have no common base of their own
            raise ImagingError(
                "The network stopped with an error, probably for lack of memory. Close other "
                "programs and try again, or choose another image or model."
            ) from err
        if not all(np.isfinite(one).all() for one in found if one.dtype.kind == "f"):
            raise ImagingError(
                "The network's answer is no number, so nothing is shown of it. Choose another "
                "image or model."
            )
        return found


def open_network(card: ModelCard, folder: Path = WEIGHTS, threads: int | None = None) -> Network:
    """Open the network of a card.

    Args:
        card: Whose weights to open.
        folder: Where they lie.
        threads: For one answer; by default as many as there are cores, four at most. A network
            of a millisecond is fastest with 1.

    Raises:
        WeightsError: If the file is missing, is not the one that the card describes (found
            before it is opened), or holds no network that can be run.
    """
    network = open_file(verified_weights(card, folder), threads)
    if card.is_own:
        from models.own.adapter import adapted

        return adapted(card, network)
    return network


def open_file(path: Path, threads: int | None = None) -> Network:
    """Open an ONNX file that was verified, or was made on this computer.

    Raises:
        WeightsError: If it holds no network that can be run.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors: they come as exceptions, with our sentence
    options.intra_op_num_threads = threads or cores()
    options.inter_op_num_threads = 1
    # A waiting thread that spins takes the processor from everybody else's sliders.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The arena keeps what the largest answer needed for good: 0.85 GB after one head, for a
    # network that is a twentieth slower without it.
    options.enable_cpu_mem_arena = False
    # Weights kept in 8 bits are made float32 once, when the file is opened.
    options.add_session_config_entry("session.disable_quant_qdq", "1")

    def opened() -> onnxruntime.InferenceSession:
        try:
            return onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as err:  # its exceptions have no common base of their own
            raise WeightsError(f"{path.name} holds no network that ONNX Runtime can run.") from err

    session = opened()
    inputs = tuple(one.name for one in session.get_inputs())
    outputs = tuple(one.name for one in session.get_outputs())
    return Network(opened, inputs, outputs, {is_behind(): session})


@lru_cache(maxsize=1)
def cores() -> int:
    """Threads for one answer: the cores that this process may use, four at most.

    OMP_NUM_THREADS is heeded as most numeric libraries do: where many processes share the cores,
    each is told to keep to fewer.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    told = os.environ.get("OMP_NUM_THREADS", "")
    allowed = int(told) if told.isdigit() and int(told) else MOST_THREADS
    return max(1, min(MOST_THREADS, usable or 1, allowed))
