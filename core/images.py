"""Images with what gives them meaning: `Radiograph` (2D) and `Volume` (3D)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Radiograph:
    """A projection image as the models see it.

    Attributes:
        pixels: float32 (H, W) in [0, 1], bone bright.
        digest: SHA-256 (hex) of the source bytes and of the choices made on reading
            (window, frame), hence of the pixels: the cache key.
        title: What the screen calls it; never taken from a patient tag.
        spacing_mm: Pixel spacing (row, column) in mm, or None where unknown.
        laterality: "L" or "R" where the file says so.
        view: View position as in DICOM ("PA", "AP", "LL", ...) where the file says so.
        modality: DICOM modality ("CR", "DX", "CT", ...) where the file says a known one.
        windows: Names of the display presets, the first the default: the file's own, then
            "Full range"; empty for files that know none.
        window: Index into `windows` that made the pixels.
        frames: Number of frames in the file; `frame` is the one shown, from 0.
        notes: Plain sentences about what reading did ("MONOCHROME1 was inverted ...").
        is_public: Whether it is nobody's (a phantom, a licensed sample), so that answers about
            it may be kept for all users.
    """

    pixels: FloatArray
    digest: str
    title: str = ""
    spacing_mm: tuple[float, float] | None = None
    laterality: str | None = None
    view: str | None = None
    modality: str | None = None
    windows: tuple[str, ...] = ()
    window: int = 0
    frames: int = 1
    frame: int = 0
    notes: tuple[str, ...] = field(default=())
    is_public: bool = False

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.dtype != np.float32:
            raise ValueError(
                f"pixels must be float32 (H, W), got {self.pixels.dtype} {self.pixels.shape}"
            )
        if self.pixels.size == 0:
            raise ValueError("pixels must not be empty")
        low, high = float(self.pixels.min()), float(self.pixels.max())
        if not (low >= 0.0 and high <= 1.0):  # also catches NaN
            raise ValueError(f"pixels must lie in [0, 1], got [{low}, {high}]")
        if self.laterality not in (None, "L", "R"):
            raise ValueError(f"laterality must be 'L', 'R' or None, got {self.laterality!r}")

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        height, width = self.pixels.shape
        return height, width

    def with_pixels(self, pixels: FloatArray, what: str) -> Radiograph:
        """The same film with other pixels; `what` names the change and enters the digest."""
        return replace(
            self,
            pixels=pixels,
            digest=hashlib.sha256(f"{self.digest}|{what}".encode()).hexdigest(),
        )


@dataclass(frozen=True, eq=False)
class SourceGrid:
    """The grid of the file that a volume was read from, to hand results back on.

    Attributes:
        shape: (i, j, k) as stored.
        affine: float64 (4, 4), stored voxel index to RAS+ mm.
        kind: What the file was ("NIfTI-1", "DICOM series", ...).
        volumes: Number of volumes in the file; `volume_index` is the one read, from 0.
        assumed: Whether the file said nothing of orientation, so that the affine is a guess.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    kind: str
    volumes: int = 1
    volume_index: int = 0
    assumed: bool = False


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3D image in patient space.

    Attributes:
        voxels: float32 (I, J, K), finite, axes towards Right, Anterior, Superior (RAS+).
        affine: float64 (4, 4), voxel index to RAS+ mm.
        digest: SHA-256 (hex) of the source bytes and choices made on reading: the cache key.
        title: What the screen calls it; never taken from a patient tag.
        notes: Plain sentences about what reading did.
        source: Grid of the file; None where the volume was never stored otherwise.
        is_public: Whether it is nobody's, as in `Radiograph`.
    """

    voxels: FloatArray
    affine: NDArray[np.float64]
    digest: str
    title: str = ""
    notes: tuple[str, ...] = field(default=())
    source: SourceGrid | None = None
    is_public: bool = False

    def __post_init__(self) -> None:
        if self.voxels.ndim != 3 or self.voxels.dtype != np.float32:
            raise ValueError(
                f"voxels must be float32 (I, J, K), got {self.voxels.dtype} {self.voxels.shape}"
            )
        if self.affine.shape != (4, 4):
            raise ValueError(f"affine must be (4, 4), got {self.affine.shape}")

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel edge lengths (i, j, k) in mm."""
        i, j, k = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        return float(i), float(j), float(k)


def digest_of(array: np.ndarray, *choices: object) -> str:
    """SHA-256 (hex) of an array's bytes, shape and any choices: a cache key for made images."""
    state = hashlib.sha256(np.ascontiguousarray(array).tobytes())
    state.update(repr((array.shape, str(array.dtype), choices)).encode())
    return state.hexdigest()


def bounding_box(mask: NDArray[Any]) -> tuple[slice, ...] | None:
    """The smallest box around what is not zero, a slice an axis; None where all is zero."""
    from scipy.ndimage import find_objects

    found = find_objects((mask != 0).astype(np.uint8), max_label=1)
    return found[0] if found else None
