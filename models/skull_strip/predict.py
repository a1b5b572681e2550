"""Skull stripping: from a head to the mask of its brain."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray, Volume
from core.skull_strip import Cancelled, Prepared, Settings, prepare, restore, restore_steps
from core.stages import Progress, Step
from models.cards import ModelCard
from models.onnx_runtime import open_network
from models.skull_strip.settings import settings_of

NETWORK = "3D U-Net"


@dataclass(frozen=True, eq=False)
class Model:
    """A network ready to run, with its card.

    Attributes:
        card: Where it comes from and how good it is.
        network: Takes float32 (1, 1, I, J, K), gives the probability of that shape.
    """

    card: ModelCard
    network: Callable[[FloatArray], tuple[FloatArray, ...]]


@dataclass(frozen=True, eq=False)
class BrainMask:
    """Which voxels of a volume are brain.

    Attributes:
        voxels: uint8 (I, J, K), on the grid of the volume that came in.
        affine: Voxel index to RAS+ mm, the volume's own.
        threshold: Probability from which a voxel counts as brain.
    """

    voxels: NDArray[np.uint8]
    affine: NDArray[np.float64]
    threshold: float

    def __post_init__(self) -> None:
        if self.voxels.ndim != 3 or self.voxels.dtype != np.uint8:
            raise ValueError(f"mask must be uint8 (I, J, K), got {self.voxels.dtype}")

    @property
    def volume_ml(self) -> float:
        """Volume of the brain in millilitres."""
        voxel_mm3 = abs(float(np.linalg.det(self.affine[:3, :3])))
        return float(np.count_nonzero(self.voxels)) * voxel_mm3 / 1000.0


@dataclass(frozen=True, eq=False)
class BrainProbability:
    """What the network says, before any threshold.

    Attributes:
        values: float32 (I, J, K) in [0, 1] on the working grid.
        prepared: What the network received, and how the grids lie on each other.
        seconds: Time the network took.
    """

    values: FloatArray
    prepared: Prepared
    seconds: float

    def steps(self, threshold: float | None = None) -> list[Step]:
        """The stages after the network, on the input grid; no network runs."""
        return restore_steps(self.values, self.prepared, threshold)

    def mask(self, threshold: float | None = None) -> BrainMask:
        """The mask on the input grid at a threshold, the settings' own if None."""
        level = self.prepared.settings.threshold if threshold is None else threshold
        voxels = restore(self.values, self.prepared, level)
        return BrainMask(voxels, self.prepared.volume.affine, level)


def load_model(card: ModelCard) -> Model:
    """Open the card's network.

    Raises:
        WeightsError: If the file is missing, was changed, or holds no network.
    """
    return Model(card, open_network(card))


def probability(
    model: Model,
    prepared: Prepared,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> BrainProbability:
    """Run the network on a prepared head.

    Raises:
        Cancelled: If `cancelled` said so before the network started; it takes about a second.
    """
    if cancelled is not None and cancelled():
        raise Cancelled
    if progress is not None:
        progress(0.0, NETWORK)
    start = time.perf_counter()
    values = model.network(prepared.working[None, None])[0][0, 0]
    if progress is not None:
        progress(1.0, NETWORK)
    return BrainProbability(values, prepared, time.perf_counter() - start)


def segment(
    model: Model,
    volume: Volume,
    settings: Settings | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> BrainMask:
    """The brain of a head, on the head's own grid: everything in one call.

    A screen that shows the stages calls `core.skull_strip.prepare`, `probability` and
    `BrainProbability.steps` itself, and keeps what each returns.

    Args:
        model: The network.
        volume: The head, RAS+.
        settings: What happens before and after the network; None for what its card names.
        progress, cancelled: As of `prepare`.

    Raises:
        Cancelled: If `cancelled` said so.
        UnsuitableInputError: If the volume is the same everywhere.
    """
    prepared = prepare(volume, settings or settings_of(model.card), progress, cancelled)
    return probability(model, prepared, progress, cancelled).mask()
