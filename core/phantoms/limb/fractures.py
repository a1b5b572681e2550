"""Fractures: how a bone is divided, how its pieces move, and the box around the break."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.phantoms.xray.bone import Bone, FloatArray, Fragment, Share

FRACTURES = ("hairline", "transverse", "oblique", "comminuted", "displaced")


@dataclass(frozen=True, eq=False)
class Break:
    """One fracture of one bone.

    Attributes:
        bone: The bone's name.
        fragments: Its pieces, which replace it.
        outline_mm: (N, 2) points around the break in the limb's frame.
    """

    bone: str
    fragments: tuple[Fragment, ...]
    outline_mm: NDArray[np.float64]


@dataclass(frozen=True)
class _Line:
    """A fracture line: where along the bone it runs, for each place across."""

    at_mm: float
    slope: float
    wobble: tuple[tuple[float, float, float], ...]  # amplitude mm, cycles per mm, phase
    tilt_mm: float  # how much further the far cortex breaks than the near one
    soft_mm: float

    def along(self, across: FloatArray) -> FloatArray:
        """Place along the bone, in mm."""
        line = np.float32(self.at_mm) + np.float32(self.slope) * across
        for amplitude, frequency, phase in self.wobble:
            line = line + np.float32(amplitude) * np.sin(
                np.float32(2 * np.pi * frequency) * across + np.float32(phase)
            )
        return np.asarray(line, np.float32)

    def beyond(self, along: FloatArray, across: FloatArray) -> FloatArray:
        """Share of the ray's path through bone that lies distal to the line."""
        distance = (along - self.along(across)) * np.float32(1 / self.soft_mm)
        lag = np.float32(self.tilt_mm / self.soft_mm / 2)
        return np.float32(0.5) * (_step(distance - lag) + _step(distance + lag))


def _step(x: FloatArray) -> FloatArray:
    """A smooth step from 0 to 1 over about two units."""
    t = np.clip(x * np.float32(0.5) + np.float32(0.5), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _line(rng: np.random.Generator, at_mm: float, slope: float, width_mm: float) -> _Line:
    wobble = tuple(
        (float(rng.uniform(0.01, 0.05)) * width_mm / order, order * 0.9 / width_mm,
         float(rng.uniform(0, 2 * np.pi)))
        for order in (1, 2, 4)
    )  # fmt: skip
    tilt = float(rng.uniform(0.0, 0.25) * width_mm)
    return _Line(at_mm, slope, wobble, tilt, soft_mm=0.5)


def break_bone(rng: np.random.Generator, bone: Bone, kind: str) -> Break:
    """Break a bone somewhere along its breakable part.

    Args:
        rng: Where and how is drawn from here; the place does not depend on `kind`.
        bone: A bone with a breakable part.
        kind: One of `FRACTURES`.

    Raises:
        ValueError: If the kind is unknown or the bone not breakable.
    """
    if kind not in FRACTURES or bone.breakable is None:
        raise ValueError(f"cannot give {bone.name!r} a fracture of kind {kind!r}")
    at = float(rng.uniform(*bone.breakable)) * bone.length_mm
    index = int(at / bone.length_mm * 511)
    left, right = float(bone.table("left_mm")[index]), float(bone.table("right_mm")[index])
    width = left + right
    side = float(rng.choice([-1, 1]))
    tilted = float(rng.uniform(0, 1))
    if kind in ("hairline", "transverse"):
        line = _line(rng, at, side * 0.25 * tilted, width)
    elif kind == "oblique":
        flat = min(1.0, 28 / width)  # in the wide ends a steep line would run into the joint
        line = _line(rng, at, side * (0.7 + 1.1 * tilted) * flat, width)
    else:
        line = _line(rng, at, side * 0.6 * tilted, width)
    if kind == "hairline":
        pieces = _crack(rng, line, width, side)
    elif kind == "comminuted":
        pieces = _shatter(rng, bone, line, width, side)
    else:
        pieces = _part(rng, bone, line, width, side, kind)
    outline = _outline(bone, pieces, line, left, right)
    return Break(bone.name, tuple(piece for piece, _ in pieces), outline)


Piece = tuple[Fragment, tuple[float, float]]
"""A fragment with the reach of its break along the bone, in mm from the line."""


def _crack(rng: np.random.Generator, line: _Line, width: float, side: float) -> list[Piece]:
    """A line without movement, often through one cortex only."""
    gap = np.float32(rng.uniform(0.45, 0.8))
    depth = np.float32(rng.uniform(0.55, 0.9))
    reach = np.float32(rng.uniform(0.1, 1.2) * width / 2)

    def share(along: FloatArray, across: FloatArray) -> FloatArray:
        distance = (along - line.along(across)) / gap
        through = _step((reach - np.float32(side) * across) / np.float32(0.1 * width))
        return 1 - depth * through * np.exp(-(distance**2))

    return [(Fragment(share), (0.0, 0.0))]


def _part(
    rng: np.random.Generator, bone: Bone, line: _Line, width: float, side: float, kind: str
) -> list[Piece]:
    """Two pieces, the far one moved, each turned about its joint."""
    if kind == "displaced":
        offset = side * float(rng.uniform(0.3, 0.95)) * min(width, 30)
        gap = -float(rng.uniform(0.0, 0.3)) * min(width, 30)
    else:
        # Mostly slid apart along the slope, which opens the line; now and then onto each other.
        slide = -np.sign(line.slope) if rng.random() < 0.8 else np.sign(line.slope)
        offset = float(slide * rng.uniform(0.02, 0.16)) * width
        gap = float(rng.uniform(0.2, 1.0) + 0.02 * width)
    return _ends(rng, bone, line, line, offset, gap)


def _ends(
    rng: np.random.Generator, bone: Bone, near: _Line, far: _Line, offset: float, gap: float
) -> list[Piece]:
    length = bone.length_mm
    portion = float(rng.uniform(0.2, 0.5)) * near.at_mm / length
    first = np.rad2deg(np.arctan2(-offset * portion, near.at_mm))
    second = np.rad2deg(np.arctan2(-offset * (1 - portion), length - far.at_mm))
    limit = 16.0
    proximal = Fragment(
        lambda along, across: 1 - near.beyond(along, across),
        turn_deg=float(np.clip(first, -limit, limit)),
    )
    distal = Fragment(
        far.beyond,
        pivot_mm=(length, 0.0),
        turn_deg=float(np.clip(second, -limit, limit)),
        shift_mm=(gap, 0.0),
    )
    return [(proximal, (0.0, 0.0)), (distal, (0.0, 0.0))]


def _shatter(
    rng: np.random.Generator, bone: Bone, line: _Line, width: float, side: float
) -> list[Piece]:
    """Two ends, a wedge between them, and chips."""
    spread = float(rng.uniform(0.5, 1.1))
    half = spread * width / 2
    near = _line(rng, line.at_mm - half, line.slope - side * spread, width)
    far = _line(rng, line.at_mm + half, line.slope + side * spread, width)
    offset = side * float(rng.uniform(0.05, 0.35)) * width
    gap = float(rng.uniform(0.3, 1.5))
    pieces = _ends(rng, bone, near, far, -offset, gap)

    def between(lower: _Line, upper: _Line) -> Share:
        return lambda along, across: lower.beyond(along, across) * (1 - upper.beyond(along, across))

    middle = _line(rng, line.at_mm, line.slope + float(rng.uniform(-0.4, 0.4)), width)
    for lower, upper in ((near, middle), (middle, far)):
        pieces.append(
            (
                Fragment(
                    between(lower, upper),
                    pivot_mm=(line.at_mm, 0.0),
                    turn_deg=float(rng.uniform(-14, 14)),
                    shift_mm=(
                        gap * float(rng.uniform(0.2, 0.8)),
                        side * float(rng.uniform(0.02, 0.3)) * width,
                    ),
                ),
                (-half, half),
            )
        )
    return pieces


def _outline(
    bone: Bone, pieces: list[Piece], line: _Line, left: float, right: float
) -> NDArray[np.float64]:
    """Where the broken ends lie after the movement, in the limb's frame."""
    across = np.linspace(-left, right, 9)
    along = line.along(across.astype(np.float32)).astype(float)
    points = []
    for fragment, reaches in pieces:
        for reach in set(reaches):
            at = np.clip(along + reach, 0, bone.length_mm)
            ends = np.stack([at, across + bone.bow(at.astype(np.float32))], axis=1)
            points.append(bone.to_limb(fragment.forth(ends)))
    return np.concatenate(points)
