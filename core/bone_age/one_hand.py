"""Whether a mask is one hand: no hand, two hands, or a frame are told apart and refused."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import UnsuitableInputError
from core.percent import percent

LEAST_AREA = 0.04
"""Smallest hand, as a part of the film."""
SECOND_HAND = 0.4
"""Size of a second shape, as a part of the largest, from which it counts as a second hand."""
MOST_RECTANGULAR = 0.82
"""Share of its tightest rectangle that a frame or a film's edge fills and no hand does."""


def one_hand_contour(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N, 2) outline, x and y, of the only hand in a mask.

    Raises:
        UnsuitableInputError: If there is no shape large enough, if there are two, or if the
            largest is a rectangle.
    """
    shapes = _without_borders(mask.astype(np.uint8))
    contours, _ = cv2.findContours(shapes, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    by_area = sorted(contours, key=cv2.contourArea, reverse=True)
    areas = [cv2.contourArea(contour) / mask.size for contour in by_area]
    if not areas or areas[0] < LEAST_AREA:
        raise UnsuitableInputError(
            f"No hand was found: the largest bright shape covers {percent(max([0.0, *areas]))} of "
            f"the film, and a hand covers at least {percent(LEAST_AREA)}. A radiograph of one hand "
            "was expected; if it is one, crop it closer."
        )
    if len(areas) > 1 and areas[1] > max(SECOND_HAND * areas[0], LEAST_AREA):
        raise UnsuitableInputError(
            "Two hands seem to be on the film: two shapes of like size were found, and one hand "
            "was expected. Crop the film to one hand."
        )
    (_, size, _) = cv2.minAreaRect(by_area[0])  # its area only: OpenCV 4.13 changed the angle
    if areas[0] * mask.size > MOST_RECTANGULAR * max(size[0] * size[1], 1.0):
        raise UnsuitableInputError(
            "The largest bright shape is a rectangle, as of a collimator's frame or of the film "
            "itself, and a hand was expected. Crop the film to inside its frame."
        )
    return by_area[0].reshape(-1, 2).astype(float)


def _without_borders(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mask without shapes that reach into two corners of the film, if a hand is left."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    corners = [int(labels[row, column]) for row in (0, -1) for column in (0, -1)]
    borders = [label for label in set(corners) - {0} if corners.count(label) > 1]
    rest = np.where(np.isin(labels, borders), 0, mask).astype(np.uint8)
    areas = np.delete(stats[:, cv2.CC_STAT_AREA], [0, *borders])
    return rest if areas.size and areas.max() >= LEAST_AREA * mask.size else mask


def filled(contour: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """bool (H, W): everything within an outline."""
    mask = np.zeros(shape, np.uint8)
    cv2.drawContours(mask, [contour.astype(np.int32).reshape(-1, 1, 2)], -1, 1, cv2.FILLED)
    return mask > 0
