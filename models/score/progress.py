"""How far a run is, how fast it goes, and how long it still takes, in words."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS = 60.0
"""The rate is that of the last minute: what was done before says little about what is left."""


@dataclass
class Pace:
    """Images done against time.

    Attributes:
        total: Images of the whole run.
        done: Images that are done, those of an earlier run among them.
        refused: How many of this run's were refused.
        unit: What they are, in the plural.
        waiting: Whether there is nobody who could go on: all workers are gone.
    """

    total: int
    done: int = 0
    refused: int = 0
    unit: str = "films"
    waiting: bool = False
    _past: deque[tuple[float, int]] = field(default_factory=deque)

    def at(self, now: float) -> None:
        """Note that `done` holds at a time in seconds."""
        self._past.append((now, self.done))
        while len(self._past) > 2 and now - self._past[0][0] > WINDOW_SECONDS:
            self._past.popleft()

    @property
    def rate(self) -> float:
        """Images a second; 0 where nothing is known yet."""
        if len(self._past) < 2:
            return 0.0
        (start, before), (end, after) = self._past[0], self._past[-1]
        return (after - before) / (end - start) if end > start else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end at the present rate; None where nothing is known yet."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None

    @property
    def share(self) -> float:
        """What part is done, in [0, 1]."""
        return min(1.0, self.done / self.total) if self.total else 1.0

    @property
    def words(self) -> str:
        """The line of progress."""
        parts = [f"{self.done:,} of {self.total:,} {self.unit} ({100 * self.share:.0f} %)"]
        if self.waiting:
            parts.append("waiting for workers")
        elif self.rate > 0:
            parts.append(f"{self.rate:.3g} a second")
        if self.seconds_left is not None and self.done < self.total:
            parts.append(f"{duration(self.seconds_left)} left")
        if self.refused:
            parts.append(f"{self.refused:,} refused")
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """Seconds in words: "45 s", "12 min", "3 h 20 min", "2 d 4 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"
