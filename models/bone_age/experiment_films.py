"""Films as the experiments show them to a network, each way by the stages that the page shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.bone_age import landmark
from core.bone_age.cases import BoneAgeCase
from core.files.radiograph import read_radiograph
from core.images import FloatArray
from core.stages import run_stages
from models.bone_age.pipelines import stages_of
from models.bone_age.preprocess import network_input

SHAPE = (112, 112)
GREY_REGIONS, BINARY_REGIONS = "four regions, grey", "four regions, binarised"
ALIGNED, MASKED, RAW = "whole hand, landmarks", "segmented hand", "film"


def pictures_of(pixels: FloatArray) -> dict[str, NDArray[np.uint8]]:
    """One film in every way, uint8 `SHAPE`.

    Args:
        pixels: `Radiograph.pixels`.
    """
    side = SHAPE[0]
    regions = landmark.stages(side_px=side // 2)
    binary = landmark.stages(side_px=side // 2, binary=True)
    aligned = landmark.stages(output="whole hand", side_px=side)
    # All three begin with the same stages.
    common = len(aligned) - 1
    upright = run_stages(pixels, aligned[:common])[-1].image
    ways = {
        GREY_REGIONS: (upright, regions[common:]),
        BINARY_REGIONS: (upright, binary[common:]),
        ALIGNED: (upright, aligned[common:]),
        MASKED: (pixels, stages_of("segmentation", side_px=side)),
        RAW: (pixels, []),
    }
    found = {name: network_input(image, rest, SHAPE)[1] for name, (image, rest) in ways.items()}
    return {name: (255 * picture).round().astype(np.uint8) for name, picture in found.items()}


def prepare(cases: Sequence[BoneAgeCase], folder: Path) -> dict[str, NDArray[np.uint8]]:
    """All films in every way, by name, (N, H, W); made once and kept in `folder`."""
    kept = folder / f"{cases[0].split}_{len(cases)}.npz"
    if not kept.is_file():
        each = [
            pictures_of(read_radiograph(case.path.read_bytes(), name=case.file).pixels)
            for case in cases
        ]
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {name: np.stack([one[name] for one in each]) for name in each[0]}
        np.savez(kept, **arrays)  # type: ignore[arg-type]  # the stub takes no mapping
    with np.load(kept, allow_pickle=False) as stored:
        return dict(stored)
