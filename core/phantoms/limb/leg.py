"""The leg: thigh with hip or knee, and lower leg with knee or ankle."""

from __future__ import annotations

import numpy as np

from core.phantoms.limb.anatomy import Limb, SoftTissueTube, knots, nodule, ray
from core.phantoms.xray.bone import Bone, Nodule, Plate, Point, degenerate


def _femur(rng: np.random.Generator, knee: Point, k: float, worn: float) -> tuple[Bone, Bone]:
    """Shaft with condyles, and the neck with the head; the knee's middle at `knee`."""
    x, y = knee
    top = (x - 2 * k, y - 405 * k)
    shaft = Bone(
        "femur",
        top,
        (x, y - 3),
        knots(
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
        (top[0] - 60 * k, top[1] - 14 * k),
        (top[0] + 4 * k, top[1] + 44 * k),
        knots(
            (0, 24 * k, 24 * k, 1.0, 0.95), (0.31, 23.5 * k, 23.5 * k, 1.0, 0.95),
            (0.52, 16 * k, 16 * k, 1.8, 0.8), (0.72, 18 * k, 17 * k, 2.2, 0.75),
            (1, 24 * k, 18 * k, 1.4, 0.6),
        ),
        start_shape=((-1, -15), (-0.6, -4), (0, 0), (0.6, -4), (1, -15)),
        end_shape=((-1, -4), (0, -2), (1, -4)),
        depth=0.85,
        breakable=(0.4, 0.7),
        risk=0.7,
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
        knots(
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
        knots(
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
) -> tuple[list[Bone], list[Nodule], list[SoftTissueTube]]:
    """The foot seen along the leg: foreshortened and dense."""
    x, y = ankle
    talus = Bone(
        "talus",
        (x + 3 * k, y + 1.5),
        (x + 4 * k, y + 34 * k),
        knots(
            (0, 16 * k, 15.5 * k, 1.1, 0.9), (0.3, 16.5 * k, 16.5 * k, 1.1, 0.9),
            (0.6, 18 * k, 19 * k, 1.2, 0.8), (1, 15 * k, 17 * k, 1.2, 0.8),
        ),
        start_shape=((-1, -3), (-0.7, 0.3), (0, -0.8), (0.7, 0.3), (1, -3)),
        end_shape=((-1, -8), (0, 0), (1, -8)),
        depth=1.1,
    )  # fmt: skip
    nodules = [
        nodule(rng, x + 6 * k, y + 37 * k, 24 * k, 21 * k, 0, depth_mm=44 * k, cortex_mm=0.6),
        nodule(rng, x - 12 * k, y + 42 * k, 13 * k, 8 * k, 15, depth_mm=22 * k),
        nodule(rng, x + 19 * k, y + 47 * k, 11 * k, 11 * k, 0, depth_mm=20 * k),
        nodule(rng, x - 16 * k, y + 52 * k, 7 * k, 6 * k, 0, depth_mm=16 * k),
        nodule(rng, x - 6 * k, y + 53 * k, 6 * k, 7 * k, 0, depth_mm=16 * k),
        nodule(rng, x + 4 * k, y + 54 * k, 6.5 * k, 7 * k, 0, depth_mm=16 * k),
    ]
    bones = [degenerate(talus, worn, 3.0, start=True, end=False)]
    soft_tissue = [
        SoftTissueTube(
            ((x, y - 12), (x + 4, y + 25 * k), (x + 3, y + 70 * k), (x + 4, y + 100 * k)),
            (33 * k, 37 * k, 41 * k, 41 * k),
            0.9,
            3.0,
        ),
        SoftTissueTube(
            ((x + 4, y + 22 * k), (x + 5, y + 46 * k)), (33 * k, 38 * k), 1.8, 3.0
        ),  # heel
    ]
    for number in range(5):
        base = (x + (-17 + 10 * number) * k, y + (60 + 1.5 * number) * k)
        lengths = (44 * k, 20 * k, 9 * k) if number else (42 * k, 24 * k, 16 * k)
        width = (15 if number == 0 else 8) * k
        more, tube = ray(
            rng, f"toe {number + 1}", base, -6 + 6 * number, lengths, width, 0.5 * worn, 0.12
        )
        bones += more
        soft_tissue.append(tube)
    return bones, nodules, soft_tissue


_PELVIS = (  # half of it from the front, around the middle of the femur's head
    (40, -92), (31, -66), (33, -46), (28, -26), (24, 2), (13, 24), (-2, 38), (-8, 56), (-14, 76),
    (-29, 85), (-44, 77), (-60, 60), (-76, 47), (-90, 42), (-95, 22), (-93, -2), (-82, -9),
    (-62, -7), (-45, -16), (-38, -34), (-46, -56), (-64, -80), (-74, -104), (-70, -128),
    (-42, -150), (-6, -152), (24, -134), (39, -112),
)  # fmt: skip
_FORAMEN = (
    (-38, 20), (-48, 10), (-64, 8), (-76, 15), (-74, 29), (-62, 42), (-47, 55), (-35, 58),
    (-28, 46), (-31, 31),
)  # fmt: skip


def _pelvis(head: Point, k: float) -> tuple[Plate, ...]:
    """Both halves of the pelvis, the near one around the head of the femur."""
    x, y = head
    near = [tuple((x + k * a, y + k * b) for a, b in ring) for ring in (_PELVIS, _FORAMEN)]
    far = [tuple((2 * x - 194 * k - a, b) for a, b in ring) for ring in near]
    return tuple(Plate(outline, (hole,), depth_mm=13 * k) for outline, hole in (near, far))


def lower_leg(rng: np.random.Generator, worn: float) -> Limb:
    """Knee to foot, from the front."""
    k = float(rng.uniform(0.86, 1.04))
    femur, _ = _femur(rng, (0, 0), k, worn)
    toes, tarsals, soft_tissue = _foot(rng, (-1 * k, 360 * k), k, worn)
    patella = nodule(
        rng, 1, -24 * k, 20 * k, 22 * k, 0, depth_mm=18 * k, cortex_mm=0.9, trabecular=0.7
    )
    girth = float(rng.uniform(0.85, 1.15))
    leg = SoftTissueTube(
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
        (leg, *soft_tissue),
        (6, centre * k),
        (160, 400),
        "L",
    )


def thigh(rng: np.random.Generator, worn: float) -> Limb:
    """Hip or knee with the shaft of the femur, from the front."""
    k = float(rng.uniform(0.86, 1.02))
    femur, neck = _femur(rng, (0, 0), k, worn)
    patella = nodule(
        rng, 1, -24 * k, 20 * k, 22 * k, 0, depth_mm=18 * k, cortex_mm=0.9, trabecular=0.7
    )
    girth = float(rng.uniform(0.85, 1.2))
    leg = SoftTissueTube(
        ((-12, -520 * k), (-8, -330 * k), (0, -150 * k), (0, -10 * k), (4, 90 * k), (2, 220 * k)),
        tuple(girth * r * k for r in (104, 92, 72, 57, 58, 48)),
        0.95,
        float(rng.uniform(5, 14)),
    )
    centre = float(rng.choice([rng.uniform(-275, -225), rng.uniform(-160, -110)]))
    top = femur.start_mm
    hip = _pelvis((top[0] - 42 * k, top[1] + 2 * k), k)
    trunk = SoftTissueTube(
        ((-130, -640 * k), (-130, -440 * k)), (190 * girth * k, 130 * girth * k), 0.62, 8.0
    )
    other = SoftTissueTube(
        ((-235 * k, -430 * k), (-225 * k, 150 * k)), (92 * girth * k, 62 * girth * k), 0.95, 8.0
    )
    return Limb(
        ((femur, neck), *((bone,) for bone in _shin(rng, k, worn))),
        (patella,),
        (leg, trunk, other),
        (-15, centre * k),
        (210, 400),
        "L",
        plates=hip,
    )
