"""What changes a bone age: parts of the hand hidden one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.bone_age.geometry import View, on_film, views_of
from core.images import FloatArray, Radiograph
from core.stages import Progress
from models.bone_age.predict import Model, Part, months_of_part, network_inputs

PATCH_SHARE, STRIDE_SHARE = 0.16, 0.08  # of the input's longer side
BATCH = 16
Patch = tuple[int, int, int, int]
"""y0, y1, x0, x1 in pixels of the network's input."""


def occluders(shape: tuple[int, int], views: Sequence[View] = ()) -> list[Patch]:
    """Squares that cover an input of `shape` in overlapping rows, each within one view."""
    side, stride = round(PATCH_SHARE * max(shape)), max(1, round(STRIDE_SHARE * max(shape)))
    boxes = [view.box_xyxy for view in views] or [(0, 0, shape[1], shape[0])]
    return [
        (y, min(y + side, y1), x, min(x + side, x1))
        for x0, y0, x1, y1 in boxes
        for y in range(y0, max(y1 - side // 2, y0 + 1), stride)
        for x in range(x0, max(x1 - side // 2, x0 + 1), stride)
    ]


def occlusion(
    model: Model, image: Radiograph, sex: str | None, progress: Progress | None = None
) -> FloatArray:
    """How many months the answer changes where a square of the hand is hidden.

    Every network sees its own input, at its own size, with one square blackened; its change counts
    by its share in the answer. After Lee et al., J Digit Imaging 2017;30:427.

    Returns:
        float32 (H, W) of the film in months, signed: positive where hiding makes older.
    """
    inputs = network_inputs(model, image.pixels)
    plans = {}
    for name, part in model.parts.items():
        steps, seen = inputs[part.pipeline]
        views = views_of(steps)
        plans[name] = (replace(part, scales=(1.0,)), seen, views, occluders(seen.shape, views))
    total = sum(len(patches) for *_, patches in plans.values())
    done = 0
    change = np.zeros(image.shape, np.float32)
    for name, (part, seen, views, patches) in plans.items():
        plain = occluded_months(part, seen, sex, [(0, 0, 0, 0)])
        months = []
        for start in range(0, len(patches), BATCH):
            if progress is not None:
                progress(done / total, f"{done} of {total} places")
            some = patches[start : start + BATCH]
            months.append(occluded_months(part, seen, sex, some))
            done += len(some)
        own = occlusion_map(seen.shape, patches, np.concatenate(months) - plain)
        change += model.shares[name] * on_film(own, views, image.shape)
    if progress is not None:
        progress(1.0, "done")
    return change


def occluded_months(
    part: Part, seen: FloatArray, sex: str | None, patches: Sequence[Patch]
) -> FloatArray:
    """Months of one network with each square of its input blackened, (N,)."""
    hidden = np.repeat(seen[None], len(patches), axis=0)
    for film, (y0, y1, x0, x1) in zip(hidden, patches, strict=True):
        film[y0:y1, x0:x1] = 0
    return months_of_part(part, hidden, [sex] * len(patches))


def occlusion_map(
    shape: tuple[int, int], patches: Sequence[Patch], change: FloatArray
) -> FloatArray:
    """Mean change in months of all squares over each pixel, float32 (H, W)."""
    total, count = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for (y0, y1, x0, x1), months in zip(patches, change, strict=True):
        total[y0:y1, x0:x1] += months
        count[y0:y1, x0:x1] += 1
    return (total / np.maximum(count, 1)).astype(np.float32)
