"""Volumes as small 8-bit files for the screen."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_SIDE = 256  # voxels; a screen shows no more, and the browser holds the texture in memory


@dataclass(frozen=True, eq=False)
class Compact:
    """A gzipped NIfTI of 8 bits, whose header is 352 bytes long.

    Attributes:
        content: The file.
        digest: SHA-256 (hex) of its voxels and grid.
    """

    content: bytes
    digest: str


def compact(voxels: np.ndarray, affine: NDArray[np.float64]) -> Compact:
    """A volume for the screen: every n-th voxel where it is large, 8 bits, gzipped.

    Intensities run from the 0.1th to the 99.9th percentile; slope and intercept in the header
    give them back. A uint8 array (a mask) is kept as it is.

    Args:
        voxels: (I, J, K) in RAS+ order.
        affine: Voxel index to mm.
    """
    import nibabel as nib

    steps = [-(-size // MAX_SIDE) for size in voxels.shape]
    thinned = voxels[:: steps[0], :: steps[1], :: steps[2]]
    slope, low = 1.0, 0.0
    if thinned.dtype != np.uint8:
        sample = thinned[::2, ::2, ::2]
        low, high = (float(value) for value in np.percentile(sample, (0.1, 99.9)))
        high = high if high > low else low + 1.0
        slope = (high - low) / 255.0
        thinned = np.clip((thinned - low) / slope + 0.5, 0, 255).astype(np.uint8)
    image = nib.Nifti1Image(np.ascontiguousarray(thinned), affine @ np.diag([*steps, 1.0]))
    raw = bytearray(image.to_bytes())
    raw[112:120] = np.array([slope, low], "<f4").tobytes()  # nibabel resets them on saving
    digest = hashlib.sha256(raw).hexdigest()
    return Compact(gzip.compress(bytes(raw), compresslevel=3, mtime=0), digest)
