"""The film of a hand phantom: exposure, collimator, marker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.phantoms.xray.bone import FloatArray
from core.phantoms.xray.film import Exposure


@dataclass(frozen=True)
class Sampled:
    """What the seed chooses for whatever the caller leaves open."""

    age_months: float
    sex: str
    tilt_degrees: float
    collimation: str
    brightness: float
    exposure: Exposure


def sample(rng: np.random.Generator) -> Sampled:
    """Choices in about the spread of hospital films."""
    age, sex = float(rng.uniform(24, 228)), "F" if rng.random() < 0.5 else "M"
    tilt = float(np.clip(rng.normal(2, 9), -28, 28))
    frame = str(rng.choice(("none", "white", "black"), p=(0.6, 0.2, 0.2)))
    dark = float(np.exp(rng.uniform(np.log(0.16), np.log(0.6))))
    brightness = dark if rng.random() < 0.35 else float(rng.uniform(0.75, 1.0))
    veiled = rng.random() < 0.25
    background = float(rng.uniform(0.12, 0.4) if veiled else rng.uniform(0.015, 0.08))
    exposure = Exposure(
        background=background,
        white=float(rng.uniform(0.8, 0.95)),
        toe=float(rng.uniform(0.0, 0.3)),
        edge=float(rng.uniform(0.2, 0.6)),
        scatter=float(rng.uniform(0.1, 0.3)),
        quanta=float(np.exp(rng.uniform(np.log(4e4), np.log(4e5)))),
        focus_mm=float(rng.uniform(0.12, 0.3)),
    )
    return Sampled(age, sex, tilt, frame, brightness, exposure)


def trabeculae(rng: np.random.Generator) -> FloatArray:
    """A seamless tile of struts that run along the bone."""
    frequency = np.fft.fftfreq(256, 0.5)  # cycles per mm
    band = np.hypot(frequency[:, None] * 1.6, frequency[None, :129]) / 0.5
    wave = np.fft.rfft2(rng.standard_normal((256, 256))) * band**1.5 * np.exp(-(band**1.5))
    tile = np.fft.irfft2(wave, (256, 256))
    return np.clip(0.19 * tile / tile.std(), -0.6, 0.6).astype(np.float32)


def beam(
    rng: np.random.Generator, shape: tuple[int, int], frame: str, keep_px: NDArray[np.float64]
) -> FloatArray:
    """Share (H, W) of each pixel that lies in the beam: 1 inside the collimator.

    The points `keep_px` (N, 2) stay inside.
    """
    height, width = shape
    inset = rng.uniform(0.008, 0.05, 4) * (height, width, height, width)
    turn = np.tan(np.deg2rad(float(rng.normal(0, 1.2))))
    soft = float(rng.uniform(0.8, 4)) * height / 512
    if frame == "none":
        return np.ones(shape, np.float32)

    def edges(x: FloatArray, y: FloatArray) -> list[FloatArray]:
        """Distance from the film's own edges, slightly turned, one after the other."""
        across, along = turn * (x - width / 2), turn * (y - height / 2)
        return [y - across, x + along, height - 1 + across - y, width - 1 - along - x]

    kept = edges(*keep_px.T.astype(np.float32))
    inset = np.minimum(inset, [max(float(edge.min()) - 2 * soft - 2, 0) for edge in kept])
    columns = np.arange(width, dtype=np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    nearest = np.full(shape, np.inf, np.float32)
    for edge, depth in zip(edges(columns, rows), inset, strict=True):
        if depth > 0:
            np.minimum(nearest, edge - np.float32(depth), out=nearest)
    return np.clip(nearest / soft + 0.5, 0, 1).astype(np.float32)


def collimated(
    rng: np.random.Generator, pixels: FloatArray, inside: FloatArray, frame: str
) -> FloatArray:
    """The film outside the beam: white where it was read so, black where a shutter hides it."""
    level = float(rng.uniform(0.55, 0.97)) if frame == "white" else float(rng.uniform(0, 0.012))
    if frame == "none":
        return pixels
    return pixels * inside + np.float32(level) * (1 - inside)


def with_marker(
    rng: np.random.Generator,
    pixels: FloatArray,
    mask: NDArray[np.bool_],
    inside: FloatArray,
) -> FloatArray:
    """A lead L with the initials of who took the film, where it hides least of the hand."""
    import cv2

    height, width = pixels.shape
    initials = "".join(rng.choice(list("ABCDEFGHJKMNPRSTVW"), int(rng.integers(0, 4))))
    turn, size = float(rng.normal(0, 22)), float(rng.uniform(0.032, 0.05)) * height
    plate, lead = float(rng.uniform(0.0, 0.1)), float(rng.uniform(0.85, 1.0))
    stretch, spots = float(rng.uniform(0.8, 1.1)), rng.uniform(0.1, 0.9, (60, 2))
    covered = (mask | (inside < 0.99)).astype(np.float32)
    reach = 1.9 * size
    near = cv2.blur(covered, (2 * int(reach) + 1, 2 * int(reach) + 1))
    places = np.clip(spots * (width, height), reach, np.array([width, height]) - reach - 1)
    hidden = [near[int(y), int(x)] for x, y in places]
    x, y = places[int(np.argmin(hidden))]

    side = int(4 * size) + 1
    tile = np.zeros((2, side, side), np.uint8)  # the plastic plate, the lead on it
    half = side / 2
    low, high = (
        (int(half - 1.0 * size), int(half - 1.35 * size)),
        (int(half + 1.0 * size), int(half + 1.35 * size)),
    )
    cv2.rectangle(tile[0], low, high, 255, -1)
    for text, letter, down in (("L", 1.0, -0.1), (initials, 0.5, 0.85)):
        if not text:
            continue
        font, thick = letter * size / 21, max(1, round(0.17 * letter * size * stretch))
        (across, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, font, thick)
        at = (int(half - across / 2), int(half + down * size))
        cv2.putText(tile[1], text, at, cv2.FONT_HERSHEY_SIMPLEX, font, 255, thick, cv2.LINE_AA)
    matrix = cv2.getRotationMatrix2D((half, half), turn, 1.0)
    matrix[:, 2] += (x - half, y - half)
    laid = [
        cv2.warpAffine(layer, matrix, (width, height)).astype(np.float32) / 255 for layer in tile
    ]
    pixels = pixels + np.float32(plate) * laid[0] * (1 - pixels)
    return pixels + laid[1] * np.maximum(np.float32(lead) - pixels, 0)
