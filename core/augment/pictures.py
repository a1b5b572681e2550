"""Pictures of the lab: labels on a film, a slice with its mask, the difference of two images."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from core.augment.labels import Labels, Mask
from core.images import FloatArray
from core.plots.draw import TRUTH, Picture, Rgb, tile, to_rgb, windowed, with_boxes
from core.plots.slices import ACROSS, NORMAL, display_range, grey

SLICE_PX = 560
LEAST_REACH = 0.05
"""Differences smaller than this share of full scale are not blown up to fill the colours."""


def with_masks(
    picture: Picture, masks: Mapping[str, Mask], colour: Rgb = TRUTH, *, dashed: bool = False
) -> Picture:
    """The outlines of masks on a picture of their shape."""
    drawn = to_rgb(picture)
    line = max(1, round(max(drawn.shape[:2]) / 320))
    for mask in masks.values():
        found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        for rim, tint in ((line + 2, (0, 0, 0)), (line, colour)):
            for contour in found:
                if not dashed:
                    cv2.polylines(drawn, [contour], True, tint, rim, cv2.LINE_AA)
                    continue
                dash = 8 * line
                for start in range(0, len(contour), 2 * dash):
                    part = contour[start : start + dash]
                    cv2.polylines(drawn, [part], False, tint, rim, cv2.LINE_AA)
    return drawn


def with_points(picture: Picture, labels: Labels, colour: Rgb = TRUTH) -> Picture:
    """Named points as small rings."""
    drawn = to_rgb(picture)
    radius = max(2, round(max(drawn.shape[:2]) / 160))
    for x, y in labels.points.values():
        if not (-1e4 < x < 1e4 and -1e4 < y < 1e4):
            continue
        for width, tint in ((3, (0, 0, 0)), (1, colour)):
            cv2.circle(drawn, (round(x), round(y)), radius, tint, width, cv2.LINE_AA)
    return drawn


def film(pixels: FloatArray, labels: Labels, *, boxes: bool = False) -> Picture:
    """A film with its masks and points, and its boxes if asked for: dashed, as truth is."""
    drawn = with_masks(windowed(pixels), labels.masks, dashed=True)
    drawn = with_points(drawn, labels)
    return with_boxes(drawn, labels.boxes_xyxy, colour=TRUTH, dashed=True) if boxes else drawn


def thumbnail(picture: Picture, long_side: int = 420) -> Picture:
    """A picture no larger than a gallery needs."""
    factor = long_side / max(picture.shape[:2])
    if factor >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def difference(before: NDArray[np.floating], after: NDArray[np.floating]) -> tuple[Picture, float]:
    """What got brighter (orange) and darker (blue), and the difference that the full colour means.

    Args:
        before, after: float (H, W) on one scale.
    """
    change = after.astype(np.float32) - before
    reach = max(float(np.quantile(np.abs(change), 0.995)), LEAST_REACH)
    share = np.clip(change / reach, -1, 1)[..., None]
    up, down = np.array((255, 176, 60), np.float32), np.array((70, 170, 255), np.float32)
    return np.rint(np.clip(share, 0, 1) * up + np.clip(-share, 0, 1) * down).astype(np.uint8), reach


def slice_of(voxels: np.ndarray, plane: str, index: int) -> np.ndarray:
    """One slice as on a film: (H, W), top row first, the patient's right or front at the left."""
    cut = np.take(voxels, index, axis=NORMAL[plane])
    return np.ascontiguousarray(cut[::-1, ::-1].T)


def slice_spacing(spacing_mm: tuple[float, float, float], plane: str) -> tuple[float, float]:
    """(row, column) spacing of a slice."""
    across, down = ACROSS[plane]
    return spacing_mm[down], spacing_mm[across]


def enlarged(
    image: np.ndarray, spacing_mm: tuple[float, float], long_side: int = SLICE_PX
) -> tuple[np.ndarray, float]:
    """A slice with square pixels, its longer side `long_side`, and their size in mm."""
    height, width = image.shape[0] * spacing_mm[0], image.shape[1] * spacing_mm[1]
    mm = max(height, width) / long_side
    size = (max(1, round(width / mm)), max(1, round(height / mm)))
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), mm


def head_slice(
    voxels: FloatArray,
    masks: Mapping[str, Mask],
    window: tuple[float, float],
    spacing_mm: tuple[float, float, float],
    plane: str,
    index: int,
    *,
    dashed: bool = True,
    colour: Rgb = TRUTH,
) -> Picture:
    """A slice of a head with the outlines of its masks, RGB with square pixels."""
    spacing = slice_spacing(spacing_mm, plane)
    picture, _ = enlarged(grey(slice_of(voxels, plane, index), *window), spacing)
    outlines = head_outline(masks, spacing_mm, plane, index)
    return with_masks(picture.astype(np.uint8), outlines, colour, dashed=dashed)


def head_outline(
    masks: Mapping[str, Mask], spacing_mm: tuple[float, float, float], plane: str, index: int
) -> dict[str, Mask]:
    """Masks of a head in a slice, on the pixels of `head_slice`."""
    spacing = slice_spacing(spacing_mm, plane)
    return {
        name: enlarged(slice_of(mask, plane, index).astype(np.float32), spacing)[0] > 0.5
        for name, mask in masks.items()
    }


def head_difference(
    before: FloatArray,
    after: FloatArray,
    spacing_mm: tuple[float, float, float],
    plane: str,
    index: int,
) -> tuple[Picture, float]:
    """The difference of two heads in a slice, as a share of the window of the first."""
    low, high = display_range(before)
    spacing = slice_spacing(spacing_mm, plane)
    cuts = [
        enlarged(slice_of(one, plane, index).astype(np.float32), spacing)[0] / (high - low)
        for one in (before, after)
    ]
    return difference(cuts[0], cuts[1])


def sheet(pictures: list[Picture], width: int = 420, height: int = 420) -> Picture:
    """Pictures side by side in frames of one size."""
    return np.concatenate([tile(picture, width, height) for picture in pictures], axis=1)
