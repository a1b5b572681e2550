"""How long a call takes."""

from __future__ import annotations

import time
from collections.abc import Callable


def seconds(function: Callable[[], object], repeats: int) -> float:
    """Least time of several calls, after two to warm up: the least disturbed one."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times[2:])
