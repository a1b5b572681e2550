"""What the lab needs for its first draw, loaded ahead (`pages.shared.warm`)."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from pages.tasks.fracture.sidebar import FIRST, made


def compute() -> None:
    """Make the film that the lab opens on, and load the library that transforms it."""
    made(FIRST)
    import_module("pages.tasks.augmentation.modalities")
    if find_spec("albumentations"):  # not in the light install
        import_module("core.augment.library").library()
