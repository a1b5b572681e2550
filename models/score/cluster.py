"""The Dask cluster that does the work: processes on this computer, or a scheduler by address.

https://distributed.dask.org/en/stable/
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import dask
from distributed import Client, LocalCluster

from models.score.run import ScoreError

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS = 4
WORKERS_SECONDS = 20

CONFIG = {
    # An image that ends its worker is found by scoring it alone (`run`), not by repeating.
    "distributed.scheduler.allowed-failures": 0,
    # Rows are small: nothing is worth spilling to disk, and a worker that paused for the memory
    # that a network keeps would never go on. One that needs too much is ended.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.profile.enabled": False,
    "distributed.admin.low-level-log-length": 100,
    # Dask also has malloc give memory back at once, which maps every tensor of a network anew.
    "distributed.nanny.pre-spawn-environ": dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), 1
    ),
    # No pages of HTTP, hence no port for them.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


@contextmanager
def local(workers: int, memory: str = "auto") -> Iterator[Client]:
    """Worker processes on this computer, with one thread each, on the loopback address.

    Args:
        workers: How many. One a core is fastest: networks run on one thread, and two images at
            a time are worth more than two threads on one.
        memory: Most memory of each ("4GB"); by default an equal share of the computer's.
    """
    _quiet()
    with (
        dask.config.set(CONFIG),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host=LOOPBACK,
            dashboard_address=f"{LOOPBACK}:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
            memory_limit=memory,
            preload=["models.score.worker"],
            env={"OMP_NUM_THREADS": 1, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": 1},
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def remote(address: str) -> Iterator[Client]:
    """The workers of a scheduler that runs already.

    Raises:
        ScoreError: If nothing answers there, or it has no workers.
    """
    _quiet()
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError) as err:
        raise ScoreError(
            f"No Dask scheduler answers at {address}. Start one with “python -m dask scheduler "
            "--host 127.0.0.1”, or leave out --scheduler to work on this computer alone."
        ) from err
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError as err:
            raise ScoreError(
                f"The scheduler at {address} has no workers; start some in Lightbox's folder with "
                f"“python -m dask worker {address} --nthreads 1” (the README has the whole line)."
            ) from err
        yield client


def _quiet() -> None:
    """What goes wrong in the cluster is said in our own sentences."""
    for part in ("", ".client", ".core", ".nanny", ".scheduler", ".worker"):
        logging.getLogger(f"distributed{part}").setLevel(logging.CRITICAL)


def usable_cores() -> int:
    """Cores that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, usable or 1)
