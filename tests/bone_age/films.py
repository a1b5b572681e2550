"""Simple films instead of hands."""

from __future__ import annotations

import cv2
import numpy as np

from core.images import Radiograph, digest_of

SHAPE = (48, 32)


def film(height: int = 90, width: int = 60) -> Radiograph:
    pixels = np.zeros((height, width), np.float32)
    cv2.ellipse(pixels, (width // 2, height // 2), (width // 4, height // 3), 0, 0, 360, 0.6, -1)
    return Radiograph(pixels, digest_of(pixels))
