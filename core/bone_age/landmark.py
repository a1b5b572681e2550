"""The landmark pipeline: outline, upright hand, and four regions by the gaps between fingers.

The steps are those of a published student system; where films of the archive need more than it
described (frames, burned-in letters, a second turn), a stage of its own says "added" and can be
left out.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.bone_age import regions
from core.bone_age.collimation import cut_to_field
from core.bone_age.geometry import fitted, shift, turned
from core.bone_age.grey import as_grey, clahe, clip_extremes, denoise, normalise
from core.bone_age.one_hand import filled, one_hand_contour
from core.bone_age.regions import REGIONS, hand_outline
from core.errors import UnsuitableInputError
from core.images import FloatArray, bounding_box
from core.stages import Stage

Marked = tuple[NDArray[Any], dict[str, Any]]
ALL_AROUND, BOTTOM_RIGHT = "all around", "bottom and right"
"""Where trimming cuts: half at each side, as in our networks' training, or as published."""


def stages(
    *,
    width_px: int = 800,
    height_px: int = 1000,
    denoise_strength: float = 3.0,
    clahe_clip: float = 1.0,
    clahe_tiles: int = 3,
    keep_height_percent: float = 90.0,
    keep_width_percent: float = 95.0,
    trim_at: str = ALL_AROUND,
    level_offset: float = 0.0,
    least_gap: float = regions.LEAST_DEPTH,
    output: str = "regions",
    binary: bool = False,
    side_px: int = 224,
) -> list[Stage]:
    """The pipeline from `Radiograph.pixels` to a network's input.

    Args:
        width_px, height_px: What the film is resized to; the aspect is not kept, as published.
        denoise_strength: Strength of non-local means, in grey values.
        clahe_clip, clahe_tiles: See `grey.clahe`.
        keep_height_percent, keep_width_percent: What trimming keeps.
        trim_at: `ALL_AROUND` or `BOTTOM_RIGHT`.
        level_offset: Added to the mean before thresholding, in grey values.
        least_gap: Least depth of a gap between fingers, in roots of the hand's area.
        output: "regions" for the four crops on one square, two by two, or "whole hand".
        binary: Whether the output is cut at its mean to black and white.
        side_px: Side of one crop, or of the whole hand.

    Returns:
        Stages whose last gives uint8 (2 · side, 2 · side) for regions, (side, side) else.

    Raises:
        ValueError: If `output` or `trim_at` is none of these.
    """
    if trim_at not in (ALL_AROUND, BOTTOM_RIGHT):
        raise ValueError(f"trim_at must be '{ALL_AROUND}' or '{BOTTOM_RIGHT}', got {trim_at!r}")
    if output not in ("regions", "whole hand"):
        raise ValueError(f"output must be 'regions' or 'whole hand', got {output!r}")
    pipeline = [
        Stage(
            "Field (added)",
            cut_to_field,
            # What trimming will take away is left around the field.
            {
                "margin_high": (100 / keep_height_percent - 1) / 2,
                "margin_wide": (100 / keep_width_percent - 1) / 2,
            },
            "Cuts the collimator's frame off, which is often brighter than the hand.",
        ),
        Stage(
            "Resize",
            resize,
            {"width_px": width_px, "height_px": height_px},
            "Brings every film to one size, so that the next steps need one setting.",
        ),
        Stage(
            "Clip extremes (added)",
            clip_extremes,
            {"low_percent": 0.5, "high_percent": 99.0},
            "Keeps burned-in letters from setting the scale of a dark film.",
        ),
        Stage("Normalise", normalise, why="Stretches dark films to the full range of greys."),
        Stage(
            "Denoise",
            denoise,
            {"strength": denoise_strength},
            "Smooths grain that would fray the outline, and keeps edges.",
        ),
        Stage(
            "CLAHE",
            clahe,
            {"clip": clahe_clip, "tiles": clahe_tiles},
            "Raises local contrast: pale fingertips come out, the wrist does not burn out.",
        ),
        Stage(
            "Trim",
            trim,
            {
                "height_percent": keep_height_percent,
                "width_percent": keep_width_percent,
                "at": trim_at,
            },
            "Cuts the outermost rows and columns, where plates and borders lie.",
        ),
        Stage(
            "Hand mask",
            hand_by_threshold,
            {"level_offset": level_offset},
            "What is brighter than the mean and hangs together is taken for the hand.",
        ),
        Stage(
            "Upright",
            upright,
            why="Turns the line from the centroid to the topmost fingertip upright.",
        ),
        Stage(
            "Straighten (added)",
            straighten,
            {"least_gap": least_gap},
            "Turns once more by the middle finger, as the topmost finger may be another.",
        ),
        Stage(
            "Hull and gaps",
            hull_and_gaps,
            {"least_gap": least_gap},
            "Where the hull stands off farthest from the outline are the gaps between fingers.",
        ),
    ]
    if output == "whole hand":
        return [
            *pipeline,
            Stage(
                "Fit",
                fit,
                {"side_px": side_px, "binary": binary},
                "The network takes squares; the hand keeps its proportions.",
            ),
        ]
    return [
        *pipeline,
        Stage(
            "Regions",
            find_regions,
            {"least_gap": least_gap},
            "The places where bones tell age best, found from the gaps.",
        ),
        Stage(
            "Crop regions",
            crop_regions,
            {"least_gap": least_gap, "side_px": side_px, "binary": binary},
            "Each region fills its quarter, so that the network sees growth plates larger.",
        ),
    ]


def resize(array: FloatArray, *, width_px: int, height_px: int) -> Marked:
    """Resize without keeping the aspect; mark `matrix`."""
    height, width = array.shape
    method = cv2.INTER_AREA if height > height_px else cv2.INTER_LINEAR
    matrix = np.diag([width_px / width, height_px / height, 1.0])
    return cv2.resize(array, (width_px, height_px), interpolation=method), {"matrix": matrix}


def trim(
    array: NDArray[Any], *, height_percent: float, width_percent: float, at: str = ALL_AROUND
) -> Marked:
    """Keep the middle of the film, or all but its bottom and right; mark `matrix`."""
    height, width = array.shape
    if at == BOTTOM_RIGHT:
        kept = array[: round(height * height_percent / 100), : round(width * width_percent / 100)]
        return kept.copy(), {"matrix": shift(0, 0)}
    top = round(height * (1 - height_percent / 100) / 2)
    left = round(width * (1 - width_percent / 100) / 2)
    return array[top : height - top, left : width - left].copy(), {"matrix": shift(left, top)}


def hand_by_threshold(array: NDArray[Any], *, level_offset: float = 0.0) -> Marked:
    """The largest shape brighter than the mean, filled, on black.

    Returns:
        uint8 (H, W), 0 outside the hand and at least 1 inside; overlays `contour` and `mask`, the
        latter all that is brighter than the mean.

    Raises:
        UnsuitableInputError: As `one_hand_contour`.
    """
    grey = as_grey(array)
    bright = grey > grey.mean() + level_offset
    contour = one_hand_contour(bright)
    inside = filled(contour, grey.shape)
    image = np.where(inside, np.maximum(grey, 1), 0).astype(np.uint8)
    return image, {"contour": contour, "mask": bright}


def upright(array: NDArray[Any]) -> Marked:
    """Turn the line from the centroid to the middle of the first row upright.

    Marks `points`, `line`, `angle_degrees` and `matrix`.
    """
    grey = as_grey(array)
    mask = grey > 0
    regions.largest_contour(mask)
    row = int(np.flatnonzero(mask.any(axis=1))[0])
    tip = np.array([np.median(np.flatnonzero(mask[row])), row])
    moments = cv2.moments(mask.astype(np.uint8), binaryImage=True)
    centre = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    return _turned_upright(grey, centre, tip)


def straighten(array: NDArray[Any], *, least_gap: float = regions.LEAST_DEPTH) -> Marked:
    """Turn the line from the middle of the palm to the tip of the middle finger upright.

    Marks `points`, `line`, `angle_degrees` and `matrix`.

    Raises:
        UnsuitableInputError: As `hand_outline`.
    """
    grey = as_grey(array)
    outline = hand_outline(grey > 0, least_gap)
    return _turned_upright(grey, outline.palm, outline.tip)


def hull_and_gaps(array: NDArray[Any], *, least_gap: float = regions.LEAST_DEPTH) -> Marked:
    """Mark hull, gaps and landmarks; the image stays as it is.

    Raises:
        UnsuitableInputError: As `hand_outline`.
    """
    outline = hand_outline(as_grey(array) > 0, least_gap)
    return array, {
        "contour": outline.contour,
        "hull": outline.hull,
        "defects": outline.defects,
        "gaps": outline.gaps,
        "points": {
            "middle fingertip": tuple(outline.tip),
            "thumb tip": tuple(outline.thumb_tip),
            "palm": tuple(outline.palm),
        },
    }


def find_regions(array: NDArray[Any], *, least_gap: float = regions.LEAST_DEPTH) -> Marked:
    """Mark `boxes` of the four regions; the image stays as it is."""
    outline = hand_outline(as_grey(array) > 0, least_gap)
    return array, {"boxes": regions.region_boxes(outline, array.shape)}


def crop_regions(
    array: NDArray[Any],
    *,
    least_gap: float = regions.LEAST_DEPTH,
    side_px: int = 224,
    binary: bool = False,
) -> Marked:
    """The four regions, each fitted onto its square, two by two.

    Top: middle finger and thumb; bottom: upper joints and wrist. Mark `boxes` names the quarters,
    mark `matrix_of` the matrix by which each region came to its quarter.
    """
    grey = as_grey(array)
    boxes = regions.region_boxes(hand_outline(grey > 0, least_gap), grey.shape)
    sheet = np.zeros((2 * side_px, 2 * side_px), np.uint8)
    quarters, matrices = {}, {}
    for number, name in enumerate(REGIONS):
        x0, y0, x1, y1 = (round(edge) for edge in boxes[name])
        crop, matrix = fitted(_cut_at_mean(grey[y0:y1, x0:x1], binary), side_px)
        top, left = number // 2 * side_px, number % 2 * side_px
        sheet[top : top + side_px, left : left + side_px] = crop
        quarters[name] = (left, top, left + side_px, top + side_px)
        matrices[name] = shift(-left, -top) @ matrix @ shift(x0, y0)
    return sheet, {"boxes": quarters, "matrix_of": matrices}


def fit(array: NDArray[Any], *, side_px: int = 224, binary: bool = False) -> Marked:
    """The hand on a black square, aspect kept; mark `matrix`."""
    grey = as_grey(array)
    box = bounding_box(grey)
    if box is None:
        raise UnsuitableInputError("Nothing is left of the film here; a hand was expected.")
    rows, columns = box
    square, matrix = fitted(_cut_at_mean(grey[box], binary), side_px)
    return square, {"matrix": matrix @ shift(columns.start, rows.start)}


def _cut_at_mean(grey: NDArray[np.uint8], binary: bool) -> NDArray[np.uint8]:
    if not binary:
        return grey
    return np.where(grey > grey.mean(), 255, 0).astype(np.uint8)


def _turned_upright(
    grey: NDArray[np.uint8], centre: NDArray[np.float64], tip: NDArray[np.float64]
) -> Marked:
    angle = float(np.degrees(np.arctan2(tip[0] - centre[0], centre[1] - tip[1])))
    image, matrix = turned(grey, (float(centre[0]), float(centre[1])), angle)
    line = np.array([centre, tip]) @ matrix[:2, :2].T + matrix[:2, 2]
    return image, {
        "points": {"centre": tuple(line[0]), "middle fingertip": tuple(line[1])},
        "line": line,
        "angle_degrees": angle,
        "matrix": matrix,
    }
