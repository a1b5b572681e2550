"""Keeping answers: a hundred kills without a loss, and twenty readers at once.

`python tests/benchmarks/practice.py [KILLS]` prints what was confirmed and what was lost, and the
time from handing over an answer to its being on the disk.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from core.practice.store import Store
from tests.practice.kept_until_killed import killed_at_random, lost
from tests.practice.readers import answer_of, case_of, series_of

READERS, CASES = 20, 100


def kills(count: int) -> None:
    """Kill a reader `count` times on one file; each confirmed answer must be there at the end."""
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "practice.sqlite"
        confirmed = {}
        for number in range(count):
            # A third of them while the store is being opened.
            longest = 0.02 if number % 3 == 0 else 0.5
            name = f"reader {number}"
            confirmed[name] = killed_at_random(path, name, rng, longest)
        missing = lost(path, confirmed)
    total = sum(map(len, confirmed.values()))
    print(f"{count} kills, {total} confirmed answers, {len(missing)} lost", *missing, sep="\n  ")
    if missing:
        raise SystemExit(1)


def twenty_readers() -> None:
    """Twenty threads, as the page's sessions are, keep 2,000 answers in one store."""
    series = series_of("fracture", CASES)
    cases = [case_of(series, index) for index in range(CASES)]
    answers = [answer_of("fracture", index, right=True) for index in range(CASES)]
    seconds: list[float] = []
    errors: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "practice.sqlite")

        def read(name: str) -> None:
            while turn := store.next_turn(name, series):
                begun = time.perf_counter()
                try:
                    store.keep(name, series, cases[turn.index], answers[turn.index], seconds=1.0)
                except Exception as err:  # noqa: BLE001 - whatever it is, it is reported
                    errors.append(f"{name}: {err}")
                    return
                seconds.append(time.perf_counter() - begun)

        threads = [threading.Thread(target=read, args=(f"reader {n}",)) for n in range(READERS)]
        begun = time.perf_counter()
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        wall = time.perf_counter() - begun
        rows = store.readings()
        store.close()
        distinct = {(one.reader, one.case) for one in Store(store.database.path).readings()}
    p50, p95 = np.percentile(seconds, [50, 95]) * 1000
    print(
        f"{READERS} readers: {len(rows)} answers kept ({len(distinct)} distinct), "
        f"{len(errors)} errors, {wall:.1f} s; commit p50 {p50:.1f} ms, p95 {p95:.1f} ms, "
        f"longest {max(seconds) * 1000:.0f} ms"
    )
    if errors or len(distinct) != READERS * CASES:
        raise SystemExit(1)


if __name__ == "__main__":
    twenty_readers()
    kills(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
