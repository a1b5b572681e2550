"""Speed and memory of `models.score` against a bare loop over the same function, as ratios.

`python -m tests.benchmarks.score`: run it on an idle machine with at least two cores. Smaller
numbers for a look: `--films 24 --many 200`. Everything runs on the loopback address.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import cv2
import numpy as np
import psutil
from distributed import Client

from core.phantoms.limb.phantom import limb_phantom, random_limb
from models.score import cluster, sources
from models.score.progress import Pace
from models.score.run import score_all
from models.score.task import Ask, score
from models.score.tasks import tasks

ROOT = Path(__file__).parents[2]
TASK = "fracture"
FIRST = 500
"""Films whose peak of memory the whole run is compared with."""
DRAWN = 24


def write_films(folder: Path, count: int) -> None:
    """Films from a few drawn limbs, each cut, mirrored, exposed and grained in its own way."""
    limbs = [limb_phantom(random_limb(seed, fractured=seed % 2 == 0))[0] for seed in range(DRAWN)]
    for number in range(count):
        rng = np.random.default_rng(number)
        pixels = limbs[number % DRAWN].pixels
        top, left = rng.integers(0, 20, 2)
        cut = pixels[top:, left:][:, :: rng.choice([-1, 1])]
        film = cut * rng.uniform(0.7, 1.0) + rng.normal(0, 0.01, cut.shape)
        path = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), (np.clip(film, 0, 1) * 255).astype(np.uint8))


def bare(folder: Path) -> None:
    """Print films per second of a bare loop; run in a process of its own, on one thread."""
    cv2.setNumThreads(1)
    task = tasks()[TASK]
    model = task.load()
    items = list(sources.items(folder, volumes=False))
    start = 0.0
    for number, item in enumerate(items):
        if number == task.chunk_size:  # the first ones warm up, as in the runs
            start = time.perf_counter()
        score(task, model, sources.contents(item), Ask())
    print((len(items) - task.chunk_size) / (time.perf_counter() - start))


class Watch:
    """Progress and memory of a run: rate once it is under way, and the tree's memory."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, int]] = []
        self.memory: list[tuple[int, float]] = []
        self._ended = threading.Event()

    def __call__(self, pace: Pace) -> None:
        if pace.done:
            self.seen.append((time.perf_counter(), pace.done))

    @property
    def rate(self) -> float:
        """Films per second between the first films and the last."""
        (start, before), (end, after) = self.seen[0], self.seen[-1]
        return (after - before) / (end - start)

    def peak(self, most_films: float = float("inf")) -> float:
        """Most memory of the tree, in MiB, while no more films than these were done."""
        return max(mib for done, mib in self.memory if done <= most_films)

    @contextmanager
    def sampling(self) -> Iterator[None]:
        thread = threading.Thread(target=self._sample)
        thread.start()
        yield
        self._ended.set()
        thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(0.5):
            total = 0
            for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.memory.append((self.seen[-1][1] if self.seen else 0, total / 2**20))


def run(folder: Path, out: Path, where: AbstractContextManager[Client]) -> Watch:
    """Score a folder once, watched."""
    watch = Watch()
    with watch.sampling():
        summary = score_all(tasks()[TASK], folder, out, where, progress=watch)
    assert summary["refused"] == 0, summary
    return watch


@contextmanager
def separate(workers: int) -> Iterator[str]:
    """A scheduler and workers as processes of their own; the scheduler's address."""
    with socket.socket() as free:
        free.bind((cluster.LOOPBACK, 0))
        port = free.getsockname()[1]
    address = f"tcp://{cluster.LOOPBACK}:{port}"
    dask = [sys.executable, "-m", "dask"]
    host = ["--host", cluster.LOOPBACK, "--no-dashboard"]
    host += ["--dashboard-address", f"{cluster.LOOPBACK}:0"]
    commands = [[*dask, "scheduler", *host, "--port", str(port)]]
    commands += [[*dask, "worker", address, *host, "--nthreads", "1"]] * workers
    started = [
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) for command in commands
    ]
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as asked:
                if asked.connect_ex((cluster.LOOPBACK, port)) == 0:
                    break
            time.sleep(0.2)
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=240, help="for each measurement of speed")
    parser.add_argument("--many", type=int, default=10_000, help="for the measurement of memory")
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.bare:
        bare(asked.bare)
        return
    with tempfile.TemporaryDirectory() as made:
        measure(Path(made), asked.films, asked.many)


def measure(made: Path, films: int, many: int) -> None:
    write_films(made / "films", films)
    loop = float(
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.score", "--bare", str(made / "films")],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    )
    print(f"bare loop, one thread: {loop:.2f} films a second")
    rates = {
        count: run(made / "films", made / f"out{count}", cluster.local(count)).rate
        for count in (1, 2)
    }
    print(f"1 worker: {rates[1]:.2f}, {rates[1] / loop:.2f} of the bare loop (at least 0.9)")
    print(f"2 workers: {rates[2]:.2f}, {rates[2] / rates[1]:.2f} of one (at least 1.6)")
    with separate(2) as address, cluster.remote(address) as client:
        client.wait_for_workers(2)
        apart = run(made / "films", made / "apart", nullcontext(client)).rate
    print(f"scheduler and 2 workers apart: {apart:.2f}, {apart / rates[2]:.2f} of 2 workers")
    write_films(made / "many", many)
    watch = run(made / "many", made / "out-many", cluster.local(2))
    first, whole = watch.peak(FIRST), watch.peak()
    print(
        f"{many:,} films with 2 workers: {watch.rate:.2f} films a second; peak of the tree "
        f"{whole:.0f} MiB, {whole / first:.2f} of that at {FIRST} films (at most 1.3)"
    )
    step = max(1, len(watch.memory) // 20)
    curve = ", ".join(f"{done}: {mib:.0f}" for done, mib in watch.memory[::step])
    print(f"films done: MiB of the tree: {curve}")
    for rate, what in ((rates[1], "one core"), (watch.rate, "two cores")):
        print(f"a million films at this rate, {what}: {1e6 / rate / 3600:.0f} hours")


if __name__ == "__main__":
    main()
