"""Pictures of nothing that Lightbox reads: the kind "other", for training and for tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray

SIDE_PX = 112


def foreign_picture(rng: np.random.Generator) -> NDArray[np.uint8]:
    """One random picture, uint8 (112, 112)."""
    first = MAKERS[rng.integers(len(MAKERS))](rng)
    if rng.random() < 0.3:
        share = rng.uniform(0.2, 0.8)
        first = first * share + MAKERS[rng.integers(len(MAKERS))](rng) * (1 - share)
    first = first - first.min()
    return np.rint(first / max(float(first.max()), 1e-6) * 255).astype(np.uint8)


def lettered(
    view: FloatArray, letters: str, left_bottom: tuple[int, int], scale: float, grey: float
) -> FloatArray:
    """The view with letters written on it."""
    import cv2

    ink: NDArray[np.uint8] = np.zeros(view.shape, np.uint8)
    cv2.putText(ink, letters, left_bottom, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 1)
    share = ink.astype(np.float32) / np.float32(255)
    return np.asarray(view * (1 - share) + share * grey, np.float32)


def _noise(rng: np.random.Generator) -> FloatArray:
    """White, or coloured by a power law as textures of nature are."""
    fx, fy = np.meshgrid(np.fft.fftfreq(SIDE_PX), np.fft.fftfreq(SIDE_PX))
    radius = np.maximum(np.hypot(fx * rng.uniform(0.5, 2), fy), 1 / SIDE_PX)
    spectrum = np.fft.fft2(rng.standard_normal((SIDE_PX, SIDE_PX)))
    return np.fft.ifft2(spectrum * radius ** -rng.uniform(0, 2.2)).real.astype(np.float32)


def _slope(rng: np.random.Generator) -> FloatArray:
    y, x = np.mgrid[-1 : 1 : SIDE_PX * 1j, -1 : 1 : SIDE_PX * 1j]
    turn = rng.uniform(0, 2 * np.pi)
    flat = x * np.cos(turn) + y * np.sin(turn)
    round_ = np.hypot(x - rng.uniform(-1, 1), y - rng.uniform(-1, 1))
    return (flat if rng.random() < 0.5 else round_).astype(np.float32)


def _waves(rng: np.random.Generator) -> FloatArray:
    """Stripes or a checkerboard."""
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX] / SIDE_PX
    turn, rate = rng.uniform(0, np.pi), rng.uniform(2, 20)
    first = np.sin(2 * np.pi * rate * (x * np.cos(turn) + y * np.sin(turn)))
    second = np.sin(2 * np.pi * rate * (y * np.cos(turn) - x * np.sin(turn)))
    waves = first * second if rng.random() < 0.4 else first
    return (np.sign(waves) if rng.random() < 0.4 else waves).astype(np.float32)


def _shapes(rng: np.random.Generator) -> FloatArray:
    """Overlapping ellipses, polygons and lines."""
    import cv2

    canvas = np.full((SIDE_PX, SIDE_PX), rng.uniform(), np.float32)
    for _ in range(rng.integers(1, 12)):
        grey, thick = float(rng.uniform()), int(rng.choice([-1, -1, 1, 2, 4]))
        middle = tuple(int(v) for v in rng.integers(0, SIDE_PX, 2))
        drawn = rng.random()
        if drawn < 0.45:
            axes = tuple(int(v) for v in rng.integers(3, 60, 2))
            cv2.ellipse(canvas, middle, axes, float(rng.uniform(0, 180)), 0, 360, grey, thick)
        elif drawn < 0.75:
            corners = rng.integers(0, SIDE_PX, (int(rng.integers(3, 7)), 1, 2)).astype(np.int32)
            cv2.fillPoly(canvas, [corners], grey)
        else:
            end = tuple(int(v) for v in rng.integers(0, SIDE_PX, 2))
            cv2.line(canvas, middle, end, grey, max(1, thick))
    return canvas


def _page(rng: np.random.Generator) -> FloatArray:
    """Lines of text, or a chart's bars and axes."""
    import cv2

    paper, ink = (1.0, 0.0) if rng.random() < 0.7 else (0.0, 1.0)
    canvas = np.full((SIDE_PX, SIDE_PX), paper, np.float32)
    if rng.random() < 0.3:
        widths = rng.integers(3, 12)
        for x in range(8, SIDE_PX - 8, int(widths) + 3):
            cv2.rectangle(
                canvas,
                (x, SIDE_PX - 8),
                (x + int(widths), int(rng.integers(10, SIDE_PX - 10))),
                float(rng.uniform()),
                -1,
            )
        return canvas
    scale = float(rng.uniform(0.2, 0.7))
    for y in range(10, SIDE_PX, max(6, int(scale * 30))):
        letters = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz     "), 24))
        canvas = lettered(canvas, letters, (int(rng.integers(0, 20)), y), scale, ink)
    return canvas


def _blank(rng: np.random.Generator) -> FloatArray:
    """An empty film: faint noise, perhaps a lit strip at an edge."""
    canvas = rng.uniform() + rng.standard_normal((SIDE_PX, SIDE_PX)) * rng.uniform(0.001, 0.1)
    if rng.random() < 0.5:
        canvas[:, : int(rng.integers(1, 30))] = rng.uniform()
        canvas = np.rot90(canvas, int(rng.integers(4)))
    return np.asarray(canvas, np.float32)


def _photograph(rng: np.random.Generator) -> FloatArray:
    """A part of one of scikit-learn's two sample photographs (CC BY; see its README)."""
    import cv2
    from sklearn.datasets import load_sample_image

    colours = load_sample_image(("china.jpg", "flower.jpg")[rng.integers(2)])
    grey = colours.astype(np.float32).mean(axis=2)
    side = int(rng.integers(60, min(grey.shape)))
    y, x = (int(rng.integers(0, length - side)) for length in grey.shape)
    return np.asarray(
        cv2.resize(
            grey[y : y + side, x : x + side], (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA
        ),
        np.float32,
    )


MAKERS: tuple[Callable[[np.random.Generator], FloatArray], ...] = (
    _noise,
    _noise,
    _slope,
    _waves,
    _shapes,
    _shapes,
    _page,
    _blank,
    _photograph,
)
