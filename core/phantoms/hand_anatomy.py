"""The bones and the outline of a child's left hand, in millimetres.

The hand's frame has its origin in the middle of the wrist joint, x towards the thumb and y
towards the fingers. Lengths of metacarpals and phalanges are the means of Buryanov & Kotiuk 2010
(Int J Morphol 28:755), adults of both sexes; widths, carpals and flesh are drawn to look right.
A long bone is one tube; where its growth plate is open it is cut there into shaft and epiphysis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.phantoms import hand_growth as growth
from core.phantoms.bone import Bone, Knot, Plate, Point

FINGERS = ("thumb", "index", "middle", "ring", "little")
ROWS = ("metacarpal", "proximal", "middle", "distal")
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
_BASES = {"thumb": (28, 33), "index": (12.5, 37.5), "middle": (1, 36.5), "ring": (-9, 35),
          "little": (-17.5, 32)}  # fmt: skip
# Angles from straight ahead, in degrees to the thumb's side: the metacarpal's, the finger's with
# the fingers closed, and what one unit of spread adds to it.
_ANGLES = {"thumb": (38, 30, 10), "index": (8.5, 3, 12), "middle": (1.5, 0, 2),
           "ring": (-6.5, -2, -9), "little": (-15, -7, -17)}  # fmt: skip
_TUBES = {  # place along the bone, half-width over the shaft's width, trabecular share
    "metacarpal": ((0, 0.6, 1), (0.05, 0.69, 1), (0.14, 0.64, 0.8), (0.3, 0.53, 0.35),
                   (0.5, 0.5, 0.2), (0.68, 0.55, 0.35), (0.78, 0.68, 0.8), (0.87, 0.84, 1),
                   (0.95, 0.83, 1), (1, 0.68, 1)),
    "phalanx": ((0, 0.76, 1), (0.05, 0.82, 1), (0.13, 0.77, 0.9), (0.28, 0.57, 0.45),
                (0.5, 0.5, 0.25), (0.7, 0.5, 0.4), (0.84, 0.57, 0.8), (0.93, 0.64, 1),
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
    "metacarpal": ((-1, -5.5), (-0.6, -1.5), (0, 0), (0.6, -1.5), (1, -5.5)),
    "phalanx": ((-1, -1.8), (-0.5, 0), (0, -0.6), (0.5, 0), (1, -1.8)),
    "distal": ((-1, -2.2), (-0.5, -0.4), (0, 0), (0.5, -0.4), (1, -2.2)),
}
_EPIPHYSIS_MM = {"metacarpal": 9.5, "proximal": 4.4, "middle": 3.6, "distal": 3.2,
                 "thumb metacarpal": 4.4, "radius": 8.0, "ulna": 6.5}  # fmt: skip
_CARPALS: dict[str, tuple[Point, ...]] = {
    "capitate": ((-3.5, 14.5), (2, 13.8), (5.2, 17), (5, 22), (7, 26), (7, 33), (0.5, 34.5),
                 (-5.5, 33), (-5.2, 27), (-4.6, 22), (-5.5, 18)),
    "hamate": ((-7, 33.2), (-13, 32.2), (-19.5, 29), (-17.5, 24), (-11.5, 17.5), (-7.5, 15.5),
               (-6.6, 19), (-6.6, 26)),
    "triquetrum": ((-10, 9.5), (-9.8, 14), (-13.5, 18), (-18.5, 21.5), (-21, 17), (-18, 10),
                   (-13.5, 7.5)),
    "lunate": ((-8.5, 5.5), (-8, 11), (-4, 12.6), (1, 12), (5.5, 12.5), (7.5, 8), (5.5, 3.4),
               (0, 1.8), (-6, 2.4)),
    "scaphoid": ((8.5, 5), (9.3, 10), (6.8, 14), (9.5, 19), (14, 22.5), (19, 21.5), (20.8, 16.5),
                 (17.5, 10.5), (13, 5.8)),
    "trapezium": ((16, 23.8), (15.6, 30.5), (19, 34.8), (26.2, 31), (26.5, 26), (21.5, 23)),
    "trapezoid": ((8, 25), (8.2, 32.5), (12, 35), (15.5, 32), (15, 26), (11, 23)),
    "pisiform": ((-20.5, 12), (-19, 16.5), (-15.5, 17), (-12.5, 13.5), (-14, 9), (-18, 8.5)),
    "sesamoid": ((-2.2, 0), (0, 2), (2.2, 0), (0, -2)),
}  # fmt: skip


@dataclass(frozen=True)
class Tube:
    """Flesh around a chain of points (x, y), with the half-width at each, in mm."""

    axis_mm: tuple[Point, ...]
    radii_mm: tuple[float, ...]


@dataclass(frozen=True)
class Hand:
    """Everything that casts a shadow, and where its parts are.

    Attributes:
        bones: Each entry holds the parts of one bone: shaft, epiphysis and what joins them.
        carpals: The short bones that have appeared, by name.
        tubes: Flesh of fingers, palm and forearm.
        palm_mm: Outline of the palm.
        scale: Length over that of an adult.
        girth: Flesh over that of an adult.
        points_mm: Landmarks by name, as `HandPhantom.landmarks`.
        boxes_mm: By name, the points that a region's box must hold, and the margin around them.
        joints_mm: Joints and other places of interest: kind, points, margin.
        plates: Open share of each growth plate.
    """

    bones: tuple[tuple[Bone, ...], ...]
    carpals: dict[str, Plate]
    tubes: tuple[Tube, ...]
    palm_mm: tuple[Point, ...]
    scale: float
    girth: float
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
    girth = k**0.82 * float(np.clip(rng.normal(1, 0.06), 0.86, 1.16))
    spread = float(rng.uniform(0.25, 1.5))
    turn = float(np.clip(rng.normal(0, 9), -18, 18))  # of the forearm in the wrist
    cortex = (0.45 + 0.55 * density) * k**0.8
    lengths = {f: rng.normal(1, 0.015, 4) for f in FINGERS}
    lean = {f: rng.normal(0, 1.6, 4) for f in FINGERS}
    tempo = dict(zip(growth.PLATES, rng.normal(1, 0.05, len(growth.PLATES)), strict=True))
    carpal_tempo = dict(zip(growth.CARPALS, rng.normal(1, 0.05, len(growth.CARPALS)), strict=True))
    dents = {name: rng.normal(0, 0.35, (len(_CARPALS[name]), 2)) for name in growth.CARPALS}

    bones: list[tuple[Bone, ...]] = []
    plates: dict[str, float] = {}
    tubes: list[Tube] = []
    points: dict[str, Point] = {"wrist": (0.0, 0.0)}
    joints: list[tuple[str, tuple[Point, ...], float]] = []

    def grow(bone: Bone, height_mm: float, *, at_start: bool) -> None:
        state = growth.epiphysis(bone.name, years, sex, tempo[bone.name])
        plates[bone.name] = state.open
        bones.append(_parts(bone, state, height_mm * k, k, at_start=at_start))

    ends: dict[str, list[NDArray[np.float64]]] = {}
    for finger in FINGERS:
        rows = ROWS if finger != "thumb" else ("metacarpal", "proximal", "distal")
        first, closed, opens = _ANGLES[finger]
        place = k * np.array(_BASES[finger], float)
        chain = [place]
        for number, row in enumerate(rows):
            angle = first + 0.25 * spread * opens if number == 0 else closed + spread * opens
            along = _towards(angle + lean[finger][number] * (0.4 if number == 0 else 1))
            length = k * _LENGTHS[finger][number] * lengths[finger][number]
            shaft = wide * _SHAFTS[finger][number]
            name = f"{finger} {row}"
            form = row if row in _TUBES else "phalanx"
            height = _EPIPHYSIS_MM.get(name, _EPIPHYSIS_MM[row])
            bone = _tube(name, form, place, place + length * along, shaft, cortex)
            grow(bone, height, at_start=form != "metacarpal" or finger == "thumb")
            gap = 0.0 if number == len(rows) - 1 else 1.5 * k
            place = place + (length + gap) * along
            chain.append(place)
        ends[finger] = chain
        names = ("base", "mcp", "pip", "dip") if finger != "thumb" else ("base", "mcp", "pip")
        for label, joint in zip(names, chain[:-1], strict=True):
            points[f"{finger}_{label}"] = (float(joint[0]), float(joint[1]))
            if label != "base":
                half = {"mcp": 8.5, "pip": 6.5, "dip": 5.0}[label]
                joints.append((label.upper(), (points[f"{finger}_{label}"],), half * k))
        tube, tip = _finger(finger, chain, girth)
        tubes.append(tube)
        points[f"{finger}_tip"] = tip

    forearm = _Turn(turn, k)
    for bone, height in _forearm(forearm, k, wide, cortex):
        grow(bone, height, at_start=False)
        edge = _across(bone)
        points[bone.name] = bone.end_mm
        back = tuple(bone.to_limb(np.array([[bone.length_mm - 1.3 * height * k, 0.0]]))[0])
        joints.append((bone.name.capitalize(), (*edge, back), 2.5 * k))

    carpals = {}
    for name in growth.CARPALS:
        grown = growth.carpal(name, years, sex, carpal_tempo[name])
        if grown > 0:
            middle = k * np.mean(_CARPALS[name], axis=0)
            if name == "sesamoid":
                head = ends["thumb"][1]
                along = (head - ends["thumb"][0]) / np.hypot(*(head - ends["thumb"][0]))
                middle = head - 5 * k * along + 6.5 * k * np.array([-along[1], along[0]])
            carpals[name] = _carpal(name, middle, grown, k, cortex, dents[name])
    spots = tuple(tuple(k * np.mean(_CARPALS[n], axis=0)) for n in growth.CARPALS[:7])
    joints.append(("Wrist", spots, 7 * k))

    tubes += _palm_tubes(ends, k, girth)
    tubes.append(_forearm_tube(forearm, k, girth))
    held = {
        f: (*map(_point, chain), tubes[number].axis_mm[-1], points[f"{f}_tip"])
        for number, (f, chain) in enumerate(ends.items())
    }
    boxes = {
        "wrist": ((*spots, points["radius"], points["ulna"]), 11 * k),
        "mcp": (tuple(points[f"{f}_mcp"] for f in FINGERS[1:]), 13 * k),
        "middle_finger": (held["middle"][1:], 11 * girth),
        "thumb": (held["thumb"], 11 * girth),
    }
    palm = _palm(ends, k)
    return Hand(
        tuple(bones), carpals, tuple(tubes), palm, k, girth, points, boxes, tuple(joints), plates
    )


class _Turn:
    """Turns points of the forearm about the head of the capitate, as the wrist does."""

    def __init__(self, degrees: float, k: float) -> None:
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        self.matrix = np.array([[c, -s], [s, c]])
        self.pivot = np.array([0.0, 13.0 * k])

    def __call__(self, x: float, y: float) -> Point:
        return _point(self.matrix @ (np.array([x, y]) - self.pivot) + self.pivot)


def _point(at: NDArray[np.float64]) -> Point:
    return float(at[0]), float(at[1])


def _towards(degrees: float) -> NDArray[np.float64]:
    return np.array([np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))])


def _tube(
    name: str,
    form: str,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    shaft_mm: float,
    cortex: float,
) -> Bone:
    """A metacarpal or phalanx, grown."""
    thick = {"metacarpal": 2.1, "phalanx": 1.8, "distal": 1.1}[form] * cortex
    rows = tuple(
        Knot(at, half * shaft_mm, half * shaft_mm, max(thick * (1.15 - share), 0.35), share)
        for at, half, share in _TUBES[form]
    )
    small = shaft_mm / 9
    return Bone(
        name,
        _point(start),
        _point(end),
        rows,
        start_shape=tuple((place, rise * small) for place, rise in _START[form]),
        end_shape=tuple((place, rise * small) for place, rise in _END[form]),
        depth=0.85,
    )


def _parts(
    bone: Bone, state: growth.Epiphysis, height_mm: float, k: float, *, at_start: bool
) -> tuple[Bone, ...]:
    """The bone as it is seen: whole, or shaft and epiphysis with what has joined them."""
    length = bone.length_mm
    if state.open == 0 and state.scar == 0:
        return (bone,)
    gap = (1.0 + 0.3 * (1 - state.height)) * k**0.5 * (0.25 + 0.75 * state.open**0.7)
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


def _forearm(turn: _Turn, k: float, wide: float, cortex: float) -> list[tuple[Bone, float]]:
    """Radius and ulna from far up the forearm to the wrist, with their epiphyses' heights."""

    def sections(*rows: tuple[float, float, float, float, float]) -> tuple[Knot, ...]:
        # Ends grow with the length, shafts with the width.
        return tuple(
            Knot(at, left * wide, right * wide, thick * cortex, share)
            for at, left, right, thick, share in rows
        )

    radius = Bone(
        "radius",
        turn(4 * k, -170 * k),
        turn(7.3 * k, -1.5 * k),
        sections(
            (0, 7.2, 7.2, 3.0, 0.1), (0.5, 7, 7.2, 2.8, 0.12), (0.7, 8, 8, 2.2, 0.3),
            (0.83, 11.2, 11.2, 1.3, 0.65), (0.91, 14, 13.8, 0.8, 0.9), (0.955, 15, 15.4, 0.7, 1),
            (1, 14.6, 15.8, 0.7, 1),
        ),
        start_shape=((-1, 0), (0, 0), (1, 0)),
        end_shape=tuple(
            (x, y * k) for x, y in
            ((-1, -2), (-0.8, 0), (-0.4, -0.5), (0, 0.4), (0.4, 2.2), (0.75, 4.8), (0.9, 5.2),
             (1, 3.2))
        ),
        depth=0.72,
    )  # fmt: skip
    ulna = Bone(
        "ulna",
        turn(-13 * k, -170 * k),
        turn(-17.5 * k, -4 * k),
        sections(
            (0, 6.2, 6.2, 2.8, 0.08), (0.5, 5.4, 5.4, 2.4, 0.12), (0.75, 5, 5, 1.8, 0.3),
            (0.88, 6, 6.2, 1.0, 0.7), (0.945, 7.8, 8, 0.7, 1), (0.98, 8.2, 8.5, 0.7, 1),
            (1, 7.8, 8, 0.7, 1),
        ),
        start_shape=((-1, 0), (0, 0), (1, 0)),
        end_shape=tuple(
            (x, y * k) for x, y in
            ((-1, 3.5), (-0.8, 5.5), (-0.55, 1), (-0.2, 0), (0.3, 0.3), (0.7, -0.2), (1, -2.5))
        ),
        depth=0.9,
    )  # fmt: skip
    return [(radius, _EPIPHYSIS_MM["radius"]), (ulna, _EPIPHYSIS_MM["ulna"])]


def _across(bone: Bone) -> tuple[Point, ...]:
    last = bone.knots[-1]
    sides = np.array([[bone.length_mm, -last.left_mm], [bone.length_mm, last.right_mm]])
    return tuple(_point(row) for row in bone.to_limb(sides))


def _carpal(
    name: str,
    middle: NDArray[np.float64],
    grown: float,
    k: float,
    cortex: float,
    dents: NDArray[np.float64],
) -> Plate:
    """A short bone: a small oval at first, its own outline at last."""
    full = (np.asarray(_CARPALS[name]) + dents) * k
    full = full - full.mean(axis=0)
    size = 1.06 * (0.25 + 0.75 * min(grown / 0.6, 1.0) ** 0.55)
    angle = np.arctan2(full[:, 1], full[:, 0])
    spread = np.abs(full).mean(axis=0) * 1.45
    oval = np.stack([np.cos(angle), np.sin(angle)], axis=1) * spread
    mixed = size * (oval + (full - oval) * np.clip(1.25 * grown - 0.2, 0, 1)) + middle
    across = float(size * spread.min())
    return Plate(
        tuple(_point(row) for row in mixed),
        depth_mm=min(1.7 * across, 13 * k),
        edge_mm=max(0.75 * across, 0.6),
        cortex_mm=min(0.75 * cortex, 0.3 * across),
        trabecular=0.95,
    )


def _finger(finger: str, chain: list[NDArray[np.float64]], girth: float) -> tuple[Tube, Point]:
    """The flesh of a finger beyond its metacarpal, and the tip of the skin."""
    size = {"thumb": 1.12, "index": 1.02, "middle": 1.04, "ring": 0.98, "little": 0.87}[finger]
    last = chain[-1] - chain[-2]
    last = last / np.hypot(*last)
    end = 7.3 * size * girth
    tip = chain[-1] + 4.2 * girth * last
    middle = [(a + b) / 2 for a, b in pairwise(chain[1:])]
    axis, radii = [chain[1]], [10.6 if finger != "thumb" else 11.5]
    joint = (9.3, 8.0) if finger != "thumb" else (9.2,)
    between = (9.6, 8.8, 8.0) if finger != "thumb" else (9.8, 9.3)
    for number, place in enumerate(middle):
        axis.append(place)
        radii.append(between[number])
        if number < len(joint):
            axis.append(chain[number + 2])
            radii.append(joint[number])
    axis.append(tip - end * last)
    radii.append(7.3)
    return (
        Tube(tuple(map(_point, axis)), tuple(r * size * girth for r in radii)),
        _point(tip - girth * last),
    )


def _palm_tubes(ends: dict[str, list[NDArray[np.float64]]], k: float, girth: float) -> list[Tube]:
    radii = {"thumb": (16, 15, 12), "index": (12, 12.5, 11), "middle": (12, 12, 11),
             "ring": (12, 12, 11), "little": (14, 14, 10.5)}  # fmt: skip
    tubes = []
    for finger in FINGERS:
        base, head = ends[finger][:2]
        if finger == "thumb":  # the thenar lies on the palm's side of the bone
            base = base + k * np.array([-7.0, -4.0])
        places = (base, (base + head) / 2, head)
        tubes.append(Tube(tuple(map(_point, places)), tuple(girth * r for r in radii[finger])))
    return tubes


def _palm(ends: dict[str, list[NDArray[np.float64]]], k: float) -> tuple[Point, ...]:
    """The middle of the palm: what the tubes leave open between them."""
    thumb = ends["thumb"]
    fold = 0.5 * (ends["index"][1] * 0.55 + ends["index"][0] * 0.45) + 0.5 * (
        0.75 * thumb[1] + 0.25 * thumb[0]
    )
    # The skin between two fingers reaches to about two fifths of the proximal phalanges.
    between = []
    for one, other in (("little", "ring"), ("ring", "middle"), ("middle", "index")):
        first, second = (ends[f][1] + 0.36 * (ends[f][2] - ends[f][1]) for f in (one, other))
        between += [first, second]
    wrist = [k * np.array(p, float) for p in ((24, 8), (24, -4), (-25, -4), (-26, 12))]
    return tuple(
        map(
            _point,
            [ends["little"][1], *between, ends["index"][1], fold, thumb[1], thumb[0], *wrist],
        )
    )


def _forearm_tube(turn: _Turn, k: float, girth: float) -> Tube:
    return Tube(
        (turn(-1 * k, 16 * k), turn(-1.5 * k, -4 * k), turn(-3 * k, -25 * k), turn(-4 * k, -70 * k),
         turn(-5 * k, -170 * k)),
        tuple(girth * r for r in (29, 28.5, 28, 31, 40)),
    )  # fmt: skip
