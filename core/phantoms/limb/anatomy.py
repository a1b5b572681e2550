"""The limbs: which bones and how much soft tissue, in millimetres of an adult.

The limb's frame has x to the right of the film and y downwards, which is distal. Radius, thumb
and fibula lie on the right: that is a right hand seen from its back, and a left forearm or leg
seen from the front; for the other side the film is mirrored. Sizes vary by a few per cent around
those usual in adults.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.phantoms.xray.bone import Bone, Knot, Nodule, Plate, Point, degenerate


@dataclass(frozen=True)
class SoftTissueTube:
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
        soft_tissue: Tubes of soft tissue, fused.
        plates: Flat bones.
        centre_mm: The middle of the film in the limb's frame.
        extent_mm: (across, along): what should fit on the film.
        side: "L" or "R": of which side the limb is as it stands here, unmirrored.
    """

    bones: tuple[tuple[Bone, ...], ...]
    nodules: tuple[Nodule, ...]
    soft_tissue: tuple[SoftTissueTube, ...]
    plates: tuple[Plate, ...] = field(default=(), kw_only=True)
    centre_mm: Point
    extent_mm: Point
    side: str


def knots(*rows: tuple[float, float, float, float, float]) -> tuple[Knot, ...]:
    return tuple(Knot(*row) for row in rows)


def nodule(
    rng: np.random.Generator, x: float, y: float, a: float, b: float, turn: float = 0, **more: float
) -> Nodule:
    dents = tuple(
        (float(rng.uniform(0.02, 0.09)), float(rng.uniform(0, 2 * np.pi))) for _ in range(3)
    )
    depth = more.pop("depth_mm", 1.5 * min(a, b))
    return Nodule((x, y), (a, b), turn, depth_mm=depth, dents=dents, **more)


def ray(
    rng: np.random.Generator,
    name: str,
    base: Point,
    angle_deg: float,
    lengths: tuple[float, ...],
    width: float,
    worn: float,
    risk: float,
) -> tuple[list[Bone], SoftTissueTube]:
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
                  (0.93, 1.18 * half, 1.18 * half, 0.5, 0.95),
                  (1, 1.05 * half, 1.05 * half, 0.6, 1.0)]
        )  # fmt: skip
        bone = Bone(
            f"{name} {('base', 'proximal', 'middle', 'distal')[min(number, 3)]}",
            tuple(place),
            tuple(place + length * along),
            knots(
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
            risk=risk,
        )
        bones.append(degenerate(bone, worn, 1.6, start=number > 0, end=not last))
        place = place + (length + 1.7) * along
        path.append(tuple(place if not last else place + 1.5 * along))
        radii.append(width * (1.05, 0.88, 0.8, 0.62)[min(number, 3)])
    return bones, SoftTissueTube(tuple(path), tuple(radii), depth=0.95, fat_mm=1.5)
