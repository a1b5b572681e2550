"""Projection of a chest onto a film: how much air, soft tissue and bone a ray crosses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.phantoms.chest.anatomy import Chest, Tube, at, clavicles, over, ribs, scapulae, vertebrae
from core.phantoms.xray.bone import FloatArray, Nodule, Plate
from core.phantoms.xray.thickness_map import ThicknessMap


def inside(distance_mm: FloatArray, blur_mm: float | FloatArray) -> FloatArray:
    """Share that lies inside an edge of this blur, from the distance inwards."""
    return np.clip(distance_mm / np.asarray(blur_mm, np.float32) + np.float32(0.5), 0, 1)


def chord(place: NDArray[np.floating]) -> FloatArray:
    """What a ray crosses of a circle, over its diameter, at `place` radii from the middle."""
    return np.sqrt(np.clip(1 - place * place, 0, None)).astype(np.float32)


def along_tube(
    thickness: ThicknessMap, axis_mm: NDArray[np.float64], reach_mm: float
) -> tuple[tuple[slice, slice], FloatArray, NDArray[np.int32]]:
    """The window around a curve; in it the distance from the curve in mm and the nearest point.

    Pixels find their nearest point through a distance transform of the drawn curve; the
    distance is then worked out exactly, to the tangent there.
    """
    import cv2

    window = thickness.window(axis_mm, reach_mm)
    x, y = thickness.x_mm[window], thickness.y_mm[window]
    if x.size == 0:
        return window, x, x.astype(np.int32)
    height, width = x.shape
    px = thickness.to_px(axis_mm) - (window[1].start, window[0].start)
    column, row = np.round(px).astype(int).T
    seen = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    if not seen.any():
        return window, np.full_like(x, 1e3), np.zeros(x.shape, np.int32)
    blank = np.ones((height, width), np.uint8)
    blank[row[seen], column[seen]] = 0
    _, labels = cv2.distanceTransformWithLabels(
        blank, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    owner = np.zeros(int(labels.max()) + 1, np.int32)
    owner[labels[row[seen], column[seen]]] = np.flatnonzero(seen)
    nearest = owner[labels]
    tangent = np.gradient(axis_mm, axis=0)
    step = np.hypot(tangent[:, 0], tangent[:, 1])
    unit = (tangent / step[:, None]).astype(np.float32)
    points = axis_mm.astype(np.float32)
    dx, dy = x - points[nearest, 0], y - points[nearest, 1]
    along = dx * unit[nearest, 0] + dy * unit[nearest, 1]
    across = dx * unit[nearest, 1] - dy * unit[nearest, 0]
    beyond = np.maximum(np.abs(along) - np.float32(1.2 * step.max() + thickness.spacing_mm), 0)
    return window, np.hypot(across, beyond), nearest


def add_tube(thickness: ThicknessMap, tube: Tube) -> None:
    """Cast a curved bone."""
    window, distance, nearest = along_tube(thickness, tube.axis_mm, float(tube.half_mm.max()) + 2)
    if distance.size == 0:
        return
    half = tube.half_mm.astype(np.float32)[nearest]
    long_way = np.float32(1) / tube.sine.astype(np.float32)[nearest]
    hollow = np.maximum(half - np.float32(tube.cortex_mm), np.float32(0.5))
    thick = tube.thick_mm.astype(np.float32)[nearest]
    outer = thick * chord(distance / half)
    inner = (thick - np.float32(2 * tube.cortex_mm)) * chord(distance / hollow)
    inner = np.minimum(inner, outer)
    thickness.cortical[window] += (outer - inner) * long_way
    thickness.trabecular[window] += inner * np.float32(0.55) * long_way
    thickness.marrow[window] += inner * np.float32(0.45) * long_way


def project_bones(thickness: ThicknessMap, body: Chest, view: str, seed: int) -> None:
    """Spine, ribs, clavicles, shoulder blades and the heads of the humeri."""
    rng = np.random.default_rng([seed, 51])
    for (x, y), (wide, high) in vertebrae(rng, body):
        outline = (
            (x - wide, y - high), (x, y - 0.88 * high), (x + wide, y - high),
            (x + 0.9 * wide, y), (x + wide, y + high), (x, y + 0.88 * high),
            (x - wide, y + high), (x - 0.9 * wide, y),
        )  # fmt: skip
        thickness.add_plate(Plate(outline, depth_mm=14, edge_mm=3.0, cortex_mm=0.6, trabecular=0.3))
        for side in (-1, 1):
            centre = (x + side * 0.62 * wide, y - 0.35 * high)
            thickness.add_nodule(Nodule(centre, (3.2, 5.0), depth_mm=7, cortex_mm=0.9))
        thickness.add_nodule(Nodule((x, y + 0.8 * high), (2.6, 6.0), depth_mm=8, cortex_mm=0.8))
    for tube in [*ribs(rng, body), *clavicles(rng, body, view)]:
        add_tube(thickness, tube)
    for plate in scapulae(rng, body):
        thickness.add_plate(plate)
    out = body.shoulder_mm
    turn = np.deg2rad(body.arms_deg)
    for side in (-1, 1):
        x, y = side * (176 + out), 30.0
        thickness.add_nodule(Nodule((x, y), (23, 24), depth_mm=38, cortex_mm=1.2, trabecular=0.5))
        shaft = np.linspace(10, 190, 60)
        axis = np.stack([x + side * (4 + np.sin(turn) * shaft), y + np.cos(turn) * shaft], axis=1)
        half = np.interp(shaft, [10, 45, 190], [20, 13, 11])
        add_tube(thickness, Tube(axis, half, np.full(60, 22.0), np.ones(60), 4.0))


def soft_tissue(thickness: ThicknessMap, body: Chest) -> FloatArray:
    """Thickness of the trunk, neck, arms and breasts in mm, the cavity counted as full."""
    x, y = thickness.x_mm, thickness.y_mm
    u = np.abs(x)
    skin = at(body.skin, y)
    thick = 2 * at(body.depth, y) * chord(u / skin) ** np.float32(0.75)
    out = body.shoulder_mm
    turn = np.deg2rad(body.arms_deg)
    for side in (-1, 1):
        steps = np.linspace(-10, 300, 80)
        axis = np.stack(
            [side * (172 + out + np.sin(turn) * steps), 26 + np.cos(turn) * steps], axis=1
        )
        radius = np.interp(steps, [-10, 40, 300], [40, 46, 38]).astype(np.float32)
        window, distance, nearest = along_tube(thickness, axis, 50)
        if distance.size:
            arm = 2 * radius[nearest] * chord(distance / radius[nearest])
            np.maximum(thick[window], arm, out=thick[window])
    if body.breast_mm:
        r = np.float32(body.breast_mm)
        for side in (-1, 1):
            dx = x - np.float32(side * (0.42 * body.half_mm + 0.42 * r))
            dy = y - np.float32(0.74 * body.height_mm)
            reach = np.hypot(dx / r, dy / (r * np.where(dy > 0, np.float32(0.95), 1.6)))
            faded = 1 / (1 + np.exp(-(dy + np.float32(0.45) * r) / (np.float32(0.22) * r)))
            thick += np.float32(0.5) * r * faded * chord(reach) ** np.float32(0.8)
    return thick


def cavity(
    thickness: ThicknessMap, body: Chest
) -> tuple[dict[int, FloatArray], dict[int, FloatArray]]:
    """By side: share of each pixel in the pleural cavity, and that beyond the mediastinum too.

    The first reaches to the spine: lung lies before and behind heart and great vessels.
    """
    spacing = thickness.spacing_mm
    whole, lateral_of_mediastinum = {}, {}
    for sign, side in body.sides.items():
        u = thickness.x_mm * np.float32(sign)
        wall = at(side.lateral, thickness.y_mm) - u
        floor = over(side.dome, u) - thickness.y_mm
        roof = thickness.y_mm - over(side.top, u)
        share = inside(wall, spacing) * inside(floor, 2 * spacing) * inside(roof, spacing)
        whole[sign] = share * inside(u, spacing)
        edge = u - at(side.medial, thickness.y_mm)
        above = np.clip(1 - thickness.y_mm / np.float32(0.3 * body.height_mm), 0, 1)
        lateral_of_mediastinum[sign] = share * inside(edge, spacing + 7 * above)  # vessels blur it
    return whole, lateral_of_mediastinum


def room(thickness: ThicknessMap, body: Chest) -> FloatArray:
    """Thickness of the chest's inside along the ray in mm, whatever fills it."""
    u = np.abs(thickness.x_mm)
    wall = np.where(
        thickness.x_mm > 0,
        at(body.sides[1].lateral, thickness.y_mm),
        at(body.sides[-1].lateral, thickness.y_mm),
    )
    return 2 * at(body.cavity, thickness.y_mm) * chord(u / wall) ** np.float32(0.8)


def trachea(thickness: ThicknessMap, body: Chest, seed: int) -> FloatArray:
    """Thickness of air in the trachea and main bronchi."""
    rng = np.random.default_rng([seed, 52])
    h = body.height_mm
    lean = float(rng.uniform(-6, 0))
    fork = (lean, 0.265 * h)
    ways = (
        ((0.0, -260.0), (lean / 2, 0.05 * h), fork, 8.5),
        (fork, (-16.0, 0.33 * h), (-34.0, 0.4 * h), 6.5),
        (fork, (20.0, 0.335 * h), (44.0, 0.385 * h), 5.5),
    )
    air = np.zeros_like(thickness.x_mm)
    for start, middle, end, radius in ways:
        t = np.linspace(0, 1, 80)[:, None]
        axis = (
            (1 - t) ** 2 * np.array(start)
            + 2 * t * (1 - t) * np.array(middle)
            + t**2 * (np.array(end))
        )
        window, distance, _ = along_tube(thickness, axis, radius + 2)
        if distance.size:
            np.maximum(
                air[window], np.float32(1.5 * radius) * chord(distance / np.float32(radius)),
                out=air[window],
            )  # fmt: skip
    return air


def vessels(thickness: ThicknessMap, body: Chest, seed: int) -> FloatArray:
    """Thickness of blood in the branching vessels of both lungs, before lungs are cut out."""
    import cv2

    fine = 2
    height, width = thickness.x_mm.shape
    total = np.zeros((fine * height, fine * width), np.float32)
    segments = [_tree(np.random.default_rng([seed, 53, sign + 1]), body, sign) for sign in (-1, 1)]
    starts, ends, radii = (np.concatenate(parts) for parts in zip(*segments, strict=True))
    scale = fine / thickness.spacing_mm
    lines = np.stack([thickness.to_px(starts), thickness.to_px(ends)], axis=1)
    lines = np.round((lines + 0.5) * fine * 16 - 8).astype(np.int32)
    for low, high in ((0.2, 0.45), (0.45, 0.7), (0.7, 1.1), (1.1, 1.7), (1.7, 2.6), (2.6, 9)):
        chosen = (radii >= low) & (radii < high)
        if not chosen.any():
            continue
        radius = float(radii[chosen].mean())
        drawn = np.zeros(total.shape, np.uint8)
        wide = max(1, round(1.6 * radius * scale))
        cv2.polylines(drawn, list(lines[chosen]), False, 255, wide, cv2.LINE_AA, 4)
        soft = cv2.GaussianBlur(drawn, (0, 0), max(0.22 * radius * scale, 0.35))
        thick = 1.7 * radius * min(2 * radius * scale / wide, 1.0)
        total += soft * np.float32(thick / 255)
    return cv2.resize(total, (width, height), interpolation=cv2.INTER_AREA)


def _tree(
    rng: np.random.Generator, body: Chest, sign: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Starts, ends (N, 2) and radii (N,) in mm of the vessels of one side."""
    u, y = body.sides[sign].hilum
    fan = np.deg2rad(np.array([-78, -55, -30, -8, 15, 38, 55, 68, 80, 95]))  # from lateral, down
    angle = np.concatenate([fan, fan]) + rng.normal(0, 0.12, 20)
    radius = rng.uniform(2.0, 3.4, 20) * np.where(angle > 0.5, 1.15, 0.85)
    place = np.stack([u + rng.uniform(-6, 4, 20), y + rng.normal(0, 7, 20)], axis=1)
    # The pulmonary artery of this side, down and outwards from the hilum.
    bow = np.array([[-12.0, -10], [0, -4], [7, 10], [12, 26], [15, 42], [17, 56]])
    bow += np.array([u, y])
    starts, ends, radii = [bow[:-1]], [bow[1:]], [np.array([6.5, 6.8, 6.0, 5.0, 3.8])]
    for _ in range(9):
        run = (7.5 + 5.5 * radius) * rng.uniform(0.6, 1.25, radius.size)
        run = run * rng.uniform(0.6, 1.0, radius.size)  # foreshortened
        tip = place + run[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        starts.append(place)
        ends.append(tip)
        radii.append(radius)
        thin = rng.uniform(0.62, 0.86, radius.size)
        split = rng.uniform(0.15, 0.5, radius.size)
        sway = np.where(rng.random(radius.size) < 0.5, 1, -1)
        other = np.sqrt(np.maximum(1 - thin**2.5, 0.05)) * 0.8
        angle = np.concatenate([angle + 0.4 * sway * split, angle - sway * split])
        radius = np.concatenate([radius * thin, radius * other])
        place = np.concatenate([tip, tip])
        kept = (radius > 0.22) & (place[:, 0] < at(body.sides[sign].lateral, place[:, 1]))
        angle, radius, place = angle[kept], radius[kept], place[kept]
    mirror = np.array([sign, 1.0])
    return np.concatenate(starts) * mirror, np.concatenate(ends) * mirror, np.concatenate(radii)
