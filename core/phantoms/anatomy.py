"""The limbs: which bones and how much flesh, in millimetres of an adult.

The limb's frame has x to the right of the film and y downwards, which is distal; every limb is
a right one seen from the front (the forearm and the hand: from the palm's back), and is
mirrored for the left. Sizes vary by a few per cent around those of textbooks (Gray's Anatomy,
41st ed.; Greulich & Pyle for the proportions of the hand).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.phantoms.bone import Bone, Knot, Nodule, Point, degenerate


@dataclass(frozen=True)
class Flesh:
    """A tube of soft tissue: fat under the skin around muscle.

    Attributes:
        axis_mm: Points of its axis in the limb's frame.
        radii_mm: Half-width at each point.
        depth: Thickness along the ray over the width.
        fat_mm: Thickness of the layer of fat.
    """

    axis_mm: tuple[Point, ...]
    radii_mm: tuple[float, ...]
    depth: float = 0.85
    fat_mm: float = 4.0


@dataclass(frozen=True)
class Limb:
    """Everything that casts a shadow, and the part of it the film is aimed at.

    Attributes:
        bones: Each entry holds the parts of one bone, which are fused, not stacked.
        nodules: Short bones.
        flesh: Tubes of soft tissue, fused.
        centre_mm: The middle of the film in the limb's frame.
        extent_mm: (across, along): what should fit on the film.
    """

    bones: tuple[tuple[Bone, ...], ...]
    nodules: tuple[Nodule, ...]
    flesh: tuple[Flesh, ...]
    centre_mm: Point
    extent_mm: Point


def _knots(*rows: tuple[float, float, float, float, float]) -> tuple[Knot, ...]:
    return tuple(Knot(*row) for row in rows)


def _nodule(
    rng: np.random.Generator, x: float, y: float, a: float, b: float, turn: float = 0, **more: float
) -> Nodule:
    dents = tuple(
        (float(rng.uniform(0.02, 0.09)), float(rng.uniform(0, 2 * np.pi))) for _ in range(3)
    )
    depth = more.pop("depth_mm", 1.5 * min(a, b))
    return Nodule((x, y), (a, b), turn, depth_mm=depth, dents=dents, **more)


def _ray(
    rng: np.random.Generator,
    name: str,
    base: Point,
    angle_deg: float,
    lengths: tuple[float, ...],
    width: float,
    worn: float,
) -> tuple[list[Bone], Flesh]:
    """A metacarpal or metatarsal with its phalanges."""
    bones: list[Bone] = []
    place = np.array(base, float)
    path, radii = [tuple(place)], [width * 1.9]
    for number, length in enumerate(lengths):
        angle = np.deg2rad(angle_deg + rng.uniform(-2.5, 2.5))
        along = np.array([np.sin(angle), np.cos(angle)])
        last = number == len(lengths) - 1
        half = width * (0.82**number) / 2
        tail = (
            [(0.8, 0.5 * half, 0.5 * half, 0.5, 0.5), (0.93, 0.95 * half, 0.95 * half, 0.4, 0.9),
             (1, 0.8 * half, 0.8 * half, 0.4, 0.9)]
            if last
            else [(0.86, 0.95 * half, 0.95 * half, 0.5, 0.8),
                  (0.93, 1.18 * half, 1.18 * half, 0.5, 0.95), (1, 1.05 * half, 1.05 * half, 0.6, 1.0)]
        )  # fmt: skip
        bone = Bone(
            f"{name} {('base', 'proximal', 'middle', 'distal')[min(number, 3)]}",
            tuple(place),
            tuple(place + length * along),
            _knots(
                (0, 1.35 * half, 1.35 * half, 0.6, 1.0),
                (0.08, 1.35 * half, 1.35 * half, 0.5, 0.95),
                (0.25, 0.9 * half, 0.9 * half, 1.2 * half / 4, 0.5),
                (0.5, 0.74 * half, 0.74 * half, 1.7 * half / 4, 0.15),
                (0.72, 0.8 * half, 0.8 * half, 1.2 * half / 4, 0.4),
                *tail,
            ),
            bow_mm=float(rng.uniform(-0.5, 0.5)),
            start_shape=((-1, -0.6), (-0.6, 0), (0, -0.7), (0.6, 0), (1, -0.6)),
            end_shape=((-1, -2.2), (-0.5, -0.3), (0, 0), (0.5, -0.3), (1, -2.2)),
            depth=0.95,
            breakable=(0.15, 0.85) if length > 25 else None,
        )
        bones.append(degenerate(bone, worn, 1.6, start=number > 0, end=not last))
        place = place + (length + 1.7) * along
        path.append(tuple(place if not last else place + 1.5 * along))
        radii.append(width * (1.05, 0.88, 0.8, 0.62)[min(number, 3)])
    return bones, Flesh(tuple(path), tuple(radii), depth=0.95, fat_mm=1.5)


_HAND = (  # name, base x, y, angle, lengths, width
    ("thumb", 22, 27, 38, (45, 31, 22), 9.5),
    ("index finger", 13, 31, 9, (66, 40, 24, 18), 9.0),
    ("middle finger", 3.5, 32, 1, (63, 44, 28, 19), 9.0),
    ("ring finger", -5, 31, -7, (56, 41, 27, 19), 8.5),
    ("little finger", -13, 29, -16, (52, 33, 19, 17), 8.0),
)


def _hand(
    rng: np.random.Generator, wrist: Point, scale: float, worn: float
) -> tuple[list[Bone], list[Nodule], list[Flesh]]:
    """The hand beyond the wrist, thumb to the right."""
    spread = rng.uniform(0.7, 1.3)
    bones: list[Bone] = []
    flesh: list[Flesh] = []
    for name, x, y, angle, lengths, width in _HAND:
        base = (wrist[0] + scale * x, wrist[1] + scale * y)
        sized = tuple(scale * length for length in lengths)
        more, tube = _ray(rng, name, base, spread * angle, sized, scale * width, worn)
        bones += more
        flesh.append(tube)
    carpals = [
        (13.5, 10, 6.6, 10, 28), (2, 8.5, 7.6, 7.0, 0), (-9.5, 10.5, 7, 7.5, -20),
        (-13, 13, 4.5, 5.5, 0), (21.5, 22, 7, 7.6, 30), (13, 24.5, 5.6, 6.6, 0),
        (3, 22, 6.8, 10.5, 0), (-8.5, 23.5, 7.6, 8.6, -15),
    ]  # fmt: skip
    nodules = [
        _nodule(
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
        Flesh(((wx, wy - 20), (wx + 3, wy + 22), (wx, wy + 60), (wx - 1, wy + 84)),
              (27 * scale, 31 * scale, 37 * scale, 33 * scale), 0.36, 1.5),
        Flesh(((wx + 12, wy + 15), (wx + 26, wy + 42), (wx + 26, wy + 60)),
              (14 * scale, 19 * scale, 11 * scale), 0.6, 1.5),
    ]  # fmt: skip
    return bones, nodules, [*palm, *flesh]


def _forearm_bones(rng: np.random.Generator, scale: float, worn: float) -> list[Bone]:
    """Radius and ulna, from the elbow at (0, 0)."""
    k = scale
    radius = Bone(
        "radius",
        (15 * k, 4 * k),
        (6 * k, 238 * k),
        _knots(
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
    )  # fmt: skip
    ulna = Bone(
        "ulna",
        (-6 * k, -20 * k),
        (-15 * k, 233 * k),
        _knots(
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
        _knots(
            (0, 13, 13, 3.0, 0.3), (0.4, 10.5, 10.5, 3.8, 0.05), (0.68, 11.5, 11.5, 3.0, 0.15),
            (0.83, 16, 16, 1.8, 0.5), (0.93, 30, 26, 1.1, 0.8), (0.975, 27, 24, 0.9, 0.9),
            (1, 22, 22, 0.8, 0.9),
        ),
        end_shape=((-1, -5), (-0.7, 2), (-0.35, -2.5), (0.05, 0), (0.5, 2), (1, -7)),
        depth=0.55,
        breakable=(0.55, 0.85),
    )  # fmt: skip
    bones = [degenerate(humerus, worn, 2.5, start=False, end=True)]
    bones += _forearm_bones(rng, k, worn)
    fingers, carpals, flesh = _hand(rng, (0, 236 * k), 0.95 * k, worn)
    fat = float(rng.uniform(2.5, 6))
    girth = float(rng.uniform(0.85, 1.15))
    arm = Flesh(
        ((4, -260 * k), (2, -90 * k), (0, 0), (2, 55 * k), (-2, 150 * k), (-4, 225 * k),
         (-1, 258 * k)),
        tuple(girth * r for r in (50, 43, 43, 44, 34, 27, 29)),
        0.8,
        fat,
    )  # fmt: skip
    return Limb(
        tuple((bone,) for bone in bones + fingers),
        tuple(carpals),
        (arm, *flesh),
        (0, float(rng.uniform(100, 160))),
        (150, 390),
    )


def hand(rng: np.random.Generator, worn: float) -> Limb:
    """The hand with the wrist, back to front."""
    k = float(rng.uniform(0.9, 1.08))
    fingers, carpals, flesh = _hand(rng, (0, 236 * k), k, worn)
    arm = Flesh(
        ((0, 60 * k), (-2, 150 * k), (-4, 225 * k), (-1, 258 * k)),
        (40 * k, 35 * k, 28 * k, 29 * k),
        0.75,
        float(rng.uniform(1.5, 4)),
    )
    bones = _forearm_bones(rng, k, worn)
    return Limb(
        tuple((bone,) for bone in bones + fingers),
        tuple(carpals),
        (arm, *flesh),
        (2, (243 + float(rng.uniform(60, 85))) * k),
        (185, 265),
    )


def _femur(rng: np.random.Generator, knee: Point, k: float, worn: float) -> tuple[Bone, Bone]:
    """Shaft with condyles, and the neck with the head; the knee's middle at `knee`."""
    x, y = knee
    top = (x - 2 * k, y - 405 * k)
    shaft = Bone(
        "femur",
        top,
        (x, y - 3),
        _knots(
            (0, 20 * k, 24 * k, 1.2, 0.8), (0.05, 24 * k, 24 * k, 1.4, 0.75),
            (0.14, 21 * k, 17 * k, 3.0, 0.5), (0.22, 15.5 * k, 15 * k, 5.5, 0.15),
            (0.45, 13.8 * k, 13.8 * k, 6.5, 0.03), (0.7, 15 * k, 15 * k, 4.8, 0.08),
            (0.83, 20 * k, 20 * k, 2.4, 0.4), (0.92, 34 * k, 33 * k, 1.2, 0.75),
            (0.965, 41 * k, 40 * k, 1.0, 0.85), (1, 40 * k, 39 * k, 1.2, 0.95),
        ),
        bow_mm=float(rng.uniform(-4, 6)),
        start_shape=((-1, -14), (-0.2, -5), (0.3, 2), (0.7, 4), (1, -3)),
        end_shape=((-1, -9), (-0.55, 1), (-0.2, -2), (0, -7), (0.2, -2), (0.55, 0), (1, -9)),
        depth=0.8,
        breakable=(0.1, 0.9),
    )  # fmt: skip
    neck = Bone(
        "femoral neck",
        (top[0] - 48 * k, top[1] - 4 * k),
        (top[0] + 4 * k, top[1] + 44 * k),
        _knots(
            (0, 24 * k, 24 * k, 1.0, 0.95), (0.3, 24 * k, 24 * k, 1.0, 0.95),
            (0.52, 17 * k, 17 * k, 1.8, 0.8), (0.72, 19 * k, 18 * k, 2.2, 0.75),
            (1, 24 * k, 18 * k, 1.4, 0.6),
        ),
        start_shape=((-1, -15), (-0.6, -4), (0, 0), (0.6, -4), (1, -15)),
        end_shape=((-1, -4), (0, -2), (1, -4)),
        depth=0.85,
        breakable=(0.4, 0.7),
    )  # fmt: skip
    return (
        degenerate(shaft, worn, 4.5, start=False, end=True),
        degenerate(neck, worn, 4.0, start=True, end=False),
    )


def _shin(rng: np.random.Generator, k: float, worn: float) -> list[Bone]:
    """Tibia and fibula, from the knee's middle at (0, 0); the fibula to the right."""
    tibia = Bone(
        "tibia",
        (0, 3),
        (-3 * k, 358 * k),
        _knots(
            (0, 38 * k, 38 * k, 1.3, 0.95), (0.04, 38 * k, 37 * k, 1.1, 0.85),
            (0.1, 29 * k, 28 * k, 1.4, 0.65), (0.2, 18 * k, 18 * k, 3.4, 0.25),
            (0.4, 14 * k, 14.5 * k, 5.5, 0.04), (0.65, 12.5 * k, 12.5 * k, 5.0, 0.04),
            (0.83, 14 * k, 14 * k, 3.0, 0.25), (0.93, 20 * k, 20 * k, 1.4, 0.7),
            (0.98, 25 * k, 23 * k, 1.1, 0.9), (1, 25 * k, 23 * k, 1.2, 0.95),
        ),
        bow_mm=float(rng.uniform(-3, 3)),
        start_shape=((-1, -3), (-0.8, 0), (-0.4, -2), (-0.15, 4), (0, 1), (0.15, 4), (0.4, -1),
                     (1, -3)),
        end_shape=((-1, 8), (-0.8, 11), (-0.6, 7), (-0.45, 0), (0.3, -1), (0.9, 0), (1, -2)),
        depth=0.85,
        breakable=(0.12, 0.95),
    )  # fmt: skip
    fibula = Bone(
        "fibula",
        (39 * k, 18 * k),
        (26 * k, 374 * k),
        _knots(
            (0, 10 * k, 10 * k, 0.9, 0.9), (0.05, 11 * k, 10 * k, 0.9, 0.85),
            (0.11, 6 * k, 6 * k, 1.6, 0.5), (0.3, 6 * k, 6 * k, 2.6, 0.05),
            (0.6, 6.2 * k, 6.2 * k, 2.6, 0.05), (0.84, 6.5 * k, 6.5 * k, 1.9, 0.25),
            (0.93, 9 * k, 10 * k, 1.0, 0.7), (0.97, 8.5 * k, 10 * k, 0.9, 0.9),
            (1, 6 * k, 8 * k, 0.9, 0.9),
        ),
        bow_mm=float(rng.uniform(-6, -1)),
        start_shape=((-1, -4), (0, 0), (0.4, 3), (1, -4)),
        end_shape=((-1, -7), (0, 0), (0.3, 0.5), (1, -5)),
        depth=0.9,
        breakable=(0.15, 0.96),
    )  # fmt: skip
    return [
        degenerate(tibia, worn, 4.5, start=True, end=True),
        degenerate(fibula, worn, 2.0, start=False, end=False),
    ]


def _foot(
    rng: np.random.Generator, ankle: Point, k: float, worn: float
) -> tuple[list[Bone], list[Nodule], list[Flesh]]:
    """The foot seen along the leg: foreshortened and dense."""
    x, y = ankle
    nodules = [
        _nodule(rng, x, y + 12 * k, 21 * k, 11 * k + worn, 0, depth_mm=40 * k, cortex_mm=1.2),
        _nodule(rng, x + 5 * k, y + 30 * k, 20 * k, 17 * k, 0, depth_mm=45 * k, trabecular=0.6),
        _nodule(rng, x - 14 * k, y + 40 * k, 12 * k, 9 * k, 10, depth_mm=22 * k),
        _nodule(rng, x + 18 * k, y + 44 * k, 11 * k, 12 * k, 0, depth_mm=20 * k),
        _nodule(rng, x - 8 * k, y + 52 * k, 8 * k, 8 * k, 0, depth_mm=18 * k),
    ]
    bones: list[Bone] = []
    flesh = [
        Flesh(
            ((x, y - 12), (x + 2, y + 25 * k), (x + 2, y + 70 * k), (x + 4, y + 108 * k)),
            (33 * k, 38 * k, 42 * k, 44 * k),
            0.9,
            3.0,
        )
    ]
    for number in range(5):
        base = (x + (-17 + 10 * number) * k, y + (54 + 1.5 * number) * k)
        lengths = (44 * k, 20 * k, 9 * k) if number else (42 * k, 24 * k, 16 * k)
        width = (15 if number == 0 else 8) * k
        more, tube = _ray(
            rng, f"toe {number + 1}", base, -6 + 6 * number, lengths, width, 0.5 * worn
        )
        bones += more
        flesh.append(tube)
    return bones, nodules, flesh


def lower_leg(rng: np.random.Generator, worn: float) -> Limb:
    """Knee to foot, from the front."""
    k = float(rng.uniform(0.86, 1.04))
    femur, _ = _femur(rng, (0, 0), k, worn)
    toes, tarsals, flesh = _foot(rng, (-1 * k, 360 * k), k, worn)
    patella = _nodule(
        rng, 1, -24 * k, 20 * k, 22 * k, 0, depth_mm=18 * k, cortex_mm=0.9, trabecular=0.7
    )
    girth = float(rng.uniform(0.85, 1.15))
    leg = Flesh(
        ((0, -420 * k), (0, -120 * k), (0, -10 * k), (4, 90 * k), (2, 200 * k), (1, 310 * k),
         (0, 375 * k)),
        tuple(girth * r * k for r in (85, 64, 57, 58, 48, 33, 35)),
        0.9,
        float(rng.uniform(3, 9)),
    )  # fmt: skip
    centre = float(rng.choice([rng.uniform(150, 190), rng.uniform(230, 290)]))
    return Limb(
        tuple((bone,) for bone in (femur, *_shin(rng, k, worn), *toes)),
        (patella, *tarsals),
        (leg, *flesh),
        (6, centre * k),
        (160, 400),
    )


def thigh(rng: np.random.Generator, worn: float) -> Limb:
    """Hip or knee with the shaft of the femur, from the front."""
    k = float(rng.uniform(0.86, 1.02))
    femur, neck = _femur(rng, (0, 0), k, worn)
    patella = _nodule(
        rng, 1, -24 * k, 20 * k, 22 * k, 0, depth_mm=18 * k, cortex_mm=0.9, trabecular=0.7
    )
    girth = float(rng.uniform(0.85, 1.2))
    leg = Flesh(
        ((-12, -520 * k), (-8, -330 * k), (0, -150 * k), (0, -10 * k), (4, 90 * k), (2, 220 * k)),
        tuple(girth * r * k for r in (104, 92, 72, 57, 58, 48)),
        0.95,
        float(rng.uniform(5, 14)),
    )
    centre = float(rng.choice([rng.uniform(-300, -230), rng.uniform(-160, -110)]))
    return Limb(
        ((femur, neck), *((bone,) for bone in _shin(rng, k, worn))),
        (patella,),
        (leg,),
        (0, centre * k),
        (210, 400),
    )


LIMBS = {"forearm": forearm, "hand": hand, "lower leg": lower_leg, "thigh": thigh}
