"""Heavy work steps back: its threads get the processor when nobody else asks for it."""

from __future__ import annotations

import os
import sys
import threading

STEPS = 5
"""Niceness: where both want a core, a slider's answer gets three quarters of it. More would let
heavy work starve where other programs keep the computer busy."""


def step_back() -> None:
    """Let the calling thread, and those that it starts, work behind all others of this process.

    On Linux a thread has a niceness of its own, and hands it on; elsewhere nothing changes.
    """
    if sys.platform == "linux" and not is_behind():
        thread = threading.get_native_id()
        now = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(19, now + STEPS))


def is_behind() -> bool:
    """Whether the calling thread, or the one that started it, has stepped back."""
    if sys.platform != "linux":
        return False
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    return own > os.getpriority(os.PRIO_PROCESS, os.getpid())
