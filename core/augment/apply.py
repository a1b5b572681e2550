"""Carry out a draw on a film: pixels, boxes, masks and points together.

AlbumentationsX does the work. Every `Compose` is made here, with `telemetry=False`: the library
would otherwise report each pipeline to an analytics service.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.augment.films import FILMS
from core.augment.labels import Labels, Mask, Motion, Moved, motion_of
from core.augment.library import library
from core.augment.pipeline import Draw
from core.images import FloatArray

GRID = 9
"""Points a side that show what happened to shapes."""
BOX_GRID = 8
"""Points a side that show how much of a box is still in the image."""
LEAST_BOX_PX = 1.0


def calls(draw: Draw, shape: tuple[int, int]) -> list[tuple[str, dict[str, Any]]]:
    """The library's calls, class and arguments, that carry out exactly this draw."""
    return [
        FILMS[part.transform].call({k: (v, v) for k, v in part.values.items()}, shape)
        for part in draw.parts
    ]


def composed(draw: Draw, shape: tuple[int, int], **params: Any) -> Any:
    """The draw as an AlbumentationsX pipeline: every transform applied, with its own seed."""
    library_ = library()
    steps = [getattr(library_, name)(**given, p=1.0) for name, given in calls(draw, shape)]
    return library_.Compose(steps, seed=draw.seed, telemetry=False, **params)


def apply_film(draw: Draw, pixels: FloatArray, labels: Labels) -> Moved:
    """Apply a draw to a film and its labels.

    Args:
        draw: From `pipeline.draw`; the same draw gives the same pixels.
        pixels: float32 (H, W) in [0, 1].
        labels: In pixels of the film.
    """
    shape = (pixels.shape[0], pixels.shape[1])
    if not draw.parts:
        return Moved(pixels, labels, tuple(range(len(labels.box_names))), _all(labels))
    if not any(FILMS[part.transform].moves for part in draw.parts):
        changed = composed(draw, shape)(image=film_input(draw, pixels))["image"]
        return Moved(_film(changed), labels, tuple(range(len(labels.box_names))), _all(labels))
    points, places = _points(labels, shape)
    pipeline = composed(
        draw,
        shape,
        bbox_params=library().BboxParams("pascal_voc", label_fields=["box_index"]),
        keypoint_params=library().KeypointParams("xy", remove_invisible=False),
    )
    moved = pipeline(
        image=film_input(draw, pixels),
        mask=_layers(labels, shape),
        bboxes=labels.boxes_xyxy,
        box_index=list(range(len(labels.box_names))),
        keypoints=points,
    )
    return _read(moved, labels, shape, places)


def needs_channels(draw: Draw) -> bool:
    """Whether the library needs three equal channels: its Perspective fails on a large grey film
    (AlbumentationsX 2.5.1, above 256 × 256 px)."""
    return any(part.transform == "perspective" for part in draw.parts)


def film_input(draw: Draw, pixels: FloatArray) -> FloatArray:
    """The film as the library gets it: float32 (H, W), or (H, W, 3)."""
    if needs_channels(draw):
        return np.repeat(pixels[..., None], 3, axis=2)
    return np.ascontiguousarray(pixels)


def _film(pixels: NDArray[Any]) -> FloatArray:
    first = pixels[..., 0] if pixels.ndim == 3 else pixels
    return np.ascontiguousarray(np.clip(first, 0, 1), np.float32)


def _all(labels: Labels) -> tuple[float, ...]:
    return (1.0,) * len(labels.box_names)


def _layers(labels: Labels, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Masks as channels, the first one the whole image, which shows what was filled in."""
    whole = np.ones(shape, np.uint8)
    # Two channels at least: Perspective drops the axis of a single one.
    return np.dstack([whole, *(mask.astype(np.uint8) for mask in labels.masks.values()), whole])


def _points(
    labels: Labels, shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """All points that move along: grid, grids in the boxes, named points; and the grid alone."""
    height, width = shape
    inner = np.linspace(0.1, 0.9, GRID, dtype=np.float32)
    grid = np.stack(np.meshgrid(inner * width, inner * height), axis=-1)
    parts = [grid.reshape(-1, 2)]
    across = (np.arange(BOX_GRID) + 0.5) / BOX_GRID
    for x0, y0, x1, y1 in labels.boxes_xyxy:
        box = np.meshgrid(x0 + across * (x1 - x0), y0 + across * (y1 - y0))
        parts.append(np.stack(box, axis=-1).reshape(-1, 2))
    if labels.points:
        parts.append(np.array(list(labels.points.values())).reshape(-1, 2))
    return np.concatenate(parts).astype(np.float32), grid


def _read(
    moved: dict[str, Any], labels: Labels, shape: tuple[int, int], grid: NDArray[np.float32]
) -> Moved:
    """What the library returned, as labels, with what became of each."""
    height, width = shape
    points = np.asarray(moved["keypoints"], np.float32).reshape(-1, 2)
    count = GRID * GRID
    motion = motion_of(grid, points[:count].reshape(GRID, GRID, 2))
    visible = []
    for _ in labels.box_names:
        inside = points[count : count + BOX_GRID**2]
        ok = (inside >= 0).all(axis=1) & (inside < [width, height]).all(axis=1)
        visible.append(float(ok.mean()))
        count += BOX_GRID**2
    named = {
        name: (float(x), float(y))
        for name, (x, y) in zip(labels.points, points[count:], strict=True)
    }
    boxes = np.asarray(moved["bboxes"], np.float32).reshape(-1, 4)[:, :4]
    kept = [int(index) for index in moved["box_index"]]
    large = [n for n in range(len(boxes)) if (boxes[n, 2:] - boxes[n, :2]).min() >= LEAST_BOX_PX]
    boxes, kept = boxes[large].reshape(-1, 4), [kept[n] for n in large]
    layers = np.asarray(moved["mask"])
    masks: dict[str, Mask] = {
        name: layers[..., number] > 0 for number, name in enumerate(labels.masks, start=1)
    }
    return Moved(
        _film(moved["image"]),
        Labels(boxes, tuple(labels.box_names[index] for index in kept), masks, named),
        tuple(kept),
        tuple(visible),
        motion if _changed(motion) else Motion(),
        float(1 - layers[..., 0].mean()),
    )


def _changed(motion: Motion) -> bool:
    """Whether shapes moved more than rounding does."""
    return (
        motion.mirrored
        or abs(motion.turn_degrees) > 0.1
        or abs(motion.scale - 1) > 0.002
        or motion.stretch > 0.002
    )
