"""Score region finding by the joint boxes: `python -m models.bone_age.evaluate_regions`.

A film scores the share of its joints whose box centre lies in the region that should show it:
MCP of the fingers in "mcp", MCP and PIP of the thumb in "thumb", PIP and DIP of the middle finger
in "middle_finger", and Wrist, Radius and Ulna in "wrist". A film on which the pipeline fails
scores 0. Large regions would always be right, so the overlap (intersection over union) of each
region with the smallest box around its joint boxes is told, too, and both scores of four boxes
that lie at the same place of every film. The joint boxes are those of Koitka et al., PLOS ONE
2018;13(11):e0207496; region sizes were set on the films of "train".
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.bone_age import landmark
from core.bone_age.cases import read_bone_age_cases
from core.bone_age.geometry import film_matrix, moved
from core.bone_age.regions import REGIONS
from core.files.radiograph import read_radiograph
from core.metrics.statistics import bootstrap_interval
from core.stages import run_stages

Points = Mapping[str, np.ndarray]
"""Region → (N, 2) centres of its joints."""
Boxes = Mapping[str, Any]
"""Region → box x0, y0, x1, y1."""

FIXED = {
    "middle_finger": (0.42, 0.05, 0.62, 0.45),
    "thumb": (0.62, 0.35, 0.92, 0.7),
    "mcp": (0.22, 0.35, 0.72, 0.6),
    "wrist": (0.25, 0.6, 0.7, 0.95),
}
"""Boxes at one place of every film, in parts of its sides: what needs no pipeline."""


@dataclass(frozen=True)
class RegionScore:
    """How well regions were found on one film.

    Attributes:
        file, split: Which film.
        shares: Region → share of its joints inside.
        overlaps: Region → intersection over union with the smallest box around its joints.
        joints: Share of all joints that lie in their region.
        fixed_joints, fixed_overlap: Share and mean overlap of the boxes `FIXED`.
        error: Why the pipeline failed, or None.
    """

    file: str
    split: str
    shares: Mapping[str, float]
    overlaps: Mapping[str, float]
    joints: float
    fixed_joints: float
    fixed_overlap: float
    error: str | None = None


def joint_boxes(boxes: Sequence[Sequence[Any]]) -> dict[str, np.ndarray]:
    """Region → (N, 4) boxes xyxy of the joints that it should show.

    Args:
        boxes: Rows of kind, x0, y0, x1, y1, in pixels of a film with fingers up.
    """
    kinds: dict[str, list[list[float]]] = {}
    for kind, *edges in boxes:
        kinds.setdefault(kind, []).append([float(edge) for edge in edges])
    side = 1 if kinds["Radius"][0][0] > kinds["Ulna"][0][0] else -1  # the thumb's side
    mcp, pip, dip = (
        sorted(kinds[kind], key=lambda box: side * (box[0] + box[2]))
        for kind in ("MCP", "PIP", "DIP")
    )
    return {
        "middle_finger": np.array([pip[2], dip[2]]),
        "thumb": np.array([mcp[4], pip[4]]),
        "mcp": np.array(mcp[:4]),
        "wrist": np.array([kinds["Wrist"][0], kinds["Radius"][0], kinds["Ulna"][0]]),
    }


def corners(boxes: np.ndarray) -> np.ndarray:
    """(4 N, 2) corners of (N, 4) boxes."""
    return boxes[:, [0, 1, 2, 1, 0, 3, 2, 3]].reshape(-1, 2)


def shares_inside(points: Points, boxes: Boxes) -> dict[str, float]:
    """Region → share of its points inside its box (x0, y0, x1, y1)."""
    shares = {}
    for name, wanted in points.items():
        x0, y0, x1, y1 = boxes[name]
        x, y = wanted.T
        shares[name] = float(np.mean((x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)))
    return shares


def overlap(box: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes xyxy."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    both = max(width, 0.0) * max(height, 0.0)
    areas = [(part[2] - part[0]) * (part[3] - part[1]) for part in (box, other)]
    return both / (sum(areas) - both)


def score(
    truth: Mapping[str, np.ndarray], boxes: Boxes, matrix: np.ndarray
) -> tuple[dict[str, float], dict[str, float], float]:
    """Shares, overlaps and the share of all joints.

    Args:
        truth: From `joint_boxes`.
        boxes: Found regions, in pixels after `matrix`.
        matrix: float (3, 3) from the film to the image with the regions.
    """
    points, tight = {}, {}
    for name, wanted in truth.items():
        points[name] = moved((wanted[:, :2] + wanted[:, 2:]) / 2, matrix)
        placed = moved(corners(wanted), matrix)
        tight[name] = [*placed.min(axis=0), *placed.max(axis=0)]
    shares = shares_inside(points, boxes)
    overlaps = {name: overlap(boxes[name], tight[name]) for name in truth}
    total = sum(len(wanted) for wanted in points.values())
    joints = sum(shares[name] * len(points[name]) for name in points) / total
    return shares, overlaps, joints


def evaluate(folder: Path) -> list[RegionScore]:
    """Score every film of "train" and "val" that has joint boxes."""
    known = json.loads((folder / "roi_boxes.json").read_text(encoding="utf-8"))
    found = []
    for case in read_bone_age_cases(folder):
        if case.file not in known or case.split == "test":
            continue
        pixels = read_radiograph(case.path.read_bytes(), name=case.file).pixels
        truth = joint_boxes(known[case.file]["boxes"])
        steps = run_stages(pixels, landmark.stages(), skip=("Crop regions",))
        height, width = pixels.shape
        fixed = {
            name: np.array(box) * [width, height, width, height] for name, box in FIXED.items()
        }
        _, fixed_overlaps, fixed_joints = score(truth, fixed, np.eye(3))
        shares = overlaps = dict.fromkeys(REGIONS, 0.0)
        joints = 0.0
        if steps[-1].error is None:
            boxes = next(step.overlays["boxes"] for step in steps if "boxes" in step.overlays)
            shares, overlaps, joints = score(truth, boxes, film_matrix(steps))
        found.append(
            RegionScore(
                case.file,
                case.split,
                shares,
                overlaps,
                joints,
                fixed_joints,
                float(np.mean(list(fixed_overlaps.values()))),
                steps[-1].error,
            )
        )
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    found = evaluate(options.data)
    for split in ("train", "val"):
        films = [film for film in found if film.split == split]
        means = np.array([np.mean(list(film.overlaps.values())) for film in films])
        print(
            f"{split}: {len(films)} films, {sum(film.error is not None for film in films)} failed\n"
            f"  joints in their region: {_with_interval([film.joints for film in films])}, "
            f"fixed boxes {np.mean([film.fixed_joints for film in films]):.3f}\n"
            f"  overlap with the joints' box: {_with_interval(means)}, "
            f"fixed boxes {np.mean([film.fixed_overlap for film in films]):.3f}"
        )
        for name in REGIONS:
            print(
                f"    {name}: joints {np.mean([film.shares[name] for film in films]):.3f}, "
                f"overlap {np.mean([film.overlaps[name] for film in films]):.3f}"
            )
    for film in found:
        if film.joints < 1:
            print(film.split, film.file, f"{film.joints:.2f}", film.error or "")


def _with_interval(values: Sequence[float] | np.ndarray) -> str:
    low, high = bootstrap_interval(lambda part: float(np.mean(part)), np.asarray(values, float))
    return f"{np.mean(values):.3f} (95 % interval {low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
