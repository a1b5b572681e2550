"""Turn, fit and map back onto the film: geometry that the pipelines share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray
from core.stages import Step

Matrix = NDArray[Any]


def film_matrix(steps: Sequence[Step]) -> Matrix:
    """float (3, 3): from pixels of the film to pixels of the last step's image.

    Args:
        steps: The steps from the first on, as far as wanted.
    """
    matrix = np.eye(3)
    for step in steps:
        matrix = np.asarray(step.overlays.get("matrix", np.eye(3))) @ matrix
    return matrix


@dataclass(frozen=True, eq=False)
class View:
    """One part of a network's input and where it lies on the film.

    Attributes:
        box_xyxy: Whole pixels of the input.
        matrix: float (3, 3) from pixels of the film to pixels of the input.
    """

    box_xyxy: tuple[int, int, int, int]
    matrix: Matrix


def views_of(steps: Sequence[Step]) -> tuple[View, ...]:
    """The parts of the last step's image: one for each region of a sheet, else the whole."""
    height, width = steps[-1].image.shape[:2]
    for number, step in enumerate(steps):
        if "matrix_of" in step.overlays and not step.skipped:
            before, after = film_matrix(steps[:number]), film_matrix(steps[number + 1 :])
            return tuple(
                View(_moved_box(step.overlays["boxes"][name], after), after @ matrix @ before)
                for name, matrix in step.overlays["matrix_of"].items()
            )
    return (View((0, 0, width, height), film_matrix(steps)),)


def _moved_box(box_xyxy: Sequence[float], matrix: Matrix) -> tuple[int, int, int, int]:
    corners = moved(np.asarray(box_xyxy, float).reshape(2, 2), matrix).round().astype(int)
    x0, y0, x1, y1 = (int(value) for value in corners.ravel())
    return x0, y0, x1, y1


def on_film(seen_map: FloatArray, views: Sequence[View], film_shape: tuple[int, int]) -> FloatArray:
    """Put a map over a network's input back onto the film, zero where the input shows none.

    A place that the input shows twice, in two regions, gets the value farther from zero.

    Args:
        seen_map: float32 (H, W) over the network's input.
        views: Of that input.
        film_shape: (H, W) of the film.
    """
    whole = np.zeros(film_shape, np.float32)
    size = (film_shape[1], film_shape[0])
    for view in views:
        x0, y0, x1, y1 = view.box_xyxy
        part = np.ascontiguousarray(seen_map[y0:y1, x0:x1], np.float32)
        matrix = shift(x0, y0) @ view.matrix
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        here = cv2.warpAffine(part, matrix[:2], size, flags=flags)
        whole = np.where(np.abs(here) > np.abs(whole), here, whole)
    return whole


def to_film(points: NDArray[Any], steps: Sequence[Step]) -> NDArray[np.float64]:
    """(N, 2) points of the last step's image in pixels of the film."""
    return moved(points, np.linalg.inv(film_matrix(steps)))


def moved(points: NDArray[Any], matrix: Matrix) -> NDArray[np.float64]:
    """(N, 2) points through an affine (3, 3) matrix."""
    points = np.atleast_2d(np.asarray(points, float))
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def shift(left: float, top: float) -> Matrix:
    """The matrix of cutting `left` columns and `top` rows away."""
    return np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])


def turned(
    array: NDArray[np.uint8], centre: Sequence[float], angle_degrees: float
) -> tuple[NDArray[np.uint8], Matrix]:
    """Rotate a masked hand counter-clockwise about a point and crop to it.

    Args:
        array: uint8 (H, W), 0 outside the hand; it stays so, and at least 1 inside.
        centre: x and y.

    Returns:
        The hand in its bounding box with a margin of two pixels, and the matrix to there.
    """
    matrix = np.eye(3)
    matrix[:2] = cv2.getRotationMatrix2D(
        (float(centre[0]), float(centre[1])), float(angle_degrees), 1.0
    )
    mask = (array > 0).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    points = np.concatenate([contour.reshape(-1, 2) for contour in contours])
    placed = moved(points, matrix)
    low = np.floor(placed.min(axis=0)) - 2
    width, height = (np.ceil(placed.max(axis=0)) + 3 - low).astype(int)
    matrix = shift(*low) @ matrix
    size = (int(width), int(height))
    image = cv2.warpAffine(array, matrix[:2], size, flags=cv2.INTER_LINEAR)
    inside = cv2.warpAffine(mask, matrix[:2], size, flags=cv2.INTER_NEAREST)
    return np.where(inside > 0, np.maximum(image, 1), 0).astype(np.uint8), matrix


def fitted(array: NDArray[Any], side_px: int) -> tuple[NDArray[Any], Matrix]:
    """Scale to fit a black square, aspect kept, centred; and the matrix to there."""
    height, width = array.shape
    scale = side_px / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    left, top = (side_px - size[0]) // 2, (side_px - size[1]) // 2
    square = np.zeros((side_px, side_px), array.dtype)
    square[top : top + size[1], left : left + size[0]] = cv2.resize(
        array, size, interpolation=method
    )
    matrix = shift(-left, -top) @ np.diag([size[0] / width, size[1] / height, 1.0])
    return square, matrix
