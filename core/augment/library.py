"""AlbumentationsX without PyTorch, which it imports but needs for tensors only.

A film is an array before and after. PyTorch would take 0.3 GB of the app's process for nothing.
"""

from __future__ import annotations

import builtins
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_LOCK = threading.Lock()


class _StandIn(type):
    """Classes by the names of PyTorch's: nothing is one of their objects."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = _StandIn(name, (), {})
        setattr(cls, name, found)
        return found

    def __call__(cls, *args: Any, **named: Any) -> Callable[[Any], Any]:
        return lambda function: function  # a decorator: `no_grad()`


@contextmanager
def _without_torch() -> Iterator[None]:
    """Within it this thread's imports of PyTorch give a stand-in; those of others the real one.

    Nothing is left behind in `sys.modules`. A PyTorch that is loaded already is used.
    """
    import_, this_thread = builtins.__import__, threading.get_ident()
    torch = _StandIn("torch", (), {})
    torch.utils.data.get_worker_info = lambda: None  # asked at every use: not in a loader's worker

    def imported(
        name: str, outer: Any = None, inner: Any = None, names: Any = (), level: int = 0
    ) -> Any:
        parts = name.split(".")
        if level or parts[0] != "torch" or threading.get_ident() != this_thread:
            return import_(name, outer, inner, names, level)
        found = torch
        for part in parts[1:] if names else ():
            found = getattr(found, part)
        return found

    if "torch" not in sys.modules:
        builtins.__import__ = imported  # type: ignore[assignment]  # a stand-in is no module
    try:
        yield
    finally:
        builtins.__import__ = import_


def library() -> ModuleType:
    """AlbumentationsX, loaded when it is first needed."""
    # Belt and braces: read when the library is loaded, beside `telemetry=False` of every pipeline.
    # It also collects no facts about the computer then, for which it would import PyTorch.
    os.environ.setdefault("ALBUMENTATIONS_NO_TELEMETRY", "1")
    with _LOCK:
        if "albumentations" not in sys.modules:
            with _without_torch():
                import albumentations
    import albumentations

    return albumentations
