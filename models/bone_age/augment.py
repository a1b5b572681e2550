"""What may happen to a training film."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a training film; zero switches a part off.

    Attributes:
        degrees: Rotation to either side.
        shift: Translation as a share of the side.
        zoom: Scale to either side of 1.
        mirror: Whether a film may be mirrored (a right hand is a mirrored left hand).
        contrast: Gamma between 1 / (1 + contrast) and 1 + contrast, gain the same.
        noise: Standard deviation of Gaussian noise, on the scale [0, 1].
        erase: Share of films of which a rectangle is blackened.
    """

    degrees: float = 20.0
    shift: float = 0.06
    zoom: float = 0.15
    mirror: bool = True
    contrast: float = 0.25
    noise: float = 0.03
    erase: float = 0.3


NO_AUGMENTATION = Augmentation(0, 0, 0, False, 0, 0, 0)


def augmented(
    film: NDArray[np.uint8], how: Augmentation, rng: np.random.Generator
) -> NDArray[np.float32]:
    """One random variant of a film, float32 (H, W) in [0, 1]."""
    height, width = film.shape
    degrees = rng.uniform(-how.degrees, how.degrees)
    scale = np.exp(rng.uniform(-how.zoom, how.zoom))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    matrix[:, 2] += rng.uniform(-how.shift, how.shift, 2) * (width, height)
    image = cv2.warpAffine(film, matrix, (width, height)).astype(np.float32) / 255
    if how.mirror and rng.random() < 0.5:
        image = image[:, ::-1]
    if how.contrast:
        gamma, gain = np.exp(rng.uniform(-1, 1, 2) * np.log1p(how.contrast))
        image = image**gamma * gain
    if how.noise:
        deviation = np.float32(rng.uniform(0, how.noise))
        image = image + deviation * rng.standard_normal(image.shape, np.float32)
    if how.erase and rng.random() < how.erase:
        sides = rng.uniform(0.1, 0.25, 2) * film.shape
        y, x = rng.uniform(0, 1, 2) * film.shape
        image = image.copy()
        image[int(y) : int(y + sides[0]), int(x) : int(x + sides[1])] = 0
    return np.clip(image, 0, 1).astype(np.float32)
