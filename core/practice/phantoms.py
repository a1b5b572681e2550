"""Phantoms of a series: drawn by seed with a stated prevalence of abnormal ones.

Whether a phantom is abnormal is a fixed property of its seed. A series therefore needs to name
seeds only: neither its file nor its link can be read for the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from core.errors import UnsuitableInputError
from core.phantoms.chest.phantom import FINDINGS, ChestPhantom, chest_phantom
from core.phantoms.chest.phantom import VIEWS as CHEST_VIEWS
from core.phantoms.hand.phantom import HandPhantom, hand_phantom
from core.phantoms.limb.fractures import FRACTURES
from core.phantoms.limb.phantom import KINDS, LimbPhantom, random_limb
from core.practice.sources import PhantomSource, shown

OPTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "fracture": {"kind": KINDS, "fracture": FRACTURES},
    "bone_age": {"sex": ("F", "M")},
    "chest": {"finding": FINDINGS, "view": CHEST_VIEWS},
    "skull_strip": {},
}
"""By task, what the maker of a series may fix for its phantoms, and the values; "fracture" and
"finding" are what abnormal ones show."""
HAS_NORMAL = ("fracture", "chest")
"""Tasks with normal and abnormal cases, hence with a prevalence."""
_SEEDS = 1_000_000
"""Phantoms are drawn from this many, so that links stay short."""


def check_options(task: str, options: tuple[tuple[str, str], ...]) -> None:
    """Refuse options that the phantoms of a task do not have.

    Raises:
        UnsuitableInputError: If there is one.
    """
    for name, value in options:
        allowed = OPTIONS[task].get(name, ())
        if value not in allowed:
            known = ", ".join(allowed) or ", ".join(OPTIONS[task]) or "none"
            raise UnsuitableInputError(
                f"The phantoms of the series have the option {shown(name)} = {shown(value)}, "
                f"which is unknown here (known: {known}); make the series again."
            )


def draw_phantoms(
    task: str,
    count: int,
    *,
    seed: int,
    prevalence: float | None = None,
    options: Mapping[str, str] | None = None,
) -> tuple[PhantomSource, ...]:
    """Draw the phantoms of a series.

    Args:
        task: Which task's.
        count: How many.
        seed: The same seed gives the same phantoms.
        prevalence: Share of abnormal ones, met to the nearest case; None, or a task without
            normal cases, leaves it to chance.
        options: Of `OPTIONS`, for all of them.

    Returns:
        Sources without repetition, normal and abnormal mixed.
    """
    chosen = tuple(sorted((options or {}).items()))
    check_options(task, chosen)
    rng = np.random.default_rng([seed, 97])
    wanted = None
    if prevalence is not None and task in HAS_NORMAL:
        wanted = round(count * prevalence)
    found: dict[int, bool] = {}
    while len(found) < count:
        candidate = int(rng.integers(_SEEDS))
        abnormal = is_abnormal(task, candidate)
        if wanted is not None:
            room = wanted if abnormal else count - wanted
            if sum(1 for one in found.values() if one == abnormal) >= room:
                continue
        found[candidate] = abnormal
    seeds = list(found)
    rng.shuffle(seeds)  # else the last ones would all be of the kind that was short
    return tuple(PhantomSource(one, chosen) for one in seeds)


def limb(source: PhantomSource) -> LimbPhantom:
    """What the fracture phantom of a source is made from."""
    options = dict(source.options)
    found = random_limb(source.seed)
    if "kind" in options:
        found = replace(found, kind=options["kind"])
    if "fracture" in options and found.fracture is not None:
        found = replace(found, fracture=options["fracture"])
    return found


def hand(source: PhantomSource) -> HandPhantom:
    """The hand phantom of a source."""
    return hand_phantom(source.seed, sex=dict(source.options).get("sex"))


def chest(source: PhantomSource) -> ChestPhantom:
    """The chest phantom of a source: with one finding or two, or none."""
    options = dict(source.options)
    rng = _choices(source.seed)
    abnormal = bool(rng.random() < 0.5)
    shown_count = int(rng.choice((1, 2), p=(0.7, 0.3)))
    drawn = [str(name) for name in rng.choice(FINDINGS, shown_count, replace=False)]
    view = str(rng.choice(CHEST_VIEWS, p=(0.75, 0.25)))
    if "finding" in options:
        drawn = [options["finding"]]
    return chest_phantom(
        source.seed, findings=drawn if abnormal else (), view=options.get("view", view)
    )


def _choices(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 93])


_ABNORMAL: Mapping[str, Callable[[int], bool]] = {
    "fracture": lambda seed: random_limb(seed).fracture is not None,
    "chest": lambda seed: bool(_choices(seed).random() < 0.5),
}


def is_abnormal(task: str, seed: int) -> bool:
    """Whether a phantom shows a fracture or a finding; False in tasks without normal cases."""
    rule = _ABNORMAL.get(task)
    return rule is not None and rule(seed)
