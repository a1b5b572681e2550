"""Projecting bones onto a film: what a ray through each pixel crosses of cortex and trabeculae."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.phantoms.xray.bone import (
    TABLE_SIZE,
    Bone,
    FloatArray,
    Fragment,
    Nodule,
    Plate,
    Point,
    smooth,
)


@dataclass(eq=False)
class ThicknessMap:
    """Thicknesses in mm that a ray through each pixel crosses.

    Attributes:
        x_mm, y_mm: float32 (H, W): where each pixel lies in the limb's frame.
        spacing_mm: Pixel spacing.
        to_px: Points (N, 2) of the limb's frame to (column, row).
        texture: float32 (256, 256) tile around 0: the trabeculae, two samples a mm.
    """

    x_mm: FloatArray
    y_mm: FloatArray
    spacing_mm: float
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
        projected = [_projected(bone, fragments, x, y, self.texture) for bone, fragments in parts]
        outer, inner, spongy = projected[0]
        for more in projected[1:]:
            outer, inner, spongy = (
                np.maximum(one, other)
                for one, other in zip((outer, inner, spongy), more, strict=True)
            )
        self.cortical[window] += outer - inner
        self.trabecular[window] += spongy
        self.marrow[window] += np.maximum(inner - spongy, 0)

    def add_plate(self, plate: Plate) -> None:
        """Cast a flat bone."""
        import cv2

        curves = [_round(points) for points in (plate.outline_mm, *plate.holes_mm)]
        window = self.window(curves[0], 2)
        height, width = self.x_mm[window].shape
        if not height or not width:
            return
        corner = np.array([window[1].start, window[0].start])
        inside = np.zeros((2 * height, 2 * width), np.uint8)  # twice as fine: smooth edges
        for number, curve in enumerate(curves):
            px = np.round(2 * (self.to_px(curve) - corner)).astype(np.int32)
            cv2.fillPoly(inside, [px], 0 if number else 255)
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
        depth = cv2.resize(depth, (width, height), interpolation=cv2.INTER_AREA)
        depth = depth * np.float32(self.spacing_mm / 2 / plate.edge_mm)

        def bulge(at: FloatArray) -> FloatArray:
            return _chord(1 - np.clip(at, 0, 1))

        outer = np.float32(plate.depth_mm) * bulge(depth)
        inner = np.float32(plate.depth_mm - 2 * plate.cortex_mm) * bulge(
            depth - np.float32(plate.cortex_mm / plate.edge_mm)
        )
        inner = np.minimum(inner, outer)
        grain = _grain(self.texture, self.y_mm[window], self.x_mm[window])
        self.cortical[window] += outer - inner
        self.trabecular[window] += inner * np.float32(plate.trabecular) * (1 + grain)
        self.marrow[window] += inner * np.float32(1 - plate.trabecular)

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


def _round(points_mm: tuple[Point, ...]) -> NDArray[np.float64]:
    """A closed smooth curve through points, as many points (N, 2)."""
    from scipy.interpolate import CubicSpline

    closed = np.array([*points_mm, points_mm[0]])
    steps = np.sqrt(np.hypot(*np.diff(closed, axis=0).T))  # centripetal: no loops
    at = np.concatenate([[0], np.cumsum(steps)])
    return CubicSpline(at, closed, bc_type="periodic")(np.linspace(0, at[-1], 160))


def _projected(
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
    index = np.clip(s * np.float32((TABLE_SIZE - 1) / length), 0, TABLE_SIZE - 1).astype(np.int32)
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


def _relief(shape: tuple[Point, ...], place: FloatArray) -> FloatArray:
    knots = np.asarray(shape)
    grid = np.linspace(-1, 1, 65)
    table = smooth(knots[:, 0], knots[:, 1])(grid).astype(np.float32)
    return table[np.clip((place + 1) * 32, 0, 64).astype(np.int32)]


def _chord(place: FloatArray) -> FloatArray:
    """What a ray crosses of a circle, over its diameter."""
    return np.sqrt(np.clip(1 - place * place, 0, None))


def _cap(s: FloatArray, start: FloatArray, end: FloatArray, radius: FloatArray) -> FloatArray:
    """Rounds the ends off: 0 outside, 1 where the bone is a full tube."""
    length = np.minimum(0.5 * radius, 4)
    depth = np.clip(np.minimum(s - start, end - s) / length, 0, 1)
    return np.sqrt(1 - (1 - depth) ** 2)
