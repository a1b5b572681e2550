"""A pipeline of transforms with ranges, and one draw from it: sampling apart from applying.

A draw holds every number that was drawn and the seed of what is too large to list (noise, a
field of displacements). Carried out again it gives the same pixels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.errors import UnsuitableInputError

Ranges = Mapping[str, tuple[float, float]]
MOST_PARTS = 8


@dataclass(frozen=True)
class ParameterSpec:
    """One number of a transform.

    Attributes:
        name, label, unit: In code, on the screen, and of the number.
        low, high: Between what it may be set: wide enough to break a model.
        usual: The range that training pipelines of the field take.
        step: Of the slider.
        whole: Whether only whole numbers make sense.
    """

    name: str
    label: str
    unit: str
    low: float
    high: float
    usual: tuple[float, float]
    step: float
    whole: bool = False

    def words(self, value: float) -> str:
        """A value with its unit."""
        shown = f"{value:.0f}" if self.whole else f"{value:.3g}"
        close = "" if self.unit in ("°", "×", "") else " "
        return f"{shown}{close}{self.unit}"


@dataclass(frozen=True)
class TransformSpec:
    """One idea of augmentation.

    Attributes:
        name, title, group: In code and links, on the screen, and under which heading.
        why: One sentence: what of the real world it stands for.
        parameters: May be empty (a flip).
        call: Makes the library's call; see `films` and `heads`.
        moves: Whether labels move with the image.
        field: Whether it draws more than its parameters (noise, displacements) from the seed.
    """

    name: str
    title: str
    group: str
    why: str
    parameters: tuple[ParameterSpec, ...]
    call: Callable[..., Any]
    moves: bool = False
    field: bool = False

    def parameter(self, name: str) -> ParameterSpec:
        """The parameter of that name.

        Raises:
            KeyError: If there is none.
        """
        for one in self.parameters:
            if one.name == name:
                return one
        raise KeyError(name)

    @property
    def usual(self) -> dict[str, tuple[float, float]]:
        """The usual range of every parameter."""
        return {one.name: one.usual for one in self.parameters}


Catalogue = Mapping[str, TransformSpec]


@dataclass(frozen=True)
class Planned:
    """A transform of a pipeline: the ranges to draw from, and how often it is applied at all."""

    transform: str
    ranges: Ranges = field(default_factory=dict)
    probability: float = 1.0


@dataclass(frozen=True)
class AppliedTransform:
    """A transform with the numbers that were drawn."""

    transform: str
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Draw:
    """One draw from a pipeline.

    Attributes:
        seed: Of the draw; also of the fields that transforms draw themselves.
        parts: What is applied, in order.
        skipped: Names of the transforms that their probability left out.
    """

    seed: int
    parts: tuple[AppliedTransform, ...]
    skipped: tuple[str, ...] = ()


def draw(pipeline: Sequence[Planned], catalogue: Catalogue, seed: int) -> Draw:
    """Draw every number of a pipeline, uniformly from its range.

    Each place in the pipeline has a random stream of its own: moving one range moves no other
    number.
    """
    parts, skipped = [], []
    for place, planned in enumerate(pipeline):
        rng = np.random.default_rng([seed, place])
        applied = rng.random() < planned.probability
        values = {}
        for parameter in catalogue[planned.transform].parameters:
            low, high = planned.ranges.get(parameter.name, parameter.usual)
            value = float(rng.uniform(low, high))
            if parameter.whole:
                value = float(min(np.floor(low + rng.random() * (high - low + 1)), high))
            values[parameter.name] = round(value, 6)
        if applied:
            parts.append(AppliedTransform(planned.transform, values))
        else:
            skipped.append(planned.transform)
    return Draw(seed, tuple(parts), tuple(skipped))


def fixed(transform: str, values: Mapping[str, float], seed: int = 0) -> Draw:
    """A draw of one transform with given numbers: a point of a sweep."""
    return Draw(seed, (AppliedTransform(transform, dict(values)),))


def words(drawn: AppliedTransform, catalogue: Catalogue) -> str:
    """What was drawn, as on the screen: "Rotation 12.3°"."""
    transform = catalogue[drawn.transform]
    if len(transform.parameters) == 1:
        only = transform.parameters[0]
        return f"{transform.title} {only.words(drawn.values[only.name])}"
    listed = ", ".join(
        f"{one.label.lower()} {one.words(drawn.values[one.name])}" for one in transform.parameters
    )
    return f"{transform.title} {listed}".strip()


def to_text(pipeline: Sequence[Planned]) -> str:
    """A pipeline as the text of a link: "rotate,degrees=-10~10,p=0.5;flip"."""
    parts = []
    for planned in pipeline:
        said = [planned.transform]
        said += [f"{name}={low:g}~{high:g}" for name, (low, high) in planned.ranges.items()]
        if planned.probability < 1:
            said.append(f"p={planned.probability:g}")
        parts.append(",".join(said))
    return ";".join(parts)


def from_text(text: str, catalogue: Catalogue) -> tuple[Planned, ...]:
    """The pipeline of a link.

    Raises:
        UnsuitableInputError: If the text is no pipeline of this catalogue, with what is wrong.
    """
    pipeline = []
    for part in filter(None, text.split(";")):
        name, *said = part.split(",")
        if name not in catalogue:
            raise UnsuitableInputError(
                f"The link asks for a transform “{name[:40]}” that is not in the catalogue. "
                "The pipeline starts afresh."
            )
        transform = catalogue[name]
        ranges, probability = dict(transform.usual), 1.0
        for one in said:
            key, _, value = one.partition("=")
            numbers = re.fullmatch(r"(-?[\d.]+)(?:~(-?[\d.]+))?", value)
            known = key == "p" or key in ranges
            if numbers is None or not known:
                raise UnsuitableInputError(
                    f"The link says “{one[:40]}” of {transform.title.lower()}, which cannot be "
                    "read. The pipeline starts afresh."
                )
            low, high = (_number(number) for number in (numbers[1], numbers[2] or numbers[1]))
            if key == "p":
                probability = float(np.clip(low, 0, 1))
            else:
                ranges[key] = _within(transform.parameter(key), low, high)
        pipeline.append(Planned(name, ranges, probability))
    return tuple(pipeline[:MOST_PARTS])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as err:
        raise UnsuitableInputError(f"The link says “{text[:20]}” where a number belongs.") from err


def _within(parameter: ParameterSpec, low: float, high: float) -> tuple[float, float]:
    """A range inside what the parameter allows, its ends in order."""
    low, high = sorted((low, high))
    clipped = np.clip([low, high], parameter.low, parameter.high)
    return float(clipped[0]), float(clipped[1])
