"""Simulated cross-sections through the body (CT or MR): no page for radiographs should read one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray

SIDE_PX = 112
AIR, LUNG, FAT, WATER, SOFT, CONTRAST, BONE = -1000.0, -820.0, -90.0, 10.0, 45.0, 160.0, 600.0
"""Hounsfield units."""
WINDOWS = ((40, 400), (50, 350), (-600, 1500), (300, 1500), (40, 80), (0, 2000))
"""(centre, width) in Hounsfield units: soft tissue, abdomen, lung, bone, brain, everything."""
LEVELS = ("chest", "chest", "abdomen", "abdomen", "head", "thighs")


def cross_section(rng: np.random.Generator) -> NDArray[np.uint8]:
    """One random axial slice through a window, uint8 (112, 112)."""
    import cv2

    y, x = np.mgrid[-1 : 1 : SIDE_PX * 1j, -1 : 1 : SIDE_PX * 1j]
    bends = rng.standard_normal((2, 5, 5)).astype(np.float32) * rng.uniform(0.02, 0.07)
    bent = [cv2.resize(bend, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC) for bend in bends]
    zoom = rng.uniform(0.85, 1.2)
    body = _Body((x + bent[0]) / zoom, (y + bent[1]) / zoom, rng)
    level = LEVELS[rng.integers(len(LEVELS))]
    getattr(body, level)()
    grey = body.units
    if rng.random() < 0.6:  # the table
        table = np.abs(y - rng.uniform(0.75, 0.95) + 0.1 * x**2) < 0.02
        grey = np.where(table & (grey < -900), rng.uniform(-300, 100), grey)
    grey = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), float(rng.uniform(0.4, 1.0)))
    grey += rng.standard_normal(grey.shape).astype(np.float32) * rng.uniform(5, 40)
    if rng.random() < 0.3:  # outside of the reconstructed field
        grey[np.hypot(x, y) > rng.uniform(0.95, 1.1)] = -2000
    centre, width = WINDOWS[rng.integers(len(WINDOWS))]
    shown = np.clip((grey - centre) / width + 0.5, 0, 1)
    return np.rint(shown * 255).astype(np.uint8)


class _Body:
    """Hounsfield units of one slice, drawn from the outside in."""

    def __init__(self, x: FloatArray, y: FloatArray, rng: np.random.Generator) -> None:
        self.x, self.y, self.rng = x, y, rng
        self.units: NDArray[np.float64] = np.full(x.shape, AIR)

    def put(
        self,
        middle: tuple[float, float],
        axes: tuple[float, float],
        units: float,
        jitter: float = 0.1,
    ) -> None:
        """Fill a random ellipse near the one given; (x, y) from -1 to 1, y downwards."""
        u, v = np.array(middle) + self.rng.normal(0, jitter * 0.3, 2)
        a, b = np.array(axes) * self.rng.uniform(1 - jitter * 2, 1 + jitter * 2, 2)
        inside = ((self.x - u) / a) ** 2 + ((self.y - v) / b) ** 2 < 1
        self.units[inside] = units + self.rng.normal(0, 8)

    def trunk(self) -> None:
        fat = self.rng.uniform(0.02, 0.15)
        wide, deep = self.rng.uniform(0.75, 0.95), self.rng.uniform(0.5, 0.68)
        self.put((0, 0), (wide, deep), FAT, 0)
        self.put((0, 0), (wide - fat, deep - fat), SOFT, 0)
        self.inner = wide - fat, deep - fat

    def spine(self) -> None:
        back = self.inner[1]
        self.put((0, back * 0.55), (0.13, 0.11), BONE * 0.5)
        self.put((0, back * 0.55), (0.1, 0.08), BONE * 0.35)
        self.put((0, back * 0.78), (0.05, 0.05), WATER)
        self.put((0, back * 0.92), (0.03, 0.09), BONE)
        for side in (-1, 1):
            self.put((side * 0.14, back * 0.8), (0.1, 0.03), BONE)

    def ribs(self) -> None:
        turns = np.linspace(0, 2 * np.pi, int(self.rng.integers(9, 17))) + self.rng.uniform(0, 1)
        for turn in turns:
            where = (self.inner[0] * 0.9 * np.cos(turn), self.inner[1] * 0.9 * np.sin(turn))
            self.put(where, (0.06, 0.03), BONE)

    def chest(self) -> None:
        self.trunk()
        for side in (-1, 1):
            self.put(
                (side * self.inner[0] * 0.5, 0),
                (self.inner[0] * 0.38, self.inner[1] * 0.78),
                LUNG,
            )
            for _ in range(self.rng.integers(4, 14)):  # vessels
                where = (side * self.rng.uniform(0.15, 0.6), self.rng.uniform(-0.3, 0.3))
                self.put(where, (0.025, 0.02), SOFT)
        bright = SOFT if self.rng.random() < 0.5 else CONTRAST
        self.put((0.08, -0.1), (0.25, 0.22), bright)
        self.put((0.1, 0.2), (0.08, 0.08), bright)
        self.ribs()
        self.spine()

    def abdomen(self) -> None:
        self.trunk()
        self.put((0, 0), (self.inner[0] * 0.85, self.inner[1] * 0.8), FAT)
        bright = SOFT if self.rng.random() < 0.5 else CONTRAST
        if self.rng.random() < 0.6:
            self.put((-0.4, -0.08), (0.34, 0.36), 60)  # the liver is on the image's left
            self.put((0.5, 0.08), (0.16, 0.2), 55)
        for side in (-1, 1):
            self.put((side * 0.36, 0.22), (0.12, 0.14), bright)
            self.put((side * 0.2, 0.3), (0.1, 0.1), SOFT)
        for _ in range(self.rng.integers(3, 12)):  # bowel, some with gas
            where = (self.rng.uniform(-0.5, 0.6), self.rng.uniform(-0.4, 0.1))
            self.put(where, (0.1, 0.08), SOFT)
            if self.rng.random() < 0.4:
                self.put(where, (0.07, 0.05), AIR)
        self.put((0.04, 0.16), (0.06, 0.06), bright)
        if self.rng.random() < 0.5:
            self.ribs()
        self.spine()

    def head(self) -> None:
        wide, deep = self.rng.uniform(0.55, 0.75), self.rng.uniform(0.75, 0.92)
        self.put((0, 0), (wide, deep), FAT, 0)
        self.put((0, 0), (wide - 0.04, deep - 0.04), BONE * 1.5, 0)
        self.put((0, 0), (wide - 0.1, deep - 0.1), WATER, 0)
        self.put((0, 0), (wide - 0.12, deep - 0.12), 35, 0)
        for side in (-1, 1):
            self.put((side * 0.12, -0.12), (0.06, 0.2), WATER)
        if self.rng.random() < 0.4:  # low through the face: air in the sinuses
            for side in (-1, 1):
                self.put((side * 0.2, -0.5), (0.12, 0.12), AIR)

    def thighs(self) -> None:
        for side in (-1, 1):
            wide = self.rng.uniform(0.34, 0.46)
            self.put((side * 0.48, 0), (wide, wide * 1.1), FAT)
            self.put((side * 0.48, 0), (wide * 0.8, wide * 0.9), SOFT)
            self.put((side * 0.46, 0), (0.11, 0.11), BONE * 1.8)
            self.put((side * 0.46, 0), (0.05, 0.05), FAT)
