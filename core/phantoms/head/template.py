"""The average brain that nilearn ships, prepared for the head phantom.

Grey and white matter maps of the ICBM 2009a average: Fonov et al., NeuroImage
2011;54(1):313-327.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray
from core.phantoms.head.fields import block_mean


@dataclass(frozen=True, eq=False)
class TemplateMap:
    """A scalar map in template space.

    Attributes:
        values: float32 (I, J, K).
        origin_mm: Template position of the first voxel's centre.
        step_mm: Voxel edge.
        outside: Value beyond the grid.
    """

    values: FloatArray
    origin_mm: NDArray[np.float64]
    step_mm: float
    outside: float = 0.0

    def at(self, where: FloatArray) -> FloatArray:
        """Values by linear interpolation at template positions (3, ...) in mm."""
        from scipy.ndimage import map_coordinates

        origin = self.origin_mm.astype(np.float32).reshape(3, *[1] * (where.ndim - 1))
        return np.asarray(
            map_coordinates(
                self.values,
                (where - origin) / np.float32(self.step_mm),
                order=1,
                mode="constant",
                cval=self.outside,
                output=np.float32,
            )
        )


@dataclass(frozen=True, eq=False)
class HeadTemplate:
    """Maps of the average brain.

    Attributes:
        tissue: 1 in grey and white matter, below 0.5 in fluid.
        white: Share of white matter in the tissue.
        mask: The brain with its sulci and ventricles, 0.5 at its smoothed edge.
        hull_mm: Signed distance to the brain's hull without folds, negative inside.
    """

    tissue: TemplateMap
    white: TemplateMap
    mask: TemplateMap
    hull_mm: TemplateMap


@lru_cache(maxsize=2)
def head_template(step: int) -> HeadTemplate:
    """The packaged maps at `step` mm (1 or 2), sharpened, with mask and hull."""
    import nibabel as nib
    from scipy.ndimage import (
        binary_closing,
        binary_fill_holes,
        distance_transform_edt,
        gaussian_filter,
    )

    found = find_spec("nilearn")  # its import takes seconds, and only two files are wanted
    assert found is not None and found.origin is not None
    folder = Path(found.origin).parent / "datasets" / "data"
    maps = []
    for name in ("gm", "wm"):
        image = nib.load(folder / f"mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz")
        full = np.asarray(image.dataobj, np.float32) / 255.0
        maps.append(full)
    origin = image.affine[:3, 3].astype(float)

    def shrink(array: FloatArray, by: int) -> FloatArray:
        cut = array[tuple(slice(0, size // by * by) for size in array.shape)]
        return block_mean(cut, np.array([by] * 3))

    # The brain: tissue, closed over its sulci, holes (the ventricles) filled; at 2 mm.
    padded = np.pad(shrink(maps[0] + maps[1], 2), 8)
    brain = binary_closing(padded > 0.4, iterations=4)
    brain = binary_fill_holes(brain)
    brain_soft = gaussian_filter(brain.astype(np.float32), 0.8)[8:-8, 8:-8, 8:-8]

    # Its hull, without folds, for the layers around it; at 4 mm in a wider field.
    pad = 24
    coarse = np.pad(brain[::2, ::2, ::2], pad)
    grown = distance_transform_edt(~coarse) <= 3.5
    hull = distance_transform_edt(grown) > 3.5
    signed = distance_transform_edt(~hull) - distance_transform_edt(hull)
    hull_mm = gaussian_filter(signed.astype(np.float32), 1.8) * 4.0

    # The maps are averages of 152 brains: sharpening gives the sulci and edges of a single one.
    grey, white = (shrink(array, step) for array in maps) if step > 1 else maps
    tissue = grey + white
    tissue = tissue + 1.6 * (tissue - gaussian_filter(tissue, 3.5 / step))
    powered = [np.clip(part, 0, 1) ** 2.2 for part in (grey, white)]
    total = np.maximum(powered[0] + powered[1], 1e-6)
    maps_origin = origin + (step - 1) / 2
    return HeadTemplate(
        TemplateMap(np.asarray(tissue, np.float32), maps_origin, step),
        TemplateMap(np.asarray(powered[1] / total, np.float32), maps_origin, step),
        TemplateMap(brain_soft, origin + 0.5, 2.0),
        TemplateMap(hull_mm, origin + 0.5 - (8 + 2 * pad) * 2.0, 4.0, outside=200.0),
    )
