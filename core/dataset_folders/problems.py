"""What is wrong with a data set: missing, contradictory, damaged, or there twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.dataset_folders.dataset import Dataset, Problem

NEAR_BITS = 24
"""Hashes of 256 bits that differ in at most so many are one picture saved twice. Measured on 800
films a set: a copy at 0.6 of the size, quality 60 and 0.9 of the contrast differs in 6 to 15 bits
(median; 99th percentile 22 limbs, 16 hands, 40 small chests), the two most alike different films
in 50 (limbs), 24 (hands) and 52 (chests)."""
SLACK_PX = 2.0

WORDS = {
    "row without image": "A table names images that are not there.",
    "image without row": "Images that no table names.",
    "row twice": "Images that a table names twice with the same labels.",
    "conflicting labels": "Images that a table names twice with different labels.",
    "label and boxes disagree": "Called fractured without a box, or normal with one.",
    "unreadable label": "Label files that cannot be read.",
    "label without image": "Boxes or outlines of images that are not there.",
    "leaves the folder": "Rows that point outside the folder; they were not followed.",
    "link not followed": "Links in the folder; they were not followed.",
    "unreadable image": "Images that cannot be read.",
    "box outside the image": "Boxes that reach outside their image, or end before they begin.",
    "mask missing": "Images whose mask is not there.",
    "empty mask": "Masks in which nothing is marked.",
    "near-duplicates": "Images that look the same as another one.",
    "near-duplicates across splits": "Images that look the same as one in another split.",
    "patient in two splits": "Images of patients who are in more than one split.",
}


def find_problems(dataset: Dataset, scanned: pd.DataFrame) -> list[Problem]:
    """All problems of a data set, in the order of `WORDS`.

    Args:
        dataset: From `layouts.open_dataset`.
        scanned: From `scan.scan`.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for problem in dataset.problems:
        found[problem.kind].extend(problem.files)
    found["unreadable image"] += list(scanned.index[scanned["unreadable"].fillna("") != ""])
    found["box outside the image"] += list(_boxes_outside(dataset, scanned))
    if "brain volume (mL)" in scanned:
        found["empty mask"] += list(scanned.index[scanned["brain volume (mL)"] == 0])
    splits = dataset.rows["split"]
    for group in near_duplicates(scanned):
        found["near-duplicates"] += group
        if len(set(splits[group]) - {""}) > 1:
            found["near-duplicates across splits"] += group
    found["patient in two splits"] += _patients_in_two_splits(dataset.rows)
    return [Problem(kind, tuple(sorted(set(found[kind])))) for kind in WORDS if found.get(kind)]


def _boxes_outside(dataset: Dataset, scanned: pd.DataFrame) -> Iterator[str]:
    sizes = scanned[["width", "height"]].to_dict("index")
    for below, outlines in dataset.outlines.items():
        if below not in scanned.index or scanned.loc[below, "unreadable"]:
            continue
        width, height = (float(sizes[below][side]) for side in ("width", "height"))
        boxes = outlines.in_pixels(width, height).boxes_xyxy
        end = np.tile([width + SLACK_PX, height + SLACK_PX], 2)
        inside = np.isfinite(boxes).all() and (boxes >= -SLACK_PX).all() and (boxes <= end).all()
        if not inside or (boxes[:, 2:] <= boxes[:, :2]).any():
            yield below


def near_duplicates(scanned: pd.DataFrame, most_bits: int = NEAR_BITS) -> list[list[str]]:
    """Groups of images whose hashes differ in at most `most_bits` of 256 bits.

    Each image is compared with every other in blocks, so 10,000 images take a second and a few
    megabytes.
    """
    hashed = scanned[scanned["hash"].fillna("").str.len() == 64]
    names = list(hashed.index)
    if len(names) < 2:
        return []
    bits = np.array([np.frombuffer(bytes.fromhex(h), np.uint64) for h in hashed["hash"]])
    leader = np.arange(len(names))
    for first, second in _pairs(bits, most_bits):
        a, b = _root(leader, first), _root(leader, second)
        leader[max(a, b)] = min(a, b)
    groups: dict[int, list[str]] = defaultdict(list)
    for number, name in enumerate(names):
        groups[_root(leader, number)].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _pairs(bits: NDArray[np.uint64], most_bits: int) -> Iterator[tuple[int, int]]:
    block = 256
    for start in range(0, len(bits), block):
        differ = np.bitwise_count(bits[start : start + block, None] ^ bits[None, start:])
        close = differ.sum(axis=2, dtype=np.uint16) <= most_bits
        for row, column in zip(*np.nonzero(close), strict=True):
            if column > row:
                yield start + int(row), start + int(column)


def _root(leader: NDArray[np.int64], number: int) -> int:
    while leader[number] != number:
        number = int(leader[number])
    return number


def _patients_in_two_splits(rows: pd.DataFrame) -> list[str]:
    known = rows[(rows["patient"].astype(str) != "") & (rows["split"].astype(str) != "")]
    per_patient = known.groupby("patient")["split"].nunique()
    return list(known.index[known["patient"].isin(per_patient.index[per_patient > 1])])
