"""Speed and memory of `models.score` against a bare loop over the same function, as ratios.

`python -m tests.benchmarks.score`: about six minutes on an idle machine with at least two cores.
Smaller numbers for a look: `--films 24 --many 1500`. Everything runs on the loopback address.

Speed is that of the real task, all its networks included. Memory over 10,000 films is that of a
task whose answer is a mean (`tests.score.stand_in`), through the same reader, decoder, scheduler,
workers and writer: with the networks it would take 40 minutes, and what could grow with the number
of films is all that, not a network's arrays. Whether these grow is seen over the films of the
measurement of speed. `--many-task fracture` asks the networks there too.
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
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import psutil
from distributed import Client

from core.phantoms.limb.phantom import limb_phantom, random_limb
from models.score import cluster, sources
from models.score.progress import Pace
from models.score.run import ScoreError, score_all
from models.score.task import Ask, Task, score
from models.score.tasks import tasks
from tests.score.stand_in import TINY

ROOT = Path(__file__).parents[2]
TASK = "fracture"
FIRST = 500
"""Films whose peak of memory the whole run is compared with."""
DIFFERENT = 24
SAMPLE_SECONDS = 0.2
NOWHERE = f"tcp://{cluster.LOOPBACK}:9"
Line = tuple[str, str, str]
"""What was measured, the figure, what is asked of it."""


def write_many(folder: Path, count: int) -> None:
    """Many files fast: a few films over and over, each with bytes of its own behind its end."""
    write_films(folder / "few", DIFFERENT)
    few = [path.read_bytes() for path in sorted((folder / "few").rglob("*.jpg"))]
    for number in range(DIFFERENT, count):
        path = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(few[number % DIFFERENT] + number.to_bytes(4, "big"))


def write_films(folder: Path, count: int) -> None:
    """Films from a few simulated limbs, each cut, mirrored, exposed and grained in its own way."""
    limbs = [
        limb_phantom(random_limb(seed, fractured=seed % 2 == 0))[0] for seed in range(DIFFERENT)
    ]
    for number in range(count):
        rng = np.random.default_rng(number)
        pixels = limbs[number % DIFFERENT].pixels
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
        while not self._ended.wait(SAMPLE_SECONDS):
            total = 0
            for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.memory.append((self.seen[-1][1] if self.seen else 0, total / 2**20))


def run(folder: Path, out: Path, where: AbstractContextManager[Client], task: Task) -> Watch:
    """Score a folder once, watched."""
    watch = Watch()
    with watch.sampling():
        summary = score_all(task, folder, out, where, progress=watch)
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


def cost(rate: float) -> str:
    """What a million films cost at so many a second on one core, as the README says it."""
    hours = 1e6 / 3600 / float(f"{rate:.1f}")
    return (
        f"{rate:.1f} fracture films a second on one core: {hours:.0f} hours for a million on one "
        f"core, {hours / 8:.0f} on eight"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=160, help="for each measurement of speed")
    parser.add_argument("--many", type=int, default=10_000, help="for the measurements of memory")
    parser.add_argument("--many-task", choices=("tiny", TASK), default="tiny")
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.bare:
        bare(asked.bare)
        return
    start = time.perf_counter()
    many_task = tasks()[TASK] if asked.many_task == TASK else replace(TINY, part_size=200)
    with tempfile.TemporaryDirectory() as made:
        lines = [
            *unreachable(),
            *speed(Path(made), asked.films),
            *memory(Path(made), asked.many, many_task),
        ]
    width = max(len(what) for what, _, _ in lines)
    print()
    for what, figure, wanted in lines:
        print(f"{what:<{width}}  {figure:>10}  {wanted}")
    print(f"all in {time.perf_counter() - start:.0f} s")


def unreachable() -> list[Line]:
    start = time.perf_counter()
    try:
        with cluster.remote(NOWHERE):
            raise AssertionError("something answers there")
    except ScoreError:
        seconds = time.perf_counter() - start
    return [("sentence for an unreachable scheduler, s", f"{seconds:.1f}", "at most 10")]


def speed(made: Path, films: int) -> list[Line]:
    """One thread, one worker, two workers, and two as processes of their own."""
    task = tasks()[TASK]
    given = made / "films"
    write_films(given, films)
    loop = float(
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.score", "--bare", str(given)],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    )
    said(f"bare loop: {loop:.2f} films a second")
    local = {
        count: run(given, made / f"out{count}", cluster.local(count), task) for count in (1, 2)
    }
    rates = {count: watch.rate for count, watch in local.items()}
    said(f"1 worker {rates[1]:.2f}, 2 workers {rates[2]:.2f}")
    with separate(2) as address, cluster.remote(address) as client:
        client.wait_for_workers(2)
        apart = run(given, made / "apart", nullcontext(client), task).rate
    grown = local[2].peak() / local[2].peak(films / 2)
    stored = sum(one.stat().st_size for one in (made / "out2").glob("*/part-*.parquet"))
    return [
        ("bare loop, one thread, films a second", f"{loop:.2f}", ""),
        ("one worker against the bare loop", f"{rates[1] / loop:.2f}", "at least 0.9"),
        ("two workers against one", f"{rates[2] / rates[1]:.2f}", "at least 1.6"),
        ("scheduler and two workers apart against two", f"{apart / rates[2]:.2f}", ""),
        (f"networks: peak over {films} films against half", f"{grown:.2f}", "at most 1.3"),
        ("rows of a million films, GB", f"{stored / films / 1000:.2f}", ""),
        ("README", "", cost(rates[1])),
    ]


def memory(made: Path, many: int, task: Task) -> list[Line]:
    """Peak of the whole tree over many films, on this computer's workers and on separate ones."""
    write_many(made / "many", many)
    lines: list[Line] = []
    watch = run(made / "many", made / "many-out", cluster.local(2), task)
    lines += _flat(watch, many, "2 local workers")
    with separate(2) as address, cluster.remote(address) as client:
        client.wait_for_workers(2)
        watch = run(made / "many", made / "many-apart", nullcontext(client), task)
    return lines + _flat(watch, many, "2 workers apart")


def _flat(watch: Watch, many: int, where: str) -> list[Line]:
    first, whole = watch.peak(FIRST), watch.peak()
    step = max(1, len(watch.memory) // 12)
    curve = ", ".join(f"{done}: {mib:.0f}" for done, mib in watch.memory[::step])
    said(f"{where}, films done: MiB of the tree: {curve}")
    return [
        (f"{many:,} films, {where}, films a second", f"{watch.rate:.0f}", ""),
        (f"{many:,} films, {where}, peak in MiB", f"{whole:.0f}", ""),
        (f"{many:,} films, {where}, peak against {FIRST}", f"{whole / first:.2f}", "at most 1.3"),
    ]


def said(words: str) -> None:
    """What is known so far, at once: the whole takes minutes."""
    print(words, flush=True)


if __name__ == "__main__":
    main()
