"""Hand masks from clear films, by a threshold and checks: what the hand-mask network learns from.

No masks come with the data. The landmark pipeline's mask is taken where everything says that it
is right, and a film with any doubt is left out; contact sheets of what stays were looked at, and
the names in `LEFT_OUT` are those that were wrong all the same.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.bone_age import landmark
from core.bone_age.collimation import field_mask
from core.bone_age.geometry import film_matrix, moved
from core.bone_age.one_hand import filled
from core.images import FloatArray
from core.stages import run_stages

LEFT_OUT = frozenset(f"{number}.jpg" for number in (1684, 4116, 6196, 10668, 11224, 12136, 12443))
"""Taken for clear by the checks, but a fingertip was missed or a border taken in."""

LEAST_CONTRAST = 25.0
"""Least step across the outline, in grey values of the normalised film."""
STRIP = 0.018
"""Widest strip that is cut off, as a part of the film's longer side: fingers are wider."""
MOST_RAGGED = 1.12
"""Longest outline, as a multiple of what is left of it after smoothing."""


def clear_mask(pixels: FloatArray) -> NDArray[np.bool_] | None:
    """The hand's mask on a film on which it is beyond doubt, else None.

    Args:
        pixels: float32 (H, W) in [0, 1], bone bright.

    Returns:
        bool (H, W), or None.
    """
    # Trim would cut the forearm short; the crops are not needed.
    skip = ("Denoise", "Trim", "Regions", "Crop regions")
    steps = run_stages(pixels, landmark.stages(), skip=skip)
    if steps[-1].error is not None:
        return None
    upto = [step.name for step in steps].index("Hand mask") + 1
    image, contour = steps[upto - 1].image, steps[upto - 1].overlays["contour"]
    inside = filled(contour, image.shape[:2]).astype(np.uint8)
    if not (_smooth(inside, contour) and _clear_edge(steps[upto - 2].image, inside)):
        return None
    back = np.linalg.inv(film_matrix(steps[:upto]))
    mask = filled(moved(contour, back), pixels.shape)
    area, rows = mask.mean(), np.flatnonzero(mask.any(axis=1))
    if not 0.08 < area < 0.6 or rows[0] <= 2:
        return None
    return _without_strips(mask & field_mask(pixels))


def _without_strips(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask without lines along the film's border that hang on to the forearm."""
    width = round(STRIP * max(mask.shape)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    padded = np.pad(mask.astype(np.uint8), width)
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, kernel)[width:-width, width:-width]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    return labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()) if len(stats) > 1 else mask


def _smooth(inside: NDArray[np.uint8], contour: NDArray[np.float64]) -> bool:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15))
    opened = cv2.morphologyEx(
        cv2.morphologyEx(inside, cv2.MORPH_OPEN, kernel), cv2.MORPH_CLOSE, kernel
    )
    contours, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    smooth = max((cv2.arcLength(piece, True) for piece in contours), default=0.0)
    rough = cv2.arcLength(contour.astype(np.float32).reshape(-1, 1, 2), True)
    return smooth > 0 and rough < MOST_RAGGED * smooth


def _clear_edge(grey: NDArray[np.uint8], inside: NDArray[np.uint8]) -> bool:
    """Whether the hand is brighter inside its outline than outside, nearly everywhere."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (21, 21))
    rim_in = (inside > 0) & (cv2.erode(inside, kernel) == 0)
    rim_out = (inside == 0) & (cv2.dilate(inside, kernel) > 0)
    values = grey.astype(np.float32)
    return float(np.median(values[rim_in]) - np.median(values[rim_out])) > LEAST_CONTRAST
