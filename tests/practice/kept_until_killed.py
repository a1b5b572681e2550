"""A reader who answers without end and says what was confirmed: for tests that kill it.

`python -m tests.practice.kept_until_killed FILE NAME` prints "start", then "kept N" after each
answer that the store has confirmed.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from core.practice.answers import FractureAnswer
from core.practice.store import Store
from tests.practice.readers import case_of, series_of

ROOT = Path(__file__).parents[2]
CASES = 400
SERIES = series_of("fracture", CASES)


def main(path: Path, name: str) -> None:
    """Answer every case, from a new store object on."""
    cases = [case_of(SERIES, index) for index in range(CASES)]
    sys.stdout.write("start\n")
    sys.stdout.flush()
    store = Store(path)
    for index, case in enumerate(cases):
        answer = FractureAnswer(((1.0, 1.0, 9.0, 9.0 + index),), index % 101)
        store.keep(name, SERIES, case, answer, seconds=index)
        sys.stdout.write(f"kept {index}\n")
        sys.stdout.flush()


def killed_at_random(path: Path, name: str, rng: random.Random, longest: float) -> set[int]:
    """Start a reader, kill it with SIGKILL somewhere between opening the store and the last
    answer, and return the cases whose answers it had confirmed."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.practice.kept_until_killed", str(path), name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "start\n"
        time.sleep(rng.uniform(0, longest))
        child.kill()
        lines = child.stdout.read().splitlines(keepends=True)
    return {int(line.split()[1]) for line in lines if line.endswith("\n")}


def lost(path: Path, confirmed: dict[str, set[int]]) -> list[str]:
    """What was confirmed and is not in the store as it was given; empty if nothing was lost."""
    store = Store(path)
    missing = []
    for name, indices in confirmed.items():
        kept = {int(one.seconds): one for one in store.readings(SERIES.key, name)}
        for index in indices:
            expected = FractureAnswer(((1.0, 1.0, 9.0, 9.0 + index),), index % 101)
            if index not in kept or kept[index].answer != expected:
                missing.append(f"{name}, case {index}")
    missing += store.notes  # a damaged file that was set aside
    store.close()
    return missing


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
