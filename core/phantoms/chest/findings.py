"""Findings of the chest phantom: what each changes in a lung, and the box around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.phantoms.chest.anatomy import Chest, at, over
from core.phantoms.chest.projection import chord, inside
from core.phantoms.xray.bone import FloatArray
from core.phantoms.xray.thickness_map import ThicknessMap

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Scene:
    """The projected chest, before any finding.

    Attributes:
        thickness: Where each pixel lies.
        body: The chest.
        lungs: By side, share of each pixel in the lung beside the mediastinum.
    """

    thickness: ThicknessMap
    body: Chest
    lungs: dict[int, FloatArray]


@dataclass(frozen=True)
class Change:
    """What a finding does to one lung; arrays are float32 (H, W).

    Attributes:
        sign: The side, -1 or 1.
        box_xyxy: Around what can be seen of it, in pixels.
        filled: Share of the lung's air that fluid replaces.
        free: Share of the lung that air replaces, tissue and vessels included.
        solid_mm: Tissue in place of lung.
        pleura_mm: Tissue of the pleura seen edge on.
    """

    sign: int
    box_xyxy: Box
    filled: FloatArray | None = None
    free: FloatArray | None = None
    solid_mm: FloatArray | None = None
    pleura_mm: FloatArray | None = None


def effusion(rng: np.random.Generator, scene: Scene, sign: int, severity: float) -> Change:
    """Fluid at the lung's base, higher along the chest wall than beside the heart."""
    body, thickness = scene.body, scene.thickness
    h = body.height_mm
    u, y = thickness.x_mm * np.float32(sign), thickness.y_mm
    high = 0.03 + 0.12 * min(severity, 2.0) * float(rng.uniform(0.75, 1.25))
    level = (0.845 - high) * h
    climb = float(rng.uniform(0.07, 0.11)) * h
    wall = at(body.sides[sign].lateral, y)
    surface = np.float32(level) - np.float32(climb) * np.clip(u / wall, 0, 1) ** 4
    below = y - surface
    filled = np.where(below > 0, 1 - np.exp(-below / np.float32(7)), 0).astype(np.float32)
    region = (scene.lungs[sign] > 0.5) & (below > 0)
    return Change(sign, _around(region), filled=filled)


def pneumothorax(rng: np.random.Generator, scene: Scene, sign: int, severity: float) -> Change:
    """Air between chest wall and lung, widest at the apex, with the pleura as a fine line."""
    import cv2

    body, thickness = scene.body, scene.thickness
    u, y = thickness.x_mm * np.float32(sign), thickness.y_mm
    side = body.sides[sign]
    within = (u < at(side.lateral, y)) & (y > over(side.top, u))
    depth = cv2.distanceTransform(np.pad(within, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    depth = cv2.GaussianBlur(depth * np.float32(thickness.spacing_mm), (0, 0), 1.5)
    widest = 26 * min(severity, 2.0) * float(rng.uniform(0.75, 1.2))
    fall = np.clip(y / np.float32(body.height_mm), 0, 1)
    wave = np.float32(0.06) * np.sin(fall * 9 + np.float32(rng.uniform(0, 6)))
    gap = np.float32(widest) * (1 - np.float32(0.72) * fall + wave)
    free = inside(gap - depth, thickness.spacing_mm)
    line = np.exp(-(((depth - gap) / np.float32(0.8)) ** 2)) * np.float32(9)
    region = (scene.lungs[sign] > 0.5) & (free > 0.5)
    return Change(sign, _around(region), free=free, pleura_mm=line.astype(np.float32))


def nodule(rng: np.random.Generator, scene: Scene, sign: int, severity: float) -> Change:
    return _round_lesion(rng, scene, sign, float(rng.uniform(7, 12)) * severity**0.5)


def mass(rng: np.random.Generator, scene: Scene, sign: int, severity: float) -> Change:
    return _round_lesion(rng, scene, sign, float(rng.uniform(19, 29)) * severity**0.5)


def _round_lesion(rng: np.random.Generator, scene: Scene, sign: int, radius: float) -> Change:
    """A lobed ball of tissue, away from the chest wall and from where a large heart may reach."""
    body, thickness = scene.body, scene.thickness
    a, h = body.half_mm, body.height_mm
    for _ in range(60):
        u, y = float(rng.uniform(0.3, 0.95)) * a, float(rng.uniform(0.1, 0.74)) * h
        free_of_heart = y < 0.4 * h if u < 0.62 * a else True
        wall = float(at(body.sides[sign].lateral, y))
        if free_of_heart and u + radius + 5 < wall and u - radius > 0.24 * a and y > radius + 8:
            break
    else:
        u, y = 0.55 * a, 0.33 * h
    dx, dy = thickness.x_mm - np.float32(sign * u), thickness.y_mm - np.float32(y)
    angle = np.arctan2(dy, dx)
    edge = np.full_like(dx, radius)
    for order, size in ((2, 0.09), (3, 0.06), (5, 0.03), (7, 0.02)):
        swell = np.float32(rng.uniform(-size, size) * radius)
        edge += swell * np.cos(order * angle + np.float32(rng.uniform(0, 6)))
    reach = np.hypot(dx, dy) / edge
    solid = 2 * np.float32(radius) * chord(reach) ** np.float32(0.8)
    return Change(sign, _around(reach <= 1), solid_mm=solid)


def consolidation(rng: np.random.Generator, scene: Scene, sign: int, severity: float) -> Change:
    """A part of the lung filled with fluid, patchy at its edge."""
    body, thickness = scene.body, scene.thickness
    a, h = body.half_mm, body.height_mm
    upper = rng.random() < 0.3
    centre = (float(rng.uniform(0.5, 0.66)) * a, float(rng.uniform(*((0.2, 0.32) if upper else (0.56, 0.68)))) * h)  # fmt: skip  # noqa: E501
    size = severity**0.5
    rx, ry = float(rng.uniform(0.26, 0.36)) * a * size, float(rng.uniform(0.12, 0.17)) * h * size
    dx = thickness.x_mm * np.float32(sign) - np.float32(centre[0])
    dy = thickness.y_mm - np.float32(centre[1])
    reach = np.hypot(dx / np.float32(rx), dy / np.float32(ry))
    patchy = sum(
        weight * cloud(rng, thickness, grain)
        for grain, weight in ((26, 0.5), (11, 0.22), (4, 0.08))
    )
    filled = np.float32(0.85) * np.clip(1.25 * (1.15 - reach) + 0.45 * patchy, 0, 1)
    region = (filled > 0.3) & (scene.lungs[sign] > 0.5) & (reach < 1.6)
    return Change(sign, _around(region), filled=np.where(reach < 1.6, filled, 0))


def cloud(rng: np.random.Generator, thickness: ThicknessMap, grain_mm: float) -> FloatArray:
    """Smooth noise of unit spread with a grain in mm, fixed to the body, not to the pixels."""
    import cv2

    size = (int(560 / grain_mm) + 4, int(620 / grain_mm) + 4)
    knots = rng.standard_normal(size).astype(np.float32)
    column = (thickness.x_mm + 310) / np.float32(grain_mm)
    row = (thickness.y_mm + 200) / np.float32(grain_mm)
    field = cv2.remap(knots, column, row, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(field / np.float32(0.75), np.float32)


def _around(region: np.ndarray) -> Box:
    """The box around a region; nothing of it on the film gives an empty box in the corner."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if rows.size == 0:
        return 0.0, 0.0, 0.0, 0.0
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


MAKERS: dict[str, Callable[[np.random.Generator, Scene, int, float], Change]] = {
    "Effusion": effusion,
    "Nodule": nodule,
    "Mass": mass,
    "Pneumothorax": pneumothorax,
    "Consolidation": consolidation,
}
