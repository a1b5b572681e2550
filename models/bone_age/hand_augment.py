"""Make training films of the hand-mask network harder: turned, framed, lettered, dark."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray

Mask = NDArray[np.float32]


def augmented(film: FloatArray, mask: Mask, rng: np.random.Generator) -> tuple[FloatArray, Mask]:
    """A random harder version of a film and its mask, both float32 (S, S) in [0, 1]."""
    film, mask = _moved(film, mask, rng)
    film = _shaded(film, rng)
    if rng.random() < 0.5:
        film = _lettered(film, mask, rng)
    if rng.random() < 0.5:
        film, mask = _framed(film, mask, rng)
        if rng.random() < 0.25:
            film, mask = _framed(film, mask, rng)
    if rng.random() < 0.5:
        film = cv2.GaussianBlur(film, (0, 0), rng.uniform(0.3, 1.0))
    grain = rng.normal(0, 0.02 * rng.random() * max(float(film.max()), 0.05), film.shape)
    return np.clip(film + grain, 0, 1).astype(np.float32), mask


def _moved(film: FloatArray, mask: Mask, rng: np.random.Generator) -> tuple[FloatArray, Mask]:
    side = film.shape[0]
    wild = rng.random() < 0.15
    angle = rng.uniform(-180, 180) if wild else rng.normal(0, 15)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, rng.uniform(0.7, 1.2))
    matrix[:, 2] += rng.uniform(-0.1, 0.1, 2) * side
    if rng.random() < 0.5:
        film, mask = film[:, ::-1], mask[:, ::-1]
    border = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REPLICATE
    film = cv2.warpAffine(
        np.ascontiguousarray(film),
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=border,
        borderValue=float(np.quantile(film, 0.2)),
    )
    # Where the film is drawn out beyond its border, a forearm cut by it goes on, and its mask.
    mask = cv2.warpAffine(
        np.ascontiguousarray(mask), matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=border
    )
    return film, np.clip(mask, 0, 1)


def _shaded(film: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Another exposure: contrast curve, veil, slope, glow of the corners, darkness."""
    side = film.shape[0]
    film = film / max(float(np.quantile(film, 0.995)), 1e-3)
    film = np.clip(film, 0, 1) ** rng.uniform(0.5, 1.8)
    veil = rng.uniform(0, 0.6) if rng.random() < 0.4 else 0.0
    film = veil + (1 - veil) * film
    ys, xs = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    film = film + rng.normal(0, 0.06) * xs + rng.normal(0, 0.06) * ys
    if rng.random() < 0.2:
        film = film + rng.uniform(0, 0.4) * np.clip(np.hypot(xs, ys) - 0.6, 0, None)
    dark = rng.uniform(0.08, 0.5) if rng.random() < 0.35 else rng.uniform(0.5, 1.0)
    return np.clip(dark * film, 0, 1).astype(np.float32)


def _lettered(film: FloatArray, mask: Mask, rng: np.random.Generator) -> FloatArray:
    """Lead letters, with or without their plate, mostly beside the hand."""
    side = film.shape[0]
    film = film.copy()
    for _ in range(rng.integers(1, 3)):
        for _ in range(8):
            x, y = (int(v) for v in rng.integers(0, side - 14, 2))
            if mask[y : y + 14, x : x + 14].max() < 0.1:
                break
        bright = float(rng.uniform(0.5, 1.0))
        if rng.random() < 0.5:
            height, width = (int(v) for v in rng.integers(8, 26, 2))
            patch = film[y : y + height, x : x + width]
            patch += (bright - patch) * rng.uniform(0.05, 0.5)
        text = "".join(rng.choice(list("LRABDEGJKMNSTW"), rng.integers(1, 4)))
        size = float(rng.uniform(0.25, 0.7))
        ink = np.zeros(film.shape, np.uint8)  # OpenCV 5 writes on 8 bits only
        thickness = 1 + int(size > 0.45)
        cv2.putText(ink, text, (x, y + 10), cv2.FONT_HERSHEY_SIMPLEX, size, 255, thickness)
        film += (bright - film) * (ink / np.float32(255))
    return film


def _framed(film: FloatArray, mask: Mask, rng: np.random.Generator) -> tuple[FloatArray, Mask]:
    """A collimator's frame: what lies outside a rectangle, straight or tilted, has one grey."""
    side = film.shape[0]
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    half = rng.uniform(0.62, 1.0, 2) * side / 2
    angle = np.radians(rng.normal(0, 2) if rng.random() < 0.7 else rng.uniform(-25, 25))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    placed = (corners * half) @ turn.T + side / 2 + rng.normal(0, 0.04, 2) * side
    inside = np.zeros(film.shape, np.uint8)
    cv2.fillConvexPoly(inside, np.rint(placed).astype(np.int32), 1)
    cut = (mask > 0.5) & (inside == 0)
    if cut.sum() > 0.2 * max((mask > 0.5).sum(), 1):
        return film, mask
    kind = rng.random()
    grey = 0.0 if kind < 0.4 else 1.0 if kind < 0.6 else float(rng.uniform(0, 1))
    framed = np.where(inside > 0, film, np.float32(grey))
    if rng.random() < 0.3:
        ring = np.rint(placed).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(framed, [ring], True, float(rng.random()), int(rng.integers(1, 4)))
    return framed.astype(np.float32), np.where(inside > 0, mask, np.float32(0))
