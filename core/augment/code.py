"""A pipeline and a draw as code to copy: Python for a training, Python and JSON for one draw."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from core.augment import apply, heads
from core.augment.labels import Labels
from core.augment.library import library
from core.augment.pipeline import AppliedTransform, Catalogue, Draw, Planned, Ranges, to_text
from core.errors import UnsuitableInputError
from core.images import FloatArray

FORMAT = "lightbox draw 1"
MOST_CHARACTERS = 400_000


def pixel_hash(pixels: FloatArray) -> str:
    """SHA-256 (hex) of an image's values and shape: equal pixels, equal hash."""
    state = hashlib.sha256(np.ascontiguousarray(pixels, np.float32).tobytes())
    state.update(repr(pixels.shape).encode())
    return state.hexdigest()


def library_name(transform: str, kind: str, usual: Ranges) -> str:
    """What albumentations (kind "film") or TorchIO ("head") calls a transform, for a search."""
    if kind == "film":
        return str(apply.FILMS[transform].call(usual, (64, 48))[0])
    line = heads.ranged_text([Planned(transform, usual)])[0]
    return line.split("(")[0].removeprefix("tio.")


def saved(pixels: FloatArray, labels: Labels, affine: Any = None) -> bytes:
    """An image with its labels as an .npz file, for the code that is shown.

    Holds `pixels` (float32, films in [0, 1]), `boxes_xyxy`, `box_names`, `mask_NAME` for each mask
    and, of a head, `affine` (voxel index to mm).
    """
    arrays: dict[str, Any] = {
        "pixels": pixels,
        "boxes_xyxy": labels.boxes_xyxy,
        "box_names": np.array(labels.box_names, dtype=str),
    }
    arrays |= {f"mask_{name}": mask for name, mask in labels.masks.items()}
    if affine is not None:
        arrays["affine"] = np.asarray(affine, float)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def loading(kind: str, file_name: str) -> str:
    """The lines before the code that read the file of `saved`."""
    lines = ["import numpy as np", f'saved = np.load("{file_name}")']
    if kind == "film":
        lines += [
            'film, boxes_xyxy, names = saved["pixels"], saved["boxes_xyxy"], saved["box_names"]'
        ]
    else:
        lines += ['voxels, affine = saved["pixels"], saved["affine"]']
    return "\n".join(lines) + "\n\n"


def film_training(pipeline: Sequence[Planned], shape: tuple[int, int]) -> str:
    """Python that draws from the pipeline anew for every film of a training."""
    lines = ["import albumentations as A", "", "pipeline = A.Compose(", "    ["]
    for planned in pipeline:
        name, given = apply.FILMS[planned.transform].call(planned.ranges, shape)
        lines.append(f"        {_called('A.' + name, {**given, 'p': planned.probability})},")
    lines += [
        "    ],",
        '    bbox_params=A.BboxParams("pascal_voc", label_fields=["labels"]),',
        "    telemetry=False,  # else the library reports every pipeline to its makers",
        ")",
        "# film: float32 (H, W) in [0, 1]",
        "out = pipeline(image=film, bboxes=boxes_xyxy, labels=names)",
    ]
    return "\n".join(lines) + "\n"


def film_draw(draw: Draw, shape: tuple[int, int]) -> str:
    """Python that repeats one draw on a film, to the same pixels."""
    lines = [f"# albumentationsx=={version('albumentationsx')}", "import albumentations as A"]
    grey = "film"
    if apply.needs_channels(draw):
        lines.append("import numpy as np")
        grey = "np.repeat(film[..., None], 3, axis=2)"
    lines += ["", "draw = A.Compose(", "    ["]
    for name, given in apply.calls(draw, shape):
        lines.append(f"        {_called('A.' + name, {**given, 'p': 1.0})},")
    lines += [
        "    ],",
        f"    seed={draw.seed},",
        "    telemetry=False,  # else the library reports every pipeline to its makers",
        ")",
        f"# film: float32 (H, W) = {shape} in [0, 1]",
        f'out = draw(image={grey})["image"]' + ("[..., 0]" if grey != "film" else ""),
    ]
    return "\n".join(lines) + "\n"


def head_training(pipeline: Sequence[Planned]) -> str:
    """Python that draws from the pipeline anew for every head of a training."""
    lines = ["import torchio as tio", "", "pipeline = tio.Compose(", "    ["]
    lines += [f"        {line}," for line in heads.ranged_text(pipeline)]
    lines += [
        "    ]",
        ")",
        "# intensities are shares of bright tissue: divide by its 99.5th percentile first",
        "out = pipeline(tio.Subject(t1=tio.ScalarImage(path), brain=tio.LabelMap(mask_path)))",
    ]
    return "\n".join(lines) + "\n"


def head_draw(draw: Draw, level: float) -> str:
    """Python that repeats one draw on a head, to the same voxels."""
    lines = [
        f"# torchio=={version('torchio')}",
        "import numpy as np",
        "import torch",
        "import torchio as tio",
        "",
        f"level = np.float32({level!r})  # of bright tissue",
        "# voxels: float32 (I, J, K), RAS+; affine: voxel index to mm",
        "head = tio.ScalarImage(tensor=torch.from_numpy(voxels / level)[None], affine=affine)",
        "subject = tio.Subject(head=head)",
    ]
    for name, given in heads.calls(draw):
        if name == "Thick slices":
            lines += [
                "coarse = list(head.spacing)",
                f"coarse[{given['axis']}] *= {given['factor']}",
                'thick = tio.Resample(tuple(coarse), image_interpolation="nearest")(subject)',
                'subject = tio.Resample(head, image_interpolation="linear")(thick)',
            ]
        else:
            lines.append(f"subject = {_called('tio.' + name, given)}(subject)")
    lines.append('out = np.abs(subject["head"].numpy()[0]) * level  # a scanner stores magnitudes')
    return "\n".join(lines) + "\n"


def _called(name: str, given: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={_value(value)}' for key, value in given.items())})"


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()})"
    return repr(value)


def to_json(draw: Draw, modality: str, before: FloatArray, after: FloatArray) -> str:
    """One draw as JSON; of a film it is also a file for `albumentations.load`.

    It holds the hashes of the pixels before and after, and no pixel.
    """
    table: dict[str, Any] = {}
    if before.ndim == 2:
        shape = (before.shape[0], before.shape[1])
        table = dict(library().to_dict(apply.composed(draw, shape)))
    name = "albumentationsx" if before.ndim == 2 else "torchio"
    table["lightbox"] = {
        "format": FORMAT,
        "modality": modality,
        "library": f"{name} {version(name)}",
        "seed": draw.seed,
        "parts": [{"transform": p.transform, "values": dict(p.values)} for p in draw.parts],
        "shape": list(before.shape),
        "pixels_before": pixel_hash(before),
        "pixels_after": pixel_hash(after),
    }
    return json.dumps(table, indent=1)


def from_json(text: str, catalogue: Catalogue) -> tuple[Draw, dict[str, Any]]:
    """The draw of a JSON, and what else it says.

    Raises:
        UnsuitableInputError: If it is no such JSON, or of another kind of image.
    """
    try:
        said = json.loads(text[:MOST_CHARACTERS])["lightbox"]
        parts = [(str(p["transform"]), p["values"]) for p in said["parts"]]
        seed = int(said["seed"])
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as err:
        raise UnsuitableInputError(
            "This is no draw of the augmentation lab: paste the whole JSON that “Copy as JSON” "
            "gave."
        ) from err
    drawn = []
    for name, values in parts:
        if name not in catalogue:
            raise UnsuitableInputError(
                f"The draw has a transform “{name[:40]}” that this kind of image does not know. "
                "Choose the kind of image it was made with."
            )
        try:
            known = {
                one.name: float(np.clip(float(values[one.name]), one.low, one.high))
                for one in catalogue[name].parameters
            }
            if not all(map(math.isfinite, known.values())):
                raise ValueError("not a number")
        except (KeyError, TypeError, ValueError, OverflowError) as err:
            raise UnsuitableInputError(
                f"The draw's numbers for “{name}” are missing or are no numbers."
            ) from err
        drawn.append(AppliedTransform(name, known))
    return Draw(abs(seed), tuple(drawn)), said


def link(base: str, modality: str, pipeline: Sequence[Planned], seed: int) -> str:
    """The address of the lab with this pipeline: the image is never part of it."""
    from urllib.parse import urlencode

    given = {"image": modality, "pipeline": to_text(pipeline), "draw": seed}
    return f"{base}?{urlencode(given)}"
