"""The long bones of a child's hand: shaft, epiphysis and what joins them, in millimetres.

The hand's frame has its origin in the middle of the wrist joint, x towards the thumb and y
towards the fingers. A long bone is one tube; where its growth plate is open it is cut there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.phantoms.hand.growth import Epiphysis
from core.phantoms.xray.bone import TABLE_SIZE, Bone, FloatArray, Knot, Point

_TUBES = {  # place along the bone, half-width over the shaft's width, trabecular share
    "metacarpal": ((0, 0.64, 1), (0.05, 0.74, 1), (0.13, 0.7, 0.8), (0.28, 0.52, 0.35),
                   (0.48, 0.47, 0.2), (0.66, 0.54, 0.35), (0.76, 0.69, 0.8), (0.86, 0.86, 1),
                   (0.95, 0.85, 1), (1, 0.74, 1)),
    "phalanx": ((0, 0.76, 1), (0.05, 0.84, 1), (0.13, 0.8, 0.9), (0.27, 0.58, 0.45),
                (0.5, 0.48, 0.25), (0.7, 0.49, 0.4), (0.84, 0.58, 0.8), (0.93, 0.65, 1),
                (1, 0.56, 1)),
    "distal": ((0, 0.9, 1), (0.08, 0.98, 1), (0.18, 0.86, 0.9), (0.35, 0.57, 0.6),
               (0.55, 0.44, 0.5), (0.7, 0.42, 0.6), (0.82, 0.58, 0.9), (0.92, 0.64, 0.9),
               (1, 0.42, 0.9)),
}  # fmt: skip
_START = {
    "metacarpal": ((-1, -1.2), (-0.6, 0), (0, -0.6), (0.6, 0), (1, -1.2)),
    "phalanx": ((-1, -0.7), (-0.65, 0), (0, -0.9), (0.65, 0), (1, -0.7)),
    "distal": ((-1, -0.6), (-0.6, 0), (0, -0.4), (0.6, 0), (1, -0.6)),
}
_END = {
    "metacarpal": ((-1, -4.2), (-0.65, -1.2), (0, 0), (0.65, -1.2), (1, -4.2)),
    "phalanx": ((-1, -1.8), (-0.5, 0), (0, -0.6), (0.5, 0), (1, -1.8)),
    "distal": ((-1, -2.2), (-0.5, -0.4), (0, 0), (0.5, -0.4), (1, -2.2)),
}
_EPIPHYSIS_MM = {"metacarpal": 9.5, "proximal": 4.4, "middle": 3.6, "distal": 3.2,
                 "thumb metacarpal": 4.4, "radius": 8.0, "ulna": 6.5}  # fmt: skip


class Shaft(Bone):
    """A bone whose section runs straight from knot to knot, rounded: a hand has some sixty
    of them, and splines would take most of the time."""

    def table(self, name: str) -> FloatArray:
        reach = 20  # samples
        at = np.linspace(-reach, TABLE_SIZE - 1 + reach, TABLE_SIZE + 2 * reach) / (TABLE_SIZE - 1)
        places = [knot.at for knot in self.knots]
        rough = np.interp(at, places, [getattr(knot, name) for knot in self.knots])
        total = np.concatenate([[0.0], np.cumsum(rough)])
        width = 2 * reach + 1
        return ((total[width:] - total[:-width]) / width).astype(np.float32)


def epiphysis_mm(name: str) -> float:
    """Height of a bone's grown epiphysis in an adult."""
    return _EPIPHYSIS_MM.get(name) or _EPIPHYSIS_MM[name.split()[-1]]


class Turn:
    """Turns points of the forearm about the head of the capitate, as the wrist does."""

    def __init__(self, degrees: float, k: float) -> None:
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        self.matrix = np.array([[c, -s], [s, c]])
        self.pivot = np.array([0.0, 13.0 * k])

    def __call__(self, x: float, y: float) -> Point:
        return _point(self.matrix @ (np.array([x, y]) - self.pivot) + self.pivot)


def _point(at: NDArray[np.float64]) -> Point:
    return float(at[0]), float(at[1])


def tube(
    name: str,
    row: str,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    shaft_mm: float,
    cortex: float,
) -> Bone:
    """A metacarpal or phalanx, grown.

    Args:
        name: What it is called.
        row: "metacarpal", "proximal", "middle" or "distal".
        start, end: Its ends.
        shaft_mm: Width of the shaft.
        cortex: Thickness of the cortex over an adult's.
    """
    form = row if row in _TUBES else "phalanx"
    thick = {"metacarpal": 2.1, "phalanx": 1.8, "distal": 1.1}[form] * cortex
    rows = tuple(
        Knot(at, half * shaft_mm, half * shaft_mm, max(thick * (1.15 - share), 0.35), share)
        for at, half, share in _TUBES[form]
    )
    small = shaft_mm / 9
    return Shaft(
        name,
        _point(start),
        _point(end),
        rows,
        start_shape=tuple((place, rise * small) for place, rise in _START[form]),
        end_shape=tuple((place, rise * small) for place, rise in _END[form]),
        depth=0.85,
    )


def parts(
    bone: Bone, state: Epiphysis, height_mm: float, k: float, *, at_start: bool
) -> tuple[Bone, ...]:
    """The bone as it is seen: whole, or shaft and epiphysis with what has joined them.

    Args:
        bone: The grown bone.
        state: Of its epiphysis.
        height_mm: Of its epiphysis, grown.
        k: Length of the hand over that of an adult.
        at_start: Whether the growth plate is near the bone's start.
    """
    length = bone.length_mm
    if state.open == 0 and state.scar == 0:
        return (bone,)
    gap = (0.5 + 0.9 * (1 - state.height)) * k**0.5 * (0.25 + 0.75 * state.open**0.7)
    convex = tuple((x, -y) for x, y in ((-1, 0.5 * k), (0, 0.0), (1, 0.5 * k)))
    e, g = height_mm / length, gap / length
    high = state.height * e
    if at_start:
        shaft = replace(_cut(bone, e + g, 1), start_shape=convex)
        cap = replace(_cut(bone, e - high, e, 0, e), end_shape=convex)
        cap = replace(cap, start_shape=_flat(bone.start_shape, state.height))
        bridge = _cut(bone, e * 0.4, min(e + g * 1.5 + 0.03, 1))
    else:
        shaft = replace(_cut(bone, 0, 1 - e - g), end_shape=convex)
        cap = replace(_cut(bone, 1 - e, 1 - e + high, 1 - e, 1), start_shape=convex)
        cap = replace(cap, end_shape=_flat(bone.end_shape, state.height))
        bridge = _cut(bone, 1 - e - g * 1.5 - 0.03, 1 - e * 0.4)
    if state.open == 0:  # closed, with a line that fades
        line = 1 + 0.35 * state.scar
        knots = tuple(replace(knot, trabecular=knot.trabecular * line) for knot in bridge.knots)
        return bone, replace(bridge, knots=knots)
    parts = [shaft]
    if state.width > 0:
        parts.append(_widened(cap, state.width))
        if state.open < 1:
            flat = ((-1.0, 0.0), (0.0, 0.0), (1.0, 0.0))
            bridge = replace(bridge, start_shape=flat, end_shape=flat)
            parts.append(_widened(bridge, max(1 - state.open, 0.05)))
    return tuple(parts)


def _flat(shape: tuple[Point, ...], share: float) -> tuple[Point, ...]:
    return tuple((place, rise * share) for place, rise in shape)


def _widened(bone: Bone, factor: float) -> Bone:
    return replace(
        bone,
        knots=tuple(
            replace(n, left_mm=n.left_mm * factor, right_mm=n.right_mm * factor) for n in bone.knots
        ),
    )


def _cut(
    bone: Bone, low: float, high: float, from_: float | None = None, to: float | None = None
) -> Bone:
    """The part of a bone between two places along it, with the section from `from_` to `to`."""
    at = np.array([knot.at for knot in bone.knots])
    first, last = low if from_ is None else from_, high if to is None else to
    inner = at[(at > first + 1e-6) & (at < last - 1e-6)]
    places = np.concatenate([[first], inner, [last]])
    columns = [
        np.interp(places, at, [getattr(knot, name) for knot in bone.knots])
        for name in ("left_mm", "right_mm", "cortex_mm", "trabecular")
    ]
    share = (places - first) / (last - first)
    ends = bone.to_limb(np.array([[low, 0.0], [high, 0.0]]) * bone.length_mm)
    return replace(
        bone,
        start_mm=_point(ends[0]),
        end_mm=_point(ends[1]),
        knots=tuple(Knot(*map(float, row)) for row in zip(share, *columns, strict=True)),
    )


def forearm(turn: Turn, k: float, wide: float, cortex: float) -> tuple[Bone, Bone]:
    """Radius and ulna, from far up the forearm to the wrist."""

    def sections(*rows: tuple[float, float, float, float, float]) -> tuple[Knot, ...]:
        # Ends grow with the length, shafts with the width.
        return tuple(
            Knot(at, left * wide, right * wide, thick * cortex, share)
            for at, left, right, thick, share in rows
        )

    radius = Shaft(
        "radius",
        turn(4 * k, -170 * k),
        turn(7.3 * k, 0.2 * k),
        sections(
            (0, 7.2, 7.2, 3.0, 0.1), (0.5, 7, 7.2, 2.8, 0.12), (0.7, 8, 8, 2.2, 0.3),
            (0.83, 11.2, 11.2, 1.3, 0.65), (0.91, 14, 13.8, 0.8, 0.9), (0.955, 15, 15.4, 0.7, 1),
            (1, 13.8, 15.2, 0.7, 1),
        ),
        start_shape=((-1, 0), (0, 0), (1, 0)),
        end_shape=tuple(
            (x, y * k) for x, y in
            ((-1, -2), (-0.8, 0), (-0.4, -0.5), (0, 0.4), (0.4, 1.8), (0.75, 4), (0.9, 4.3),
             (1, 2.4))
        ),
        depth=0.72,
    )  # fmt: skip
    ulna = Shaft(
        "ulna",
        turn(-13 * k, -170 * k),
        turn(-17.5 * k, -2.4 * k),
        sections(
            (0, 6.2, 6.2, 2.8, 0.08), (0.5, 5.4, 5.4, 2.4, 0.12), (0.75, 5, 5, 1.8, 0.3),
            (0.88, 6, 6.2, 1.0, 0.7), (0.945, 7.8, 8, 0.7, 1), (0.98, 8.2, 8.5, 0.7, 1),
            (1, 7.8, 8, 0.7, 1),
        ),
        start_shape=((-1, 0), (0, 0), (1, 0)),
        end_shape=tuple(
            (x, y * k) for x, y in
            ((-1, 1.5), (-0.82, 4), (-0.55, 0.9), (-0.2, 0.3), (0.3, 0.4), (0.7, -0.2), (1, -2.5))
        ),
        depth=0.9,
    )  # fmt: skip
    return radius, ulna
