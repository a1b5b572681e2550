"""The segmentation pipeline: the hand alone on black, at one size and one mean grey."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.bone_age.geometry import fitted, shift
from core.bone_age.grey import as_grey, clahe, denoise, equalise_mean, sharpen
from core.bone_age.one_hand import filled, one_hand_contour
from core.errors import UnsuitableInputError
from core.images import FloatArray, bounding_box
from core.stages import Stage

MaskOf = Callable[[FloatArray], NDArray[np.bool_]]
"""float32 (H, W) in [0, 1], bone bright → bool (H, W)."""
Marked = tuple[NDArray[Any], dict[str, Any]]


def stages(
    mask_of: MaskOf,
    *,
    side_px: int = 224,
    margin_percent: float = 2.0,
    mean_grey: float = 110.0,
    clahe_clip: float = 2.0,
    clahe_tiles: int = 4,
    denoise_strength: float = 3.0,
    sharpen_amount: float = 0.6,
) -> list[Stage]:
    """The pipeline from `Radiograph.pixels` to a network's input.

    Args:
        mask_of: Finds the hand; `models.bone_age.hand_mask.hand_mask` with its model, say.
        side_px: Side of the square that the hand is fitted onto.
        margin_percent: Room left around the hand, of its longer side.
        mean_grey: See `grey.equalise_mean`.
        clahe_clip, clahe_tiles: See `grey.clahe`.
        denoise_strength: Strength of non-local means, in grey values.
        sharpen_amount: See `grey.sharpen`.

    Returns:
        Stages whose last gives uint8 (side, side), 0 outside the hand.
    """

    def mask_hand(array: NDArray[Any]) -> Marked:
        return hand_by_mask(array, mask_of)

    return [
        Stage(
            "Hand mask",
            mask_hand,
            why="A network marks the hand, so that frames, letters and plates drop out.",
        ),
        Stage(
            "Crop",
            crop,
            {"margin_percent": margin_percent},
            "Cuts to the hand: a small hand on a large film becomes as large as the others.",
        ),
        Stage(
            "Fit",
            fit,
            {"side_px": side_px},
            "The network takes squares; the hand keeps its proportions on black.",
        ),
        Stage(
            "Equalise mean",
            equalise_mean,
            {"mean": mean_grey},
            "Gives dark and bright films the same mean grey over the hand.",
        ),
        Stage(
            "CLAHE",
            clahe,
            {"clip": clahe_clip, "tiles": clahe_tiles},
            "Raises local contrast, so that growth plates stand out.",
        ),
        Stage(
            "Denoise",
            denoise,
            {"strength": denoise_strength},
            "Smooths the grain that CLAHE raised with the rest.",
        ),
        Stage(
            "Sharpen",
            sharpen,
            {"amount": sharpen_amount},
            "Brings back edges that smoothing took.",
        ),
    ]


def hand_by_mask(array: FloatArray, mask_of: MaskOf) -> Marked:
    """The hand by a mask, on black, stretched to its own range of greys.

    Args:
        array: float32 (H, W) in [0, 1], bone bright.
        mask_of: Finds the hand.

    Returns:
        uint8 (H, W), 0 outside the hand and at least 1 inside; overlays `contour` and `mask`, the
        latter as `mask_of` gave it.

    Raises:
        UnsuitableInputError: As `one_hand_contour`.
    """
    mask = mask_of(array)
    contour = one_hand_contour(mask)
    inside = filled(contour, mask.shape)
    # The hand's own range: eight bits of a dark film's full range would be a dozen greys.
    low, high = np.percentile(array[inside], [0.5, 99.8])
    unit = np.clip((array - low) / max(float(high - low), 1e-3), 0, 1)
    image = np.where(inside, 1 + np.rint(unit * 254), 0).astype(np.uint8)
    return image, {"contour": contour, "mask": mask}


def crop(array: NDArray[Any], *, margin_percent: float = 2.0) -> Marked:
    """Cut to what is not black, with a margin; mark `matrix`.

    Raises:
        UnsuitableInputError: If everything is black.
    """
    box = bounding_box(array)
    if box is None:
        raise UnsuitableInputError("The film is black here; a radiograph of one hand was expected.")
    rows, columns = box
    hand = array[box]
    margin = round(max(hand.shape) * margin_percent / 100)
    return np.pad(hand, margin), {"matrix": shift(columns.start - margin, rows.start - margin)}


def fit(array: NDArray[Any], *, side_px: int = 224) -> Marked:
    """Scale onto a black square, aspect kept; mark `matrix`."""
    square, matrix = fitted(as_grey(array), side_px)
    return square, {"matrix": matrix}
