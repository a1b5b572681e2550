"""Training views of a film: moved, re-exposed, blurred; each change can be left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray


@dataclass(frozen=True)
class Strength:
    """How far views stray; 0 leaves a change out.

    Attributes:
        rotation_deg, shift, zoom, shear: Greatest change either way; shift as a fraction of the
            side, shear as the tangent of its angle.
        brightness, contrast: Greatest change either way: added, and as a factor.
        blur_px: Greatest sigma of a Gaussian blur.
        noise: Greatest spread of Gaussian noise.
        coarse: Share of views taken through half the resolution, so that size is no hint.
        mirror: Share of views mirrored; anatomically wrong, the heart moves to the right.
    """

    rotation_deg: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    blur_px: float = 0.0
    noise: float = 0.0
    coarse: float = 0.0
    mirror: float = 0.0


def training_view(
    film: NDArray[np.uint8], strength: Strength, rng: np.random.Generator
) -> FloatArray:
    """One random view of a film, float32 (S, S) in [0, 1]."""
    import cv2

    side = film.shape[0]
    view = film.astype(np.float32) / np.float32(255)
    if strength.coarse and rng.random() < strength.coarse:
        half = cv2.resize(view, (side // 2, side // 2), interpolation=cv2.INTER_AREA)
        view = cv2.resize(half, (side, side), interpolation=cv2.INTER_LINEAR)
    matrix = moving(side, strength, rng)
    if matrix is not None:
        view = cv2.warpAffine(view, matrix, (side, side), flags=cv2.INTER_LINEAR)
    return exposed(np.asarray(view, np.float32), strength, rng)


def moving(side: int, strength: Strength, rng: np.random.Generator) -> NDArray[np.float64] | None:
    """A random affine map (2, 3) of a square film, or None where nothing moves."""
    import cv2

    moves = (
        strength.rotation_deg, strength.shift, strength.zoom, strength.shear, strength.mirror,
    )  # fmt: skip
    if not any(moves):
        return None
    middle = (side - 1) / 2
    turn = rng.uniform(-strength.rotation_deg, strength.rotation_deg)
    zoom = float(np.exp(rng.uniform(-strength.zoom, strength.zoom)))
    matrix = np.asarray(cv2.getRotationMatrix2D((middle, middle), turn, zoom), np.float64)
    if strength.shear:
        lean = rng.uniform(-strength.shear, strength.shear)
        matrix[0] += lean * (matrix[1] - [0, 0, middle])
    matrix[:, 2] += rng.uniform(-strength.shift, strength.shift, 2) * side
    if strength.mirror and rng.random() < strength.mirror:
        matrix[0] *= -1
        matrix[0, 2] += side - 1
    return matrix


def exposed(view: FloatArray, strength: Strength, rng: np.random.Generator) -> FloatArray:
    """Random contrast, brightness, blur and noise."""
    import cv2

    if strength.contrast:
        gain = rng.uniform(1 - strength.contrast, 1 + strength.contrast)
        view = (view - np.float32(0.5)) * np.float32(gain) + np.float32(0.5)
    if strength.brightness:
        view = view + np.float32(rng.uniform(-strength.brightness, strength.brightness))
    if strength.blur_px:
        sigma = float(rng.uniform(0.0, strength.blur_px))
        view = cv2.GaussianBlur(view, (0, 0), sigma) if sigma > 0.2 else view
    if strength.noise:
        spread = np.float32(rng.uniform(0.0, strength.noise))
        view = view + rng.standard_normal(view.shape, dtype=np.float32) * spread
    return np.clip(view, 0.0, 1.0).astype(np.float32)
