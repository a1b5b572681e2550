"""Synthetic radiographs of limbs, broken or not, whose truth is known by construction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.images import Radiograph, digest_of
from core.phantoms.limb.anatomy import Limb
from core.phantoms.limb.arm import forearm, hand
from core.phantoms.limb.fractures import FRACTURES, Break, break_bone
from core.phantoms.limb.leg import lower_leg, thigh
from core.phantoms.xray.bone import Bone, FloatArray
from core.phantoms.xray.film import (
    Exposure,
    attenuation,
    expose,
    mount,
    soft_tissue_thickness,
    unexposed,
    with_letter,
)
from core.phantoms.xray.thickness_map import ThicknessMap

_LIMBS = {"forearm": forearm, "hand": hand, "lower leg": lower_leg, "thigh": thigh}
KINDS = tuple(_LIMBS)
UPSIDE_DOWN = ("hand",)
"""Limbs that are made with the fingers down."""
SHAPES = ((454, 373), (373, 454), (640, 512), (512, 640), (454, 373), (560, 432))
"""(H, W) of the films; the first is that of most of FracAtlas."""


@dataclass(frozen=True)
class LimbPhantom:
    """What a limb phantom is made from.

    The same seed gives the same limb, film and noise whatever the other values are, so that
    one of them can be moved by itself.

    Attributes:
        seed: Draws the anatomy, the place of the fracture, the film and its noise.
        kind: One of `KINDS`.
        fracture: One of `FRACTURES`, or None for a sound limb.
        breaks: How many bones are broken, 1 or 2.
        bone_density: Mineral, 1 normal, 0.2 severe osteoporosis; the geometry stays.
        joint_degeneration: 0 sound to 1: narrowed joints, dense plates, spurs.
        tilt_deg: Turn of the limb on the film, on top of the seed's own few degrees.
        noise: Quantum noise, 1 that of the seed's exposure, 0 none.
        shape: (H, W) in pixels, or None for the seed's choice.
        laterality: "L" or "R", or None for the seed's choice.
        hung: Whether the film hangs as a reader expects it: upright, fingers up on a hand, the
            part nearer to the trunk up on all others (Merrill's Atlas of Radiographic
            Positioning). Otherwise the limb lies as the seed says, as on films from a clinic.
    """

    seed: int = 0
    kind: str = "forearm"
    fracture: str | None = None
    breaks: int = 1
    bone_density: float = 1.0
    joint_degeneration: float = 0.0
    tilt_deg: float = 0.0
    noise: float = 1.0
    shape: tuple[int, int] | None = None
    laterality: str | None = None
    hung: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}, got {self.kind!r}")
        if self.fracture is not None and self.fracture not in FRACTURES:
            raise ValueError(f"fracture must be one of {FRACTURES} or None, got {self.fracture!r}")
        if self.breaks not in (1, 2):
            raise ValueError(f"breaks must be 1 or 2, got {self.breaks}")
        if not 0.1 <= self.bone_density <= 1.5:
            raise ValueError(f"bone_density must lie in [0.1, 1.5], got {self.bone_density}")
        if not 0 <= self.joint_degeneration <= 1:
            raise ValueError(
                f"joint_degeneration must lie in [0, 1], got {self.joint_degeneration}"
            )
        if self.noise < 0:
            raise ValueError(f"noise must not be negative, got {self.noise}")
        if self.shape is not None and not all(32 <= side <= 4096 for side in self.shape):
            raise ValueError(f"shape must lie in [32, 4096], got {self.shape}")
        if self.laterality not in (None, "L", "R"):
            raise ValueError(f"laterality must be 'L', 'R' or None, got {self.laterality!r}")


def random_limb(seed: int, fractured: bool | None = None) -> LimbPhantom:
    """Parameters drawn at random, for training and for test series.

    Args:
        seed: Also the phantom's seed.
        fractured: Whether it is broken; None draws that too.
    """
    rng = np.random.default_rng([seed, 17])
    drawn = bool(rng.random() < 0.5)  # drawn either way: what follows must not depend on it
    broken = drawn if fractured is None else fractured
    fracture = str(rng.choice(FRACTURES, p=(0.15, 0.2, 0.25, 0.2, 0.2)))
    return LimbPhantom(
        seed=seed,
        kind=str(rng.choice(KINDS, p=(0.35, 0.25, 0.3, 0.1))),
        fracture=fracture if broken else None,
        breaks=int(rng.choice((1, 2), p=(0.75, 0.25))),
        bone_density=float(rng.uniform(0.6, 1.15)),
        joint_degeneration=float(max(0.0, rng.uniform(-0.7, 0.9))),
        tilt_deg=float(rng.normal(0, 9)),
        noise=float(rng.uniform(0.6, 1.6)),
    )


def limb_phantom(parameters: LimbPhantom) -> tuple[Radiograph, NDArray[np.float32]]:
    """Cast a limb onto a film.

    Args:
        parameters: What to make.

    Returns:
        The film, and boxes_xyxy float32 (N, 4) around its fractures, in pixels; N = 0 where
        the limb is sound.
    """
    seed = parameters.seed
    limb = _LIMBS[parameters.kind](np.random.default_rng([seed, 1]), parameters.joint_degeneration)
    film = np.random.default_rng([seed, 2])
    shape = parameters.shape or SHAPES[int(film.integers(len(SHAPES)))]
    if parameters.hung:
        shape = (max(shape), min(shape))
    laterality = parameters.laterality or ("L" if film.random() < 0.5 else "R")
    exposure = _exposure(film)
    veil = unexposed(film, shape)
    thickness = _thickness_map(film, limb, parameters, shape, laterality)
    spacing = thickness.spacing_mm

    broken = _breaks(limb, thickness, veil, parameters)
    pieces = {one.bone: one.fragments for one in broken}
    for group in limb.bones:
        thickness.add(
            [(_thinned(bone, parameters.bone_density), pieces.get(bone.name, ())) for bone in group]
        )
    for plate in limb.plates:
        thickness.add_plate(plate)
    for nodule in limb.nodules:
        thickness.add_nodule(nodule)
    muscle, fat = soft_tissue_thickness(thickness, limb.soft_tissue, spacing)
    muscle = muscle * _fascia(film, shape)

    exponent = attenuation(thickness, muscle, fat, parameters.bone_density)
    soft = np.percentile(0.023 * (muscle + fat)[muscle > 5], 90) if (muscle > 5).any() else 1.0
    noise = np.random.default_rng([seed, 3])
    pixels = expose(exponent, exposure, float(soft), spacing, parameters.noise, noise)
    pixels = mount(film, pixels, veil)
    pixels = with_letter(film, pixels, laterality, spacing, muscle + fat + 99 * veil)
    boxes = np.array([_box(one, thickness) for one in broken], np.float32).reshape(-1, 4)
    radiograph = Radiograph(
        pixels,
        digest_of(pixels, "limb phantom"),
        title=f"phantom {parameters.kind}, seed {seed}",
        spacing_mm=(spacing, spacing),
        laterality=laterality,
        is_public=True,
    )
    return radiograph, boxes


def _exposure(rng: np.random.Generator) -> Exposure:
    return Exposure(
        background=float(
            rng.choice([rng.uniform(0.03, 0.08), rng.uniform(0.08, 0.25)], p=[0.6, 0.4])
        ),
        white=float(rng.uniform(0.62, 0.95)),
        toe=float(rng.uniform(0.05, 1.2)),
        edge=float(rng.uniform(0.2, 0.8)),
        scatter=float(rng.uniform(0.1, 0.4)),
        quanta=float(np.exp(rng.uniform(np.log(4000), np.log(60000)))),
        focus_mm=float(rng.uniform(0.15, 0.45)),
    )


def _thickness_map(
    rng: np.random.Generator,
    limb: Limb,
    parameters: LimbPhantom,
    shape: tuple[int, int],
    laterality: str,
) -> ThicknessMap:
    """The film's pixels in the limb's frame."""
    height, width = shape
    lying = width > height
    across, along = (height, width) if lying else (width, height)
    spacing = max(limb.extent_mm[0] / across, limb.extent_mm[1] / along)
    spacing = round(float(spacing * rng.uniform(0.85, 1.35)), 3)
    upside_down = bool(rng.random() < 0.15)
    if parameters.hung:
        upside_down = parameters.kind in UPSIDE_DOWN
    turned = (90 if lying else 0) + (180 if upside_down else 0)
    angle = np.deg2rad(parameters.tilt_deg + rng.normal(0, 4) + turned)
    c, s = float(np.cos(angle)), float(np.sin(angle))
    mirror = 1.0 if laterality == limb.side else -1.0
    middle = np.array([width / 2, height / 2]) + rng.normal(0, 0.05, 2) * (width, height)
    turn = spacing * np.array([[mirror * c, mirror * s], [-s, c]])
    back = np.linalg.inv(turn)
    centre = np.asarray(limb.centre_mm)

    columns = (np.arange(width) - middle[0]).astype(np.float32)
    rows = (np.arange(height) - middle[1]).astype(np.float32)[:, None]
    (xx, xy), (yx, yy) = turn.astype(np.float32)
    x_mm = xx * columns + xy * rows + np.float32(centre[0])
    y_mm = yx * columns + yy * rows + np.float32(centre[1])

    def to_px(points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        return (points_mm - centre) @ back.T + middle

    return ThicknessMap(x_mm, y_mm, spacing, to_px, _trabeculae(rng))


def _trabeculae(rng: np.random.Generator) -> FloatArray:
    """A tile of struts along the bone, seamless at its edges."""
    frequency = np.fft.fftfreq(256, 0.5)  # cycles per mm
    along, across = frequency[:, None], frequency[None, :129]
    band = np.hypot(along * 2.2, across) / 0.35
    spectrum = band**1.5 * np.exp(-(band**1.5))
    wave = np.fft.rfft2(rng.standard_normal((256, 256))) * spectrum
    tile = np.fft.irfft2(wave, (256, 256))
    return np.clip(0.28 * tile / tile.std(), -0.8, 0.8).astype(np.float32)


def _fascia(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Slow unevenness of muscle and the fat between its bellies."""
    import cv2

    coarse = rng.standard_normal((shape[0] // 40 + 3, shape[1] // 25 + 3)).astype(np.float32)
    return 1 + np.float32(0.014) * cv2.resize(
        coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC
    )


def _thinned(bone: Bone, density: float) -> Bone:
    """Osteoporosis thins the cortex from inside."""
    factor = 0.45 + 0.55 * density
    knots = tuple(replace(knot, cortex_mm=knot.cortex_mm * factor) for knot in bone.knots)
    return replace(bone, knots=knots)


def _breaks(
    limb: Limb, thickness: ThicknessMap, veil: FloatArray, parameters: LimbPhantom
) -> list[Break]:
    """Fractures that can be seen on the film, of different bones."""
    if parameters.fracture is None:
        return []
    rng = np.random.default_rng([parameters.seed, 4])
    candidates = [bone for group in limb.bones for bone in group if bone.breakable is not None]
    risk = np.array([bone.risk for bone in candidates])
    order = rng.choice(len(candidates), len(candidates), replace=False, p=risk / risk.sum())
    found: list[Break] = []
    for index in order:
        for attempt in rng.spawn(6):
            one = break_bone(attempt, candidates[index], parameters.fracture)
            if _in_view(_box(one, thickness), veil):
                found.append(one)
                break
        if len(found) == parameters.breaks:
            break
    return found


def _in_view(box_xyxy: NDArray[np.float64], veil: FloatArray) -> bool:
    height, width = veil.shape
    x0, y0, x1, y1 = box_xyxy
    if min(x0, y0) < 2 or x1 > width - 2 or y1 > height - 2:
        return False
    return bool(veil[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1].max() < 0.05)


def _box(one: Break, thickness: ThicknessMap) -> NDArray[np.float64]:
    """The box around a break, in pixels, with the space that annotators leave around it."""
    px = thickness.to_px(one.outline_mm)
    low, high = px.min(axis=0), px.max(axis=0)
    side = high - low
    side = np.maximum(side, 0.65 * side.max())
    side = np.maximum(1.15 * side + 5 / thickness.spacing_mm, 10)
    middle = (low + high) / 2
    return np.concatenate([middle - side / 2, middle + side / 2])
