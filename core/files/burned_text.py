"""Lines of text burned into a film's border, where a name or a number of a patient may stand."""

from __future__ import annotations

import cv2
import numpy as np

from core.images import FloatArray

BORDER = 0.2  # share of height and width, from each edge, in which films carry their labels
LEAST_GLYPHS = 6  # a side mark has one to three, "PORTABLE" and a name have more
CONTRAST = 0.25  # of a glyph against what is around it, on the scale of the film
NOTE = (
    "There seems to be text on the film's border. If it names a patient, crop the film or make it "
    "anonymous before you show or share it."
)


def has_text(pixels: FloatArray) -> bool:
    """Whether a line of at least `LEAST_GLYPHS` characters stands near an edge of the film.

    Characters are small shapes of even height, side by side, brighter or darker than what is
    around them. Conservative: text that is faint, tall, slanted or within the anatomy is missed.

    Args:
        pixels: (H, W) in [0, 1].
    """
    height, width = pixels.shape
    if min(height, width) < 128:
        return False
    scale = 1024 / max(height, width)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=way)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (15, 15))
    for operation in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        standing_out = cv2.morphologyEx(small, operation, kernel)
        if _longest_line(standing_out > CONTRAST) >= LEAST_GLYPHS:
            return True
    return False


def _longest_line(marked: np.ndarray) -> int:
    """Number of characters in the longest line near an edge."""
    height, width = marked.shape
    _, _, found, centres = cv2.connectedComponentsWithStats(marked.astype(np.uint8))
    x, y, w, h, area = found[1:].T
    column, row = centres[1:].T
    glyph = (h >= 6) & (h <= 36) & (w <= 2.5 * h) & (area >= 0.15 * w * h) & (area <= 0.9 * w * h)
    near = (row < BORDER * height) | (row > (1 - BORDER) * height)
    near |= (column < BORDER * width) | (column > (1 - BORDER) * width)
    kept = np.flatnonzero(glyph & near)
    kept = kept[np.argsort(x[kept])]
    signs = np.where(w > 1.25 * h, 2, 1)  # two neighbours often touch
    longest = 0
    for first in kept:
        last, count = first, signs[first]
        for other in kept[x[kept] > x[first]]:
            beside = x[other] - (x[last] + w[last])
            if beside > 1.2 * h[first] or beside < -1:
                continue
            level = abs(y[other] + h[other] - y[first] - h[first]) <= 0.15 * h[first] + 1
            if level and abs(h[other] - h[first]) <= 0.2 * h[first] + 1:
                last, count = other, count + signs[other]
        longest = max(longest, int(count))
    return longest
