"""What training does to a head, so that the network meets more scanners than it was shown.

Sampling is apart from applying in the sense that everything random comes from one `rng`: one
seed replays one head. Left and right are swapped half the time: brains are nearly symmetric and
the mask has no sides, so a mirrored head is a plausible one (it would not be for a model that
has to name hemispheres).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray
from core.skull_strip.grid import apply_weights, hat_weights


def smooth_noise(shape: tuple[int, ...], knots: int, rng: np.random.Generator) -> FloatArray:
    """Smooth noise of unit spread: normal values on `knots` ^ 3 points, linearly joined."""
    values = rng.standard_normal((knots, knots, knots)).astype(np.float32)
    weights = tuple(hat_weights(np.linspace(0, knots - 1, side), knots, 1.0) for side in shape)
    return apply_weights(values, weights)


def rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrix (3, 3) from angles in radians about i, j and k."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        a, b = [other for other in range(3) if other != axis]
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    return matrix


def warp(
    image: FloatArray, label: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Rotate (to 12° or so), zoom (0.85-1.15 an axis), shift and bend a head with its label."""
    from scipy import ndimage

    shape = image.shape
    matrix = rotation(np.deg2rad(rng.normal(0, (6, 4, 4)))) @ np.diag(rng.uniform(0.85, 1.15, 3))
    centre = (np.asarray(shape) - 1) / 2
    offset = centre - matrix @ centre + rng.uniform(-6, 6, 3)
    grid = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in shape), indexing="ij", sparse=True)
    bend = rng.uniform(0, 2.5)
    places = np.empty((3, *shape), np.float32)
    for axis in range(3):
        places[axis] = smooth_noise(shape, 6, rng) * np.float32(bend) + np.float32(offset[axis])
        for other in range(3):
            places[axis] += np.float32(matrix[axis, other]) * grid[other]
    moved = [
        ndimage.map_coordinates(values, places, order=1, mode="constant", cval=float(lowest))
        for values, lowest in ((image, image.min()), (label, 0.0))
    ]
    return moved[0], moved[1]


def disturb(
    image: FloatArray, label: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Change contrast, shading, noise, sharpness and field of view.

    Args:
        image: float32, air about 0 and bright tissue about 1.
        label: float32 in [0, 1]; only a cut field of view changes it.
        rng: Makes the choice repeatable.
    """
    image = image.copy()
    if rng.random() < 0.5:
        image, label = image[::-1], label[::-1]
    if rng.random() < 0.7:
        image = image * np.exp(smooth_noise(image.shape, 4, rng) * rng.uniform(0.02, 0.25))
    if rng.random() < 0.7:
        image = bend_contrast(image, rng)
    if rng.random() < 0.3:  # thick slices or plain blur, along one axis or all
        for axis in [int(rng.integers(3))] if rng.random() < 0.6 else range(3):
            image = thicken(image, axis, float(rng.uniform(1.2, 2.5)))
    if rng.random() < 0.6:
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        image = np.abs(image + noise * np.float32(rng.uniform(0.005, 0.045)))
    if rng.random() < 0.35:
        image, label = cut_field_of_view(image, label, rng)
    return np.ascontiguousarray(image, np.float32), np.ascontiguousarray(label, np.float32)


def bend_contrast(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Send intensities through a random rising curve: brightness, contrast and gamma at once."""
    curve = np.concatenate([[0.0], np.cumsum(rng.uniform(0.3, 1.7, 6))]) / 5.0
    values = np.linspace(0, 1.5, 1025)
    table = np.interp(values, np.linspace(0, 1.5, 7), curve) ** rng.uniform(0.75, 1.35)
    index = (np.clip(image, 0, 1.5) * (1024 / 1.5)).astype(np.int32)
    return table.astype(np.float32)[index]


def thicken(image: FloatArray, axis: int, factor: float) -> FloatArray:
    """Average over `factor` voxels along an axis and interpolate back."""
    length = image.shape[axis]
    count = max(4, int(length / factor))
    down = hat_weights(np.linspace(0, length - 1, count), length, factor)
    up = hat_weights(np.linspace(0, count - 1, length), count, 1.0)
    both = up @ down
    return np.moveaxis(np.tensordot(both, image, axes=(1, axis)), 0, axis)


def cut_field_of_view(
    image: FloatArray, label: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Blank the planes beyond a random border below, above or in front (a removed face)."""
    image, label = image.copy(), label.copy()
    height, depth = image.shape[2], image.shape[1]
    kind = rng.random()
    if kind < 0.5:
        cut = slice(0, int(height * rng.uniform(0.1, 0.45)))
        image[:, :, cut], label[:, :, cut] = 0, 0
    elif kind < 0.65:
        cut = slice(int(height * rng.uniform(0.7, 0.95)), None)
        image[:, :, cut], label[:, :, cut] = 0, 0
    else:  # no brain is taken away with the face
        front = slice(int(depth * rng.uniform(0.65, 0.85)), None)
        below = slice(0, int(height * rng.uniform(0.3, 0.55)))
        image[:, front, below] *= label[:, front, below] > 0
    return image, label
