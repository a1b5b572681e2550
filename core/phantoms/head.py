"""A synthetic T1 head with a known brain: anatomy, contrast, bias field and noise by seed.

The brain comes from the grey and white matter maps of the ICBM 2009a average (Fonov et al.,
NeuroImage 2011;54(1):313-327) that nilearn ships; all that surrounds it is simple geometry in
the same millimetre space. Everything is warped together, so the mask stays exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray, Volume, digest_of

# Sampled region in mm around the anterior commissure: right, anterior, superior.
FIELD_MM = np.array([[-96.0, 96.0], [-132.0, 120.0], [-136.0, 104.0]])


@dataclass(frozen=True, eq=False)
class HeadPhantom:
    """A made T1 head and what is known about it.

    Attributes:
        volume: The head, RAS+, arbitrary intensity units.
        mask: uint8 (I, J, K), 1 in the brain with its ventricles and sulci.
        bias: float32 (I, J, K), the receive field that multiplied the signal; mean 1 in the head.
    """

    volume: Volume
    mask: NDArray[np.uint8]
    bias: FloatArray


@dataclass(frozen=True)
class _Tissue:
    """Signal of each tissue relative to white matter at 1."""

    white: float
    grey: float
    csf: float
    fat: float
    skin: float
    muscle: float
    marrow: float
    bone: float
    air: float


def random_head(
    seed: int = 0,
    spacing_mm: float | tuple[float, float, float] = 2.0,
    *,
    noise: float | None = None,
    bias: float | None = None,
    neck_mm: float | None = None,
) -> HeadPhantom:
    """Make a T1-weighted head whose brain mask is known.

    Args:
        seed: Decides shape, contrast, bias field and noise.
        spacing_mm: Voxel edge or edges (i, j, k). A thick direction averages over its slice.
        noise: Rician noise as a fraction of white matter signal; drawn in 0.005-0.04 where None.
        bias: Peak-to-mean strength of the receive field (0 for none); 0.1-0.45 where None.
        neck_mm: How far below the brain's centre the field of view ends, 70 to 136; drawn
            where None.

    Returns:
        The head, its mask and its bias field, all on one grid.

    Raises:
        ValueError: If a spacing is not positive.
    """
    spacing = np.broadcast_to(np.asarray(spacing_mm, float), (3,))
    if np.any(spacing <= 0):
        raise ValueError(f"spacing must be positive, got {spacing_mm}")
    rng = np.random.default_rng(seed)
    neck = float(rng.uniform(92, 136)) if neck_mm is None else float(np.clip(neck_mm, 70, 136))
    low, high = FIELD_MM.copy().T
    low[2] = -neck
    averaged = np.where(spacing > 2.5, 2, 1)
    fine = spacing / averaged
    shape = np.maximum(np.round((high - low) / spacing), 4).astype(int) * averaged

    warp = _Warp(rng)
    where = warp.template_mm([low[a] + fine[a] * np.arange(shape[a]) for a in range(3)])
    tissue = _random_tissue(rng)
    signal, soft_mask = _draw(where, warp, low, fine, tissue, rng)
    signal, soft_mask = (_average(array, averaged) for array in (signal, soft_mask))

    drawn = rng.uniform(0.1, 0.45)
    field = _smooth_field(rng, signal.shape, drawn if bias is None else bias)
    field /= field[signal > 0.2].mean()
    sigma = float(rng.uniform(0.005, 0.04)) if noise is None else noise
    received = signal * field
    real = received + rng.normal(0, sigma, signal.shape).astype(np.float32)
    imaginary = rng.normal(0, sigma, signal.shape).astype(np.float32)
    voxels = (np.hypot(real, imaginary) * rng.uniform(200, 900)).astype(np.float32)

    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = low + fine * (averaged - 1) / 2
    title = f"Head phantom {seed}"
    volume = Volume(voxels, affine, digest_of(voxels, title), title)
    return HeadPhantom(volume, (soft_mask > 0.5).astype(np.uint8), field)


class _Warp:
    """World mm to template mm: a random affine and a smooth elastic displacement."""

    def __init__(self, rng: np.random.Generator) -> None:
        from scipy.spatial.transform import Rotation

        turn = Rotation.from_euler("xyz", rng.normal(0, [7, 3, 4]), degrees=True).as_matrix()
        scale = rng.uniform(0.86, 1.0) * rng.normal(1, 0.02, 3)  # the average is a large brain
        shear = np.eye(3) + np.triu(rng.normal(0, 0.02, (3, 3)), 1)
        self.forward = turn @ shear @ np.diag(scale)
        self.shift = rng.normal(0, [2, 5, 5])
        self.inverse = np.linalg.inv(self.forward)
        self.knots = rng.normal(0, 2.2, (3, 5, 5, 5))

    def world_mm(self, template: NDArray[np.float64]) -> NDArray[np.float64]:
        """Template points (..., 3) in world mm, the elastic part left out."""
        return np.asarray(template @ self.forward.T + self.shift)

    def template_mm(self, axes: list[NDArray[np.float64]]) -> FloatArray:
        """Template coordinates, float32 (3, I, J, K), of the grid spanned by world axes."""
        from scipy.ndimage import map_coordinates

        out = np.empty((3, *(len(axis) for axis in axes)), np.float32)
        low, high = FIELD_MM.T
        places = [
            (axis - low[a]) / (high[a] - low[a]) * (self.knots.shape[a + 1] - 1)
            for a, axis in enumerate(axes)
        ]
        # Cubic in a small grid, then linear to the voxels: as smooth, and ten times quicker.
        coarse_shape = (25, 31, 31)
        coarse_at = np.meshgrid(
            *(np.linspace(p[0], p[-1], n) for p, n in zip(places, coarse_shape, strict=True)),
            indexing="ij",
        )
        for row in range(3):
            coarse = map_coordinates(self.knots[row], coarse_at, order=3, mode="nearest")
            elastic = _stretch(coarse.astype(np.float32), out.shape[1:])
            line = [
                (self.inverse[row, a] * (axis - self.shift[a])).astype(np.float32)
                for a, axis in enumerate(axes)
            ]
            out[row] = elastic
            out[row] += line[0][:, None, None] + line[1][:, None] + line[2]
        return out


def _stretch(array: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Linear interpolation of a coarse array to `shape`, corner to corner, axis by axis."""
    for axis, size in enumerate(shape):
        at = np.linspace(0, array.shape[axis] - 1, size)
        below = np.minimum(at.astype(int), array.shape[axis] - 2)
        share = (at - below).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        array = np.take(array, below, axis) * (1 - share) + np.take(array, below + 1, axis) * share
    return array


def _average(array: FloatArray, by: NDArray[np.int_]) -> FloatArray:
    """Mean over blocks of `by` voxels."""
    i, j, k = (size // n for size, n in zip(array.shape, by, strict=True))
    blocks = array.reshape(i, by[0], j, by[1], k, by[2])
    return np.asarray(blocks.mean(axis=(1, 3, 5)), np.float32)


def _random_tissue(rng: np.random.Generator) -> _Tissue:
    return _Tissue(
        white=1.0,
        grey=float(rng.uniform(0.56, 0.78)),
        csf=float(rng.uniform(0.1, 0.3)),
        fat=float(rng.uniform(0.8, 1.6)),
        skin=float(rng.uniform(0.6, 0.85)),
        muscle=float(rng.uniform(0.4, 0.62)),
        marrow=float(rng.uniform(0.6, 1.25)),
        bone=float(rng.uniform(0.05, 0.14)),
        air=float(rng.uniform(0.0, 0.02)),
    )


def _smooth_field(rng: np.random.Generator, shape: tuple[int, ...], strength: float) -> FloatArray:
    """A positive field whose logarithm is a random smooth surface of the given spread."""
    from scipy.ndimage import zoom

    knots = zoom(rng.normal(0, 1, (4, 4, 4)), 4, order=3).astype(np.float32)
    surface = _stretch(knots, shape)
    surface = surface - surface.mean()
    return np.exp(surface / max(float(np.abs(surface).max()), 1e-6) * strength)


@dataclass(frozen=True, eq=False)
class _Template:
    """Maps in template space.

    Attributes:
        tissue: float32, 1 in grey and white matter, below 0.5 in fluid.
        white: float32, share of white matter in the tissue.
        mask: float32, the brain with its sulci and ventricles, smoothed edge.
        hull_mm: float32, signed distance to the brain's smooth hull, negative inside.
        origin_mm, step_mm: Grid of the probabilities.
        hull_origin_mm, hull_step_mm: Grid of `hull_mm`.
    """

    tissue: FloatArray
    white: FloatArray
    mask: FloatArray
    hull_mm: FloatArray
    origin_mm: NDArray[np.float64]
    step_mm: float
    hull_origin_mm: NDArray[np.float64]
    hull_step_mm: float


@lru_cache(maxsize=2)
def _template(step: int) -> _Template:
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
        return _average(cut, np.array([by] * 3))

    # The brain: tissue, closed over its sulci, holes (the ventricles) filled; at 2 mm.
    tissue = np.pad(shrink(maps[0] + maps[1], 2), 8)
    brain = binary_closing(tissue > 0.4, iterations=4)
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
    half = (step - 1) / 2
    return _Template(
        np.asarray(tissue, np.float32),
        np.asarray(powered[1] / total, np.float32),
        brain_soft,
        hull_mm,
        origin + half,
        float(step),
        origin + 0.5 - (8 + 2 * pad) * 2.0,
        4.0,
    )


def _sample(
    array: FloatArray, where: FloatArray, origin: NDArray[np.float64], step: float, outside: float
) -> FloatArray:
    from scipy.ndimage import map_coordinates

    at = (where - origin.astype(np.float32)[:, None, None, None]) / np.float32(step)
    return np.asarray(
        map_coordinates(array, at, order=1, mode="constant", cval=outside, output=np.float32)
    )


class _Canvas:
    """Signal painted shape over shape, with edges one voxel soft."""

    def __init__(
        self,
        where: FloatArray,
        warp: _Warp,
        low: NDArray[np.float64],
        step: NDArray[np.float64],
        start: float,
    ) -> None:
        self.where, self.warp, self.low, self.step = where, warp, low, step
        self.edge = float(np.clip(step.mean(), 0.8, 2.5))
        self.signal = np.full(where.shape[1:], start, np.float32)

    def box(self, centre: tuple[float, ...], radii: tuple[float, ...]) -> tuple[slice, ...]:
        """Voxels that can lie within an ellipsoid of template space; 10 mm for the elastic part."""
        signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
        corners = self.warp.world_mm(np.add(centre, signs * np.add(radii, 10.0)))
        first = np.floor((corners.min(0) - self.low) / self.step).astype(int)
        last = np.ceil((corners.max(0) - self.low) / self.step).astype(int) + 1
        return tuple(slice(max(a, 0), max(b, 0)) for a, b in zip(first, last, strict=True))

    def distance(
        self, centre: tuple[float, ...], radii: tuple[float, ...], box: tuple[slice, ...] = ()
    ) -> FloatArray:
        """About the distance in mm to an ellipsoid, negative inside."""
        total: FloatArray = np.zeros((1, 1, 1), np.float32)
        steep = total
        for axis in range(3):
            offset = (self.where[axis][box] if box else self.where[axis]) - centre[axis]
            total = total + (offset / np.float32(radii[axis])) ** 2
            steep = steep + (offset / np.float32(radii[axis] ** 2)) ** 2
        norm = np.sqrt(total)
        return np.asarray(norm * (norm - 1) / np.maximum(np.sqrt(steep), 1e-4), np.float32)

    def ellipsoid(
        self,
        centre: tuple[float, ...],
        radii: tuple[float, ...],
        value: float | FloatArray,
        rim: tuple[float, float] | None = None,
    ) -> None:
        """Paint an ellipsoid, under it a `rim` of (mm, value) where given."""
        wide = tuple(r + (rim[0] if rim else 0.0) for r in radii)
        box = self.box(centre, wide)
        if any(cut.start >= cut.stop for cut in box):
            return
        inside = self.distance(centre, radii, box)
        if rim is not None:
            self.blend(inside - rim[0], rim[1], box)
        self.blend(inside, value if isinstance(value, float) else value[box], box)

    def pair(
        self,
        centre: tuple[float, ...],
        radii: tuple[float, ...],
        value: float | FloatArray,
        rim: tuple[float, float] | None = None,
    ) -> None:
        """The same ellipsoid left and right."""
        self.ellipsoid(centre, radii, value, rim)
        self.ellipsoid((-centre[0], *centre[1:]), radii, value, rim)

    def blend(
        self, distance: FloatArray, value: float | FloatArray, box: tuple[slice, ...] = ()
    ) -> None:
        share = np.clip(0.5 - distance / np.float32(self.edge), 0, 1)
        part = self.signal[box]
        part += share * (np.asarray(value, np.float32) - part)


def _draw(
    where: FloatArray,
    warp: _Warp,
    low: NDArray[np.float64],
    step: NDArray[np.float64],
    t: _Tissue,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Paint the head from the skin inwards; returns signal and soft brain mask."""
    template = _template(1 if step.min() < 1.5 else 2)
    hull = _sample(
        template.hull_mm, where, template.hull_origin_mm, template.hull_step_mm, outside=200.0
    )
    canvas = _Canvas(where, warp, low, step, t.air)
    shape = hull.shape
    mottle = _texture(rng, shape, step, 3.0)
    fine = _texture(rng, shape, step, 1.5)
    slow = _texture(rng, shape, step, 12.0, smooth=1.2)

    csf_mm = np.clip(1.6 + rng.uniform(0, 1.5) + 0.6 * slow, 0.6, None)
    skull_mm = csf_mm + np.clip(rng.uniform(7, 10) + 1.2 * slow, 4.5, None)
    scalp_mm = rng.uniform(3.5, 6.5)
    envelope = hull - skull_mm - scalp_mm
    # Below the hull's equator the head does not follow the brain: face, jaw and neck.
    jaw = rng.uniform(-6, 6)
    outline = (
        ((0, 38, -60), (66, 58, 62)),
        ((0, 62, -92 + jaw), (44, 38, 40)),
        ((0, 94, -52), (15, 17, 24)),
        ((0, 60, -18), (58, 34, 34)),
        ((0, -38, -112), (58, 58, 150)),
        ((0, -28, -50), (78, 66, 48)),
        ((70, -26, -45), (17, 14, 28)),
        ((-70, -26, -45), (17, 14, 28)),
    )
    for centre, radii in outline:
        envelope = _union(envelope, canvas.distance(centre, radii), 9.0)
    canvas.blend(envelope, t.skin * (1 + 0.15 * fine))
    fat_mm = rng.uniform(2.0, 5.0)
    canvas.blend(envelope + 1.6, t.fat * (1 + 0.18 * mottle))
    canvas.blend(envelope + 1.6 + fat_mm, t.muscle * (1 + 0.22 * mottle))
    below = where[2] + 25  # fat planes between the muscles of face and neck
    bundles = np.abs(_texture(rng, shape, step, (9.0, 9.0, 40.0))) * 6 - 0.7
    planes = np.maximum(np.maximum(envelope + 6, below), bundles)
    canvas.blend(np.asarray(planes, np.float32), 0.7 * t.fat)
    _face(canvas, t, rng, mottle, fine, jaw)
    _neck(canvas, t, mottle)
    _skull(canvas, t, hull, csf_mm, skull_mm, mottle, slow)

    gaze = rng.normal(0, 2, 2)
    _orbits(canvas, t, mottle, gaze)
    canvas.ellipsoid((0, 20, -36), (13, 13, 9), t.air, rim=(1.5, t.bone))
    canvas.ellipsoid((0, -47, -92), (10, 10, 42), t.csf)
    canvas.ellipsoid((0, -46, -98), (6.5, 5.5, 60), 0.92 * t.white)
    canvas.ellipsoid((0, -44, -75), (8, 7, 12), 0.92 * t.white)

    mask = _sample(template.mask, where, template.origin_mm * 0 + _mask_origin(template), 2.0, 0.0)
    tissue, share = (
        _sample(part, where, template.origin_mm, template.step_mm, 0.0)
        for part in (template.tissue, template.white)
    )
    atrophy = rng.uniform(-0.02, 0.22)  # widens or narrows every sulcus and the ventricles
    folds = atrophy + 0.08 * _texture(rng, shape, step, 7.0)
    filled = np.clip((tissue - 0.5 - folds) * 1.8 + 0.5, 0, 1)
    texture = 1 + 0.025 * mottle + 0.02 * fine
    parenchyma = (t.grey + (t.white - t.grey) * share) * texture
    brain = t.csf + (parenchyma - t.csf) * filled
    falx = np.clip(1.3 - np.abs(where[0]) / 1.2, 0, 0.5) * np.clip(1 - filled, 0, 1)
    brain = brain + falx * (0.5 * t.grey - brain) * (where[2] > 10)
    canvas.signal += np.clip(mask * 1.5, 0, 1) * (brain - canvas.signal)
    return np.maximum(canvas.signal, 0), mask


def _mask_origin(template: _Template) -> NDArray[np.float64]:
    """Origin of the 2 mm mask, whichever step the probabilities have."""
    return template.origin_mm - (template.step_mm - 1) / 2 + 0.5


def _union(a: FloatArray, b: FloatArray, round_mm: float) -> FloatArray:
    """Union of two signed distances with a rounded seam (polynomial smooth minimum)."""
    h = np.clip(0.5 + 0.5 * (b - a) / np.float32(round_mm), 0, 1)
    return np.asarray(b + (a - b) * h - np.float32(round_mm) * h * (1 - h), np.float32)


def _texture(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    step: NDArray[np.float64],
    grain_mm: float | tuple[float, float, float],
    smooth: float = 0.0,
) -> FloatArray:
    """Noise of unit spread with a grain of about `grain_mm`, smoothed over `smooth` grains."""
    from scipy.ndimage import gaussian_filter

    size = [max(int(n), 2) for n in np.ceil(np.asarray(shape) * step / np.asarray(grain_mm))]
    knots = gaussian_filter(rng.standard_normal(size).astype(np.float32), smooth)
    noise = _stretch(knots, shape)
    return noise / max(float(noise.std()), 1e-6)


def _face(
    c: _Canvas,
    t: _Tissue,
    rng: np.random.Generator,
    mottle: FloatArray,
    fine: FloatArray,
    jaw: float,
) -> None:
    """Jaw, tongue, palate, airway and the air-filled sinuses."""
    marrow = t.marrow * (1 + 0.15 * mottle)
    c.pair((52, 8, -84), (9, 17, 26), t.muscle * (1 + 0.2 * mottle), rim=(1.5, 0.8 * t.fat))
    c.pair((43, 22, -92), (5, 14, 24), marrow, rim=(2.5, t.bone))
    c.ellipsoid((0, 76, -116 + jaw), (26, 9, 9), marrow, rim=(3.0, t.bone))
    c.ellipsoid((0, 78, -82), (24, 9, 12), t.bone)
    c.ellipsoid((0, 44, -98 + jaw), (24, 34, 20), t.muscle * (1.1 + 0.2 * mottle), rim=(2.0, t.air))
    c.ellipsoid((0, 60, -74), (22, 26, 2.5), marrow, rim=(2.0, t.bone))
    c.ellipsoid((0, 58, -56), (12, 30, 13), t.muscle * (1.0 + 0.4 * fine))
    c.pair((5, 58, -58), (2.2, 28, 11), t.air)
    c.ellipsoid((0, 9, -88), (10, 6, 28), t.air)
    c.ellipsoid((0, 0, -130), (9, 7, 30), t.air)
    size = rng.uniform(0.8, 1.2)
    c.pair((30, 52, -62), (12 * size, 15 * size, 15 * size), t.air, rim=(2.0, t.bone))
    c.ellipsoid((0, 52, -34), (10, 17, 11), t.bone + 0.3 * np.clip(fine, 0, 1) * t.muscle)
    c.ellipsoid((0, 76, -8), (16 * size, 6, 12 * size), t.air, rim=(1.5, t.bone))
    cells = (t.bone + 0.6 * t.fat * np.clip(fine - 0.8, 0, 1)).astype(np.float32)
    c.pair((50, -34, -46), (13, 17, 20), cells)
    c.pair((62, -24, -36), (16, 3.5, 3.5), t.air)


def _neck(c: _Canvas, t: _Tissue, mottle: FloatArray) -> None:
    """Vertebrae, discs, the canal's fat and the vessels."""
    marrow = 0.75 * t.marrow * (1 + 0.12 * mottle)
    for level in range(4):
        z = -92.0 - 18.0 * level
        c.ellipsoid((0, -24, z), (14, 10, 7.5), marrow, rim=(2.0, t.bone))
        c.pair((15, -42, z), (6, 9, 6), marrow, rim=(2.0, t.bone))
        c.ellipsoid((0, -70, z), (4, 12, 5), marrow, rim=(2.0, t.bone))
    c.ellipsoid((0, -18, -84), (5, 5, 12), marrow, rim=(1.8, t.bone))
    c.pair((27, -8, -115), (4, 4, 45), 0.3 * t.muscle)
    c.pair((34, -16, -115), (6, 5, 45), 0.35 * t.muscle)
    c.pair((45, -14, -125), (9, 22, 40), t.muscle * (1 + 0.15 * mottle), rim=(1.5, 0.8 * t.fat))


def _skull(
    c: _Canvas,
    t: _Tissue,
    hull: FloatArray,
    csf_mm: FloatArray,
    skull_mm: FloatArray,
    mottle: FloatArray,
    slow: FloatArray,
) -> None:
    """Outer table, marrow, inner table, and the fluid under it."""
    c.blend(hull - skull_mm, t.bone)
    # The marrow thins out at the temples and below, as in life.
    thin = np.clip((np.abs(c.where[0]) - 50) / 18, 0, 1) * (c.where[2] < 30)
    middle = 0.5 * (csf_mm + skull_mm) + 0.2
    half = np.clip(0.5 * (skull_mm - csf_mm) - 1.7, 0.2, None) + 0.5 * slow - 3.0 * thin
    marrow = t.marrow * (1 + 0.2 * mottle)
    c.blend(np.asarray(np.abs(hull - middle) - half, np.float32), marrow)
    c.ellipsoid((0, -8, -44), (9, 6, 16), marrow, rim=(1.5, t.bone))
    c.blend(hull - csf_mm, t.csf)


def _orbits(c: _Canvas, t: _Tissue, mottle: FloatArray, gaze: NDArray[np.float64]) -> None:
    """Bony orbit filled with fat, muscles, optic nerve, and the globe with its lens."""
    c.pair((28, 46, -36), (15, 25, 15), t.fat * (0.8 + 0.1 * mottle), rim=(2.0, t.bone))
    for x, z in ((9, 0), (-9, 0), (0, 9), (0, -9)):
        c.pair((28 + x, 46, -36 + z), (2.2 + abs(z) / 4, 16, 2.2 + abs(x) / 4), 1.15 * t.muscle)
    c.pair((25, 38, -36), (2.5, 22, 2.5), 0.7 * t.white)
    c.pair((30, 63, -36), (12, 12, 12), 0.9 * t.csf, rim=(1.3, t.muscle))
    c.pair((31 + 0.3 * gaze[0], 73.5, -36 + 0.3 * gaze[1]), (4.5, 2.2, 4.5), 0.9 * t.muscle)
