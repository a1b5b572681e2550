"""Files to take away from a 3D result, on the grid of the file that came in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.files.volume import nifti_bytes, orientation_of
from core.files.write import png
from core.images import Volume
from core.plots.draw import PREDICTION, TRUTH
from core.plots.slices import SIDES, Layer, display_range, grey, slice_at
from core.skull_strip.surface import stl_bytes, surface_net

PIXELS_PER_MM = 2.0
WHITE = (225, 228, 230)


def stripped(volume: Volume, mask: NDArray[np.uint8]) -> bytes:
    """The head with everything outside the mask set to 0, as .nii.gz."""
    return nifti_bytes(volume.voxels * mask, volume)


def surface_stl(volume: Volume, mask: NDArray[np.uint8]) -> bytes:
    """The mask's surface in RAS+ mm, as binary STL."""
    return stl_bytes(*surface_net(mask, volume.affine))


def parameters_json(
    volume: Volume, settings: Mapping[str, Any], model: Mapping[str, Any], result: Mapping[str, Any]
) -> bytes:
    """What is needed to repeat a run: volume, settings, model and what came out."""
    grid = volume.source.shape if volume.source else volume.voxels.shape
    table = {
        "volume": {
            "matrix": list(grid),
            "voxel_size_mm": [round(edge, 4) for edge in volume.spacing_mm],
            "orientation": orientation_of(volume),
            "sha256_of_source": volume.digest,
        },
        "settings": dict(settings),
        "model": dict(model),
        "result": dict(result),
    }
    return json.dumps(table, indent=2, default=list).encode()


def strip_png(
    layers: Sequence[Layer],
    plane: str,
    position_mm: float,
    outlines: Sequence[tuple[str, Layer]],
    columns: int = 4,
) -> bytes:
    """The strip of stages as a picture, drawn without a browser."""
    tiles = [_tile(layer, plane, position_mm, outlines) for layer in layers]
    height = max(tile.shape[0] for tile in tiles)
    width = max(tile.shape[1] for tile in tiles)
    rows = -(-len(tiles) // columns)
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * height, number % columns * width
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return png(sheet)


def _tile(
    layer: Layer, plane: str, position_mm: float, outlines: Sequence[tuple[str, Layer]]
) -> NDArray[np.uint8]:
    """One panel with title, sides and outlines, RGB, top row first."""
    cut = slice_at(layer, plane, position_mm)
    low, high = display_range(layer.voxels) if layer.scale == "grey" else (0.0, 1.0)
    if layer.scale == "field":
        away = float(np.abs(layer.voxels[::4, ::4, ::4] - 1).max())
        low, high = 1 - away, 1 + away
    size = (
        round(cut.image.shape[1] * cut.step_mm[0] * PIXELS_PER_MM),
        round(cut.image.shape[0] * cut.step_mm[1] * PIXELS_PER_MM),
    )
    picture = cv2.resize(grey(cut.image, low, high), size, interpolation=cv2.INTER_LINEAR)
    tile = np.repeat(picture[..., None], 3, axis=2)
    for kind, mask in outlines:
        _draw_outline(tile, cut.x_mm, cut.y_mm, slice_at(mask, plane, position_mm), kind)
    tile = np.ascontiguousarray(tile[::-1])
    font = cv2.FONT_HERSHEY_SIMPLEX
    h, w = tile.shape[:2]
    spots = ((4, h // 2), (w - 18, h // 2), (w // 2, h - 8), (w // 2, 44))
    for letter, spot in zip(SIDES[plane], spots, strict=True):
        cv2.putText(tile, letter, spot, font, 0.5, WHITE, 1, cv2.LINE_AA)
    cv2.putText(tile, layer.title, (6, 20), font, 0.5, WHITE, 1, cv2.LINE_AA)
    return tile


def _draw_outline(tile: NDArray[np.uint8], x_mm: float, y_mm: float, cut: Any, kind: str) -> None:
    """Draw a mask's outline into a tile whose first pixel lies at (x_mm, y_mm)."""
    enlarged = cv2.resize(
        cut.image.astype(np.float32),
        None,
        fx=cut.step_mm[0] * PIXELS_PER_MM,
        fy=cut.step_mm[1] * PIXELS_PER_MM,
        interpolation=cv2.INTER_LINEAR,
    )
    offset = (round((cut.x_mm - x_mm) * PIXELS_PER_MM), round((cut.y_mm - y_mm) * PIXELS_PER_MM))
    inside = (enlarged > 0.5).astype(np.uint8)
    contours, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE, offset=offset)
    colour = PREDICTION if kind == "prediction" else TRUTH
    for contour in contours:
        points = contour if kind == "prediction" else contour[: len(contour) // 8 * 8]
        if kind == "prediction":
            cv2.polylines(tile, [points], True, colour, 1, cv2.LINE_AA)
            continue
        for start in range(0, len(points), 8):  # dashes
            cv2.polylines(tile, [points[start : start + 5]], False, colour, 1, cv2.LINE_AA)
