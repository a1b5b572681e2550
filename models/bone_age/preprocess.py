"""From a film to what a bone-age network receives: the same code in training and on the page."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from core.bone_age import whole_hand
from core.stages import Stage, Step, run_stages

FloatArray = NDArray[np.float32]

MEAN_MONTHS, SPREAD_MONTHS = 127.2, 41.7  # of the training split: the last layer starts there
SEX_INPUT = {"F": (1.0, 0.0), "M": (0.0, 1.0), None: (0.5, 0.5)}


def network_input(
    pixels: FloatArray,
    stages: Sequence[Stage],
    shape: tuple[int, int],
    *,
    skip: Collection[str] = (),
) -> tuple[list[Step], FloatArray]:
    """Run a pipeline and make its last image the network's input.

    Where a stage failed or the stage that resizes was skipped, the last image is fitted as it
    is, so that there is always an answer; the failed step says why it may be poor.

    Args:
        pixels: `Radiograph.pixels`.
        stages: The pipeline.
        shape: (H, W) of the network's input.
        skip: Stages to leave out.

    Returns:
        The steps, and float32 (H, W) in [0, 1].
    """
    steps = run_stages(pixels, stages, skip=skip)
    image = np.asarray(steps[-1].image if steps else pixels)
    if image.dtype != np.float32:
        image = image.astype(np.float32) / (255 if image.dtype == np.uint8 else 1)
    if image.shape != shape:
        image, overlays = whole_hand.fit(image, shape)
        steps.append(Step("Fit to the network", image, {"shape": shape}, overlays=overlays))
    return steps, np.clip(image, 0, 1)
