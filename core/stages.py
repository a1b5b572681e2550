"""A stage is a named pure function on an array; running it leaves a step that can be shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.errors import ImagingError

Progress = Callable[[float, str], None]
"""Called with the fraction done in [0, 1] and the name of what is being done."""


class Cancelled(Exception):
    """A person asked for something else; nothing went wrong."""


@dataclass(frozen=True)
class Stage:
    """A named pure function with its parameters.

    Attributes:
        name: What the screen calls it; unique within a pipeline.
        function: Takes an array and the parameters as keywords, and returns a new array, or
            an array and a mapping of overlays (landmarks, contours, boxes) to draw on it.
        parameters: Keyword arguments of `function`, with units in their names.
        why: One sentence for students: what the stage is good for.
    """

    name: str
    function: Callable[..., Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, eq=False)
class Step:
    """What a stage did.

    Attributes:
        name: The stage's name.
        image: The array that the stage returned, or its input where it was skipped or failed.
        parameters: What the stage was called with.
        why: The stage's sentence.
        overlays: What was found on the image, by name (outlines, points, boxes) and how it was
            moved (matrix, affine); empty for most stages.
        seconds: Wall time of the stage.
        skipped: Whether the user left the stage out.
        error: A sentence where the stage could not do its work, else None.
    """

    name: str
    image: np.ndarray
    parameters: Mapping[str, Any]
    why: str = ""
    overlays: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    skipped: bool = False
    error: str | None = None


def run_stages(
    array: np.ndarray,
    stages: Sequence[Stage],
    *,
    skip: Collection[str] = (),
    progress: Progress | None = None,
) -> list[Step]:
    """Run stages in order, each on the array the last one returned.

    Args:
        array: What the first stage receives; never altered.
        stages: The pipeline; the last step is what a network receives.
        skip: Names of stages to leave out.
        progress: Told before each stage how far the pipeline is.

    Returns:
        One step per stage. After a stage that raised `ImagingError` the list ends with a step
        whose `error` says why: the caller sees how far it came.

    Raises:
        ValueError: If `skip` names a stage that is not there.
    """
    unknown = set(skip) - {stage.name for stage in stages}
    if unknown:
        raise ValueError(f"no such stage: {sorted(unknown)}")
    steps: list[Step] = []
    for number, stage in enumerate(stages):
        if progress is not None:
            progress(number / len(stages), stage.name)
        if stage.name in skip:
            steps.append(Step(stage.name, array, stage.parameters, stage.why, skipped=True))
            continue
        start = time.perf_counter()
        overlays: Mapping[str, Any] = {}
        error = None
        try:
            returned = stage.function(array, **stage.parameters)
            array, overlays = returned if isinstance(returned, tuple) else (returned, {})
        except ImagingError as err:
            error = str(err)
        seconds = time.perf_counter() - start
        steps.append(
            Step(stage.name, array, stage.parameters, stage.why, overlays, seconds, error=error)
        )
        if error is not None:
            break
    if progress is not None:
        progress(1.0, "done")
    return steps
