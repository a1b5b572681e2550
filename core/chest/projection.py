"""Which views of the chest are read, and small changes of a film that test a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from core.images import Radiograph

FRONTAL = ("PA", "AP")
LATERAL = ("LL", "RL", "LAT", "LATERAL")
"""View positions of DICOM PS3.3 C.8.7.1, and how some devices spell them out."""


def view_refusal(view: str | None) -> str | None:
    """Why a film with this view position is not read; None for a frontal or an unknown view."""
    if view is None or view in FRONTAL:
        return None
    if view in LATERAL:
        return (
            f"The file says that this is a lateral film (view {view}). The models learned from "
            "frontal films only, and the cardiothoracic ratio is defined on the frontal film: "
            "from the side, heart and chest lie behind each other."
        )
    return (
        f"The file says that its view is {view}, and a frontal chest film (PA or AP) was "
        "expected: the models learned from no other."
    )


@dataclass(frozen=True)
class Change:
    """A small change of a film that a reader would hardly mind.

    Attributes:
        rotation_deg: Turn about the middle, positive to the left; bared corners are black.
        blur_percent: Standard deviation of a Gaussian blur, in percent of the film's width.
        contrast: Factor on the distance of every grey value from the film's mean.
    """

    rotation_deg: float = 0.0
    blur_percent: float = 0.0
    contrast: float = 1.0

    @property
    def words(self) -> str:
        """What is changed, as a phrase; empty where nothing is."""
        parts = []
        if self.rotation_deg:
            side = "left" if self.rotation_deg > 0 else "right"
            parts.append(f"turned by {abs(self.rotation_deg):g}° to the {side}")
        if self.blur_percent:
            parts.append(f"blurred by {self.blur_percent:g} % of its width")
        if self.contrast != 1:
            parts.append(f"contrast × {self.contrast:g}")
        return ", ".join(parts)


def changed(image: Radiograph, change: Change) -> Radiograph:
    """The film with a change applied: blur and contrast, then rotation."""
    pixels = image.pixels
    height, width = image.shape
    if change.blur_percent:
        pixels = cv2.GaussianBlur(pixels, (0, 0), change.blur_percent / 100 * width)
    if change.contrast != 1:
        mean = float(pixels.mean())
        pixels = mean + (pixels - mean) * change.contrast
    if change.rotation_deg:
        middle = ((width - 1) / 2, (height - 1) / 2)
        matrix = cv2.getRotationMatrix2D(middle, change.rotation_deg, 1.0)
        pixels = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return image.with_pixels(np.clip(pixels, 0, 1).astype(np.float32), repr(change))


def degraded(image: Radiograph, how: str) -> Radiograph:
    """A film as it should not come in, to show what then happens.

    Args:
        image: Upright, bone bright.
        how: "turned" (by 90° to the left) or "inverted".
    """
    if how == "inverted":
        return image.with_pixels(np.float32(1) - image.pixels, how)
    if how != "turned":
        raise ValueError(f"a film is degraded by being turned or inverted, got {how!r}")
    spacing = image.spacing_mm
    turned = image.with_pixels(np.ascontiguousarray(np.rot90(image.pixels)), how)
    return turned if spacing is None else replace(turned, spacing_mm=(spacing[1], spacing[0]))
