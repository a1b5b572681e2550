"""What a cardiothoracic ratio says of a heart, and when it may not be judged.

The limits of a plausible outline lie outside of all 447 films whose heart and lungs people
outlined (JSRT and hospital films; see the card of the network): an outline beyond them is the
network's mistake or a film of another kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.chest.ctr import LIMIT, CardiothoracicRatio

BoolArray = NDArray[np.bool_]

ADULT_YEARS = 18
RATIOS = (0.3, 0.8)
HEART_TO_LUNGS = (0.15, 1.15)
"""Area of the heart over that of both lungs; outlined by people: 0.18 to 1.10."""
HEIGHTS = (0.5, 0.95)
"""Middle of the heart between top (0) and bottom (1) of the lungs; by people: 0.60 to 0.89."""
LOWEST = 1.25
"""Lower edge of the heart on the same scale; by people: up to 1.20."""
SIDEWAYS = 0.22
"""Middle of the heart off the middle of the chest, in chest widths; by people: up to 0.18."""
UNEVEN = 2.5
"""Area of one lung over that of the other; by people: up to 2.03."""
MIRRORED = -0.02
"""Sideways place of the heart's middle from which a film looks mirrored: 1 of the 447 films lies
beyond it, and 435 would if they were mirrored."""

IMPLAUSIBLE = "the outline is implausible, "
BEYOND = f"{IMPLAUSIBLE}hearts measure {RATIOS[0]:g} to {RATIOS[1]:g}"


@dataclass(frozen=True)
class HeartSize:
    """A ratio with what it says.

    Attributes:
        ratio: As measured, by the network or by hand.
        enlarged: Whether it exceeds 0.5; None where that limit may not be applied.
        reason: Why not; empty where it may.
        by_hand: Whether a person moved the lines.
    """

    ratio: CardiothoracicRatio
    enlarged: bool | None
    reason: str = ""
    by_hand: bool = False

    @property
    def words(self) -> str:
        """ "enlarged", "not enlarged" or "not judged"."""
        if self.enlarged is None:
            return "not judged"
        return "enlarged" if self.enlarged else "not enlarged"

    @property
    def sentence(self) -> str:
        """The ratio and what it says, for a verdict."""
        hand = " (lines moved by hand)" if self.by_hand else ""
        why = f": {self.reason}" if self.reason else ""
        return f"CTR {self.ratio.ratio:.2f}{hand}, heart {self.words}{why}"


def judge(
    ratio: CardiothoracicRatio,
    masks: Mapping[str, BoolArray] | None,
    *,
    view: str | None = None,
    age_years: int | None = None,
) -> HeartSize:
    """Whether the heart is enlarged, or why that cannot be said.

    Args:
        ratio: From the masks, or from lines moved by hand.
        masks: The outlines behind the ratio; None where a person moved the lines.
        view: "PA" or "AP" where known; without it the film is taken for a PA film.
        age_years: Where known.
    """
    reason = ""
    if masks is not None:
        reason = implausible(ratio, masks)
    elif not RATIOS[0] <= ratio.ratio <= RATIOS[1]:
        reason = BEYOND
    if not reason and view == "AP":
        reason = "an AP film magnifies the heart, and the limit of 0.5 is meant for PA films"
    if not reason and age_years is not None and age_years < ADULT_YEARS:
        reason = f"the limit of 0.5 is meant for adults, and this person is {age_years} years old"
    enlarged = None if reason else ratio.ratio > LIMIT
    return HeartSize(ratio, enlarged, reason, by_hand=masks is None)


def implausible(ratio: CardiothoracicRatio, masks: Mapping[str, BoolArray]) -> str:
    """What no chest looks like in these outlines, as a phrase; empty where nothing is odd.

    Args:
        ratio: Measured on the masks.
        masks: bool (H, W) of "heart", "left_lung" and "right_lung", none empty.
    """
    if not RATIOS[0] <= ratio.ratio <= RATIOS[1]:
        return BEYOND
    heart, left, right = (masks[name] for name in ("heart", "left_lung", "right_lung"))
    share = float(heart.sum()) / float((left | right).sum())
    if not HEART_TO_LUNGS[0] <= share <= HEART_TO_LUNGS[1]:
        return f"{IMPLAUSIBLE}the heart has {share:.2f} × the area of the lungs"
    rows = np.flatnonzero((left | right).any(axis=1))
    top, height = rows[0], rows[-1] + 1 - rows[0]
    ys, xs = np.nonzero(heart)
    middle, lowest = (ys.mean() - top) / height, (ys.max() + 1 - top) / height
    if not HEIGHTS[0] <= middle <= HEIGHTS[1] or lowest > LOWEST:
        place = "above its place between" if middle < HEIGHTS[0] else "below"
        return f"{IMPLAUSIBLE}the heart lies {place} the lungs"
    if abs(_sideways(ratio, xs)) > SIDEWAYS:
        return f"{IMPLAUSIBLE}the heart lies far to one side"
    sizes = sorted((float(left.sum()), float(right.sum())))
    if sizes[1] > UNEVEN * sizes[0]:
        return f"{IMPLAUSIBLE}one lung has {sizes[1] / sizes[0]:.1f} × the other’s area"
    return ""


def looks_mirrored(ratio: CardiothoracicRatio, heart: BoolArray) -> bool:
    """Whether the heart lies on the viewer's left, as on a mirrored film (or in dextrocardia)."""
    return _sideways(ratio, np.nonzero(heart)[1]) < MIRRORED


def _sideways(ratio: CardiothoracicRatio, columns: NDArray[np.integer]) -> float:
    """The heart's middle right of the chest's, for the viewer, in chest widths."""
    middle = (ratio.chest_left_x + ratio.chest_right_x) / 2
    return float((columns.mean() + 0.5 - middle) / ratio.chest_width_px)


def notes(
    heart: HeartSize | None, masks: Mapping[str, BoolArray], view: str | None
) -> tuple[str, ...]:
    """What limits a batch's answer to a film, a sentence each."""
    said = []
    if heart is None or IMPLAUSIBLE in heart.reason:
        said.append("Mirroring was not checked.")
    elif looks_mirrored(heart.ratio, masks["heart"]):
        said.append("The heart lies on the viewer’s left: mirrored?")
    if heart is not None and heart.reason:
        said.insert(0, f"Ratio not judged: {heart.reason}.")
    elif heart is not None and view is None:
        said.append("View not known: judged as a PA film.")
    return tuple(said)
