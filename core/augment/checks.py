"""What a draw made false: labels lost, cut or torn, sides exchanged, bones stretched, grey lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.augment.labels import Labels, Mask, Moved
from core.images import FloatArray
from core.percent import percent

LEAST_VISIBLE = 0.75
"""A box of which less is in the image is said to be cut."""
MOST_STRETCH = 0.08
"""From here on proportions are said to be false: this project's choice."""
MOST_SCALE = 0.1
MOST_TURN = 15.0
"""Degrees; for chests only, which are filmed upright."""
MOST_LOST = 0.05
MOST_CLIPPED = 0.05
SMALL_PART = 0.01

SIDES = {
    "limb": "A left limb is now a right one; a letter on the film reads mirrored.",
    "hand": "A left hand is now a right one: the side is no longer true.",
    "chest": "The heart lies on the other side, as in situs inversus: side labels are false.",
    "head": "The hemispheres are exchanged: whatever names a side is no longer true.",
}
STRETCHED = {
    "limb": "Bones are stretched by up to {}: angles and lengths are no longer true.",
    "hand": "Bones are stretched by up to {}: the age label may no longer be true.",
    "chest": "The chest is stretched by up to {}: the heart's share may no longer be true.",
    "head": "The head is bent by up to about {}: volumes are no longer true.",
}


@dataclass(frozen=True)
class Flag:
    """Something that the draw made false or doubtful.

    Attributes:
        about: "box", "mask", "point", "side", "shape" or "grey".
        sentence: For the screen.
    """

    about: str
    sentence: str


def flags(modality: str, pixels: FloatArray, before: Labels, moved: Moved) -> list[Flag]:
    """What of the labels and of the picture no longer holds.

    Args:
        modality: "limb", "hand", "chest" or "head".
        pixels: As they were.
        before: Labels as they were.
        moved: What came of both.
    """
    found = _boxes(before, moved) + _masks(before, moved) + _points(before, moved)
    motion = moved.motion
    if motion.mirrored:
        found.append(Flag("side", SIDES[modality]))
    if motion.stretch > MOST_STRETCH:
        found.append(Flag("shape", STRETCHED[modality].format(percent(motion.stretch))))
    if modality in ("limb", "chest", "hand") and abs(motion.scale - 1) > MOST_SCALE:
        words = f"Lengths are {motion.scale:.2f} times what they were: sizes in mm are false."
        found.append(Flag("shape", words))
    if modality == "chest" and abs(motion.turn_degrees) > MOST_TURN:
        words = f"The chest is turned by {abs(motion.turn_degrees):.0f}°, as on hardly any film."
        found.append(Flag("shape", words))
    return found + _grey(pixels, moved)


def _boxes(before: Labels, moved: Moved) -> list[Flag]:
    found = []
    for index, (name, share) in enumerate(zip(before.box_names, moved.visible, strict=False)):
        if index not in moved.kept:
            why = "left the image" if share < 0.5 else "is covered by holes"
            found.append(Flag("box", f"The box “{name}” {why}: its label is gone."))
        elif share < LEAST_VISIBLE:
            found.append(
                Flag("box", f"Only {percent(share)} of the box “{name}” is left in the image.")
            )
    return found


def _masks(before: Labels, moved: Moved) -> list[Flag]:
    found = []
    for name, mask in before.masks.items():
        after = moved.labels.masks[name]
        area = int(mask.sum())
        if area == 0:
            continue
        expected = area * abs(moved.motion.scale) ** mask.ndim
        if not after.any():
            found.append(Flag("mask", f"The mask “{name}” left the image."))
            continue
        lost = 1 - int(after.sum()) / expected
        if lost > MOST_LOST and _touches_edge(after):
            found.append(
                Flag("mask", f"About {percent(lost)} of the mask “{name}” left the image.")
            )
        if mask.ndim == 2 and parts(after) > parts(mask):
            found.append(
                Flag(
                    "mask",
                    f"The mask “{name}” is torn: {parts(after)} parts, {parts(mask)} before.",
                )
            )
    return found


def _touches_edge(mask: Mask) -> bool:
    return any(
        bool(np.take(mask, index, axis).any()) for axis in range(mask.ndim) for index in (0, -1)
    )


def parts(mask: Mask) -> int:
    """Connected parts of a 2D mask; crumbs below a hundredth of its area do not count."""
    import cv2

    _, _, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = statistics[1:, cv2.CC_STAT_AREA]
    return int((areas >= SMALL_PART * max(int(mask.sum()), 1)).sum())


def _points(before: Labels, moved: Moved) -> list[Flag]:
    if not before.points:
        return []
    height, width = moved.pixels.shape[:2]
    gone = [
        name
        for name, (x, y) in moved.labels.points.items()
        if not (0 <= x < width and 0 <= y < height)
    ]
    if not gone:
        return []
    named = ", ".join(gone[:3]) + (" …" if len(gone) > 3 else "")
    return [
        Flag("point", f"{len(gone)} of {len(before.points)} landmarks left the image: {named}.")
    ]


def _grey(before: FloatArray, moved: Moved) -> list[Flag]:
    """Grey values pushed to black or white, and a picture that did not change at all."""
    if before.ndim != 2:
        return []
    after = moved.pixels
    found = []
    white = float((after >= 0.999).mean() - (before >= 0.999).mean())
    black = float((after <= 0.001).mean() - (before <= 0.001).mean()) - moved.outside
    for share, name in ((white, "white"), (black, "black")):
        if share > MOST_CLIPPED:
            found.append(
                Flag(
                    "grey",
                    f"{percent(share)} of the film became plain {name}: detail is lost there.",
                )
            )
    return found
