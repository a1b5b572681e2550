"""The pipeline around the network: every stage leaves a step that the screen can show."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import UnsuitableInputError
from core.images import FloatArray, Volume, bounding_box
from core.skull_strip.bias import Cancelled, expected_n4_seconds, n4_field
from core.skull_strip.grid import WorkingGrid, from_grid_box, place_grid, to_grid
from core.skull_strip.post import (
    close_deep_cavities,
    fill_holes,
    largest_component,
)
from core.stages import Progress, Stage, Step, run_stages

N4, RESAMPLE, RESCALE, Z_SCORE = "N4 bias correction", "Resample and crop", "Rescale", "Z-score"
MIN_MAX = "Min-max"
PROBABILITY, THRESHOLD = "Back to the input grid", "Threshold"
LARGEST, FILLED = "Largest component", "Cavities filled"


@dataclass(frozen=True)
class Settings:
    """What can be adjusted before the network.

    Attributes:
        n4: Whether the bias field is corrected.
        shrink: N4 works on every `shrink`-th voxel.
        iterations: Most iterations of N4 per fitting level.
        grid: Voxels (i, j, k) of the working grid, each a multiple of 8.
        spacing_mm: Edge length of its voxels.
        normalisation: One of `NORMALISATIONS`; ours knows "rescale and z-score", the published
            network "min-max".
        threshold: Probability from which a voxel counts as brain.
    """

    n4: bool = True
    shrink: int = 4
    iterations: tuple[int, ...] = (20, 10, 10, 5)
    grid: tuple[int, int, int] = (96, 128, 128)
    spacing_mm: float = 2.0
    normalisation: str = "rescale and z-score"
    threshold: float = 0.45

    def __post_init__(self) -> None:
        if any(side <= 0 or side % 8 for side in self.grid):
            raise ValueError(f"sides of the grid must be multiples of 8, got {self.grid}")
        if self.shrink < 1 or self.spacing_mm <= 0 or not self.iterations:
            raise ValueError("shrink, spacing and iterations must be positive")
        if self.normalisation not in NORMALISATIONS:
            raise ValueError(f"normalisation must be one of {NORMALISATIONS}")


NORMALISATIONS = ("rescale and z-score", "rescale", "z-score", "min-max")
# Keeps more of the neck than OURS and samples the bias field more finely, at more seconds.
TALLER = Settings(shrink=3, grid=(96, 128, 160), threshold=0.5)
# Of a student project: its grid and N4, and intensities from the darkest voxel to the brightest.
PUBLISHED = Settings(shrink=3, grid=(96, 128, 160), normalisation="min-max", threshold=0.5)
OURS = Settings()
PIPELINES = {"lightbox": OURS, "taller grid": TALLER, "published": PUBLISHED}
"""By the name that a card or a recipe gives them."""


def expected_seconds(shape: tuple[int, int, int], settings: Settings) -> float:
    """How long the whole run takes on two free processor cores, N4 and network included.

    The network was measured at 3.2 processor seconds for 96 × 128 × 128 voxels.
    """
    n4 = expected_n4_seconds(shape, settings.shrink, settings.iterations) if settings.n4 else 0.0
    return n4 + 0.5 + math.prod(settings.grid) * 1.1e-6


@dataclass(frozen=True, eq=False)
class Prepared:
    """A head ready for the network.

    Attributes:
        volume: What came in.
        steps: One per stage. The images before "Resample and crop" lie on the input grid, it
            and those after it on the working grid; `overlays["affine"]` says where. N4's step has
            `overlays["field"]`, on the input grid.
        grid: How the two grids lie on each other.
        settings: What it was made with.
    """

    volume: Volume
    steps: tuple[Step, ...]
    grid: WorkingGrid
    settings: Settings

    @property
    def working(self) -> FloatArray:
        """float32 on the working grid: exactly what the network receives."""
        image: FloatArray = self.steps[-1].image
        return image

    @property
    def affine(self) -> NDArray[np.float64]:
        """Working grid index to RAS+ mm."""
        return self.grid.affine(self.volume.affine)

    def step(self, name: str) -> Step:
        """The step of that name.

        Raises:
            KeyError: If no stage is called so.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    @property
    def parameters(self) -> dict[str, Any]:
        """The settings and where the working grid lay, ready for JSON."""
        return {**asdict(self.settings), "start_ijk": self.grid.start_ijk}


def prepare(
    volume: Volume,
    settings: Settings = OURS,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Prepared:
    """Run the stages from the raw volume to what the network receives.

    Args:
        volume: A head, RAS+.
        settings: What to do; `OURS` or `TALLER`, or adjusted.
        progress: Told the fraction done and the stage's name; N4 reports each iteration.
        cancelled: Asked before every stage and at every iteration of N4.

    Raises:
        Cancelled: If `cancelled` said so.
        UnsuitableInputError: If the volume is the same everywhere.
    """
    if float(volume.voxels.max()) <= float(volume.voxels.min()):
        raise UnsuitableInputError(
            "The volume has one and the same value everywhere: there is no head in it. "
            "Choose another file."
        )
    grid = place_grid(volume, settings.grid, (settings.spacing_mm,) * 3)
    skip = set() if settings.n4 else {N4}
    skip |= _left_out(settings.normalisation)
    stages = _stages(volume, settings, grid, progress, cancelled)
    share = 0.9 if settings.n4 else 0.0  # of the time, N4 takes most
    array: np.ndarray = volume.voxels
    steps: list[Step] = []
    for number, stage in enumerate(stages):
        if cancelled is not None and cancelled():
            raise Cancelled
        if progress is not None:
            progress(0.0 if number == 0 else share + (1 - share) * number / 4, stage.name)
        steps += run_stages(array, [stage], skip=skip & {stage.name})
        array = steps[-1].image
    return Prepared(volume, tuple(steps), grid, settings)


def _stages(
    volume: Volume,
    settings: Settings,
    grid: WorkingGrid,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> list[Stage]:
    def correct(
        voxels: FloatArray, shrink: int, iterations: tuple[int, ...]
    ) -> tuple[FloatArray, dict[str, Any]]:
        part = None if progress is None else lambda done, name: progress(0.9 * done, name)
        field = n4_field(
            voxels, volume.spacing_mm, shrink, iterations, progress=part, cancelled=cancelled
        )
        return voxels / field, {"field": field, "affine": volume.affine}

    def resample(
        voxels: FloatArray, grid_ijk: tuple[int, int, int], spacing_mm: float
    ) -> tuple[FloatArray, dict[str, Any]]:
        return to_grid(voxels, grid), {"affine": grid.affine(volume.affine)}

    def with_affine(
        function: Callable[[FloatArray], FloatArray],
    ) -> Callable[[FloatArray], tuple[FloatArray, dict[str, Any]]]:
        return lambda voxels: (function(voxels), {"affine": grid.affine(volume.affine)})

    return [
        Stage(
            N4,
            correct,
            {"shrink": settings.shrink, "iterations": settings.iterations},
            "Receive coils shade the image; N4 estimates that smooth shade and divides by it, "
            "so that one tissue has one brightness.",
        ),
        Stage(
            RESAMPLE,
            resample,
            {"grid_ijk": settings.grid, "spacing_mm": settings.spacing_mm},
            "The network knows one voxel size; coarser voxels also make it fast enough for a "
            "processor.",
        ),
        *(
            replace(stage, function=with_affine(stage.function))
            for stage in _normalising(settings.normalisation)
        ),
    ]


def rescale(voxels: FloatArray) -> FloatArray:
    """Map the 1st percentile to 0 and the 99.5th of the head to 1, and clip to [0, 1.5]."""
    low = float(np.percentile(voxels[::2, ::2, ::2], 1))
    head = voxels[::2, ::2, ::2][head_voxels(voxels[::2, ::2, ::2])]
    high = float(np.percentile(head, 99.5)) if head.size else low + 1.0
    scaled: FloatArray = np.clip((voxels - low) / max(high - low, 1e-6), 0.0, 1.5)
    return scaled.astype(np.float32, copy=False)


def z_score(voxels: FloatArray) -> FloatArray:
    """Subtract the head's mean and divide by its standard deviation; the air is left out."""
    head = voxels[::2, ::2, ::2][head_voxels(voxels[::2, ::2, ::2])]
    mean, spread = (float(head.mean()), float(head.std())) if head.size else (0.0, 1.0)
    scored: FloatArray = (voxels - np.float32(mean)) / np.float32(max(spread, 1e-6))
    return scored


def min_max(voxels: FloatArray) -> FloatArray:
    """Map the darkest voxel to 0 and the brightest to 1."""
    low, high = np.float32(voxels.min()), np.float32(voxels.max())
    scaled: FloatArray = (voxels - low) / max(high - low, np.float32(1e-6))
    return scaled.astype(np.float32, copy=False)


def _normalising(normalisation: str) -> list[Stage]:
    """The stages after resampling; those of `_left_out` are shown and not run."""
    if normalisation == "min-max":
        why = (
            "MR intensities have no unit: the darkest voxel becomes 0 and the brightest 1, so that "
            "one bright vessel darkens all the rest."
        )
        return [Stage(MIN_MAX, min_max, why=why)]
    return [
        Stage(
            RESCALE,
            rescale,
            why="MR intensities have no unit: the darkest and brightest per cent become 0 and 1.",
        ),
        Stage(
            Z_SCORE,
            z_score,
            why="Zero mean and unit spread over the head, so that every scanner looks alike.",
        ),
    ]


def _left_out(normalisation: str) -> set[str]:
    return {"rescale": {Z_SCORE}, "z-score": {RESCALE}}.get(normalisation, set())


def normalised(voxels: FloatArray, normalisation: str) -> FloatArray:
    """Voxels of the working grid as a network of one of `NORMALISATIONS` takes them."""
    stages = _normalising(normalisation)
    image: FloatArray = run_stages(voxels, stages, skip=_left_out(normalisation))[-1].image
    return image


def head_voxels(voxels: FloatArray) -> NDArray[np.bool_]:
    """Voxels brighter than a seventh of the way from the darkest to the nearly brightest."""
    low, high = float(voxels.min()), float(np.percentile(voxels, 99))
    return voxels > low + 0.15 * (high - low)


def restore_steps(
    probability: FloatArray, prepared: Prepared, threshold: float | None = None
) -> list[Step]:
    """Clean the network's answer and take it back to the input grid, one step per stage.

    Cleaning works on the working grid, which has an eighth of the voxels of a 1 mm head, so that
    a threshold can be tried without waiting.

    Args:
        probability: float32 on the working grid, in [0, 1].
        prepared: What the network received.
        threshold: Overrides the settings' own; changing it reruns nothing else.

    Returns:
        Steps: the probability of the largest component and with cavities filled, on the working
        grid; the probability on the input grid, 0 beyond the box around the brain; and the
        uint8 mask there, the result.

    Raises:
        ValueError: If the probability is not on the working grid.
    """
    if probability.shape != prepared.grid.shape:
        raise ValueError(f"probability is {probability.shape}, the grid {prepared.grid.shape}")
    level = prepared.settings.threshold if threshold is None else threshold

    def without_islands(values: FloatArray, threshold: float) -> FloatArray:
        inside = (values >= threshold).astype(np.uint8)
        return np.where(inside > largest_component(inside), np.float32(0), values)

    def filled(values: FloatArray, threshold: float) -> FloatArray:
        brain = (values >= threshold).astype(np.uint8)
        solid = fill_holes(close_deep_cavities(brain, prepared.grid.spacing_mm))
        return np.where(solid > brain, np.float32(1), values)

    def on_the_input_grid(values: FloatArray) -> FloatArray:
        box = bounding_box(values >= level)
        whole = np.zeros(prepared.grid.volume_shape, np.float32)
        if box is not None:
            part, at = from_grid_box(values, prepared.grid, box)
            whole[at] = part
        return whole

    stages = [
        Stage(
            LARGEST,
            without_islands,
            {"threshold": level},
            "A head has one brain: stray islands go.",
        ),
        Stage(
            FILLED,
            filled,
            {"threshold": level},
            "Ventricles and vessels inside the brain belong to it, and what lies deep in it even "
            "where a narrow way leads out.",
        ),
        Stage(
            PROBABILITY,
            on_the_input_grid,
            why="The probability, not the mask, is interpolated: its contour stays smooth.",
        ),
        Stage(
            THRESHOLD,
            lambda values, threshold: (values >= threshold).view(np.uint8),
            {"threshold": level},
            "From here on every voxel is brain or not.",
        ),
    ]
    return run_stages(probability, stages)


def restore(
    probability: FloatArray, prepared: Prepared, threshold: float | None = None
) -> NDArray[np.uint8]:
    """The mask, uint8 on the input grid; see `restore_steps`."""
    mask: NDArray[np.uint8] = restore_steps(probability, prepared, threshold)[-1].image
    return mask
