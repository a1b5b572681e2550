"""Bones as tubes with a cortex, whole, worn or in pieces.

A long bone has an axis, gently bowed, and a cross-section that changes along it: elliptic,
with a cortex of some thickness around marrow or trabecular bone. What a ray crosses of each is
then a chord of two ellipses, known in closed form: the cortex shows dense at the edges and the
marrow lighter without anybody drawing a line (`core.phantoms.xray.thickness_map` casts them).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Point = tuple[float, float]
Share = Callable[[FloatArray, FloatArray], FloatArray]
"""How much of the bone belongs to a fragment, from (along, across) in mm: in [0, 1]."""

TABLE_SIZE = 512  # samples along a bone: finer than a pixel for any bone and spacing used here


@dataclass(frozen=True)
class Knot:
    """The cross-section of a bone at one place.

    Attributes:
        at: Place along the axis, 0 (start) to 1 (end).
        left_mm: Half-width to the left of the axis, seen along it.
        right_mm: Half-width to the right.
        cortex_mm: Thickness of the cortex.
        trabecular: Share of trabecular bone inside the cortex; the rest is fatty marrow.
    """

    at: float
    left_mm: float
    right_mm: float
    cortex_mm: float
    trabecular: float


@dataclass(frozen=True)
class Fragment:
    """A piece of a broken bone and how it has moved.

    Attributes:
        share: Which part of the unbroken bone the piece is.
        pivot_mm: Point (along, across) about which it turned.
        turn_deg: Rotation about the pivot.
        shift_mm: Movement (along, across) after the rotation.
    """

    share: Share
    pivot_mm: Point = (0.0, 0.0)
    turn_deg: float = 0.0
    shift_mm: Point = (0.0, 0.0)

    def back(self, along: FloatArray, across: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Where a point lay before the piece moved."""
        c, s = np.cos(np.deg2rad(self.turn_deg)), np.sin(np.deg2rad(self.turn_deg))
        a = along - np.float32(self.shift_mm[0] + self.pivot_mm[0])
        b = across - np.float32(self.shift_mm[1] + self.pivot_mm[1])
        return (
            np.float32(c) * a + np.float32(s) * b + np.float32(self.pivot_mm[0]),
            np.float32(-s) * a + np.float32(c) * b + np.float32(self.pivot_mm[1]),
        )

    def forth(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where points (N, 2) of the unbroken bone lie now."""
        c, s = np.cos(np.deg2rad(self.turn_deg)), np.sin(np.deg2rad(self.turn_deg))
        pivot = np.asarray(self.pivot_mm)
        turned = (points_mm - pivot) @ np.array([[c, s], [-s, c]])
        return turned + pivot + np.asarray(self.shift_mm)


@dataclass(frozen=True)
class Bone:
    """A long bone.

    Attributes:
        name: What it is called.
        start_mm: Where the axis begins, (x, y) in the limb's frame.
        end_mm: Where it ends.
        knots: Cross-sections, by rising `at`, the first at 0 and the last at 1.
        bow_mm: How far the middle of the axis is bowed to the right.
        start_shape: Relief of the first joint surface: (place across in [-1, 1], mm outwards).
        end_shape: The same of the last.
        depth: Thickness along the ray over the width.
        breakable: Where along the axis a fracture may lie, as (lowest, highest); None for
            bones that are too small or lie under others.
        risk: How often it is the one that breaks, beside the limb's other bones.
    """

    name: str
    start_mm: Point
    end_mm: Point
    knots: tuple[Knot, ...]
    bow_mm: float = 0.0
    start_shape: tuple[Point, ...] = ((-1.0, -2.0), (0.0, 0.0), (1.0, -2.0))
    end_shape: tuple[Point, ...] = ((-1.0, -2.0), (0.0, 0.0), (1.0, -2.0))
    depth: float = 0.9
    breakable: tuple[float, float] | None = None
    risk: float = 1.0

    @property
    def length_mm(self) -> float:
        return float(np.hypot(self.end_mm[0] - self.start_mm[0], self.end_mm[1] - self.start_mm[1]))

    def table(self, name: str) -> FloatArray:
        """One column of the knots, smoothly interpolated along the bone."""
        at = np.array([knot.at for knot in self.knots])
        values = np.array([getattr(knot, name) for knot in self.knots])
        return smooth(at, values)(np.linspace(0, 1, TABLE_SIZE)).astype(np.float32)

    def bow(self, along: FloatArray) -> FloatArray:
        """How far the axis lies to the right of the straight line, in mm."""
        t = along * np.float32(1 / self.length_mm)
        return np.float32(4 * self.bow_mm) * t * (1 - t)

    def to_limb(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (N, 2) as (along, across the straight line) in the limb's frame."""
        along, right = self.frame()
        return np.asarray(self.start_mm) + points_mm[:, :1] * along + points_mm[:, 1:] * right

    def frame(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        along = np.subtract(self.end_mm, self.start_mm) / self.length_mm
        return along, np.array([along[1], -along[0]])


@dataclass(frozen=True)
class Nodule:
    """A short bone (a carpal, the talus, the patella): a dented ellipsoid.

    Attributes:
        centre_mm: (x, y) in the limb's frame.
        radii_mm: Half-axes across and along.
        turn_deg: Rotation.
        depth_mm: Full thickness along the ray.
        cortex_mm: Thickness of the shell.
        dents: Amplitudes of the outline's second to fourth harmonic, with phases in radian.
    """

    centre_mm: Point
    radii_mm: Point
    turn_deg: float = 0.0
    depth_mm: float = 12.0
    cortex_mm: float = 1.0
    trabecular: float = 0.9
    dents: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Plate:
    """A flat bone: an outline, closed and smooth, with holes.

    Attributes:
        outline_mm: Points around it in the limb's frame.
        holes_mm: Points around each hole.
        depth_mm: Full thickness along the ray, away from the edges.
        edge_mm: Over how much it thins out at the edges.
        cortex_mm: Thickness of the cortex on each face.
        trabecular: Share of trabecular bone inside.
    """

    outline_mm: tuple[Point, ...]
    holes_mm: tuple[tuple[Point, ...], ...] = ()
    depth_mm: float = 12.0
    edge_mm: float = 7.0
    cortex_mm: float = 1.0
    trabecular: float = 0.6


def smooth(at: NDArray[np.float64], values: NDArray[np.float64]) -> Callable[..., np.ndarray]:
    """A curve through the values that does not overshoot them (Fritsch & Carlson 1980)."""
    from scipy.interpolate import PchipInterpolator

    return PchipInterpolator(at, values)


def degenerate(bone: Bone, amount: float, gap_mm: float, *, start: bool, end: bool) -> Bone:
    """The bone with worn joints: less joint space, denser plates, spurs at the corners.

    Args:
        bone: A sound bone.
        amount: 0 (sound) to 1 (worn to the bone).
        gap_mm: Width of the sound joint space.
        start: Whether the joint at the start is worn.
        end: Whether the one at the end is.
    """
    if amount <= 0 or not (start or end):
        return bone

    def worn(shape: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple(
            (place, rise + amount * gap_mm * (0.5 if place < 0.2 else 0.25))
            for place, rise in shape
        )

    def section(knot: Knot) -> Knot:
        near = (start and knot.at < 0.04) or (end and knot.at > 0.96)
        if not near:
            return knot
        spur = amount * 0.12 * (knot.left_mm + knot.right_mm)
        return replace(
            knot,
            left_mm=knot.left_mm + spur,
            right_mm=knot.right_mm + 0.7 * spur,
            cortex_mm=knot.cortex_mm + 1.8 * amount,
            trabecular=min(knot.trabecular * (1 + 0.5 * amount), 1.6),
        )

    return replace(
        bone,
        knots=tuple(section(knot) for knot in bone.knots),
        start_shape=worn(bone.start_shape) if start else bone.start_shape,
        end_shape=worn(bone.end_shape) if end else bone.end_shape,
    )
