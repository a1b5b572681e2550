"""What is true of a case: one dataclass a task, kept as JSON beside the answers, never an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.detections import Boxes
from core.errors import UnsuitableInputError

Box = tuple[float, float, float, float]
Outline = tuple[tuple[float, float], ...]
"""Corners (x, y)."""


@dataclass(frozen=True)
class FractureTruth:
    """Where the fractures are, in pixels of the film.

    Attributes:
        boxes_xyxy: Around them; none is a sound limb.
        polygons: Their outlines, or None where only boxes are known.
    """

    boxes_xyxy: tuple[Box, ...] = ()
    polygons: tuple[Outline, ...] | None = None

    def __post_init__(self) -> None:
        boxes = tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in self.boxes_xyxy)
        object.__setattr__(self, "boxes_xyxy", boxes)
        if self.polygons is not None:
            object.__setattr__(self, "polygons", outlines_of(self.polygons))

    @property
    def abnormal(self) -> bool:
        return bool(self.boxes_xyxy)

    @property
    def boxes(self) -> Boxes:
        """float32 (M, 4)."""
        return np.asarray(self.boxes_xyxy, np.float32).reshape(-1, 4)


@dataclass(frozen=True)
class BoneAgeTruth:
    """The bone age in months, and the sex ("F", "M" or None), which the reader is told."""

    months: float
    sex: str | None = None


@dataclass(frozen=True)
class ChestTruth:
    """Whether each finding is present, and the cardiothoracic ratio where it is known.

    Attributes:
        findings: By finding; only these are judged.
        ctr: Ratio measured on the true masks, or None.
        lines: Its lines (x0, y0, x1, y1) under "heart" and "chest", or None.
    """

    findings: Mapping[str, bool]
    ctr: float | None = None
    lines: Mapping[str, Box] | None = None

    @property
    def abnormal(self) -> bool:
        return any(self.findings.values())

    @property
    def present(self) -> tuple[str, ...]:
        return tuple(name for name, there in self.findings.items() if there)


@dataclass(frozen=True)
class HeadTruth:
    """Which mask is right, and where the other is wrong.

    Attributes:
        side: "A" or "B".
        spot_ijk: Voxel in the middle of the wrong spot.
        radius_mm: How far the spot reaches from there.
        spacing_mm: Voxel edges.
        error: "missing" (brain left out) or "added" (other tissue taken in).
    """

    side: str
    spot_ijk: tuple[float, float, float]
    radius_mm: float
    spacing_mm: tuple[float, float, float]
    error: str

    def __post_init__(self) -> None:
        for name in ("spot_ijk", "spacing_mm"):
            i, j, k = getattr(self, name)
            object.__setattr__(self, name, (float(i), float(j), float(k)))


Truth = FractureTruth | BoneAgeTruth | ChestTruth | HeadTruth
_OF_TASK: Mapping[str, type[Truth]] = {
    "fracture": FractureTruth,
    "bone_age": BoneAgeTruth,
    "chest": ChestTruth,
    "skull_strip": HeadTruth,
}


def truth_mapping(truth: Truth) -> dict[str, Any]:
    """The truth as JSON has it."""
    found = {name: getattr(truth, name) for name in truth.__dataclass_fields__}
    return {n: dict(v) if isinstance(v, Mapping) else v for n, v in found.items() if v is not None}


def truth_from_mapping(task: str, found: Any) -> Truth:
    """The truth that JSON has.

    Raises:
        UnsuitableInputError: If it is none of this task.
    """
    try:
        return _OF_TASK[task](**found)
    except (TypeError, ValueError) as err:
        raise UnsuitableInputError(
            f"The truth of a {task} case has values of a wrong type; use a file that Practice made."
        ) from err


def boxes_of(boxes_xyxy: NDArray[Any]) -> tuple[Box, ...]:
    """Boxes (N, 4) as plain numbers."""
    return tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in boxes_xyxy)


def outlines_of(polygons: Iterable[Any]) -> tuple[Outline, ...] | None:
    """Outlines, corners (K, 2) each, as plain numbers; None where there are none."""
    return tuple(tuple((float(x), float(y)) for x, y in points) for points in polygons) or None
