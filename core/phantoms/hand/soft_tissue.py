"""The soft tissue of a hand phantom: tubes around the bones, their outline, its thickness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.phantoms.xray.bone import FloatArray, Point
from core.phantoms.xray.thickness_map import ThicknessMap

FINGERS = ("thumb", "index", "middle", "ring", "little")
_PALM = {"thumb": (16, 15, 12), "index": (12, 13, 11.5), "middle": (12, 12, 11),
         "ring": (12, 12, 11), "little": (14, 14.5, 11.5)}  # fmt: skip
"""Half-width of the soft tissue along each metacarpal, in mm of an adult."""

Chain = list[NDArray[np.float64]]


@dataclass(frozen=True)
class Tube:
    """Soft tissue around a line of points (x, y), with the half-width at each, in mm."""

    axis_mm: tuple[Point, ...]
    radii_mm: tuple[float, ...]


@dataclass(frozen=True)
class SoftTissue:
    """What a hand is wrapped in.

    Attributes:
        tubes: Fingers, in the order of `FINGERS`, then palm and forearm.
        palm_mm: Outline of the middle of the palm, which the tubes leave open.
        balls_mm: The balls of thumb and little finger: middle, direction, half-width, and by
            which share they thicken the palm.
        scale: Length over that of an adult.
        girth: Thickness over that of an adult.
    """

    tubes: tuple[Tube, ...]
    palm_mm: tuple[Point, ...]
    balls_mm: tuple[tuple[Point, Point, float, float], ...]
    scale: float
    girth: float


def wrap(
    chains: dict[str, Chain], turn: Callable[[float, float], Point], k: float, girth: float
) -> tuple[SoftTissue, dict[str, Point]]:
    """Soft tissue around bones.

    Args:
        chains: By finger, start and end of each bone.
        turn: Where a point of the straight forearm lies with the wrist as it is bent.
        k: Length over that of an adult.
        girth: Thickness over that of an adult.

    Returns:
        The soft tissue, and just inside the skin the tip of each finger.
    """
    fingers = {finger: _finger(finger, chain, girth) for finger, chain in chains.items()}
    palm = []
    for finger, radii in _PALM.items():
        base, head = chains[finger][:2]
        if finger == "thumb":  # its ball lies on the palm's side of the bone
            base = base + k * np.array([-7.0, -4.0])
        places = (base, (base + head) / 2, head)
        palm.append(Tube(tuple(map(_point, places)), tuple(girth * r for r in radii)))
    arm = Tube(
        (turn(-1 * k, 16 * k), turn(-1.5 * k, -4 * k), turn(-3 * k, -25 * k),
         turn(-4 * k, -70 * k), turn(-5 * k, -170 * k)),
        tuple(girth * r for r in (29.5, 29, 28, 31, 40)),
    )  # fmt: skip
    balls = []
    for finger, share, inward, size in (("thumb", 0.25, -7, 17), ("little", 0.15, -3, 13)):
        base, head = chains[finger][:2]
        middle = 0.55 * base + 0.45 * head + np.array([inward, 2.0]) * k
        along = (head - base) / np.hypot(*(head - base))
        balls.append((_point(middle), _point(along), size * girth, share))
    tubes = (*(tube for tube, _ in fingers.values()), *palm, arm)
    tissue = SoftTissue(tubes, _palm(chains, k), tuple(balls), k, girth)
    return tissue, {finger: tip for finger, (_, tip) in fingers.items()}


def _finger(finger: str, chain: Chain, girth: float) -> tuple[Tube, Point]:
    """The soft tissue of a finger beyond its metacarpal, and its tip."""
    size = {"thumb": 1.12, "index": 1.02, "middle": 1.04, "ring": 0.98, "little": 0.88}[finger]
    joints = [*chain[2::2], chain[-1]]
    last = (joints[-1] - joints[-2]) / np.hypot(*(joints[-1] - joints[-2]))
    skin = chain[-1] + 4.2 * girth * last
    axis, radii = [joints[0]], [11.5 if finger == "thumb" else 10.6]
    at_joints = (9.2,) if finger == "thumb" else (9.3, 8.0)
    between = (9.8, 9.3) if finger == "thumb" else (9.6, 8.8, 8.0)
    for number, (start, end) in enumerate(pairwise(joints)):
        axis.append((start + end) / 2)
        radii.append(between[number])
        if number < len(at_joints):
            axis.append(end)
            radii.append(at_joints[number])
    axis.append(skin - 7.3 * size * girth * last)
    radii.append(7.3)
    tube = Tube(tuple(map(_point, axis)), tuple(r * size * girth for r in radii))
    return tube, _point(skin - girth * last)


def _palm(chains: dict[str, Chain], k: float) -> tuple[Point, ...]:
    thumb, index = chains["thumb"], chains["index"]
    fold = 0.5 * (0.55 * index[1] + 0.45 * index[0]) + 0.5 * (0.75 * thumb[1] + 0.25 * thumb[0])
    # The skin between two fingers reaches to about a third of the proximal phalanges.
    webs = [
        chains[finger][2] + 0.36 * (chains[finger][3] - chains[finger][2])
        for finger in ("little", "ring", "ring", "middle", "middle", "index")
    ]
    wrist = [k * np.array(p, float) for p in ((24, 8), (24, -4), (-25, -4), (-26, 12))]
    corners = [chains["little"][1], *webs, index[1], fold, thumb[1], thumb[0], *wrist]
    return tuple(map(_point, corners))


def _point(at: NDArray[np.float64]) -> Point:
    return float(at[0]), float(at[1])


def outline(tissue: SoftTissue, thickness: ThicknessMap) -> NDArray[np.bool_]:
    """bool (H, W): where there is tissue."""
    import cv2

    filled = np.zeros(thickness.x_mm.shape, np.uint8)

    def polygon(points_mm: NDArray[np.float64]) -> None:
        px = np.round(16 * thickness.to_px(points_mm)).astype(np.int32)
        cv2.fillPoly(filled, [px], 1, shift=4)

    around = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.stack([np.cos(around), np.sin(around)], axis=1)
    for tube in tissue.tubes:
        ends = list(zip(np.asarray(tube.axis_mm), tube.radii_mm, strict=True))
        for point, radius in ends:
            polygon(point + radius * circle)
        for (a, ra), (b, rb) in pairwise(ends):
            along = (b - a) / max(float(np.hypot(*(b - a))), 1e-6)
            side = np.array([along[1], -along[0]])
            polygon(np.array([a + ra * side, b + rb * side, b - rb * side, a - ra * side]))
    polygon(np.asarray(tissue.palm_mm))
    # Closing rounds the webs between the fingers; beyond the film's edge there may be more hand.
    reach = 1.8 * tissue.girth / thickness.spacing_mm
    pad = int(reach) + 2
    padded = cv2.copyMakeBorder(filled, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    grown = (cv2.distanceTransform(1 - padded, cv2.DIST_L2, 5) <= reach).astype(np.uint8)
    closed = cv2.distanceTransform(grown, cv2.DIST_L2, 5) > reach
    return (closed | (padded > 0))[pad:-pad, pad:-pad]


def thickness(
    tissue: SoftTissue, thickness: ThicknessMap, mask: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Thickness of muscle and of fat behind each pixel, in mm.

    At `d` mm from the outline a ray crosses the chord of a circle, whose radius is half of the
    hand's thickness there.
    """
    import cv2

    height, width = mask.shape
    spacing = thickness.spacing_mm
    pad = int(25 / spacing) + 2
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[pad:-pad, pad:-pad] * np.float32(spacing)
    places = np.array([-90, -25, 5, 40, 85, 115, 200]) * tissue.scale
    table = np.array([26, 20, 18.5, 17, 13.5, 9.5, 8.5]) * tissue.girth
    radius = np.interp(thickness.y_mm, places, table).astype(np.float32)

    def chord(inward: float) -> FloatArray:
        d = np.clip(depth - np.float32(inward), 0, radius)
        return 2 * np.sqrt(d * (2 * radius - d))

    whole, lean = chord(0.0), chord(1.4 * tissue.girth)
    for ball in tissue.balls_mm:
        _thicken(lean, thickness, *ball)
    slow = rng.standard_normal((height // 40 + 3, width // 30 + 3)).astype(np.float32)
    lean *= 1 + np.float32(0.02) * cv2.resize(slow, (width, height), interpolation=cv2.INTER_CUBIC)
    whole = cv2.GaussianBlur(whole, (0, 0), max(0.3 * tissue.girth / spacing, 0.3))
    lean = cv2.GaussianBlur(lean, (0, 0), max(tissue.girth / spacing, 0.3))
    return lean, np.maximum(whole - lean, 0)


def _thicken(
    lean: FloatArray,
    thickness: ThicknessMap,
    middle: Point,
    along: Point,
    half: float,
    share: float,
) -> None:
    """Swell the muscle, in place, by up to `share` in an ellipse about a place."""
    window = thickness.window(np.array([middle]), 1.75 * half)
    dx = thickness.x_mm[window] - np.float32(middle[0])
    dy = thickness.y_mm[window] - np.float32(middle[1])
    a = (dx * np.float32(along[0]) + dy * np.float32(along[1])) / np.float32(1.7 * half)
    b = (dx * np.float32(along[1]) - dy * np.float32(along[0])) / np.float32(half)
    bump = np.clip(1 - a * a - b * b, 0, 1)
    lean[window] *= 1 + np.float32(share) * bump * (2 - bump)
