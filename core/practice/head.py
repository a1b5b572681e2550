"""Two masks over one head: the true one, and one that is wrong in a known place."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.errors import UnsuitableInputError
from core.images import Volume
from core.practice.truths import HeadTruth

Mask = NDArray[np.uint8]
RADIUS_MM = (12.0, 20.0)
_LEAST_ML = 1.0
_REACH_MM = 25.0


def degraded(true: Mask, volume: Volume, seed: int) -> tuple[Mapping[str, Mask], HeadTruth]:
    """The true mask and one with a bite taken out of it or a lump added at its surface.

    Args:
        true: uint8 (I, J, K), not empty.
        volume: The head it belongs to.
        seed: Decides the side of the true mask, the spot, its size and kind.

    Returns:
        Masks under "A" and "B", and the truth.

    Raises:
        UnsuitableInputError: If the mask is empty.
    """
    from core.metrics.masks import surface

    rng = np.random.default_rng([seed, 99])
    side = "A" if rng.random() < 0.5 else "B"
    inside = np.asarray(true, bool)
    spacing = volume.spacing_mm
    edge = np.argwhere(surface(inside))
    if not len(edge):
        raise UnsuitableInputError("The true mask of this head is empty; leave the case out.")
    for _ in range(50):
        spot = edge[rng.integers(len(edge))]
        radius = float(rng.uniform(*RADIUS_MM))
        missing = bool(rng.random() < 0.5)
        away = (np.indices(inside.shape, np.float32).T - spot).T
        ball = sum((away[axis] * spacing[axis]) ** 2 for axis in range(3)) <= radius**2
        wrong = inside & ~ball if missing else inside | (ball & _has_signal(volume))
        if _millilitres(wrong != inside, spacing) >= _LEAST_ML:
            break
    return _pair(inside, wrong, volume, side)


def _pair(
    true: NDArray[np.bool_], wrong: NDArray[np.bool_], volume: Volume, side: str
) -> tuple[Mapping[str, Mask], HeadTruth]:
    """Both masks, and the spot: where the difference is thickest, and what hangs together with
    it within `_REACH_MM`."""
    from scipy import ndimage

    differs = true != wrong
    if not differs.any():
        raise UnsuitableInputError(
            "Both masks of this head are the same, so there is nothing to choose; leave the case "
            "out."
        )
    spacing = np.asarray(volume.spacing_mm)
    padded = ndimage.distance_transform_edt(np.pad(differs, 1), sampling=spacing)
    depth = padded[1:-1, 1:-1, 1:-1]
    thickest = np.unravel_index(int(depth.argmax()), depth.shape)
    pieces, _ = ndimage.label(differs)
    places = np.argwhere(pieces == pieces[thickest])
    near = np.sqrt((((places - thickest) * spacing) ** 2).sum(axis=1)) <= _REACH_MM
    centre = places[near].mean(axis=0)
    reach = np.sqrt((((places[near] - centre) * spacing) ** 2).sum(axis=1)).max()
    truth = HeadTruth(
        side,
        (float(centre[0]), float(centre[1]), float(centre[2])),
        round(float(reach), 2),
        volume.spacing_mm,
        "missing" if true[thickest] else "added",
    )
    first, second = true.astype(np.uint8), wrong.astype(np.uint8)
    return {"A": first, "B": second} if side == "A" else {"A": second, "B": first}, truth


def _has_signal(volume: Volume) -> NDArray[np.bool_]:
    """Where the head is, so that a mask does not spread into the air around it."""
    level = 0.15 * float(np.percentile(volume.voxels, 98))
    return np.asarray(volume.voxels > level)


def _millilitres(mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> float:
    return float(mask.sum()) * float(np.prod(spacing_mm)) / 1000
