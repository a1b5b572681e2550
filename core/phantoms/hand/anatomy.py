"""A child's left hand: where its bones, its soft tissue and its landmarks lie, in millimetres.

The hand's frame has its origin in the middle of the wrist joint, x towards the thumb and y
towards the fingers. Lengths of metacarpals and phalanges are the means of Buryanov & Kotiuk 2010
(Int J Morphol 28:755), adults of both sexes; widths, carpals and soft tissue are chosen to look
right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.phantoms.hand import bones as hand_bones
from core.phantoms.hand import carpals as hand_carpals
from core.phantoms.hand import growth
from core.phantoms.hand.soft_tissue import FINGERS, SoftTissue, wrap
from core.phantoms.xray.bone import Bone, Plate, Point

_ROWS = ("metacarpal", "proximal", "middle", "distal")
_LENGTHS = {
    "thumb": (46.2, 31.6, 21.7),
    "index": (68.1, 39.8, 22.4, 15.8),
    "middle": (64.6, 44.6, 26.3, 17.4),
    "ring": (58.0, 41.4, 25.7, 17.3),
    "little": (53.7, 32.7, 18.1, 16.0),
}
_SHAFTS = {  # narrowest width of each bone
    "thumb": (9.8, 8.8, 6.8),
    "index": (8.8, 9.6, 8.0, 5.2),
    "middle": (8.8, 9.8, 8.6, 5.6),
    "ring": (7.2, 9.2, 8.2, 5.4),
    "little": (7.6, 8.2, 6.8, 4.8),
}
_BASES = {"thumb": (29, 33), "index": (14, 37.5), "middle": (1.5, 37), "ring": (-9.8, 35.5),
          "little": (-20, 32)}  # fmt: skip
# Angles from straight ahead, in degrees to the thumb's side: the metacarpal's, the finger's with
# the fingers closed, and what one unit of spread adds to it.
_ANGLES = {"thumb": (37, 25, 11), "index": (10, 4, 11), "middle": (1.5, 0.5, 2),
           "ring": (-7.5, -3, -9), "little": (-17, -9, -16)}  # fmt: skip
_REACH_MM = {"mcp": 8.5, "pip": 6.5, "dip": 5.0}  # from a joint to the edge of its box

Chain = list[NDArray[np.float64]]


@dataclass(frozen=True)
class Hand:
    """Everything that casts a shadow, and where its parts are.

    Attributes:
        bones: Each entry holds the parts of one bone: shaft, epiphysis and what joins them.
        carpals: The short bones that have appeared, by name.
        soft_tissue: What is around them.
        scale: Length over that of an adult.
        points_mm: Landmarks by name, as `HandPhantom.landmarks`.
        boxes_mm: By name, the points that a region's box must hold, and the margin around them.
        joints_mm: Joints and other places of interest: kind, points, margin.
        plates: Open share of each growth plate.
    """

    bones: tuple[tuple[Bone, ...], ...]
    carpals: dict[str, Plate]
    soft_tissue: SoftTissue
    scale: float
    points_mm: dict[str, Point]
    boxes_mm: dict[str, tuple[tuple[Point, ...], float]]
    joints_mm: tuple[tuple[str, tuple[Point, ...], float], ...]
    plates: dict[str, float]


def build(rng: np.random.Generator, years: float, sex: str, density: float) -> Hand:
    """The hand of a child.

    Args:
        rng: Draws the child and how it holds its hand; the age does not change the draws.
        years: Age.
        sex: "F" or "M".
        density: Mineral, 1 normal: thins the cortices.
    """
    k = growth.scale(years, sex) * float(rng.normal(1, 0.025))
    slender = (0.95 if sex == "F" else 1.02) * float(rng.normal(1, 0.03))
    wide = k**0.88 * slender
    girth = k**0.8 * float(np.clip(rng.normal(1, 0.06), 0.86, 1.16))
    spread = float(rng.uniform(0.4, 1.6))
    turn = hand_bones.Turn(float(np.clip(rng.normal(0, 9), -18, 18)), k)
    cortex = (0.45 + 0.55 * density) * k**0.8
    chains = {finger: _chain(rng, finger, k, spread) for finger in FINGERS}
    tempo = dict(zip(growth.PLATES, rng.normal(1, 0.05, len(growth.PLATES)), strict=True))

    bones: list[tuple[Bone, ...]] = []
    plates: dict[str, float] = {}

    def grow(bone: Bone, height_mm: float, *, at_start: bool) -> None:
        state = growth.epiphysis(bone.name, years, sex, tempo[bone.name])
        plates[bone.name] = state.open
        bones.append(hand_bones.parts(bone, state, height_mm * k, k, at_start=at_start))

    for finger, chain in chains.items():
        for row, width, start, end in zip(
            _rows(finger), _SHAFTS[finger], chain[::2], chain[1::2], strict=True
        ):
            bone = hand_bones.tube(f"{finger} {row}", row, start, end, wide * width, cortex)
            proximal = row != "metacarpal" or finger == "thumb"
            grow(bone, hand_bones.epiphysis_mm(bone.name), at_start=proximal)
    arm = hand_bones.forearm(turn, k, k**0.96 * slender, cortex)
    for bone in arm:
        grow(bone, hand_bones.epiphysis_mm(bone.name), at_start=False)
    carpals = {}
    for name, late in zip(growth.CARPALS, rng.normal(1, 0.05, len(growth.CARPALS)), strict=True):
        grown = growth.carpal(name, years, sex, float(late))
        shape = rng.spawn(1)[0]
        if grown > 0:
            centre = _sesamoid(chains["thumb"], k) if name == "sesamoid" else None
            carpals[name] = hand_carpals.carpal(shape, name, grown, k, cortex, centre)

    tissue, tips = wrap(chains, turn, k, girth)
    points: dict[str, Point] = {"wrist": (0.0, 0.0)}
    points |= {bone.name: bone.end_mm for bone in arm}
    for finger, chain in chains.items():
        names = ("base", "mcp", "pip") if finger == "thumb" else ("base", "mcp", "pip", "dip")
        points |= {f"{finger}_{n}": _point(at) for n, at in zip(names, chain[::2], strict=True)}
        points[f"{finger}_tip"] = tips[finger]
    return Hand(
        tuple(bones),
        carpals,
        tissue,
        k,
        points,
        _regions(points, tissue, k),
        tuple(_joints(points, arm, k)),
        plates,
    )


def _rows(finger: str) -> tuple[str, ...]:
    return tuple(row for row in _ROWS if finger != "thumb" or row != "middle")


def _chain(rng: np.random.Generator, finger: str, k: float, spread: float) -> Chain:
    """Start and end of each bone of a ray, from the wrist outwards."""
    first, closed, opens = _ANGLES[finger]
    lengths, lean = rng.normal(1, 0.015, 4), rng.normal(0, 1.3, 4)
    place = k * np.array(_BASES[finger], float)
    chain: Chain = []
    for number, length in enumerate(_LENGTHS[finger]):
        angle = first + 0.25 * spread * opens if number == 0 else closed + spread * opens
        angle = np.deg2rad(angle + lean[number] * (0.4 if number == 0 else 1))
        along = np.array([np.sin(angle), np.cos(angle)])
        end = place + k * length * lengths[number] * along
        chain += [place, end]
        place = end + 1.5 * k * along
    return chain


def _sesamoid(thumb: Chain, k: float) -> NDArray[np.float64]:
    """Beside the head of the thumb's metacarpal, on the side of the index finger."""
    along = (thumb[1] - thumb[0]) / np.hypot(*(thumb[1] - thumb[0]))
    return np.asarray(thumb[1] - 5 * k * along + 6.5 * k * np.array([-along[1], along[0]]))


def _regions(
    points: dict[str, Point], tissue: SoftTissue, k: float
) -> dict[str, tuple[tuple[Point, ...], float]]:
    def finger(name: str, *joints: str) -> tuple[Point, ...]:
        pulp = tissue.tubes[FINGERS.index(name)].axis_mm[-1]
        return (*(points[f"{name}_{joint}"] for joint in joints), pulp, points[f"{name}_tip"])

    carpus = hand_carpals.centres(k)
    return {
        "wrist": ((*carpus, points["radius"], points["ulna"]), 11 * k),
        "mcp": (tuple(points[f"{f}_mcp"] for f in FINGERS[1:]), 13 * k),
        "middle_finger": (finger("middle", "mcp", "pip", "dip"), 11 * tissue.girth),
        "thumb": (finger("thumb", "base", "mcp", "pip"), 11 * tissue.girth),
    }


def _joints(
    points: dict[str, Point], arm: tuple[Bone, ...], k: float
) -> list[tuple[str, tuple[Point, ...], float]]:
    found: list[tuple[str, tuple[Point, ...], float]] = []
    for name, place in points.items():
        kind = name.split("_")[-1]
        if kind in _REACH_MM:
            found.append((kind.upper(), (place,), _REACH_MM[kind] * k))
    for bone in arm:
        last, length = bone.knots[-1], bone.length_mm
        back = length - 1.3 * k * hand_bones.epiphysis_mm(bone.name)
        corners = [[length, -last.left_mm], [length, last.right_mm], [back, 0.0]]
        spots = tuple(map(_point, bone.to_limb(np.array(corners))))
        found.append((bone.name.capitalize(), spots, 2.5 * k))
    found.append(("Wrist", hand_carpals.centres(k), 7 * k))
    return found


def _point(at: NDArray[np.float64]) -> Point:
    return float(at[0]), float(at[1])
