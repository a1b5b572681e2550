"""From what a ray crosses of a chest to the film as read: exposure, collimator, marker."""

from __future__ import annotations

import numpy as np

from core.phantoms.xray.bone import FloatArray
from core.phantoms.xray.film import Exposure, expose
from core.phantoms.xray.thickness_map import ThicknessMap

# Linear attenuation per mm at about 70 keV, as on a film taken at 120 kV (NIST XCOM).
_SOFT, _CORTICAL, _TRABECULAR, _MARROW = 0.0194, 0.0500, 0.0262, 0.0175


def film_of(
    thickness: ThicknessMap,
    seed: int,
    soft_mm: FloatArray,
    usual_mm: float,
    noise: float,
    marker: bool,
) -> FloatArray:
    """The film as read: exposure, noise, collimator and marker."""
    rng = np.random.default_rng([seed, 45])
    bone = (
        np.float32(_CORTICAL - _SOFT) * thickness.cortical
        + np.float32(_TRABECULAR - _SOFT) * thickness.trabecular
        + np.float32(_MARROW - _SOFT) * thickness.marrow
    )
    exponent = np.maximum(np.float32(_SOFT) * soft_mm + bone, 0)
    exposure = Exposure(
        background=float(rng.uniform(0.01, 0.05)),
        white=float(rng.uniform(0.72, 0.9)),
        toe=float(rng.uniform(0.6, 2.2)),
        edge=float(rng.uniform(0.25, 0.7)),
        scatter=float(rng.uniform(0.12, 0.25)),
        quanta=float(np.exp(rng.uniform(np.log(500), np.log(4000)))),
        focus_mm=float(rng.uniform(0.3, 0.6)),
    )
    soft = _SOFT * usual_mm - 0.9
    pixels = expose(
        exponent, exposure, soft, thickness.spacing_mm, noise, np.random.default_rng([seed, 46])
    )
    pixels = np.asarray(np.tanh(pixels * 1.15) / np.tanh(1.15), np.float32)
    pixels = pixels * (1 - _shutter(rng, pixels.shape))
    pixels = np.clip(pixels, 0, 1)
    return _lettered(rng, pixels, thickness.spacing_mm) if marker else pixels


def _shutter(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Share of each pixel behind the collimator, black, at some of the edges."""
    veil = np.zeros(shape, np.float32)
    for side in range(4):
        deep, seen = float(rng.uniform(0.005, 0.03)), rng.random() < 0.3
        if seen:
            turned = np.rot90(veil, side)  # a view: what is written to it stays
            turned[: max(1, round(deep * turned.shape[0]))] = 1
    return veil


def _lettered(rng: np.random.Generator, pixels: FloatArray, spacing_mm: float) -> FloatArray:
    """A lead L of about 12 mm beside the patient's left shoulder."""
    import cv2

    height, width = pixels.shape
    size = float(rng.uniform(10, 14)) / spacing_mm
    place = (
        int(width * rng.uniform(0.89, 0.93)),
        int(height * rng.uniform(0.05, 0.09) + size),
    )
    lead = np.zeros(pixels.shape, np.uint8)
    thick = max(1, round(2.0 / spacing_mm))
    cv2.putText(lead, "L", place, cv2.FONT_HERSHEY_SIMPLEX, size / 21, 255, thick, cv2.LINE_AA)
    white = np.float32(rng.uniform(0.85, 0.98))
    return np.asarray(pixels + lead / np.float32(255) * np.maximum(white - pixels, 0), np.float32)
