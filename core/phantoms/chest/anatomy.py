"""The chest of one simulated adult in millimetres: where lungs, heart, ribs and soft tissue lie.

The frame has x to the right of the film, from the spine, and y downwards, from the apex of the
lungs. Side -1 is the patient's right, on the viewer's left; u is the distance from the spine
on one side. Sizes vary around those usual in adults.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.phantoms.xray.bone import FloatArray, Plate, Point, smooth

SIDES = {"right_lung": -1, "left_lung": 1}
ROWS_MM = np.arange(-260, 561, dtype=np.float64)
"""Heights at which outlines are tabled: one a millimetre, beyond any film."""


@dataclass(frozen=True)
class Side:
    """One half of the chest; tables over `ROWS_MM`, or over u from 0 in mm.

    Attributes:
        lateral: u of the inner chest wall.
        medial: u of the mediastinum's edge.
        top: Height of the lung's upper edge, over u.
        dome: Height of the diaphragm, over u.
        hilum: (u, y) where the vessels enter.
    """

    lateral: FloatArray
    medial: FloatArray
    top: FloatArray
    dome: FloatArray
    hilum: Point


@dataclass(frozen=True)
class Chest:
    """What a seed and a view fix, whatever the heart's size and the findings are.

    Attributes:
        half_mm: Half of the widest inner width.
        height_mm: From the apex to the costophrenic angles.
        sides: By side, -1 and 1.
        skin: u of the skin over `ROWS_MM`.
        depth: Half of the trunk's thickness along the ray over `ROWS_MM`.
        cavity: Half of the cavity's thickness over `ROWS_MM`.
        heart_share: Part of the heart that lies on the patient's right of the spine.
        heart_tall: Height of the heart over its width at a ratio of 0.47.
        breast_mm: Radius of the breasts' shadow; 0 for none.
        shoulder_mm: How far the shoulders are shifted outwards, off the lungs.
        arms_deg: How far the arms are held away from the trunk.
        aeration: Share of air in the lungs.
    """

    half_mm: float
    height_mm: float
    sides: dict[int, Side]
    skin: FloatArray
    depth: FloatArray
    cavity: FloatArray
    heart_share: float
    heart_tall: float
    breast_mm: float
    shoulder_mm: float
    arms_deg: float
    aeration: float


def chest(rng: np.random.Generator, view: str) -> Chest:
    """Draw a chest; on an AP film the same patient breathes in less and lies or sits."""
    a = float(rng.uniform(128, 147))
    tall = float(rng.uniform(0.82, 1.0))
    ap = view == "AP"
    h = 2 * a * tall * (0.88 if ap else 1.0)
    sides = {-1: _side(rng, -1, a, h), 1: _side(rng, 1, a * float(rng.uniform(0.96, 1.02)), h)}
    girth = float(rng.uniform(0.0, 1.0))
    wall = 12 + 16 * girth
    inwards = float(rng.uniform(14, 30) if ap else rng.uniform(-6, 8))
    shoulder = 0.97 * a - inwards - 112
    out = 192 + shoulder
    skin = _table(
        (-260, 92), (-120, 60), (-62, 58), (-46, 70), (-32, 106), (-18, 0.72 * out + 0.2 * a),
        (-6, out - 22), (6, out), (26, out + 12), (44, out + 4), (76, a + wall + 18),
        (110, a + wall + 8), (150, a + wall), (h, a + wall + 2), (h + 60, a + wall + 4),
        (560, a + wall + 16),
    )  # fmt: skip
    deep = float(rng.uniform(0.92, 1.06)) * (1 + 0.08 * girth)
    depth = deep * _table(
        (-260, 80), (-100, 58), (-55, 58), (-20, 72), (20, 92), (70, 108), (140, 116), (220, 118),
        (300, 116), (560, 116),
    )  # fmt: skip
    cavity = deep * _table(
        (-260, 24), (-10, 24), (25, 52), (70, 76), (140, 92), (220, 96), (300, 90), (560, 90)
    )
    breast = float(rng.uniform(52, 82)) if rng.random() < 0.45 else 0.0
    return Chest(
        half_mm=a,
        height_mm=h,
        sides=sides,
        skin=skin,
        depth=depth,
        cavity=cavity,
        heart_share=float(rng.uniform(0.31, 0.39)),
        heart_tall=float(rng.uniform(0.84, 0.96)),
        breast_mm=breast,
        shoulder_mm=shoulder,
        arms_deg=float(rng.uniform(8, 40)),
        aeration=float(rng.uniform(0.7, 0.78)) - (0.05 if ap else 0.0),
    )


def _table(*points: Point) -> FloatArray:
    at, values = np.array(points, float).T
    return smooth(at, values)(ROWS_MM).astype(np.float32)


def _side(rng: np.random.Generator, side: int, a: float, h: float) -> Side:
    w = rng.normal(0, 1, 12)
    lateral = _table(
        (-260, 0.4 * a), (-3, 0.42 * a), (0, 0.47 * a), (0.01 * h, 0.555 * a),
        (0.028 * h, 0.63 * a), (0.06 * h, (0.7 + 0.008 * w[0]) * a),
        (0.13 * h, (0.785 + 0.008 * w[1]) * a), (0.27 * h, (0.895 + 0.006 * w[2]) * a),
        (0.5 * h, (0.968 + 0.004 * w[3]) * a), (0.76 * h, a), (0.95 * h, 0.995 * a),
        (1.3 * h, 0.97 * a), (560, 0.93 * a),
    )  # fmt: skip
    knob = float(rng.uniform(0.265, 0.335))
    if side < 0:
        medial = _table(
            (-260, 14), (-6, 20), (0.05 * h, 0.2 * a), (0.13 * h, (0.175 + 0.01 * w[4]) * a),
            (0.28 * h, (0.175 + 0.01 * w[5]) * a), (0.38 * h, 0.2 * a), (0.5 * h, 0.175 * a),
            (0.75 * h, 0.16 * a), (560, 0.16 * a),
        )  # fmt: skip
    else:
        medial = _table(
            (-260, 14), (-6, 20), (0.05 * h, 0.19 * a), (0.16 * h, 0.185 * a),
            (0.195 * h, 0.2 * a), (0.232 * h, (knob - 0.012) * a), (0.255 * h, knob * a),
            (0.28 * h, (knob - 0.014) * a), (0.325 * h, (0.235 + 0.01 * w[4]) * a),
            (0.35 * h, (0.225 + 0.01 * w[4]) * a), (0.4 * h, 0.27 * a), (0.47 * h, 0.25 * a),
            (0.7 * h, 0.2 * a), (560, 0.2 * a),
        )  # fmt: skip
    u = np.arange(0, 261, dtype=np.float64)
    apex = (0.41 + 0.015 * w[6]) * a
    inner = np.clip((apex - u) / (0.29 * a), 0, 1)
    top = 0.12 * h * (1 - np.sqrt(1 - inner**2))
    peak = (0.795 + 0.014 * w[7] + (0.045 if side > 0 else 0.0)) * h
    dome = smooth(
        np.array([0, 0.22 * a, 0.46 * a, 0.66 * a, 0.82 * a, 0.92 * a, 0.975 * a, 1.03 * a, 261]),
        np.array([
            peak + 0.035 * h, peak + 0.012 * h, peak, peak + 0.018 * h, peak + 0.065 * h,
            peak + 0.13 * h, h, h + 4, h + 4,
        ]),
    )(u)  # fmt: skip
    hilum = (0.27 * a, 0.44 * h) if side < 0 else (0.3 * a, 0.415 * h)
    return Side(lateral, medial, top.astype(np.float32), dome.astype(np.float32), hilum)


def at(table: FloatArray, y: NDArray[np.floating] | float) -> NDArray[np.float32]:
    """A table over `ROWS_MM` at heights y, linearly interpolated."""
    place = np.clip(np.asarray(y, np.float32) - np.float32(ROWS_MM[0]), 0, len(table) - 1.001)
    below = place.astype(np.int32)
    share = place - below
    return np.asarray(table[below] * (1 - share) + table[below + 1] * share, np.float32)


def over(table: FloatArray, u: FloatArray) -> FloatArray:
    """A table over u at distances u >= 0, linearly interpolated."""
    place = np.clip(u, 0, len(table) - 1.001)
    below = place.astype(np.int32)
    share = place - below
    return np.asarray(table[below] * (1 - share) + table[below + 1] * share, np.float32)


def heart_outline(body: Chest, width_mm: float) -> NDArray[np.float64]:
    """Points (N, 2) around a heart of this width; it grows to the left and downwards."""
    from scipy.interpolate import CubicSpline

    right, left = body.heart_share * width_mm, (1 - body.heart_share) * width_mm
    usual = 0.94 * body.half_mm
    high = body.heart_tall * usual * (width_mm / usual) ** 0.45
    top = 0.405 * body.height_mm - 0.25 * max(high - body.heart_tall * usual, 0)
    points = np.array([
        (0.02 * left, 0.0), (-0.42 * right, 0.1), (-0.78 * right, 0.3), (-0.97 * right, 0.53),
        (-0.99 * right, 0.72), (-0.84 * right, 0.9), (-0.4 * right, 0.98), (0.1 * left, 1.02),
        (0.45 * left, 1.05), (0.78 * left, 1.04), (0.95 * left, 0.96), (0.99 * left, 0.85),
        (0.93 * left, 0.7), (0.77 * left, 0.5), (0.57 * left, 0.3), (0.33 * left, 0.11),
    ])  # fmt: skip
    points[:, 1] = top + high * points[:, 1]
    closed = np.concatenate([points, points[:1]])
    steps = np.sqrt(np.hypot(*np.diff(closed, axis=0).T))
    along = np.concatenate([[0], np.cumsum(steps)])
    return CubicSpline(along, closed, bc_type="periodic")(np.linspace(0, along[-1], 200))


@dataclass(frozen=True)
class Tube:
    """A curved bone: points (N, 2) of its axis, half-widths, and how steeply the ray meets it.

    Attributes:
        axis_mm: float64 (N, 2), a point every few millimetres.
        half_mm: (N,) half-width across.
        thick_mm: (N,) thickness along a ray that meets it square.
        sine: (N,) sine of the angle between axis and ray.
        cortex_mm: Thickness of the cortex.
    """

    axis_mm: NDArray[np.float64]
    half_mm: NDArray[np.float64]
    thick_mm: NDArray[np.float64]
    sine: NDArray[np.float64]
    cortex_mm: float


def ribs(rng: np.random.Generator, body: Chest) -> list[Tube]:
    """Ribs 1 to 12 of both sides: tilted hoops, seen from the front."""
    pitch = 0.0895 * body.height_mm * float(rng.uniform(0.97, 1.04))
    first = -0.018 * body.height_mm
    drop = float(rng.uniform(0.92, 1.08)) * 0.42 * body.height_mm
    tubes = []
    for number in range(1, 13):
        ends = (168, 158, 152, 148, 144, 140, 134, 126, 116, 106, 78, 52)[number - 1]
        fall = drop * min(0.3 + 0.16 * number, 1.0)
        for side in (-1, 1):
            y0 = first + pitch * (number - 1) + float(rng.normal(0, 0.7))
            half = float(at(body.sides[side].lateral, y0 + 0.5 * fall)) + 3.5
            if number == 1:
                half *= 0.86
            start = np.arcsin(20 / half)
            theta = np.linspace(start, np.deg2rad(ends + rng.normal(0, 3)), 60)
            x = half * np.sin(theta)
            y = y0 + fall * (1 - np.cos(theta)) / 2
            y = y - 0.02 * body.height_mm * np.sin(np.clip(2.2 * theta, 0, np.pi))
            y = y + np.interp(np.rad2deg(theta), [90, 150], [0, 0.06 * fall])
            axis = np.stack([side * x, y], axis=1)
            flat = np.hypot(np.gradient(x), np.gradient(y))
            depth = np.gradient(0.62 * half * np.cos(theta))
            sine = flat / np.hypot(flat, depth)
            size = float(rng.uniform(0.95, 1.05)) * np.interp(
                np.rad2deg(theta), [10, 30, 90, 140, 160], [5.0, 5.8, 5.8, 7.0, 7.4]
            )
            thick = np.interp(np.rad2deg(theta), [30, 75, 110], [14.0, 11.0, 7.0])
            tubes.append(Tube(axis, size, thick, np.maximum(sine, 0.5), 1.3))
    return tubes


def clavicles(rng: np.random.Generator, body: Chest, view: str) -> list[Tube]:
    lift = float(rng.uniform(0, 8)) + (10 if view == "AP" else 0)
    low = 0.115 * body.height_mm - lift
    tubes = []
    for side in (-1, 1):
        points = np.array([(14, low + 8), (40, low + 3), (75, low - 6), (110, low - 22),
                           (140, low - 31), (162, low - 30)])  # fmt: skip
        points[:, 1] += rng.normal(0, 1.2, 6)
        u = np.linspace(14, 162, 70)
        y = smooth(points[:, 0], points[:, 1])(u)
        half = np.interp(u, [14, 24, 60, 110, 162], [9.5, 7.5, 5.6, 5.8, 8.0])
        axis = np.stack([side * u, y], axis=1)
        tubes.append(Tube(axis, half, np.full(70, 13.0), np.full(70, 0.95), 2.0))
    return tubes


def scapulae(rng: np.random.Generator, body: Chest) -> list[Plate]:
    """Shoulder blades with their spines, beside the lungs on a good PA film."""
    out = body.shoulder_mm
    blade = (
        (112, 14), (126, 4), (146, 12), (158, 22), (160, 40), (152, 54), (144, 84), (134, 118),
        (126, 134), (118, 126), (112, 92), (108, 50),
    )  # fmt: skip
    ridge = ((112, 36), (130, 22), (152, 4), (172, -8), (180, -2), (168, 10), (146, 24), (122, 40))
    plates = []
    for side in (-1, 1):
        dy = float(rng.normal(4, 3))
        for outline, thick in ((blade, 4.5), (ridge, 7.0)):
            moved = tuple((side * (u + out), y + dy) for u, y in outline)
            plates.append(Plate(moved, depth_mm=thick, edge_mm=5.0, cortex_mm=1.0, trabecular=0.5))
    return plates


def vertebrae(rng: np.random.Generator, body: Chest) -> list[tuple[Point, Point]]:
    """(centre, half width and height) of the vertebral bodies from the neck to the loins."""
    pitch = 0.0895 * body.height_mm
    found = []
    y = -0.018 * body.height_mm - 4 * pitch * 0.75
    bend = float(rng.normal(0, 3))
    for number in range(-4, 15):
        step = pitch * float(np.interp(number, [-4, 0, 8, 14], [0.75, 0.85, 1.02, 1.3]))
        wide = float(np.interp(number, [-4, 0, 3, 10, 14], [12, 14, 14, 17, 21]))
        x = bend * float(np.sin(number / 4))
        found.append(((x, y + 2), (wide, 0.42 * step)))
        y += step
    return found
