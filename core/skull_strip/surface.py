"""A closed surface around a mask, as a file for 3D programs and printers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def surface_net(
    mask: np.ndarray, affine: NDArray[np.float64], smooth_mm: float = 1.0
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Triangles around a mask by naive surface nets (Gibson, MICCAI 1998, LNCS 1496:888-898).

    Every cell of eight voxels that the surface crosses gets one vertex, at the mean of the
    crossings on its edges; every voxel edge that is crossed gets a quadrilateral between the four
    cells around it. The result is closed.

    Args:
        mask: (I, J, K), not 0 inside.
        affine: Voxel index to mm.
        smooth_mm: Width of the Gaussian that rounds the voxels' stairs; 0 for none.

    Returns:
        Vertices float32 (V, 3) in mm and triangles int32 (T, 3), facing outwards. Both are
        empty for an empty mask.
    """
    from scipy.ndimage import gaussian_filter

    spacing = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    margin = 2 + int(np.ceil(2 * smooth_mm / spacing.min()))
    inside = np.asarray(mask) > 0
    if not inside.any():
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)
    filled = np.argwhere(inside)
    first, last = filled.min(axis=0), filled.max(axis=0) + 1
    box = inside[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
    field = np.pad(box, margin).astype(np.float32) - 0.5
    if smooth_mm > 0:
        field = gaussian_filter(field, smooth_mm / spacing)
    sign = field > 0

    shape = np.array(field.shape) - 1  # cells
    total = np.zeros((*shape, 3), np.float32)
    count = np.zeros(tuple(shape), np.int32)
    for axis in range(3):
        for offset in _edges(axis):
            low = field[_cells(offset, shape)]
            end = tuple(o + (a == axis) for a, o in enumerate(offset))
            high = field[_cells(end, shape)]
            crossed = (low > 0) != (high > 0)
            share = np.where(crossed, low / np.where(crossed, low - high, 1), 0)
            for a in range(3):
                total[..., a] += np.where(crossed, offset[a] + (share if a == axis else 0), 0)
            count += crossed
    cells = np.argwhere(count > 0)
    number = np.full(tuple(shape), -1, np.int32)
    number[tuple(cells.T)] = np.arange(len(cells), dtype=np.int32)
    at = tuple(cells.T)
    vertices = cells + total[at] / count[at][:, None] + first - margin
    triangles = np.concatenate([_faces(sign, number, axis) for axis in range(3)])
    if np.linalg.det(affine[:3, :3]) < 0:
        triangles = triangles[:, ::-1]
    placed = vertices @ affine[:3, :3].T + affine[:3, 3]
    return placed.astype(np.float32), triangles


def _edges(axis: int) -> list[tuple[int, int, int]]:
    """Lower corners of the four edges of a cell along an axis."""
    corners = [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    return [corner for corner in corners if corner[axis] == 0]


def _cells(offset: tuple[int, ...], shape: NDArray[np.int_]) -> tuple[slice, ...]:
    return tuple(slice(o, o + int(n)) for o, n in zip(offset, shape, strict=True))


def _faces(sign: NDArray[np.bool_], number: NDArray[np.int32], axis: int) -> NDArray[np.int32]:
    """Two triangles for every voxel edge along `axis` that changes sign."""
    ahead = np.roll(sign, -1, axis)
    crossed = np.argwhere(sign != ahead)
    crossed = crossed[crossed[:, axis] < sign.shape[axis] - 1]
    leaving = sign[tuple(crossed.T)]
    b, c = (axis + 1) % 3, (axis + 2) % 3
    corners = []
    for db, dc in ((-1, -1), (0, -1), (0, 0), (-1, 0)):
        cell = crossed.copy()
        cell[:, b] += db
        cell[:, c] += dc
        corners.append(number[tuple(cell.T)])
    quad = np.stack(corners, axis=1)
    quad[~leaving] = quad[~leaving][:, ::-1]
    return np.concatenate([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]]).astype(np.int32)


def stl_bytes(vertices: NDArray[np.float32], triangles: NDArray[np.int32]) -> bytes:
    """A surface as a binary STL in mm."""
    corners = vertices[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals / np.where(length > 0, length, 1)
    rows = np.zeros(len(triangles), [("floats", "<f4", 12), ("attribute", "<u2")])
    rows["floats"] = np.concatenate([normals[:, None], corners], axis=1).reshape(-1, 12)
    header = b"Lightbox brain surface, RAS mm".ljust(80)
    return header + np.uint32(len(triangles)).tobytes() + rows.tobytes()
