"""Synthetic frontal chest films whose heart size, masks and findings are known by construction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.chest import ctr
from core.images import Radiograph, digest_of
from core.phantoms.chest.anatomy import SIDES, Chest, at, chest, heart_outline, over
from core.phantoms.chest.film import film_of
from core.phantoms.chest.findings import MAKERS, Box, Change, Scene, cloud
from core.phantoms.chest.projection import (
    cavity,
    chord,
    inside,
    project_bones,
    room,
    soft_tissue,
    trachea,
    vessels,
)
from core.phantoms.xray.bone import FloatArray
from core.phantoms.xray.thickness_map import ThicknessMap

FINDINGS = ("Cardiomegaly", *MAKERS)
"""What the phantom can show, under the names of the NIH labels."""
VIEWS = ("PA", "AP")
RATIOS = (0.35, 0.7)
"""Smallest and largest cardiothoracic ratio that can be asked for."""


@dataclass(frozen=True, eq=False)
class ChestPhantom:
    """A film and its truth.

    Attributes:
        image: The film; left and right of the film are the viewer's.
        masks: bool (H, W) under "left_lung" and "right_lung" (the patient's) and "heart". The
            lungs are the pleural spaces beside the heart and above the diaphragm, whatever
            fills them; the heart reaches below the diaphragm's edge.
        ctr: Cardiothoracic ratio measured on the masks.
        boxes: By finding, (x0, y0, x1, y1) in pixels; the heart's under "Cardiomegaly".
        findings: What is on the film; "Cardiomegaly" follows from the ratio alone.
        seed: The seed that made it.
    """

    image: Radiograph
    masks: dict[str, NDArray[np.bool_]]
    ctr: float
    boxes: dict[str, list[Box]]
    findings: frozenset[str]
    seed: int


def chest_phantom(
    seed: int,
    *,
    heart_ratio: float | None = None,
    findings: Iterable[str] = (),
    shape: tuple[int, int] = (320, 352),
    view: str = "PA",
    marker: bool = True,
    noise: float = 1.0,
    side: str | None = None,
    severity: float = 1.0,
) -> ChestPhantom:
    """Cast a chest onto a film.

    The same seed gives the same patient, film and noise whatever the other values are, so that
    one of them can be moved by itself.

    Args:
        seed: Draws the anatomy, the film and where findings lie.
        heart_ratio: Cardiothoracic ratio in `RATIOS`, met to a pixel; None draws one that
            fits `findings`.
        findings: Some of `FINDINGS`.
        shape: (H, W) in pixels; the chest is scaled to fit.
        view: One of `VIEWS`. On the AP film the lungs are less full and the shoulder blades
            lie over them; a person outlines a wider heart.
        marker: Whether the letter L lies beside the patient's left shoulder.
        noise: Quantum noise, 1 that of the seed's exposure, 0 none.
        side: "L" or "R", the patient's side on which findings lie; None draws it.
        severity: Size of the findings, 1 usual, in (0, 2].

    Raises:
        ValueError: If a value is out of range, or `heart_ratio` contradicts "Cardiomegaly".
    """
    wanted = frozenset(findings)
    _check(heart_ratio, wanted, shape, view, noise, side, severity)
    body = chest(np.random.default_rng([seed, 41]), view)
    ratio = _ratio(seed, heart_ratio, "Cardiomegaly" in wanted, view)
    thickness = _thickness_map(np.random.default_rng([seed, 42]), body, shape)

    whole, lungs = cavity(thickness, body)
    space = {name: lungs[sign] > 0.5 for name, sign in SIDES.items()}
    heart, heart_mm = _heart(thickness, body, ratio, space["left_lung"] | space["right_lung"])
    masks: dict[str, NDArray[np.bool_]] = {name: one & ~heart for name, one in space.items()}
    masks["heart"] = heart
    found = ctr.measure(masks)

    scene = Scene(thickness, body, lungs)
    changes = {
        name: make(rng, scene, _random_side(rng, side), severity)
        for number, (name, make) in enumerate(MAKERS.items())
        if name in wanted and (rng := np.random.default_rng([seed, 60 + number]))
    }
    boxes = {name: [change.box_xyxy] for name, change in changes.items()}
    present = set(changes)
    if found.enlarged:
        present.add("Cardiomegaly")
        rows = np.flatnonzero(heart.any(axis=1))
        ends = found.heart_left_x, found.heart_right_x
        boxes["Cardiomegaly"] = [(ends[0], float(rows[0]), ends[1], float(rows[-1] + 1))]

    project_bones(thickness, body, view, seed)
    soft_mm, usual_mm = _soft(thickness, body, seed, whole, lungs, heart_mm, list(changes.values()))
    pixels = film_of(thickness, seed, soft_mm, usual_mm, noise, marker)
    image = Radiograph(
        pixels,
        digest_of(pixels, "chest phantom"),
        title=f"phantom chest, seed {seed}",
        spacing_mm=(thickness.spacing_mm, thickness.spacing_mm),
        view=view,
        is_public=True,
    )
    return ChestPhantom(image, masks, found.ratio, boxes, frozenset(present), seed)


def _check(
    heart_ratio: float | None,
    wanted: frozenset[str],
    shape: tuple[int, int],
    view: str,
    noise: float,
    side: str | None,
    severity: float,
) -> None:
    if unknown := sorted(wanted - set(FINDINGS)):
        raise ValueError(f"findings must be among {FINDINGS}, got {unknown}")
    if heart_ratio is not None and not RATIOS[0] <= heart_ratio <= RATIOS[1]:
        raise ValueError(f"heart_ratio must lie in {RATIOS}, got {heart_ratio}")
    if heart_ratio is not None and heart_ratio <= ctr.LIMIT and "Cardiomegaly" in wanted:
        raise ValueError(f"Cardiomegaly needs a heart_ratio above {ctr.LIMIT}, got {heart_ratio}")
    if not all(48 <= length <= 2048 for length in shape):
        raise ValueError(f"shape must lie in [48, 2048], got {shape}")
    if view not in VIEWS:
        raise ValueError(f"view must be one of {VIEWS}, got {view!r}")
    if noise < 0:
        raise ValueError(f"noise must not be negative, got {noise}")
    if side not in (None, "L", "R"):
        raise ValueError(f"side must be 'L', 'R' or None, got {side!r}")
    if not 0 < severity <= 2:
        raise ValueError(f"severity must lie in (0, 2], got {severity}")


def _ratio(seed: int, heart_ratio: float | None, enlarged: bool, view: str) -> float:
    if heart_ratio is not None:
        return heart_ratio
    share = float(np.random.default_rng([seed, 43]).random())
    if enlarged:
        return 0.54 + 0.1 * share
    return 0.4 + 0.075 * share + (0.015 if view == "AP" else 0.0)


def _random_side(rng: np.random.Generator, side: str | None) -> int:
    drawn = 1 if rng.random() < 0.5 else -1  # drawn either way: the rest must not depend on it
    return drawn if side is None else {"L": 1, "R": -1}[side]


def _thickness_map(rng: np.random.Generator, body: Chest, shape: tuple[int, int]) -> ThicknessMap:
    """The film's pixels in the chest's frame, a little off centre and askew."""
    height, width = shape
    wide, tall = 2.45 * body.half_mm, 1.32 * body.height_mm
    spacing = float(max(wide / width, tall / height) * rng.uniform(0.94, 1.04))
    angle = float(np.deg2rad(rng.normal(0, 0.8)))
    centre = np.array([rng.normal(0, 4), 0.475 * body.height_mm + rng.normal(0, 5)])
    c, s = spacing * np.cos(angle), spacing * np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    back = np.linalg.inv(turn)
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    columns = (np.arange(width) - middle[0]).astype(np.float32)
    rows = (np.arange(height) - middle[1]).astype(np.float32)[:, None]
    (xx, xy), (yx, yy) = turn.astype(np.float32)

    def to_px(points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        return (points_mm - centre) @ back.T + middle

    return ThicknessMap(
        xx * columns + xy * rows + np.float32(centre[0]),
        yx * columns + yy * rows + np.float32(centre[1]),
        spacing,
        to_px,
        np.zeros((256, 256), np.float32),  # trabeculae are finer than these films show
    )


def _heart(
    thickness: ThicknessMap, body: Chest, ratio: float, chest_mask: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], FloatArray]:
    """Mask of a heart of this ratio to the chest's width, and its thickness in mm."""
    import cv2

    columns = np.flatnonzero(chest_mask.any(axis=0))
    target = ratio * (columns[-1] + 1 - columns[0]) - 0.5  # drawing adds half a pixel on average
    width_mm = target * thickness.spacing_mm
    for _ in range(3):  # the outline's widest points shift a little as it grows
        outline = thickness.to_px(heart_outline(body, width_mm))
        width_mm *= target / np.ptp(outline[:, 0])
    outline = thickness.to_px(heart_outline(body, width_mm))
    height, width = chest_mask.shape
    drawn = np.zeros((4 * height, 4 * width), np.uint8)
    cv2.fillPoly(drawn, [np.round(4 * outline + 1.5).astype(np.int32)], 255)
    share = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA)
    half = cv2.resize(drawn, (2 * width, 2 * height), interpolation=cv2.INTER_AREA)
    depth = cv2.distanceTransform((half > 127).astype(np.uint8), cv2.DIST_L2, 5)
    depth = depth * np.float32(thickness.spacing_mm / 2 / (0.4 * width_mm))
    thick = np.float32(1.2 * width_mm) * chord(1 - np.clip(depth, 0, 1))
    thick = cv2.resize(thick, (width, height), interpolation=cv2.INTER_AREA)
    return share > 127, thick


def _soft(
    thickness: ThicknessMap,
    body: Chest,
    seed: int,
    whole: dict[int, FloatArray],
    lungs: dict[int, FloatArray],
    heart_mm: FloatArray,
    changes: list[Change],
) -> tuple[FloatArray, float]:
    """Soft tissue along each ray in mm, and how much of it lies behind a healthy belly."""
    x, y = thickness.x_mm, thickness.y_mm
    rng = np.random.default_rng([seed, 44])
    tissue = soft_tissue(thickness, body)
    usual = float(2 * at(body.depth, body.height_mm))
    tissue = tissue * (1 + np.float32(0.012) * cloud(rng, thickness, 22))
    inner = room(thickness, body)
    blood = vessels(thickness, body, seed)
    grain = 0.6 * cloud(rng, thickness, 2.6) + 0.4 * cloud(rng, thickness, 6)
    for sign in (-1, 1):
        u = x * np.float32(sign)
        beside = lungs[sign]
        middle = np.float32(0.74 * body.half_mm) * (1 - beside)  # mediastinum, or heart below it
        lung = whole[sign] * np.maximum(inner - np.maximum(heart_mm, middle), 0)
        lung = lung * (1 - np.exp(-((u / np.float32(0.13 * body.half_mm)) ** 2)))
        floor = over(body.sides[sign].dome, u)
        wall = at(body.sides[sign].lateral, y) - u
        sulcus = inside(y - floor, thickness.spacing_mm) * inside(wall, thickness.spacing_mm)
        sulcus = sulcus * np.clip((u - 20) / 60, 0, 1) * np.exp(-(y - floor) / np.float32(14))
        lung = lung + np.float32(0.16) * inner * sulcus
        share = np.clip(lung / np.float32(70), 0, 1)
        aerated = np.float32(body.aeration) * (1 - np.float32(0.025) * grain)
        hu, hy = body.sides[sign].hilum
        root = np.hypot((u - np.float32(hu - 4)) / 13, (y - np.float32(hy + 4)) / 24)
        stuff = (np.float32(2) * blood + np.float32(15) * np.exp(-(root**2))) * share
        free = np.zeros_like(lung)
        for change in (one for one in changes if one.sign == sign):
            if change.filled is not None:
                aerated = aerated * (1 - change.filled * np.clip(u / 40, 0, 1))
                stuff = stuff * (1 - np.float32(1.6) * change.filled)
            if change.free is not None:
                free = change.free * beside
                stuff = stuff * (1 - free)
            if change.solid_mm is not None:
                tissue = tissue + change.solid_mm * np.clip(lung / np.float32(25), 0, 1)
            if change.pleura_mm is not None:
                tissue = tissue + change.pleura_mm * beside * share
        tissue = tissue - lung * (aerated * (1 - free) + free) + stuff
    pipe = trachea(thickness, body, seed)
    hidden = np.exp(-heart_mm / np.float32(40)) * (1 - lungs[-1]) * (1 - lungs[1])
    tissue = tissue - pipe * hidden
    tissue = tissue - _bowel_gas(rng, thickness, body)
    return np.maximum(tissue, 0), usual


def _bowel_gas(rng: np.random.Generator, thickness: ThicknessMap, body: Chest) -> FloatArray:
    """Air in the stomach, with its level, and now and then in the colon beside it."""
    x, y = thickness.x_mm, thickness.y_mm
    u = float(rng.uniform(0.38, 0.58)) * body.half_mm
    dome = float(over(body.sides[1].dome, np.array([u], np.float32))[0])
    wide, high = float(rng.uniform(20, 38)), float(rng.uniform(12, 24))
    top = dome + float(rng.uniform(6, 11))
    reach = np.hypot((x - np.float32(u)) / wide, (y - np.float32(top + high)) / high)
    level = inside(np.float32(top + high * rng.uniform(0.7, 1.5)) - y, thickness.spacing_mm)
    gas = np.float32(1.6 * high) * chord(reach) * level
    for _ in range(int(rng.integers(0, 5))):
        cx = float(rng.uniform(0.3, 0.95)) * body.half_mm
        cy = top + float(rng.uniform(30, 70))
        r = float(rng.uniform(7, 15))
        gas += np.float32(1.2 * r) * chord(
            np.hypot((x - np.float32(cx)) / (1.5 * r), (y - np.float32(cy)) / r)
        )
    return gas
