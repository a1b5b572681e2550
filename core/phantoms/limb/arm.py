"""The arm: forearm from elbow to hand, and the hand with its wrist."""

from __future__ import annotations

import numpy as np

from core.phantoms.limb.anatomy import Limb, SoftTissueTube, knots, nodule, ray
from core.phantoms.xray.bone import Bone, Nodule, Point, degenerate

_HAND = (  # name, base x, y, angle, lengths, width
    ("thumb", 22, 27, 38, (45, 31, 22), 9.5),
    ("index finger", 13, 31, 9, (66, 40, 24, 18), 9.0),
    ("middle finger", 3.5, 32, 1, (63, 44, 28, 19), 9.0),
    ("ring finger", -5, 31, -7, (56, 41, 27, 19), 8.5),
    ("little finger", -13, 29, -16, (52, 33, 19, 17), 8.0),
)


def _hand(
    rng: np.random.Generator, wrist: Point, scale: float, worn: float, risk: float
) -> tuple[list[Bone], list[Nodule], list[SoftTissueTube]]:
    """The hand beyond the wrist, thumb to the right."""
    spread = rng.uniform(0.7, 1.3)
    bones: list[Bone] = []
    soft_tissue: list[SoftTissueTube] = []
    for name, x, y, angle, lengths, width in _HAND:
        base = (wrist[0] + scale * x, wrist[1] + scale * y)
        sized = tuple(scale * length for length in lengths)
        more, tube = ray(rng, name, base, spread * angle, sized, scale * width, worn, risk)
        bones += more
        soft_tissue.append(tube)
    carpals = [
        (13.5, 10, 6.6, 10, 28), (2, 8.5, 7.6, 7.0, 0), (-9.5, 10.5, 7, 7.5, -20),
        (-13, 13, 4.5, 5.5, 0), (21.5, 22, 7, 7.6, 30), (13, 24.5, 5.6, 6.6, 0),
        (3, 22, 6.8, 10.5, 0), (-8.5, 23.5, 7.6, 8.6, -15),
    ]  # fmt: skip
    nodules = [
        nodule(
            rng,
            wrist[0] + scale * x,
            wrist[1] + scale * y,
            scale * (a + 0.5 * worn),
            scale * (b + 0.5 * worn),
            turn,
            cortex_mm=0.7 + 0.6 * worn,
        )
        for x, y, a, b, turn in carpals
    ]
    wx, wy = wrist
    palm = [
        SoftTissueTube(((wx, wy - 20), (wx + 3, wy + 22), (wx, wy + 60), (wx - 1, wy + 84)),
              (27 * scale, 31 * scale, 37 * scale, 33 * scale), 0.36, 1.5),
        SoftTissueTube(((wx + 12, wy + 15), (wx + 26, wy + 42), (wx + 26, wy + 60)),
              (14 * scale, 19 * scale, 11 * scale), 0.6, 1.5),
    ]  # fmt: skip
    return bones, nodules, [*palm, *soft_tissue]


def _forearm_bones(rng: np.random.Generator, scale: float, worn: float) -> list[Bone]:
    """Radius and ulna, from the elbow at (0, 0)."""
    k = scale
    radius = Bone(
        "radius",
        (15 * k, 4 * k),
        (6 * k, 238 * k),
        knots(
            (0, 11 * k, 11 * k, 0.9, 0.9), (0.035, 11 * k, 11 * k, 0.9, 0.9),
            (0.075, 6.6 * k, 6.6 * k, 1.6, 0.6), (0.13, 9 * k, 6.5 * k, 2.2, 0.35),
            (0.25, 6.5 * k, 6.5 * k, 2.8, 0.08), (0.55, 7 * k, 7 * k, 3.0, 0.04),
            (0.78, 7.2 * k, 7.5 * k, 2.4, 0.15), (0.9, 10.5 * k, 11.5 * k, 1.3, 0.6),
            (0.96, 14.5 * k, 15.5 * k, 0.9, 0.85), (1, 14.5 * k, 16.5 * k, 0.9, 1.0),
        ),
        bow_mm=float(rng.uniform(6, 10)),
        start_shape=((-1, -1.2), (-0.7, 0.2), (0, -1.2), (0.7, 0.2), (1, -1.2)),
        end_shape=((-1, -4.5), (-0.6, -4), (0, -2.5), (0.6, 2.5), (0.85, 6), (1, 3)),
        depth=0.85,
        breakable=(0.3, 0.95),
        risk=1.5,
    )  # fmt: skip
    ulna = Bone(
        "ulna",
        (-6 * k, -20 * k),
        (-15 * k, 233 * k),
        knots(
            (0, 11 * k, 10 * k, 1.2, 0.8), (0.07, 12.5 * k, 12 * k, 1.4, 0.8),
            (0.13, 11.5 * k, 12 * k, 1.6, 0.7), (0.2, 8.5 * k, 8.5 * k, 2.4, 0.3),
            (0.45, 6.8 * k, 6.8 * k, 2.8, 0.04), (0.8, 5.4 * k, 5.4 * k, 2.2, 0.15),
            (0.93, 6 * k, 6 * k, 1.1, 0.6), (0.97, 8.2 * k, 8.2 * k, 0.8, 0.9),
            (1, 8.2 * k, 8 * k, 0.8, 1.0),
        ),
        bow_mm=float(rng.uniform(-3, 1)),
        start_shape=((-1, -4), (-0.4, 0), (0.3, 0), (1, -4)),
        end_shape=((-1, 3.5), (-0.8, 5.5), (-0.5, 0.5), (0.2, 0), (1, -2)),
        depth=0.95,
        breakable=(0.28, 0.95),
    )  # fmt: skip
    return [
        degenerate(radius, worn, 2.5, start=False, end=True),
        degenerate(ulna, worn, 1.5, start=False, end=True),
    ]


def forearm(rng: np.random.Generator, worn: float) -> Limb:
    """Elbow to hand, from the front."""
    k = float(rng.uniform(0.88, 1.06))
    humerus = Bone(
        "humerus",
        (4 * k, -250 * k),
        (1 * k, -2 * k),
        knots(
            (0, 13, 13, 3.0, 0.3), (0.4, 10.5, 10.5, 3.8, 0.05), (0.68, 11.5, 11.5, 3.0, 0.15),
            (0.83, 16, 16, 1.8, 0.5), (0.93, 30, 26, 1.1, 0.8), (0.975, 27, 24, 0.9, 0.9),
            (1, 22, 22, 0.8, 0.9),
        ),
        end_shape=((-1, -5), (-0.7, 2), (-0.35, -2.5), (0.05, 0), (0.5, 2), (1, -7)),
        depth=0.55,
        breakable=(0.55, 0.85),
        risk=0.4,
    )  # fmt: skip
    bones = [degenerate(humerus, worn, 2.5, start=False, end=True)]
    bones += _forearm_bones(rng, k, worn)
    fingers, carpals, soft_tissue = _hand(rng, (0, 236 * k), 0.95 * k, worn, 0.08)
    fat = float(rng.uniform(2.5, 6))
    girth = float(rng.uniform(0.85, 1.15))
    arm = SoftTissueTube(
        ((4, -260 * k), (2, -90 * k), (0, 0), (2, 55 * k), (-2, 150 * k), (-4, 225 * k),
         (-1, 258 * k)),
        tuple(girth * r for r in (50, 43, 43, 44, 34, 27, 29)),
        0.8,
        fat,
    )  # fmt: skip
    return Limb(
        tuple((bone,) for bone in bones + fingers),
        tuple(carpals),
        (arm, *soft_tissue),
        (0, float(rng.uniform(100, 160))),
        (150, 390),
        "L",
    )


def hand(rng: np.random.Generator, worn: float) -> Limb:
    """The hand with the wrist, back to front."""
    k = float(rng.uniform(0.9, 1.08))
    fingers, carpals, soft_tissue = _hand(rng, (0, 236 * k), k, worn, 0.4)
    arm = SoftTissueTube(
        ((0, 60 * k), (-2, 150 * k), (-4, 225 * k), (-1, 258 * k)),
        (40 * k, 35 * k, 28 * k, 29 * k),
        0.75,
        float(rng.uniform(1.5, 4)),
    )
    bones = _forearm_bones(rng, k, worn)
    return Limb(
        tuple((bone,) for bone in bones + fingers),
        tuple(carpals),
        (arm, *soft_tissue),
        (2, (243 + float(rng.uniform(60, 85))) * k),
        (185, 265),
        "R",
    )
