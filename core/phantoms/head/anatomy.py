"""What a T1 head looks like from the skin to the ventricles, drawn in template millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.images import FloatArray
from core.phantoms.head.fields import stretch, texture
from core.phantoms.head.template import head_template

# Sampled region in mm around the anterior commissure: right, anterior, superior.
FIELD_MM = np.array([[-96.0, 96.0], [-132.0, 120.0], [-136.0, 104.0]])


@dataclass(frozen=True)
class Tissue:
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


def random_tissue(rng: np.random.Generator) -> Tissue:
    return Tissue(
        white=1.0,
        grey=float(rng.uniform(0.56, 0.78)),
        csf=float(rng.uniform(0.1, 0.3)),
        fat=float(rng.uniform(0.8, 1.6)),
        skin=float(rng.uniform(0.6, 0.85)),
        muscle=float(rng.uniform(0.4, 0.62)),
        marrow=float(rng.uniform(0.45, 1.0)),
        bone=float(rng.uniform(0.05, 0.14)),
        air=float(rng.uniform(0.0, 0.02)),
    )


class HeadWarp:
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
            elastic = stretch(coarse.astype(np.float32), out.shape[1:])
            line = [
                (self.inverse[row, a] * (axis - self.shift[a])).astype(np.float32)
                for a, axis in enumerate(axes)
            ]
            out[row] = elastic
            out[row] += line[0][:, None, None] + line[1][:, None] + line[2]
        return out


class ThicknessMap:
    """Signal painted shape over shape, with edges one voxel soft."""

    def __init__(
        self,
        where: FloatArray,
        warp: HeadWarp,
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


def draw_head(
    where: FloatArray,
    warp: HeadWarp,
    low: NDArray[np.float64],
    step: NDArray[np.float64],
    t: Tissue,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Paint the head from the skin inwards; returns signal and soft brain mask."""
    grain = rng.spawn(1)[0]  # its draws depend on the voxel size, those of the anatomy must not
    template = head_template(1 if step.min() < 1.5 else 2)
    hull = template.hull_mm.at(where)
    thickness = ThicknessMap(where, warp, low, step, t.air)
    shape = hull.shape
    mottle = texture(grain, shape, step, 3.0)
    fine = texture(grain, shape, step, 1.5)
    slow = texture(grain, shape, step, 12.0, smooth=1.2)

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
        envelope = _union(envelope, thickness.distance(centre, radii), 9.0)
    thickness.blend(envelope, t.skin * (1 + 0.15 * fine))
    fat_mm = rng.uniform(2.0, 5.0)
    thickness.blend(envelope + 1.6, t.fat * (1 + 0.18 * mottle))
    thickness.blend(envelope + 1.6 + fat_mm, t.muscle * (1 + 0.22 * mottle))
    below = where[2] + 25  # fat planes between the muscles of face and neck
    bundles = np.abs(texture(grain, shape, step, (9.0, 9.0, 40.0))) * 6 - 0.7
    planes = np.maximum(np.maximum(envelope + 6, below), bundles)
    thickness.blend(np.asarray(planes, np.float32), 0.7 * t.fat)
    _face(thickness, t, rng, mottle, fine, jaw)
    _neck(thickness, t, mottle)
    _skull(thickness, t, hull, csf_mm, skull_mm, mottle, slow)

    gaze = rng.normal(0, 2, 2)
    _orbits(thickness, t, mottle, gaze)
    thickness.ellipsoid((0, 20, -36), (13, 13, 9), t.air, rim=(1.5, t.bone))
    thickness.ellipsoid((0, -47, -92), (10, 10, 42), t.csf)
    thickness.ellipsoid((0, -46, -98), (6.5, 5.5, 60), 0.92 * t.white)
    thickness.ellipsoid((0, -44, -75), (8, 7, 12), 0.92 * t.white)

    mask = template.mask.at(where)
    tissue, share = template.tissue.at(where), template.white.at(where)
    atrophy = rng.uniform(-0.02, 0.22)  # widens or narrows every sulcus and the ventricles
    folds = atrophy + 0.08 * texture(grain, shape, step, 7.0)
    filled = np.clip((tissue - 0.5 - folds) * 1.8 + 0.5, 0, 1)
    parenchyma = t.grey + (t.white - t.grey) * share
    parenchyma = parenchyma * (1 + 0.025 * mottle + 0.02 * fine)
    brain = t.csf + (parenchyma - t.csf) * filled
    falx = np.clip(1.3 - np.abs(where[0]) / 1.2, 0, 0.5) * np.clip(1 - filled, 0, 1)
    brain = brain + falx * (0.5 * t.grey - brain) * (where[2] > 10)
    thickness.signal += np.clip(mask * 1.5, 0, 1) * (brain - thickness.signal)
    return np.maximum(thickness.signal, 0), mask


def _union(a: FloatArray, b: FloatArray, round_mm: float) -> FloatArray:
    """Union of two signed distances with a rounded seam (polynomial smooth minimum)."""
    h = np.clip(0.5 + 0.5 * (b - a) / np.float32(round_mm), 0, 1)
    return np.asarray(b + (a - b) * h - np.float32(round_mm) * h * (1 - h), np.float32)


def _face(
    c: ThicknessMap,
    t: Tissue,
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


def _neck(c: ThicknessMap, t: Tissue, mottle: FloatArray) -> None:
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
    c: ThicknessMap,
    t: Tissue,
    hull: FloatArray,
    csf_mm: FloatArray,
    skull_mm: FloatArray,
    mottle: FloatArray,
    slow: FloatArray,
) -> None:
    """Outer table, marrow, inner table, and the fluid under it."""
    c.blend(hull - skull_mm, t.bone)
    # The marrow thins out at the temples and below, as in life.
    temples = np.clip((np.abs(c.where[0]) - 50) / 18, 0, 1) * (c.where[2] < 30)
    thin = np.maximum(temples, np.clip((-20 - c.where[2]) / 20, 0, 0.8))
    middle = 0.5 * (csf_mm + skull_mm) + 0.2
    half = np.clip(0.5 * (skull_mm - csf_mm) - 1.7, 0.2, None) + 0.5 * slow - 3.0 * thin
    marrow = t.marrow * (1 + 0.2 * mottle)
    c.blend(np.asarray(np.abs(hull - middle) - half, np.float32), marrow)
    c.ellipsoid((0, -8, -44), (9, 6, 16), marrow, rim=(1.5, t.bone))
    c.blend(hull - csf_mm, t.csf)


def _orbits(c: ThicknessMap, t: Tissue, mottle: FloatArray, gaze: NDArray[np.float64]) -> None:
    """Bony orbit filled with fat, muscles, optic nerve, and the globe with its lens."""
    c.pair((28, 46, -36), (15, 25, 15), t.fat * (0.8 + 0.1 * mottle), rim=(2.0, t.bone))
    for x, z in ((9, 0), (-9, 0), (0, 9), (0, -9)):
        c.pair((28 + x, 46, -36 + z), (2.2 + abs(z) / 4, 16, 2.2 + abs(x) / 4), 1.15 * t.muscle)
    c.pair((25, 38, -36), (2.5, 22, 2.5), 0.7 * t.white)
    c.pair((30, 63, -36), (12, 12, 12), 0.9 * t.csf, rim=(1.3, t.muscle))
    c.pair((31 + 0.3 * gaze[0], 73.5, -36 + 0.3 * gaze[1]), (4.5, 2.2, 4.5), 0.9 * t.muscle)
