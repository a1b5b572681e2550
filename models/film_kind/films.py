"""Which films there are to learn from and to measure on, and what they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.datasets import read_grey, read_rows
from core.images import FloatArray, Radiograph

LONG_SIDE_PX = 128
"""Films are kept at this size while training: twice what the network receives."""
FIRST_TRAINING_SEED = 500_000
"""Phantoms with smaller seeds are never trained on."""


@dataclass(frozen=True, eq=False)
class Film:
    """One film and what it is.

    Attributes:
        grey: uint8 (H, W), bone bright, as it comes from its source.
        kind: One of `core.film_kind.KINDS`.
        source: Where it comes from, for the figures ("RSNA hands", "NIH 64 px", ...).
        whole_frontal: For hands of FracAtlas: labelled as one frontal view of a hand alone.
    """

    grey: NDArray[np.uint8]
    kind: str
    source: str
    file: str = ""
    whole_frontal: bool = False


def real_films(folder: Path, split: str, *, chest_every: int = 1) -> Iterator[Film]:
    """The films of one split of all data sets; patients never cross splits.

    Args:
        folder: Holds `bone_age`, `fracture`, `chest` and `brain`; those that are missing are
            left out.
        split: "train", "val" or "test".
        chest_every: Take every n-th NIH film (there are ten times as many as of any other).
    """
    if (table := folder / "bone_age" / "bone_age.csv").is_file():
        for row in _of_split(table, split):
            path = table.parent / "images" / row["file"]
            yield Film(read_grey(path), "hand", "RSNA hands", row["file"])
    if (table := folder / "fracture" / "images.csv").is_file():
        for row in _of_split(table, split):
            views = tuple(row[v] for v in ("frontal", "lateral", "oblique", "multiscan", "mixed"))
            hand = row["hand"] == "1"
            source = "hands" if hand else "shoulders" if row["shoulder"] == "1" else "limbs"
            yield Film(
                read_grey(table.parent / "images" / row["file"]),
                "other hand" if hand else "limb",
                f"FracAtlas {source}",
                row["file"],
                whole_frontal=hand and views == ("1", "0", "0", "0", "0"),
            )
    if (table := folder / "chest" / "labels.csv").is_file():
        for row in _of_split(table, split)[::chest_every]:
            yield Film(
                read_grey(table.parent / row["file"]), "chest", f"NIH {row['px']} px", row["file"]
            )
    if (table := folder / "chest" / "heart_lung_masks.csv").is_file():
        for row in _of_split(table, split):
            source = "JSRT" if row["source"] == "ctr_jsrt" else "hospital"
            yield Film(
                read_grey(table.parent / row["file"]), "chest", f"{source} chests", row["file"]
            )
    if (table := folder / "brain" / "brain.csv").is_file():
        yield from _brain_slices(table, split)


def phantom_films(first: int, count: int) -> Iterator[Film]:
    """So many phantoms of each kind with seeds from `first` on, heads as a few slices each.

    About a fifth of the limb phantoms are grown-ups' hands: kept apart, and not trained on, as it
    is a matter of taste whether a page for children's hands should take them.
    """
    from core.phantoms.chest.phantom import FINDINGS, chest_phantom
    from core.phantoms.hand.phantom import hand_phantom
    from core.phantoms.head.phantom import random_head
    from core.phantoms.limb.phantom import limb_phantom, random_limb

    for seed in range(first, first + count):
        view = "AP" if seed % 4 == 0 else "PA"
        findings = (FINDINGS[seed % len(FINDINGS)],) if seed % 2 else ()
        limb = random_limb(seed)
        for kind, source, image in (
            ("hand", "hand phantoms", hand_phantom(seed).image),
            ("chest", "chest phantoms", chest_phantom(seed, findings=findings, view=view).image),
            (
                "other hand" if limb.kind == "hand" else "limb",
                "limb phantoms, hands" if limb.kind == "hand" else "limb phantoms",
                limb_phantom(limb)[0],
            ),
        ):
            yield Film(grey_of(image), kind, source, f"{kind} phantom {seed}")
    for seed in range(first, first + -(-count // 9)):
        voxels = random_head(seed, 3.0).volume.voxels
        for number, grey in enumerate(_slices(voxels, per_plane=3)):
            yield Film(
                grey, "cross-section", "brain phantoms", f"head phantom {seed}, slice {number}"
            )


def corner(grey: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """An upper corner of a chest film: a shoulder with the apex of one lung, as shoulder films."""
    height, width = grey.shape
    h, w = int(height * rng.uniform(0.35, 0.55)), int(width * rng.uniform(0.35, 0.5))
    left = 0 if rng.random() < 0.5 else width - w
    return np.ascontiguousarray(grey[:h, left : left + w])


def grey_of(image: Radiograph) -> NDArray[np.uint8]:
    """The pixels as 8 bit."""
    return np.rint(image.pixels * 255).astype(np.uint8)


def pixels_of(film: Film) -> FloatArray:
    """The film as a page would hold it, float32 in [0, 1]."""
    return film.grey.astype(np.float32) / np.float32(255)


def _of_split(table: Path, split: str) -> list[dict[str, str]]:
    return [row for row in read_rows(table, ("file", "split")) if row["split"] == split]


def _brain_slices(table: Path, split: str) -> Iterator[Film]:
    """Slices of every plane, every third head without its skull."""
    import nibabel

    for number, row in enumerate(_of_split(table, split)):
        voxels = np.asarray(nibabel.load(table.parent / row["file"]).dataobj, np.float32)
        if number % 3 == 2:
            voxels = voxels * (np.asarray(nibabel.load(table.parent / row["mask"]).dataobj) > 0)
        for index, grey in enumerate(_slices(voxels, per_plane=10)):
            yield Film(grey, "cross-section", "brain slices", f"{row['file']}, slice {index}")


def _slices(voxels: FloatArray, per_plane: int) -> Iterator[NDArray[np.uint8]]:
    """Slices from the middle of each plane, as a viewer shows them."""
    high = max(float(np.percentile(voxels, 99.7)), 1e-6)
    grey = np.rint(np.clip(voxels / high, 0, 1) * 255).astype(np.uint8)
    for axis in range(3):
        size = voxels.shape[axis]
        for index in np.linspace(0.3 * size, 0.7 * size, per_plane).astype(int):
            yield np.ascontiguousarray(np.rot90(np.take(grey, index, axis=axis)))
