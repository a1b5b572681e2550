"""The short bones of the wrist, from a first dot to the adult outline, in millimetres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.phantoms.xray.bone import Plate, Point

_OUTLINES: dict[str, tuple[Point, ...]] = {
    "capitate": ((-3.5, 14), (2, 13.2), (5.2, 16.5), (5.2, 22), (7.4, 26), (7.4, 33.5),
                 (0.8, 35), (-5.5, 33.5), (-5.4, 27), (-4.8, 22), (-5.6, 17.5)),
    "hamate": ((-7, 33.6), (-13, 32.8), (-20, 29.5), (-18.5, 24.5), (-12, 17.5), (-7.8, 14.8),
               (-6.6, 19), (-6.6, 26)),
    "triquetrum": ((-10, 9.2), (-9.6, 14), (-13.5, 18.4), (-19.5, 22), (-22, 17), (-19, 10),
                   (-14, 7)),
    "lunate": ((-8.8, 5.5), (-8.2, 11.2), (-4, 12.8), (1, 12), (5.8, 12.6), (7.9, 8), (5.8, 3.2),
               (0, 1.6), (-6, 2.2)),
    "scaphoid": ((8.6, 4.6), (9.6, 10), (6.8, 14), (9.5, 19.5), (14, 23.6), (19.8, 23),
                 (21.8, 17.5), (18.2, 10.5), (13.2, 5.4)),
    "trapezium": ((15.8, 24), (15.4, 31), (19.5, 35.6), (27, 31.6), (28, 26), (22, 22.4)),
    "trapezoid": ((8, 24.8), (8.3, 33), (12.6, 35.8), (17, 33), (16.6, 26.5), (11.5, 22.8)),
    "pisiform": ((-20.8, 12), (-19.2, 16.8), (-15.4, 17.4), (-12.4, 13.7), (-14, 8.8), (-18, 8.2)),
    "hook": ((-14.6, 24.5), (-14, 28), (-11.6, 28.4), (-10.4, 25.6), (-11.2, 22.8), (-13.4, 22.6)),
    "sesamoid": ((-2.2, 0), (0, 2), (2.2, 0), (0, -2)),
}  # fmt: skip
_CARPUS = ("capitate", "hamate", "triquetrum", "lunate", "scaphoid", "trapezium", "trapezoid")


def centres(k: float) -> tuple[Point, ...]:
    """Where the centres of the seven bones of the wrist lie or will appear."""
    middles = (np.mean(_OUTLINES[name], axis=0) * k for name in _CARPUS)
    return tuple((float(x), float(y)) for x, y in middles)


def carpal(
    rng: np.random.Generator,
    name: str,
    grown: float,
    k: float,
    cortex: float,
    centre_mm: NDArray[np.float64] | None = None,
) -> Plate:
    """A short bone: a small oval at first, its own outline at last.

    Args:
        rng: Draws the child's own outline.
        name: One of `hand_growth.CARPALS`.
        grown: From its appearance, 0, to the adult's, 1.
        k: Length of the hand over that of an adult.
        cortex: The same of the cortices.
        centre_mm: Where it lies, or None for its place in the wrist.
    """
    full = np.asarray(_OUTLINES[name])
    full = (full + rng.normal(0, 0.02, full.shape) * np.ptp(full, axis=0)) * k
    centre = np.mean(full, axis=0) if centre_mm is None else centre_mm
    full = full - full.mean(axis=0)
    # Fitted so that the ossified area of the wrist rises with age as Matar et al. 2021 measured
    # (Forensic Sci Int Rep 3:100211); the corners come last.
    size = (0.08 + 0.92 * grown**0.65) ** 0.5
    angle = np.arctan2(full[:, 1], full[:, 0])
    spread = np.abs(full).mean(axis=0) * 1.5
    oval = np.stack([np.cos(angle), np.sin(angle)], axis=1) * spread
    outline = 1.07 * size * (oval + (full - oval) * np.clip(1.25 * grown - 0.2, 0, 1)) + centre
    across = float(size * spread.min())
    return Plate(
        tuple((float(x), float(y)) for x, y in outline),
        depth_mm=min(1.7 * across, 13 * k),
        edge_mm=max(0.75 * across, 0.6),
        cortex_mm=min(0.75 * cortex, 0.3 * across),
        trabecular=0.95,
    )
