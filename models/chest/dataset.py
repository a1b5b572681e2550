"""Films and labels in the layout of the NIH part: `labels.csv`, `heart_lung_masks.csv`, images."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.chest.result import NIH_FINDINGS
from core.files.radiograph import read_radiograph
from core.images import FloatArray, Radiograph
from core.stages import run_stages
from models.chest.preprocess import input_stages

FINDINGS = NIH_FINDINGS
"""The fourteen findings, named as the columns of `labels.csv`."""


@dataclass(frozen=True)
class Case:
    """A labelled film.

    Attributes:
        path: Image file.
        file: The same as the table writes it.
        px: Native side in pixels.
        findings: Names of the findings that the report mentions.
        row: The whole row of the table.
    """

    path: Path
    file: str
    px: int
    findings: frozenset[str]
    row: dict[str, str]


def read_cases(folder: Path, split: str | None = None) -> list[Case]:
    """Rows of `labels.csv`; all splits where `split` is None; none without the table."""
    return [
        Case(
            folder / row["file"],
            row["file"],
            int(row.get("px") or 0),
            frozenset(name for name in FINDINGS if row.get(name) == "1"),
            row,
        )
        for row in _rows(folder / "labels.csv", split)
    ]


@dataclass(frozen=True)
class MaskCase:
    """A film whose lungs and heart a person outlined.

    Attributes:
        path, mask_path: Image file, and the mask with 0 background, 1 left lung, 2 right lung,
            3 heart.
        file: The image as the table writes it.
        source: Collection that the film is from.
        ratio: Cardiothoracic ratio measured on that mask.
    """

    path: Path
    mask_path: Path
    file: str
    source: str
    ratio: float


def read_mask_cases(folder: Path, split: str | None = None) -> list[MaskCase]:
    """Rows of `heart_lung_masks.csv`; none without the table."""
    return [
        MaskCase(
            folder / row["file"],
            folder / row["mask"],
            row["file"],
            row["source"],
            float(row["ctr_from_mask"]),
        )
        for row in _rows(folder / "heart_lung_masks.csv", split)
    ]


def _rows(table: Path, split: str | None) -> list[dict[str, str]]:
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as handle:
        return [row for row in csv.DictReader(handle) if split in (None, row["split"])]


def read_film(path: Path) -> Radiograph:
    """The film by the same way as an upload to the page."""
    return read_radiograph(path.read_bytes(), name=path.name)


def read_mask(path: Path) -> NDArray[np.uint8]:
    """A person's mask (H, W) with the numbers of `MaskCase`."""
    import cv2

    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if mask is None:
        raise FileNotFoundError(path)
    return np.asarray(mask if mask.ndim == 2 else mask[..., 0], np.uint8)


def network_inputs(paths: Sequence[Path], side_px: int) -> NDArray[np.uint8]:
    """What the network receives of every film, as uint8 (N, side, side) to hold in memory."""
    films = np.zeros((len(paths), side_px, side_px), np.uint8)
    for number, path in enumerate(paths):
        seen = run_stages(read_film(path).pixels, input_stages(side_px))[-1].image
        films[number] = np.round(seen * 255)
    return films


def truth_of(cases: Sequence[Case]) -> FloatArray:
    """Labels (N, 14) as 0 and 1, in the order of `FINDINGS`."""
    rows = [[float(name in case.findings) for name in FINDINGS] for case in cases]
    return np.array(rows, np.float32).reshape(len(cases), len(FINDINGS))
