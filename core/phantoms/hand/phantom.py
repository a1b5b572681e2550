"""Synthetic radiographs of a child's left hand whose age and parts are known by construction.

Age and sex drive length, ossification and the growth plates (`core.phantoms.hand.growth`); the
bones are projected as chords of tubes with a cortex, as for the limb phantoms, through soft tissue
whose thickness follows from its outline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.images import Radiograph, digest_of
from core.phantoms.hand import anatomy, soft_tissue
from core.phantoms.hand import film as hand_film
from core.phantoms.xray.bone import FloatArray
from core.phantoms.xray.film import attenuation, expose
from core.phantoms.xray.thickness_map import ThicknessMap

COLLIMATIONS = ("none", "white", "black")
AGES_MONTHS = (12.0, 240.0)
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class HandPhantom:
    """A hand film and the truth about it.

    Attributes:
        image: The film: a left hand from the back, thumb on the viewer's right.
        age_months: Age of the bones.
        sex: "F" or "M".
        mask: bool (H, W): the hand with its soft tissue, where the collimator lets it be seen.
        landmarks: (x, y) pixels by name: "wrist", "radius", "ulna"; of each finger "<finger>_tip"
            (of the skin), "_dip" (not of the thumb), "_pip", "_mcp" and "_base".
        regions: xyxy boxes in pixels: "wrist", "mcp", "middle_finger", "thumb".
        joints: (kind, xyxy box) with the kinds "DIP", "PIP", "MCP", "Radius", "Ulna", "Wrist";
            the thumb's only joint beyond its MCP counts as PIP.
        growth_plates: Open share of each growth plate, 1 open to 0 closed, by bone.
        tilt_degrees: Turn of the hand on the film, clockwise.
    """

    image: Radiograph
    age_months: float
    sex: str
    mask: NDArray[np.bool_]
    landmarks: dict[str, tuple[float, float]]
    regions: dict[str, Box]
    joints: tuple[tuple[str, Box], ...]
    growth_plates: dict[str, float]
    tilt_degrees: float


def hand_phantom(
    seed: int,
    *,
    age_months: float | None = None,
    sex: str | None = None,
    tilt_degrees: float | None = None,
    marker: bool = True,
    collimation: str | None = None,
    shape: tuple[int, int] = (640, 512),
    density: float = 1.0,
    noise: float = 1.0,
    exposure: float | None = None,
) -> HandPhantom:
    """Simulate a radiograph of a child's left hand.

    The same seed gives the same child, pose, film and noise whatever the other values are, so
    that one of them, the age say, can be moved by itself.

    Args:
        seed: Random sample of whatever is None, and of the child, its pose and the film.
        age_months: Age of the bones, in `AGES_MONTHS`.
        sex: "F" or "M".
        tilt_degrees: Clockwise turn of the hand on the film.
        marker: Whether a lead marker lies on the film.
        collimation: One of `COLLIMATIONS`: what the film is outside the beam.
        shape: (H, W) of the film in pixels.
        density: Mineral of the bones, 1 normal.
        noise: Quantum noise, 1 that of the seed's exposure, 0 none.
        exposure: Brightness of the film's greys, 1 well windowed, 0.15 very dark.

    Raises:
        ValueError: If a value is out of its range.
    """
    film = np.random.default_rng([seed, 2])
    sampled = hand_film.sample(film)
    years = (sampled.age_months if age_months is None else float(age_months)) / 12
    sex = sampled.sex if sex is None else sex
    tilt = sampled.tilt_degrees if tilt_degrees is None else float(tilt_degrees)
    frame = sampled.collimation if collimation is None else collimation
    bright = sampled.brightness if exposure is None else float(exposure)
    _check(12 * years, sex, tilt, frame, shape, density, noise, bright)

    hand = anatomy.build(np.random.default_rng([seed, 1]), years, sex, density)
    thickness = _thickness_map(film, hand, tilt, shape)
    spacing = thickness.spacing_mm
    for parts in hand.bones:
        thickness.add([(part, ()) for part in parts])
    for carpal in hand.carpals.values():
        thickness.add_plate(carpal)
    mask = soft_tissue.outline(hand.soft_tissue, thickness)
    muscle, fat = soft_tissue.thickness(hand.soft_tissue, thickness, mask, film)
    names = list(hand.points_mm)
    places = thickness.to_px(np.array([hand.points_mm[name] for name in names]))
    beam = hand_film.beam(film, shape, frame, places)

    exponent = attenuation(thickness, muscle, fat, density)
    soft = float(np.percentile(0.023 * (muscle + fat)[mask], 60)) if mask.any() else 0.4
    grain = np.random.default_rng([seed, 3])
    pixels = expose(exponent, sampled.exposure, soft, spacing, noise, grain)
    pixels = np.float32(bright) * pixels
    seen = mask & (beam > 0.5)
    if marker:
        pixels = hand_film.with_marker(film, pixels, mask, beam)
    pixels = np.clip(pixels, 0, 1)
    pixels = hand_film.collimated(film, pixels, beam, frame)
    pixels = np.ascontiguousarray(pixels, np.float32)

    def box(points: tuple[tuple[float, float], ...], margin_mm: float) -> Box:
        px = thickness.to_px(np.asarray(points, float))
        margin = margin_mm / spacing
        low, high = px.min(axis=0) - margin, px.max(axis=0) + margin
        limit = np.array([shape[1], shape[0]], float)
        low, high = np.clip(low, 0, limit), np.clip(high, 0, limit)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    image = Radiograph(
        pixels,
        digest_of(pixels, "hand phantom"),
        title=f"phantom hand, {years:.1f} years, seed {seed}",
        spacing_mm=(spacing, spacing),
        laterality="L",
        view="PA",
        is_public=True,
    )
    return HandPhantom(
        image,
        12 * years,
        sex,
        seen,
        {name: (float(x), float(y)) for name, (x, y) in zip(names, places, strict=True)},
        {name: box(points, margin) for name, (points, margin) in hand.boxes_mm.items()},
        tuple((kind, box(points, margin)) for kind, points, margin in hand.joints_mm),
        hand.plates,
        tilt,
    )


def _check(
    months: float,
    sex: str,
    tilt: float,
    frame: str,
    shape: tuple[int, int],
    density: float,
    noise: float,
    bright: float,
) -> None:
    low, high = AGES_MONTHS
    if not low <= months <= high:
        raise ValueError(f"age_months must lie in {AGES_MONTHS}, got {months}")
    if sex not in ("F", "M"):
        raise ValueError(f"sex must be 'F' or 'M', got {sex!r}")
    if not -180 <= tilt <= 180:
        raise ValueError(f"tilt_degrees must lie in [-180, 180], got {tilt}")
    if frame not in COLLIMATIONS:
        raise ValueError(f"collimation must be one of {COLLIMATIONS}, got {frame!r}")
    if not all(32 <= side <= 4096 for side in shape):
        raise ValueError(f"shape must lie in [32, 4096], got {shape}")
    if not 0.1 <= density <= 1.5:
        raise ValueError(f"density must lie in [0.1, 1.5], got {density}")
    if noise < 0:
        raise ValueError(f"noise must not be negative, got {noise}")
    if not 0.02 <= bright <= 1.5:
        raise ValueError(f"exposure must lie in [0.02, 1.5], got {bright}")


def _thickness_map(
    rng: np.random.Generator, hand: anatomy.Hand, tilt: float, shape: tuple[int, int]
) -> ThicknessMap:
    """The film's pixels in the hand's frame: the hand and some forearm fill it."""
    height, width = shape
    margin, forearm = float(rng.uniform(0.02, 0.09)), float(rng.uniform(14, 50))
    shift = rng.uniform(-1, 1, 2)
    texture = hand_film.trabeculae(rng)
    c, s = float(np.cos(np.deg2rad(tilt))), float(np.sin(np.deg2rad(tilt)))
    turn = np.array([[c, s], [s, -c]])  # mm (y up) to the film's axes (y down), clockwise

    corners = [np.asarray(tube.axis_mm) for tube in hand.soft_tissue.tubes[:5]]
    tips = np.array([hand.points_mm[f"{f}_tip"] for f in soft_tissue.FINGERS])
    arm = np.array([[-28.0, -forearm], [28.0, -forearm]]) * hand.scale
    fitted = np.concatenate([*corners, tips, arm]) @ turn.T
    low, high = (
        fitted.min(axis=0) - 9 * hand.soft_tissue.girth,
        fitted.max(axis=0) + 9 * hand.soft_tissue.girth,
    )
    room = (1 - 2 * margin) * np.array([width, height], float)
    spacing = round(float(((high - low) / room).max()), 4)
    free = np.array([width, height]) - (high - low) / spacing
    middle = np.array([width, height]) / 2 + 0.3 * shift * np.maximum(free, 0)
    centre = (low + high) / 2

    columns = (np.arange(width) - middle[0]).astype(np.float32) * np.float32(spacing)
    rows = (np.arange(height) - middle[1]).astype(np.float32)[:, None] * np.float32(spacing)
    u, v = columns + np.float32(centre[0]), rows + np.float32(centre[1])
    x_mm: FloatArray = np.float32(c) * u + np.float32(s) * v
    y_mm: FloatArray = np.float32(s) * u - np.float32(c) * v

    def to_px(points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        return (points_mm @ turn.T - centre) / spacing + middle

    return ThicknessMap(x_mm, y_mm, spacing, to_px, texture)
