"""The 3D transforms, each one call of TorchIO's deterministic classes.

`call(values, rng)` gives the class and its arguments: TorchIO's random classes draw from PyTorch's
global state, which other sessions share, so the fields are drawn here. Intensities are shares of
the head's bright tissue (`bright`), by which the voxels are divided before and multiplied after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.augment.labels import Labels, Mask, Motion, Moved
from core.augment.pipeline import (
    AppliedTransform,
    Draw,
    ParameterSpec,
    Planned,
    Ranges,
    TransformSpec,
)
from core.images import FloatArray, Volume, digest_of
from core.skull_strip.grid import apply_weights, hat_weights

Values = Mapping[str, float]
Call = tuple[str, dict[str, Any]]

GEOMETRY, SCANNER, MOTION, GREY = "Geometry", "Coil and sampling", "Patient motion", "Grey values"
GROUPS = (GEOMETRY, SCANNER, MOTION, GREY)
CONTROL_POINTS = 5
AXES = ("left-right", "front-back", "head-foot")


def _sign(rng: np.random.Generator) -> float:
    return float(rng.choice((-1.0, 1.0)))


def _direction(rng: np.random.Generator, length: float) -> tuple[float, float, float]:
    """A random vector of a given length."""
    vector = rng.standard_normal(3)
    x, y, z = (float(value) for value in (vector * length / np.linalg.norm(vector)).round(4))
    return x, y, z


def _axis(rng: np.random.Generator) -> int:
    return int(rng.integers(3))


def _rotate(values: Values, rng: np.random.Generator) -> Call:
    turn = {"scales": (1.0, 1.0, 1.0), "translation": (0.0, 0.0, 0.0)}
    return "Affine", {**turn, "degrees": (0.0, 0.0, values["degrees"])}


def _nod(values: Values, rng: np.random.Generator) -> Call:
    turn = {"scales": (1.0, 1.0, 1.0), "translation": (0.0, 0.0, 0.0)}
    return "Affine", {**turn, "degrees": (values["degrees"], 0.0, 0.0)}


def _shift(values: Values, rng: np.random.Generator) -> Call:
    moved = _direction(rng, values["length"])
    turn = {"scales": (1.0, 1.0, 1.0), "degrees": (0.0, 0.0, 0.0)}
    return "Affine", {**turn, "translation": moved}


def _zoom(values: Values, rng: np.random.Generator) -> Call:
    turn = {"degrees": (0.0, 0.0, 0.0), "translation": (0.0, 0.0, 0.0)}
    return "Affine", {**turn, "scales": (values["factor"],) * 3}


def _elastic(values: Values, rng: np.random.Generator) -> Call:
    points = np.zeros((CONTROL_POINTS,) * 3 + (3,))
    inner = (slice(1, -1),) * 3
    side = CONTROL_POINTS - 2
    field = rng.uniform(-1, 1, (side, side, side, 3)) * values["displacement"]
    points[inner] = field.round(3)
    most = (float(values["displacement"]),) * 3
    return "ElasticDeformation", {"control_points": points, "max_displacement": most}


def _mirror(values: Values, rng: np.random.Generator) -> Call:
    return "Flip", {"axes": (0,)}


def _bias(values: Values, rng: np.random.Generator) -> Call:
    drawn = rng.uniform(-1, 1, 20) * values["strength"]  # a polynomial of order 3 has 20 terms
    return "BiasField", {"coefficients": drawn.round(4).tolist(), "order": 3}


def _anisotropy(values: Values, rng: np.random.Generator) -> Call:
    return "Thick slices", {"axis": _axis(rng), "factor": values["factor"]}


def _motion(values: Values, rng: np.random.Generator) -> Call:
    degrees = np.array([_direction(rng, values["degrees"]) for _ in range(2)])
    moved = np.array([_direction(rng, values["shift"]) for _ in range(2)])
    times = np.sort(rng.uniform(0.15, 0.85, 2)).round(3)
    return "Motion", {
        "degrees": degrees,
        "translation": moved,
        "times": times,
        "image_interpolation": "linear",
    }


def _ghosting(values: Values, rng: np.random.Generator) -> Call:
    count = int(values["ghosts"])
    given = {"num_ghosts": count, "axis": _axis(rng), "intensity": values["strength"]}
    return "Ghosting", {**given, "restore": None}


def _spike(values: Values, rng: np.random.Generator) -> Call:
    place = np.array([_direction(rng, float(rng.uniform(0.05, 0.3)))])
    return "Spike", {"spikes_positions": place, "intensity": _sign(rng) * values["strength"]}


def _noise(values: Values, rng: np.random.Generator) -> Call:
    return "Noise", {"mean": 0.0, "std": values["spread"] / 100, "seed": int(rng.integers(2**31))}


def _blur(values: Values, rng: np.random.Generator) -> Call:
    return "Blur", {"std": (values["sigma"],) * 3}


def _gamma(values: Values, rng: np.random.Generator) -> Call:
    return "Gamma", {"gamma": values["exponent"]}


def _one(name: str, label: str, unit: str, low: float, high: float, usual: tuple[float, float],
         step: float, *, whole: bool = False) -> tuple[ParameterSpec, ...]:  # fmt: skip
    return (ParameterSpec(name, label, unit, low, high, usual, step, whole),)


_TRANSFORMS = (
    TransformSpec("turn", "Turn", GEOMETRY, "The head lies turned to one side in the coil.",
              _one("degrees", "Angle", "°", -90, 90, (-10, 10), 1), _rotate, moves=True),
    TransformSpec("nod", "Nod", GEOMETRY, "The chin is raised or lowered.",
              _one("degrees", "Angle", "°", -90, 90, (-10, 10), 1), _nod, moves=True),
    TransformSpec("shift", "Shift", GEOMETRY, "The head is not in the middle of the field of view.",
              _one("length", "Distance", "mm", 0, 60, (0, 10), 1), _shift, moves=True, field=True),
    TransformSpec("zoom", "Zoom", GEOMETRY, "Heads differ in size, children's most.",
              _one("factor", "Factor", "×", 0.5, 1.6, (0.9, 1.1), 0.05), _zoom, moves=True),
    TransformSpec("elastic", "Elastic", GEOMETRY, "No two brains have one shape.",
              _one("displacement", "Displacement", "mm", 0, 20, (2, 6), 1), _elastic,
              moves=True, field=True),
    TransformSpec("mirror", "Mirror left and right", GEOMETRY,
              "Doubles the heads; the hemispheres change their names.",
              (), _mirror, moves=True),
    TransformSpec("bias", "Bias field", SCANNER,
              "Receive coils shade the image: one tissue, several brightnesses.",
              _one("strength", "Coefficients", "", 0, 1.5, (0.1, 0.5), 0.05), _bias, field=True),
    TransformSpec("anisotropy", "Thick slices", SCANNER,
              "Clinical scans often have slices several times thicker than their pixels.",
              _one("factor", "Factor", "×", 1, 8, (1.5, 4), 0.5), _anisotropy, field=True),
    TransformSpec("spike", "Spike", SCANNER,
              "One disturbed sample of k-space puts stripes over the whole head.",
              _one("strength", "Strength", "", 0, 4, (0.3, 1), 0.1), _spike, field=True),
    TransformSpec("noise", "Noise", SCANNER, "Short scans and weak fields are noisy.",
              _one("spread", "Standard deviation", "%", 0, 30, (1, 5), 0.5), _noise, field=True),
    TransformSpec("motion", "Motion", MOTION,
              "The patient moved twice while k-space was filled: edges repeat.",
              (ParameterSpec("degrees", "Rotation", "°", 0, 20, (1, 5), 0.5),
               ParameterSpec("shift", "Shift", "mm", 0, 20, (1, 5), 0.5)), _motion, field=True),
    TransformSpec("ghosting", "Ghosting", MOTION,
              "Pulsation and breathing repeat the head along the phase direction.",
              (ParameterSpec("ghosts", "Ghosts", "", 2, 12, (3, 6), 1, True),
               ParameterSpec("strength", "Strength", "", 0, 2, (0.3, 0.8), 0.05)), _ghosting,
              field=True),
    TransformSpec("blur", "Gaussian blur", GREY, "Small motion, a coarse matrix, smoothing.",
              _one("sigma", "Sigma", "mm", 0.2, 8, (0.4, 1.5), 0.1), _blur),
    TransformSpec("gamma", "Gamma", GREY,
              "Another contrast between tissues: below 1 brightens, above 1 darkens.",
              _one("exponent", "Exponent", "", 0.3, 3, (0.75, 1.35), 0.05), _gamma),
)  # fmt: skip

HEADS = {transform.name: transform for transform in _TRANSFORMS}


def bright(voxels: FloatArray) -> float:
    """Level of bright tissue: the 99.5th percentile of what is not air."""
    sample = voxels[::3, ::3, ::3]
    low, high = float(sample.min()), float(sample.max())
    tissue = sample[sample > low + 0.05 * (high - low)]
    level = float(np.percentile(tissue, 99.5)) if tissue.size else high
    return level if level > 0 else 1.0


def calls(draw: Draw) -> list[Call]:
    """The library's calls, class and arguments, that carry out exactly this draw."""
    return [_call(part, draw.seed, place) for place, part in enumerate(draw.parts)]


def _call(part: AppliedTransform, seed: int, place: int) -> Call:
    rng = np.random.default_rng([seed, place, 3])
    return HEADS[part.transform].call(part.values, rng)


def built(call: Call, shape: Sequence[int], spacing_mm: Sequence[float]) -> list[Any]:
    """TorchIO transforms of a call; thick slices are two."""
    import torchio

    name, given = call
    if name == "Thick slices":
        target = list(spacing_mm)
        target[given["axis"]] *= given["factor"]
        coarse = torchio.Resample(tuple(target), image_interpolation="nearest", scalars_only=True)
        back = torchio.Resample("head", image_interpolation="linear", scalars_only=True)
        return [coarse, back]
    return [getattr(torchio, name)(**given)]


def apply_head(
    draw: Draw, voxels: FloatArray, affine: NDArray[np.float64], labels: Labels
) -> Moved:
    """Apply a draw to a head and its masks.

    Args:
        draw: From `pipeline.draw`; the same draw gives the same voxels.
        voxels: float32 (I, J, K), RAS+.
        affine: Voxel index to mm.
        labels: Masks on the voxels' grid; boxes and points are not used in 3D.
    """
    if not draw.parts:
        return Moved(voxels, labels)
    import torch
    import torchio

    spacing = [float(edge) for edge in np.sqrt((affine[:3, :3] ** 2).sum(axis=0))]
    level = bright(voxels)
    tensor = torch.from_numpy(voxels / np.float32(level))[None]
    original = torchio.ScalarImage(tensor=tensor, affine=affine)
    subject = torchio.Subject(head=original)
    for name, mask in labels.masks.items():
        layer = torch.from_numpy(mask.astype(np.uint8))[None]
        subject.add_image(torchio.LabelMap(tensor=layer, affine=affine), f"mask {name}")
    if any(part.transform in ("turn", "nod", "shift", "zoom") for part in draw.parts):
        whole = torch.ones((1, *voxels.shape), dtype=torch.uint8)
        subject.add_image(torchio.LabelMap(tensor=whole, affine=affine), "whole")
    for part, call in zip(draw.parts, calls(draw), strict=True):
        if call[0] == "Thick slices":
            coarse, _ = built(call, voxels.shape, spacing)
            small = coarse(torchio.Subject(head=subject["head"]))
            back = torchio.Resample(original, image_interpolation="linear")
            subject["head"].set_data(back(small)["head"].data)
            continue
        moves = HEADS[part.transform].moves
        transform = built(call, voxels.shape, spacing)[0]
        if moves:
            subject = transform(subject)
        else:
            changed = transform(torchio.Subject(head=subject["head"]))
            subject["head"].set_data(changed["head"].data)
    masks = {name: subject[f"mask {name}"].numpy()[0] > 0 for name in labels.masks}
    outside = 1 - float(subject["whole"].data.float().mean()) if "whole" in subject else 0.0
    # A scanner stores magnitudes; TorchIO leaves ringing and noise below zero.
    found = np.abs(subject["head"].numpy()[0].astype(np.float32)) * np.float32(level)
    return Moved(
        np.ascontiguousarray(found), Labels(masks=masks), motion=_motion_of(draw), outside=outside
    )


def coarsened(
    volume: Volume, mask: Mask | None, edge_mm: float = 2.0
) -> tuple[Volume, Mask | None]:
    """A copy of a head with voxels of about `edge_mm` along every axis that is finer.

    Motion, bending and the model's answer are then quick; the model works at 2 mm itself.
    """
    spacing = volume.spacing_mm
    if min(spacing) > 0.75 * edge_mm:
        return volume, mask
    weights, affine = [], volume.affine.copy()
    for axis, (count, own) in enumerate(zip(volume.voxels.shape, spacing, strict=True)):
        step = max(1.0, edge_mm / own)
        positions = np.arange(0, count - 0.5, step)
        weights.append(hat_weights(positions, count, step))
        affine[:3, axis] *= step
    three = (weights[0], weights[1], weights[2])
    voxels = apply_weights(volume.voxels, three)
    note = "The lab works on a copy with voxels of about 2 mm, as the model does."
    small = replace(
        volume,
        voxels=voxels,
        affine=affine,
        digest=digest_of(voxels, volume.digest),
        notes=(*volume.notes, note),
        source=None,
    )
    if mask is None:
        return small, None
    return small, apply_weights(mask.astype(np.float32), three) >= 0.5


def _motion_of(draw: Draw) -> Motion:
    """What the draw did to shapes, from its numbers."""
    mirrored, turn, scale, stretch = False, 0.0, 1.0, 0.0
    for part in draw.parts:
        if part.transform == "mirror":
            mirrored = not mirrored
        elif part.transform in ("turn", "nod"):
            turn += part.values["degrees"]
        elif part.transform == "zoom":
            scale *= part.values["factor"]
        elif part.transform == "elastic":
            stretch += part.values["displacement"] / 25
    return Motion(mirrored, turn, scale, stretch)


def ranged_text(pipeline: Sequence[Planned]) -> list[str]:
    """The pipeline as TorchIO's random classes would draw it in a training, one line each."""
    lines = []
    for planned in pipeline:
        chance = f", p={planned.probability:g}" if planned.probability < 1 else ""
        lines.append(_ranged(planned.transform, planned.ranges) + f"{chance})")
    return lines


def _ranged(name: str, ranges: Ranges) -> str:
    """One random class of TorchIO, without the closing bracket."""
    first = next(iter(ranges.values()), (0.0, 0.0))
    low, high = first
    most = max(abs(low), abs(high))
    lines = {
        "turn": f"RandomAffine(scales=0, degrees=(0, 0, 0, 0, {low:g}, {high:g})",
        "nod": f"RandomAffine(scales=0, degrees=({low:g}, {high:g}, 0, 0, 0, 0)",
        "shift": f"RandomAffine(scales=0, degrees=0, translation={most:g}",
        "zoom": f"RandomAffine(scales=({low:g}, {high:g}), degrees=0, isotropic=True",
        "elastic": f"RandomElasticDeformation(num_control_points={CONTROL_POINTS}, "
        f"locked_borders=1, max_displacement={high:g}",
        "mirror": "RandomFlip(axes=(0,), flip_probability=1",
        "bias": f"RandomBiasField(coefficients={high:g}, order=3",
        "anisotropy": f"RandomAnisotropy(downsampling=({low:g}, {high:g})",
        "spike": f"RandomSpike(intensity=({low:g}, {high:g})",
        "noise": f"RandomNoise(std=({low / 100:g}, {high / 100:g})",
        "motion": f"RandomMotion(degrees={high:g}, translation={ranges.get('shift', first)[1]:g}",
        "ghosting": f"RandomGhosting(num_ghosts=({low:g}, {high:g}), "
        f"intensity={ranges.get('strength', first)}",
        "blur": f"RandomBlur(std=({low:g}, {high:g})",
        "gamma": f"RandomGamma(log_gamma=({_log(low)}, {_log(high)})",
    }
    return f"tio.{lines[name]}"


def _log(value: float) -> str:
    return f"{np.log(max(value, 1e-3)):.3f}"
