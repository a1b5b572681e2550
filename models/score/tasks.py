"""The tasks that can be scored, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from core.errors import WeightsError
from models.cards import cards_of
from models.score.bone_age import bone_age
from models.score.chest import chest
from models.score.fracture import fracture
from models.score.skull_strip import skull_strip
from models.score.task import Task

MAKERS: dict[str, tuple[Callable[..., Task], Mapping[str, str]]] = {
    "fracture": (fracture, {"detector": "detector", "classifier": "classifier"}),
    "bone_age": (bone_age, {"age": "model"}),
    "chest": (chest, {"findings": "findings"}),
    "skull_strip": (skull_strip, {"brain": "model"}),
}
"""What makes a task, and which of its arguments takes a card of which role."""


@lru_cache(maxsize=1)
def tasks() -> Mapping[str, Task]:
    """Every task that can be scored, by name."""
    return {name: make() for name, (make, _) in MAKERS.items()}


def task_with(name: str, models: Sequence[str]) -> Task:
    """A task with other models than the usual ones in their places: others of ours, or your own.

    Raises:
        WeightsError: If a name is none of the task's, or two are for one place.
    """
    make, places = MAKERS[name]
    known = {card.name: card for role in places for card in cards_of(name, role)}
    chosen: dict[str, str] = {}
    for model in models:
        if model not in known:
            raise WeightsError(
                f"There is no model “{model}” for {name}; there are {', '.join(known)}."
            )
        place = places[known[model].role]
        if place in chosen:
            raise WeightsError(f"{chosen[place]} and {model} are for one place; give one of them.")
        chosen[place] = model
    return make(**chosen)
