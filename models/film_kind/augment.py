"""Random views of films to train on: what a film is must show in its content alone.

Every kind goes through the same changes of size, shape, frame, letters, grey values, sharpness
and compression, so that none of these can tell one data set from another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.film_kind import KINDS, ORIENTATIONS
from core.images import FloatArray
from models.film_kind.films import Film, pixels_of
from models.film_kind.out_of_distribution import lettered
from models.film_kind.recognise import network_input, stretch

CANVAS_PX = 112


@dataclass(frozen=True)
class View:
    """One example: float32 (S, S) in [0, 1], and indices into the outputs.

    Attributes:
        orientation: Index into `ORIENTATIONS`; -1 where it has no meaning.
        inverted: 1 or 0; -1 where it has no meaning.
    """

    pixels: FloatArray
    kind: int
    orientation: int = -1
    inverted: int = -1


def training_view(film: Film, other: Film, side_px: int, rng: np.random.Generator) -> View:
    """One random view of a film; `other`, of the same kind, may be joined to it.

    Hands are also cut to a part or set beside a second one: those are no whole hand any more.
    """
    kind = film.kind
    if kind == "other" and rng.random() < 0.4:  # a page gets them as they are
        return View(network_input(pixels_of(film), side_px), KINDS.index(kind))
    pixels = toned(film.grey, rng)
    if rng.random() < 0.5 and kind != "chest":
        pixels = pixels[:, ::-1]
    if kind == "hand" and rng.random() < 0.18:
        kind = "other hand"
        if rng.random() < 0.5:
            pixels = _part(pixels, rng)
        else:
            pixels = _pair(pixels, toned(other.grey, rng), rng)
    turns = int(rng.integers(4)) if rng.random() < 0.65 else 0
    spread = {"hand": 45, "chest": 12}.get(kind, 30)
    tilt = rng.uniform(-spread, spread) if rng.random() < 0.6 else rng.normal(0, 4)
    zoom = (0.6, 1.1) if kind in ("hand", "chest") else (0.6, 1.3)
    view = placed(np.rot90(pixels, turns), float(tilt), zoom, rng)
    inverted = bool(rng.random() < (0.45 if kind == "chest" else 0.25))
    if inverted:
        view = 1 - view
    view = network_input(degraded(marked(view, rng), rng), side_px)
    index = KINDS.index(kind)
    if kind != "chest":
        return View(view, index)
    return View(view, index, turns % len(ORIENTATIONS), int(inverted))


def toned(grey: NDArray[np.uint8], rng: np.random.Generator) -> FloatArray:
    """Random gamma, local contrast, exposure and a slope of brightness; the range may shrink.

    Args:
        grey: uint8 (H, W).

    Returns:
        float32 (H, W) in [0, 1].
    """
    import cv2

    drawn = rng.random()
    if drawn < 0.2:
        clahe = cv2.createCLAHE(float(rng.uniform(1, 4)), (int(rng.integers(2, 9)),) * 2)
        grey = clahe.apply(grey)
    elif drawn < 0.25:
        grey = cv2.equalizeHist(grey)
    levels = (np.arange(256, dtype=np.float32) / 255) ** np.float32(np.exp(rng.uniform(-0.6, 0.6)))
    pixels = levels[grey]
    if 0.25 < drawn < 0.35:  # over- or underexposed: a part of the range is lost
        low, high = rng.uniform(0, 0.2), rng.uniform(0.7, 1)
        pixels = np.clip((pixels - low) / (high - low), 0, 1)
    if rng.random() < 0.25:
        height, width = pixels.shape
        slope = np.linspace(-1, 1, width)[None] * rng.uniform(-0.25, 0.25)
        slope = slope + np.linspace(-1, 1, height)[:, None] * rng.uniform(-0.25, 0.25)
        pixels = np.clip(pixels + slope, 0, 1)
    if rng.random() < 0.35:  # few grey levels, as on very dark films
        low, high = sorted(rng.uniform(0, 1, 2))
        high = max(high, low + 0.06)
        pixels = np.rint((low + pixels * (high - low)) * 255) / 255
    return np.clip(pixels, 0, 1).astype(np.float32)


def placed(
    pixels: FloatArray, tilt_deg: float, zoom: tuple[float, float], rng: np.random.Generator
) -> FloatArray:
    """The film tilted, squeezed or fitted into a square, moved, and its surroundings filled."""
    import cv2

    height, width = pixels.shape
    turn = np.deg2rad(tilt_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    extent = np.abs(rotation) @ np.array([width, height])
    if rng.random() < 0.5:  # tilted within the film's field: the corners fall outside
        extent = extent * 0.5 + np.array([width, height]) * 0.5
    squeezed = CANVAS_PX / extent
    fitted = np.full(2, CANVAS_PX / extent.max())
    weight = rng.uniform()
    scale = squeezed**weight * fitted ** (1 - weight)
    size = rng.uniform(*zoom) if rng.random() < 0.7 else 1.0
    shape = np.exp(rng.uniform(-0.2, 0.2))
    scale = scale * size * np.array([shape**0.5, shape**-0.5])
    linear = np.diag(scale) @ rotation
    slack = np.abs(CANVAS_PX - extent * scale) / 2
    middle = CANVAS_PX / 2 + rng.uniform(-1, 1, 2) * np.minimum(slack, CANVAS_PX * 0.15)
    offset = middle - linear @ np.array([width / 2, height / 2])
    matrix = np.concatenate([linear, offset[:, None]], axis=1)
    fill = (0.0, 1.0, float(np.median(pixels[:3])), float(rng.uniform()))
    outside = fill[rng.choice(4, p=(0.5, 0.05, 0.35, 0.1))]
    replicate = rng.random() < 0.35
    return np.asarray(
        cv2.warpAffine(
            np.ascontiguousarray(pixels),
            matrix,
            (CANVAS_PX, CANVAS_PX),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT,
            borderValue=outside,
        ),
        np.float32,
    )


def marked(view: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Random frames, letters and blacked-out labels."""
    view = np.array(view)
    side = view.shape[0]
    if rng.random() < 0.3:
        widths = rng.integers(0, side // 10, 4) * (rng.random(4) < 0.6)
        value = float(rng.choice([0.0, 1.0, rng.uniform()]))
        view[: widths[0]] = value
        view[side - widths[1] :] = value
        view[:, : widths[2]] = value
        view[:, side - widths[3] :] = value
    for _ in range(rng.integers(1, 4) if rng.random() < 0.4 else 0):
        letters = "".join(rng.choice(list("LRPAXMDS0123456789"), int(rng.integers(1, 4))))
        where = (int(rng.integers(0, side - 12)), int(rng.integers(8, side)))
        view = lettered(view, letters, where, float(rng.uniform(0.2, 0.5)), rng.uniform(0.6, 1))
    for _ in range(rng.integers(1, 3) if rng.random() < 0.15 else 0):
        x, y = rng.integers(0, side, 2)
        w, h = rng.integers(4, side // 6, 2)
        view[y : y + h, x : x + w] = float(rng.choice([0.0, 1.0]))
    return view


def degraded(view: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Random loss of resolution, blur, noise and JPEG compression."""
    import cv2

    if rng.random() < 0.6:
        small = int(rng.integers(40, CANVAS_PX))
        view = cv2.resize(view, (small, small), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.25:
        view = cv2.GaussianBlur(view, (0, 0), float(rng.uniform(0.4, 1.5)))
    view = stretch(view)
    if rng.random() < 0.3:
        noise = rng.standard_normal(view.shape, dtype=np.float32)
        view = np.clip(view + noise * np.float32(rng.uniform(0.01, 0.12)), 0, 1)
    if rng.random() < 0.4:
        grey = np.rint(view * 255).astype(np.uint8)
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 95))]
        encoded = cv2.imencode(".jpg", grey, quality)[1]
        view = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.float32) / np.float32(255)
    return np.asarray(view, np.float32)


def _part(pixels: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A window of a third to half of each side, where there is something to see."""
    height, width = pixels.shape
    h, w = (int(side * rng.uniform(0.33, 0.5)) for side in (height, width))
    y = int(rng.uniform(0.05, 0.95) * (height - h))
    x = int(rng.uniform(0.25, 0.75) * (width - w))
    return pixels[y : y + h, x : x + w]


def _pair(left: FloatArray, right: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Two films side by side, the second mirrored or not."""
    import cv2

    height = left.shape[0]
    width = max(8, round(right.shape[1] * height / right.shape[0]))
    fitted = cv2.resize(right, (width, height), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.7:
        fitted = fitted[:, ::-1]
    return np.ascontiguousarray(np.concatenate([left, fitted], axis=1))
