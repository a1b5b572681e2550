"""Does a volume look like the T1-weighted head that the model knows?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.images import Volume


def looks_like_t1_head(volume: Volume, mask: NDArray[np.uint8] | None = None) -> str | None:
    """A sentence that says why the volume may not be a T1 head, or None."""
    if float((volume.voxels < -100).mean()) > 0.05:
        return "Many voxels are far below zero, as in CT; the model knows T1-weighted MR only."
    return None
