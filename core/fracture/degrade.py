"""One film made worse in one way: what a model's answer to it stands up to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.images import FloatArray, Radiograph


@dataclass(frozen=True)
class Degradation:
    """A way to make a film worse.

    Attributes:
        values: From none to strong; the first leaves the film as it is.
        unit: Of the values, for the axis.
        why: Where it comes from in a clinic.
    """

    values: tuple[float, ...]
    unit: str
    why: str


DEGRADATIONS = {
    "Noise": Degradation(
        (0, 0.01, 0.02, 0.04, 0.07, 0.12),
        "standard deviation, share of the grey range",
        "Too low a dose leaves quantum noise.",
    ),
    "Blur": Degradation(
        (0, 0.5, 1, 1.5, 2.5, 4),
        "standard deviation in thousandths of the long side",
        "The patient moved, or the focal spot is large.",
    ),
    "Resolution": Degradation(
        (1, 0.8, 0.6, 0.45, 0.3, 0.2),
        "share of the film’s pixels per side",
        "Films shrunk for a slide or a messenger lose fine lines.",
    ),
    "Contrast": Degradation(
        (1, 0.7, 0.5, 0.3, 0.15, 0.08),
        "share of the film’s grey range",
        "A wide window or a hard beam leaves little contrast; the preprocessing stretches it.",
    ),
    "Over-exposure": Degradation(
        (1, 0.8, 0.6, 0.45, 0.3, 0.2),
        "exponent of the grey values",
        "Too much exposure or a wrong curve burns thin parts out.",
    ),
}


def degraded(image: Radiograph, name: str, value: float, seed: int = 0) -> Radiograph:
    """The film made worse in one way.

    Args:
        image: Left as it is.
        name: A key of `DEGRADATIONS`.
        value: Usually one of its values.
        seed: Of the noise.

    Returns:
        A film of the same shape, so that boxes stay where they are; the same film for a value
        that changes nothing.

    Raises:
        ValueError: If there is no such degradation.
    """
    if name not in DEGRADATIONS:
        raise ValueError(f"name must be one of {list(DEGRADATIONS)}, got {name!r}")
    if value == DEGRADATIONS[name].values[0]:
        return image
    return image.with_pixels(_worse(image.pixels, name, value, seed), f"{name} {value:g} {seed}")


def _worse(pixels: FloatArray, name: str, value: float, seed: int) -> FloatArray:
    import cv2

    height, width = pixels.shape
    if name == "Noise":
        noise = np.random.default_rng(seed).standard_normal(pixels.shape, dtype=np.float32)
        return np.clip(pixels + noise * np.float32(value), 0, 1)
    if name == "Blur":
        return np.clip(cv2.GaussianBlur(pixels, (0, 0), value * max(height, width) / 1000), 0, 1)
    if name == "Resolution":
        size = (max(8, round(width * value)), max(8, round(height * value)))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        return np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)
    if name == "Contrast":
        middle = np.float32(np.median(pixels))
        narrow = middle + (pixels - middle) * np.float32(value)
        grey = np.rint(np.clip(narrow, 0, 1) * 255)  # in 8 bit, as such a file would come
        return (grey / 255).astype(np.float32)
    return (pixels ** np.float32(value)).astype(np.float32)
