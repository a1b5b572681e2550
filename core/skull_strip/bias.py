"""N4 bias field correction, run on a shrunk copy and applied at full resolution."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from core.images import FloatArray
from core.skull_strip.grid import WorkingGrid, from_grid, to_grid
from core.stages import Cancelled, Progress

SAMPLES_KEPT = 16
"""A side is not shrunk below this many samples: thick slices are few enough already."""

LOG_FIELD_LIMIT = 1.6
"""exp(1.6) is five: no coil is that uneven, only the spline's tail in the air."""


def shrunk_grid(
    shape: tuple[int, int, int], spacing_mm: tuple[float, float, float], shrink: int
) -> WorkingGrid:
    """The grid on which N4 works: every `shrink`-th voxel, fewer along a short axis."""
    factors = [max(1, min(shrink, n // SAMPLES_KEPT)) for n in shape]
    count = [math.ceil(n / f) for n, f in zip(shape, factors, strict=True)]
    spacing = [s * f for s, f in zip(spacing_mm, factors, strict=True)]
    start = [(n - 1 - (c - 1) * f) / 2 for n, c, f in zip(shape, count, factors, strict=True)]
    return WorkingGrid(
        (count[0], count[1], count[2]),
        (spacing[0], spacing[1], spacing[2]),
        (start[0], start[1], start[2]),
        (float(factors[0]), float(factors[1]), float(factors[2])),
        shape,
    )


def n4_field(
    voxels: FloatArray,
    spacing_mm: tuple[float, float, float],
    shrink: int = 4,
    iterations: Sequence[int] = (20, 10, 10, 5),
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FloatArray:
    """Estimate the bias field with N4 (Tustison et al., IEEE TMI 2010).

    Args:
        voxels: float32 (I, J, K), as read.
        spacing_mm: Voxel edge lengths.
        shrink: N4 works on every `shrink`-th voxel; the field is smooth enough for that.
        iterations: Most iterations at each fitting level, coarse to fine.
        progress: Told after every iteration.
        cancelled: Asked at every iteration.

    Returns:
        float32 (I, J, K), positive, about 1: the volume is this field times the corrected one.

    Raises:
        Cancelled: If `cancelled` said so.
    """
    import SimpleITK as sitk

    i, j, k = voxels.shape
    grid = shrunk_grid((i, j, k), spacing_mm, shrink)
    small = to_grid(voxels, grid)
    small -= min(0.0, float(small.min()))
    image = sitk.GetImageFromArray(small.transpose(2, 1, 0))
    image.SetSpacing(grid.spacing_mm)
    head = sitk.OtsuThreshold(image, 0, 1, 200)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations([int(count) for count in iterations])
    total, done = max(1, sum(iterations)), 0

    def after_iteration() -> None:
        nonlocal done
        done += 1
        if cancelled is not None and cancelled():
            n4.Abort()
        elif progress is not None:
            progress(min(1.0, done / total), "N4 bias correction")

    n4.AddCommand(sitk.sitkIterationEvent, after_iteration)
    try:
        n4.Execute(image, head)
    finally:
        # The filter holds the callback and the callback the filter, through C++ where Python's
        # collector does not look: both, and all that `progress` knows of, would stay for good.
        n4.RemoveAllCommands()
    if cancelled is not None and cancelled():
        raise Cancelled
    log_field = sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)).transpose(2, 1, 0)
    log_field = np.clip(log_field, -LOG_FIELD_LIMIT, LOG_FIELD_LIMIT).astype(np.float32)
    field = _extended(log_field, grid)
    return np.exp(field, out=field)


def _extended(small: FloatArray, grid: WorkingGrid) -> FloatArray:
    """`small` at full resolution, its edge values carried on to the volume's border."""
    padded = np.pad(small, 1, mode="edge")
    wider = WorkingGrid(
        tuple(n + 2 for n in grid.shape),  # type: ignore[arg-type]  # three in, three out
        grid.spacing_mm,
        tuple(a - b for a, b in zip(grid.start_ijk, grid.step_ijk, strict=True)),  # type: ignore[arg-type]
        grid.step_ijk,
        grid.volume_shape,
    )
    return from_grid(padded, wider)


def expected_n4_seconds(
    shape: tuple[int, int, int], shrink: int, iterations: Sequence[int]
) -> float:
    """How long N4 will run on two free processor cores; longer where they are busy.

    Measured as processor time on a 256 × 256 × 192 head: 2.2 s at shrink factor 4 and 6.6 s at
    3. N4 ends a level early once the field no longer changes, there after 17 and 26 of 45
    iterations; a head that needs them all takes up to twice as long.
    """
    grid = shrunk_grid(shape, (1.0, 1.0, 1.0), shrink)
    return 0.3 + math.prod(grid.shape) * sum(iterations) * 2.5e-7 + math.prod(shape) * 3.0e-8
