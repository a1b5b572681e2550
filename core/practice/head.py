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


def spoiled(true: Mask, volume: Volume, seed: int) -> tuple[Mapping[str, Mask], HeadTruth]:
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


def compared(
    true: Mask, other: Mask, volume: Volume, side: str
) -> tuple[Mapping[str, Mask], HeadTruth]:
    """The true mask and a model's; the spot is the largest piece in which they differ.

    Raises:
        UnsuitableInputError: If they do not differ.
        ValueError: If their shapes differ.
    """
    a, b = np.asarray(true, bool), np.asarray(other, bool)
    if a.shape != b.shape:
        raise ValueError(f"masks differ in shape: {a.shape} and {b.shape}")
    return _pair(a, b, volume, side)


def _pair(
    true: NDArray[np.bool_], wrong: NDArray[np.bool_], volume: Volume, side: str
) -> tuple[Mapping[str, Mask], HeadTruth]:
    from scipy import ndimage

    pieces, count = ndimage.label(true != wrong)
    if count == 0:
        raise UnsuitableInputError(
            "Both masks of this head are the same, so there is nothing to choose; leave the case "
            "out."
        )
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    places = np.argwhere(pieces == int(sizes.argmax()))
    centre = places.mean(axis=0)
    spacing = np.asarray(volume.spacing_mm)
    reach = np.sqrt((((places - centre) * spacing) ** 2).sum(axis=1)).max()
    other = "B" if side == "A" else "A"
    first = tuple(places[0])
    truth = HeadTruth(
        side,
        (float(centre[0]), float(centre[1]), float(centre[2])),
        round(float(reach), 2),
        volume.spacing_mm,
        "missing" if true[first] else "added",
    )
    masks = {side: true.astype(np.uint8), other: wrong.astype(np.uint8)}
    return {"A": masks["A"], "B": masks["B"]}, truth


def _has_signal(volume: Volume) -> NDArray[np.bool_]:
    """Where the head is, so that a mask does not spread into the air around it."""
    level = 0.15 * float(np.percentile(volume.voxels, 98))
    return np.asarray(volume.voxels > level)


def _millilitres(mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> float:
    return float(mask.sum()) * float(np.prod(spacing_mm)) / 1000
