"""Bones as tubes with a cortex, cast as thicknesses onto a film.

A long bone has an axis, gently bowed, and a cross-section that changes along it: elliptic,
with a cortex of some thickness around marrow or trabecular bone. What a ray crosses of each is
then a chord of two ellipses, known in closed form: the cortex shows dense at the edges and the
marrow lighter without anybody drawing a line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Point = tuple[float, float]
Share = Callable[[FloatArray, FloatArray], FloatArray]
"""How much of the bone belongs to a fragment, from (along, across) in mm: in [0, 1]."""

_SAMPLES = 512  # along a bone: finer than a pixel for any bone and spacing used here


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

    @property
    def length_mm(self) -> float:
        return float(np.hypot(self.end_mm[0] - self.start_mm[0], self.end_mm[1] - self.start_mm[1]))

    def table(self, name: str) -> FloatArray:
        """One column of the knots, smoothly interpolated along the bone."""
        at = np.array([knot.at for knot in self.knots])
        values = np.array([getattr(knot, name) for knot in self.knots])
        return _smooth(at, values)(np.linspace(0, 1, _SAMPLES)).astype(np.float32)

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


@dataclass(eq=False)
class Canvas:
    """Thicknesses in mm that a ray through each pixel crosses.

    Attributes:
        x_mm, y_mm: float32 (H, W): where each pixel lies in the limb's frame.
        to_px: Points (N, 2) of the limb's frame to (column, row).
        texture: float32 (256, 256) tile around 0: the trabeculae, two samples a mm.
    """

    x_mm: FloatArray
    y_mm: FloatArray
    to_px: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    texture: FloatArray
    cortical: FloatArray = field(init=False)
    trabecular: FloatArray = field(init=False)
    marrow: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        self.cortical = np.zeros_like(self.x_mm)
        self.trabecular = np.zeros_like(self.x_mm)
        self.marrow = np.zeros_like(self.x_mm)

    def window(self, points_mm: NDArray[np.float64], margin_mm: float) -> tuple[slice, slice]:
        """Rows and columns that hold the points and a margin."""
        grown = np.concatenate(
            [
                points_mm + np.multiply(margin_mm, sign)
                for sign in ((1, 1), (1, -1), (-1, 1), (-1, -1))
            ]
        )
        px = self.to_px(grown)
        height, width = self.x_mm.shape
        c0, r0 = np.floor(px.min(axis=0)).astype(int)
        c1, r1 = np.ceil(px.max(axis=0)).astype(int) + 1
        return (
            slice(int(np.clip(r0, 0, height)), int(np.clip(r1, 0, height))),
            slice(int(np.clip(c0, 0, width)), int(np.clip(c1, 0, width))),
        )

    def add(self, parts: Sequence[tuple[Bone, Sequence[Fragment]]]) -> None:
        """Cast a bone whose parts are fused; each part is whole or in pieces."""
        ends, widest = [], 0.0
        for bone, _ in parts:
            ends += [bone.start_mm, bone.end_mm]
            widest = max(
                widest, *(max(k.left_mm, k.right_mm) + abs(bone.bow_mm) for k in bone.knots)
            )
        window = self.window(np.array(ends), widest + 16)
        x, y = self.x_mm[window], self.y_mm[window]
        if x.size == 0:
            return
        casts = [_cast(bone, fragments, x, y, self.texture) for bone, fragments in parts]
        outer, inner, spongy = casts[0]
        for more in casts[1:]:
            outer, inner, spongy = (
                np.maximum(one, other)
                for one, other in zip((outer, inner, spongy), more, strict=True)
            )
        self.cortical[window] += outer - inner
        self.trabecular[window] += spongy
        self.marrow[window] += np.maximum(inner - spongy, 0)

    def add_nodule(self, nodule: Nodule) -> None:
        """Cast a short bone."""
        window = self.window(np.array([nodule.centre_mm]), 1.5 * max(nodule.radii_mm))
        x, y = self.x_mm[window], self.y_mm[window]
        if x.size == 0:
            return
        c, s = np.cos(np.deg2rad(nodule.turn_deg)), np.sin(np.deg2rad(nodule.turn_deg))
        dx, dy = x - np.float32(nodule.centre_mm[0]), y - np.float32(nodule.centre_mm[1])
        a, b = np.float32(c) * dx + np.float32(s) * dy, np.float32(c) * dy - np.float32(s) * dx
        angle = np.arctan2(b, a)
        outline = np.ones_like(a)
        for order, (amplitude, phase) in enumerate(nodule.dents, start=2):
            outline += np.float32(amplitude) * np.cos(order * angle + np.float32(phase))
        reach = np.hypot(a / np.float32(nodule.radii_mm[0]), b / np.float32(nodule.radii_mm[1]))
        reach /= outline
        outer = np.float32(nodule.depth_mm) * np.sqrt(np.clip(1 - reach**2, 0, None))
        thin = max(1 - nodule.cortex_mm / min(nodule.radii_mm), 0.1)
        inner = np.float32(nodule.depth_mm - 2 * nodule.cortex_mm) * np.sqrt(
            np.clip(1 - (reach / np.float32(thin)) ** 2, 0, None)
        )
        inner = np.minimum(np.maximum(inner, 0), outer)
        self.cortical[window] += outer - inner
        self.trabecular[window] += (
            inner * np.float32(nodule.trabecular) * (1 + _grain(self.texture, b, a))
        )
        self.marrow[window] += inner * np.float32(1 - nodule.trabecular)


def _cast(
    bone: Bone, fragments: Sequence[Fragment], x: FloatArray, y: FloatArray, texture: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Thickness of the whole bone, of what the cortex encloses, and of trabeculae in it."""
    axis, right = (vector.astype(np.float32) for vector in bone.frame())
    dx, dy = x - np.float32(bone.start_mm[0]), y - np.float32(bone.start_mm[1])
    along, across = dx * axis[0] + dy * axis[1], dx * right[0] + dy * right[1]
    tables = {name: bone.table(name) for name in ("left_mm", "right_mm", "cortex_mm", "trabecular")}
    if not fragments:
        return _section(bone, tables, along, across - bone.bow(along), texture)
    total = tuple(np.zeros_like(x) for _ in range(3))
    for fragment in fragments:
        s, v = fragment.back(along, across)
        v = v - bone.bow(s)
        share = fragment.share(s, v)
        for sum_, part in zip(total, _section(bone, tables, s, v, texture), strict=True):
            sum_ += share * part
    return total[0], total[1], total[2]


def _section(
    bone: Bone, tables: dict[str, FloatArray], s: FloatArray, v: FloatArray, texture: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    length = np.float32(bone.length_mm)
    index = np.clip(s * np.float32((_SAMPLES - 1) / length), 0, _SAMPLES - 1).astype(np.int32)
    left, right = tables["left_mm"][index], tables["right_mm"][index]
    cortex, trabecular = tables["cortex_mm"][index], tables["trabecular"][index]
    radius = (left + right) / 2
    place = (v - (right - left) / 2) / radius
    start = -_relief(bone.start_shape, place)
    end = length + _relief(bone.end_shape, place)
    outer = 2 * radius * np.float32(bone.depth) * _chord(place) * _cap(s, start, end, radius)
    inside = np.maximum(radius - cortex, np.float32(0.2))
    plate = np.minimum(cortex, np.float32(1.6))  # under the cartilage the cortex is a thin plate
    inner = 2 * inside * np.float32(bone.depth) * _chord(place * radius / inside)
    inner = np.minimum(inner * _cap(s, start + plate, end - plate, radius), outer)
    return outer, inner, inner * trabecular * (1 + _grain(texture, s, v))


def _grain(texture: FloatArray, along: FloatArray, across: FloatArray) -> FloatArray:
    return texture[(along * 2).astype(np.int32) & 255, (across * 2).astype(np.int32) & 255]


def _smooth(at: NDArray[np.float64], values: NDArray[np.float64]) -> Callable[..., np.ndarray]:
    from scipy.interpolate import PchipInterpolator

    return PchipInterpolator(at, values)


def _relief(shape: tuple[Point, ...], place: FloatArray) -> FloatArray:
    knots = np.asarray(shape)
    grid = np.linspace(-1, 1, 65)
    table = _smooth(knots[:, 0], knots[:, 1])(grid).astype(np.float32)
    return table[np.clip((place + 1) * 32, 0, 64).astype(np.int32)]


def _chord(place: FloatArray) -> FloatArray:
    """What a ray crosses of a circle, over its diameter."""
    return np.sqrt(np.clip(1 - place * place, 0, None))


def _cap(s: FloatArray, start: FloatArray, end: FloatArray, radius: FloatArray) -> FloatArray:
    """Rounds the ends off: 0 outside, 1 where the bone is a full tube."""
    length = np.minimum(0.5 * radius, 4)
    depth = np.clip(np.minimum(s - start, end - s) / length, 0, 1)
    return np.sqrt(1 - (1 - depth) ** 2)


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
