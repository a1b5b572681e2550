"""The cardiothoracic ratio: how wide the heart is over how wide the chest is (Danzer 1919).

Both widths are horizontal: the heart from its outermost right to its outermost left border,
wherever these lie, and the chest from the outermost edge of one lung to that of the other.
Positions are the edges of pixels: a mask that fills columns 3 to 5 reaches from 3 to 6.
Left and right are those of the viewer; the patient's left lung lies on the viewer's right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import UnsuitableInputError

BoolArray = NDArray[np.bool_]
Segment = tuple[float, float, float, float]
"""A line as (x0, y0, x1, y1) in pixels."""

LABELS = {"left_lung": 1, "right_lung": 2, "heart": 3}
"""Values of the structures in one label map; left and right are the patient's."""
LIMIT = 0.5
"""Ratio above which a heart counts as enlarged on a PA film of an adult (Danzer 1919)."""
_NAMES = {"left_lung": "left lung", "right_lung": "right lung", "heart": "heart"}


@dataclass(frozen=True)
class CardiothoracicRatio:
    """Two horizontal lines across a film and the ratio of their lengths.

    Attributes:
        heart_left_x, heart_right_x: Ends of the heart's line in pixels, the viewer's left first.
        heart_y: Where the line is drawn; the ratio does not depend on it.
        chest_left_x, chest_right_x, chest_y: The same of the chest's line.
    """

    heart_left_x: float
    heart_right_x: float
    heart_y: float
    chest_left_x: float
    chest_right_x: float
    chest_y: float

    def __post_init__(self) -> None:
        if not self.heart_left_x <= self.heart_right_x:
            raise ValueError("the heart's left end must not lie right of its right end")
        if not self.chest_left_x < self.chest_right_x:
            raise ValueError("the chest's left end must lie left of its right end")

    @property
    def heart_width_px(self) -> float:
        return self.heart_right_x - self.heart_left_x

    @property
    def chest_width_px(self) -> float:
        return self.chest_right_x - self.chest_left_x

    @property
    def ratio(self) -> float:
        return self.heart_width_px / self.chest_width_px

    @property
    def enlarged(self) -> bool:
        """Whether the ratio exceeds `LIMIT`."""
        return self.ratio > LIMIT

    @property
    def lines(self) -> dict[str, Segment]:
        """The lines to draw, "heart" and "chest", as `ratio_from_lines` takes them."""
        return {
            "heart": (self.heart_left_x, self.heart_y, self.heart_right_x, self.heart_y),
            "chest": (self.chest_left_x, self.chest_y, self.chest_right_x, self.chest_y),
        }


def measure(masks: Mapping[str, BoolArray]) -> CardiothoracicRatio:
    """The ratio from masks of the heart and both lungs.

    Args:
        masks: bool (H, W) under "heart", "left_lung" and "right_lung".

    Returns:
        The ratio; each line is drawn half-way between the heights of its two ends.

    Raises:
        UnsuitableInputError: If one of the masks is empty.
        ValueError: If one is missing or the shapes differ.
    """
    missing = sorted(set(LABELS) - set(masks))
    if missing:
        raise ValueError(f"masks lack {', '.join(missing)}")
    shapes = {np.shape(masks[name]) for name in LABELS}
    if len(shapes) != 1:
        raise ValueError(f"masks differ in shape: {sorted(shapes)}")
    empty = [_NAMES[name] for name in LABELS if not np.any(masks[name])]
    if empty:
        raise UnsuitableInputError(
            f"The {' and the '.join(empty)} could not be found on this film, so the "
            "cardiothoracic ratio cannot be measured. Use a frontal chest film that shows the "
            "whole chest, or draw both lines by hand."
        )
    heart = _span(np.asarray(masks["heart"], bool))
    chest = _span(np.asarray(masks["left_lung"], bool) | np.asarray(masks["right_lung"], bool))
    return CardiothoracicRatio(*heart, *chest)


def _span(mask: BoolArray) -> tuple[float, float, float]:
    """(left, right, height) of a mask: its outermost columns, and half-way between their rows."""
    columns = np.flatnonzero(mask.any(axis=0))
    left, right = int(columns[0]), int(columns[-1])
    heights = [float(np.flatnonzero(mask[:, column]).mean()) for column in (left, right)]
    return float(left), float(right + 1), sum(heights) / 2 + 0.5


def ratio_from_lines(lines: Mapping[str, Segment]) -> CardiothoracicRatio:
    """The ratio from lines that a person has moved.

    Args:
        lines: (x0, y0, x1, y1) in pixels under "heart" and "chest", ends in either order. Only
            the horizontal distance counts, as with a ruler held level.

    Raises:
        UnsuitableInputError: If the chest's line has no width, or the heart's is the longer.
        ValueError: If a line is missing.
    """
    missing = sorted({"heart", "chest"} - set(lines))
    if missing:
        raise ValueError(f"lines lack {', '.join(missing)}")
    (hx0, hx1, hy), (cx0, cx1, cy) = (_level(lines[name]) for name in ("heart", "chest"))
    if cx1 - cx0 < 1 or hx1 - hx0 > cx1 - cx0:
        raise UnsuitableInputError(
            f"The chest's line is {cx1 - cx0:.0f} px wide and the heart's {hx1 - hx0:.0f} px. "
            "Draw the chest's line from the inner edge of the ribs on one side to that on the "
            "other, longer than the heart's."
        )
    return CardiothoracicRatio(hx0, hx1, hy, cx0, cx1, cy)


def _level(line: Segment) -> tuple[float, float, float]:
    x0, y0, x1, y1 = (float(value) for value in line)
    return min(x0, x1), max(x0, x1), (y0 + y1) / 2


def masks_from_labels(labels: NDArray[np.integer]) -> dict[str, BoolArray]:
    """One bool mask (H, W) a structure, from a label map with the values of `LABELS`."""
    return {name: np.asarray(labels) == value for name, value in LABELS.items()}


def labels_from_masks(masks: Mapping[str, BoolArray]) -> NDArray[np.uint8]:
    """One label map uint8 (H, W); where masks overlap, the heart is on top."""
    labels = np.zeros(np.shape(masks["heart"]), np.uint8)
    for name, value in LABELS.items():
        labels[np.asarray(masks[name], bool)] = value
    return labels


def clean(masks: Mapping[str, BoolArray]) -> dict[str, BoolArray]:
    """Predicted masks without islands and holes: a heart and a lung each are one piece.

    A single stray pixel at the film's edge would otherwise set the width of the chest.

    Args:
        masks: bool (H, W) by structure.

    Returns:
        For each its largest connected component (4-connected), holes filled; empty stays empty.
    """
    return {name: _largest(np.asarray(mask, bool)) for name, mask in masks.items()}


def _largest(mask: BoolArray) -> BoolArray:
    from scipy.ndimage import binary_fill_holes, label

    pieces, count = label(mask)
    if count == 0:
        return mask.copy()
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(binary_fill_holes(pieces == int(sizes.argmax())), bool)


def caveats(
    found: CardiothoracicRatio, shape: tuple[int, int], view: str | None = None
) -> tuple[str, ...]:
    """Why the ratio of this film may mislead, in sentences for the screen.

    Args:
        found: The ratio.
        shape: (H, W) of the film.
        view: "PA" or "AP" where known.
    """
    said = []
    if view == "AP":
        said.append(
            "This is an AP film: the heart lies farther from the detector and is magnified, so "
            f"that the limit of {LIMIT:g}, which is meant for PA films, is passed too easily."
        )
    elif view is None:
        said.append(
            f"The view is not known: the limit of {LIMIT:g} is meant for PA films; on AP films "
            "the heart is magnified."
        )
    edge = 0.005 * shape[1]
    if found.chest_left_x <= edge or found.chest_right_x >= shape[1] - edge:
        said.append(
            "A lung reaches the edge of the film: where the chest is cut off, the ratio comes "
            "out too high."
        )
    if found.heart_left_x < found.chest_left_x or found.heart_right_x > found.chest_right_x:
        said.append("The heart's line reaches beyond the chest's: check both lines.")
    return tuple(said)
