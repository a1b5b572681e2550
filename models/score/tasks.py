"""The tasks that can be scored, by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from models.score.bone_age import bone_age
from models.score.chest import chest
from models.score.fracture import fracture
from models.score.skull_strip import skull_strip
from models.score.task import Task


@lru_cache(maxsize=1)
def tasks() -> Mapping[str, Task]:
    """Every task that can be scored, by name."""
    return {task.name: task for task in (fracture(), bone_age(), chest(), skull_strip())}
