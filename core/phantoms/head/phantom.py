"""A synthetic T1 head with a known brain: anatomy, contrast, bias field and noise by seed.

The brain comes from the grey and white matter maps of the ICBM 2009a average (Fonov et al.,
NeuroImage 2011;54(1):313-327) that nilearn ships; all that surrounds it is simple geometry in
the same millimetre space. Everything is warped together, so the mask stays exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray, Volume, digest_of
from core.phantoms.head.anatomy import FIELD_MM, HeadWarp, draw_head, random_tissue
from core.phantoms.head.fields import block_mean, stretch


@dataclass(frozen=True, eq=False)
class HeadPhantom:
    """A made T1 head and what is known about it.

    Attributes:
        volume: The head, RAS+, arbitrary intensity units.
        mask: uint8 (I, J, K), 1 in the brain with its ventricles and sulci.
        bias: float32 (I, J, K), the receive field that multiplied the signal; mean 1 in the head.
    """

    volume: Volume
    mask: NDArray[np.uint8]
    bias: FloatArray


def random_head(
    seed: int = 0,
    spacing_mm: float | tuple[float, float, float] = 2.0,
    *,
    noise: float | None = None,
    bias: float | None = None,
    neck_mm: float | None = None,
) -> HeadPhantom:
    """Make a T1-weighted head whose brain mask is known.

    Args:
        seed: Decides shape, contrast, bias field and noise; one seed is one head at any spacing.
        spacing_mm: Voxel edge or edges (i, j, k). A thick direction averages over its slice.
        noise: Rician noise as a fraction of white matter signal; drawn in 0.005-0.04 where None.
        bias: Peak-to-mean strength of the receive field (0 for none); 0.1-0.45 where None.
        neck_mm: How far below the brain's centre the field of view ends, 70 to 136; drawn
            where None.

    Returns:
        The head, its mask and its bias field, all on one grid.

    Raises:
        ValueError: If a spacing is not positive.
    """
    spacing = np.broadcast_to(np.asarray(spacing_mm, float), (3,))
    if np.any(spacing <= 0):
        raise ValueError(f"spacing must be positive, got {spacing_mm}")
    rng = np.random.default_rng(seed)
    neck = float(rng.uniform(92, 136)) if neck_mm is None else float(np.clip(neck_mm, 70, 136))
    low, high = FIELD_MM.copy().T
    low[2] = -neck
    averaged = np.where(spacing > 2.5, 2, 1)
    fine = spacing / averaged
    shape = np.maximum(np.round((high - low) / spacing), 4).astype(int) * averaged

    warp = HeadWarp(rng)
    where = warp.template_mm([low[a] + fine[a] * np.arange(shape[a]) for a in range(3)])
    tissue = random_tissue(rng)
    signal, soft_mask = draw_head(where, warp, low, fine, tissue, rng)
    signal, soft_mask = (block_mean(array, averaged) for array in (signal, soft_mask))

    drawn = rng.uniform(0.1, 0.45)
    field = _smooth_field(rng, signal.shape, drawn if bias is None else bias)
    field /= field[signal > 0.2].mean()
    sigma, gain = rng.uniform(0.005, 0.04), rng.uniform(200, 900)
    sigma = sigma if noise is None else noise
    received = signal * field
    real = received + rng.normal(0, sigma, signal.shape).astype(np.float32)
    imaginary = rng.normal(0, sigma, signal.shape).astype(np.float32)
    voxels = (np.hypot(real, imaginary) * gain).astype(np.float32)

    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = low + fine * (averaged - 1) / 2
    title = f"Head phantom {seed}"
    volume = Volume(voxels, affine, digest_of(voxels, title), title, is_public=True)
    return HeadPhantom(volume, (soft_mask > 0.5).astype(np.uint8), field)


def _smooth_field(rng: np.random.Generator, shape: tuple[int, ...], strength: float) -> FloatArray:
    """A positive field whose logarithm is a random smooth surface of the given spread."""
    from scipy.ndimage import zoom

    knots = zoom(rng.normal(0, 1, (4, 4, 4)), 4, order=3).astype(np.float32)
    surface = stretch(knots, shape)
    surface = surface - surface.mean()
    return np.exp(surface / max(float(np.abs(surface).max()), 1e-6) * strength)
