"""Heads to train on: prepared as on the page, kept, and disturbed for every step."""

from __future__ import annotations

import csv
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import nibabel as nib
import numpy as np

from core.images import FloatArray, Volume
from core.skull_strip import OURS, Settings, n4_field, place_grid, to_grid
from core.skull_strip.pipeline import min_max, normalised, rescale
from models.skull_strip import augment

CROP = (80, 112, 96)
"""Voxels of a training crop: the whole brain with some way to go, at half the cost of a head."""


@dataclass(frozen=True, eq=False)
class Head:
    """A training head on the working grid.

    Attributes:
        name, source, split: Where it comes from.
        plain, corrected: float16, without and with N4; rescaled, or from 0 to 1 where the network
            takes them so.
        label: uint8, 255 times the mean of its masks.
    """

    name: str
    source: str
    split: str
    plain: np.ndarray
    corrected: np.ndarray
    label: np.ndarray


def read_mask(path: Path) -> FloatArray:
    """A mask file as float32 zeros and ones."""
    return (np.asarray(nib.load(path).dataobj) > 0).astype(np.float32)


def prepare_head(
    volume: Volume,
    masks: list[FloatArray],
    name: str,
    source: str,
    split: str,
    settings: Settings = OURS,
) -> Head:
    """Bring a head and the mean of its masks to the working grid, with and without N4."""
    grid = place_grid(volume, settings.grid, (settings.spacing_mm,) * 3)
    field = n4_field(volume.voxels, volume.spacing_mm, settings.shrink, settings.iterations)
    scaled = min_max if settings.normalisation == "min-max" else rescale
    label = to_grid(np.mean(masks, axis=0, dtype=np.float32), grid)
    return Head(
        name,
        source,
        split,
        scaled(to_grid(volume.voxels, grid)).astype(np.float16),
        scaled(to_grid(volume.voxels / field, grid)).astype(np.float16),
        np.round(255 * label).astype(np.uint8),
    )


def read_heads(
    data: Path, cache: Path | None, limit: int | None = None, settings: Settings = OURS
) -> list[Head]:
    """Every head of the table or the first, from the cache where it has been filled."""
    if cache is not None and cache.is_file():
        return _kept(cache)
    heads = []
    with (data / "brain.csv").open(encoding="utf-8") as handle:
        for row in islice(csv.DictReader(handle), limit):
            image = nib.load(data / row["file"])
            volume = Volume(np.asarray(image.dataobj, np.float32), image.affine, row["file"])
            ixi = row["source"].startswith("IXI")
            # The other sources' second masks are imprecise or of another kind (brain.csv).
            paths = [row["mask"], row["mask2"]] if ixi and row["mask2"] else [row["mask"]]
            masks = [read_mask(data / path) for path in paths]
            source = "IXI" if ixi else row["source"]
            names = (row["file"], source, row["split"])
            heads.append(prepare_head(volume, masks, *names, settings))
    if cache is not None:
        _keep(cache, heads)
    return heads


def _keep(path: Path, heads: Sequence[Head]) -> None:
    arrays = {"names": np.array([(h.name, h.source, h.split) for h in heads])}
    for number, head in enumerate(heads):
        arrays[f"plain_{number}"], arrays[f"n4_{number}"] = head.plain, head.corrected
        arrays[f"label_{number}"] = head.label
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)  # type: ignore[arg-type]  # numpy's stub takes no mapping here
    partial.replace(path)


def _kept(path: Path) -> list[Head]:
    stored = np.load(path)
    return [
        Head(*names, *(stored[f"{kind}_{number}"] for kind in ("plain", "n4", "label")))
        for number, names in enumerate(stored["names"].tolist())
    ]


def phantom_heads(
    count: int,
    first_seed: int = 10_000,
    settings: Settings = OURS,
    *,
    cache: Path | None = None,
) -> list[Head]:
    """Head phantoms with seeds that no test uses, from beside the cache of heads where they are.

    Args:
        count, first_seed: Of the phantoms.
        settings: What they are prepared with, as the heads in the cache are.
        cache: The file of `read_heads`.
    """
    from core.phantoms.head.phantom import random_head

    path = cache and cache.with_name(f"{cache.stem}_phantoms_{first_seed}_{count}.npz")
    if path is not None and path.is_file():
        return _kept(path)
    heads = []
    for seed in range(first_seed, first_seed + count):
        made = random_head(seed, settings.spacing_mm)
        mask = made.mask.astype(np.float32)
        names = (f"phantom {seed}", "phantom", "train")
        heads.append(prepare_head(made.volume, [mask], *names, settings))
    if path is not None and heads:
        _keep(path, heads)
    return heads


def crop(
    image: FloatArray, label: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """A box of `CROP` voxels around the brain, its place jittered; one time in seven all of it."""
    if rng.random() < 1 / 7:
        return image, label
    corner = []
    for axis, side in enumerate(CROP):
        others = tuple(other for other in range(3) if other != axis)
        profile = label.sum(axis=others)
        centre = (
            (profile * np.arange(len(profile))).sum() / profile.sum()
            if profile.sum() > 0
            else len(profile) / 2
        )
        first = round(centre - side / 2 + rng.uniform(-12, 12))
        corner.append(int(np.clip(first, 0, image.shape[axis] - side)))
    box = tuple(slice(first, first + side) for first, side in zip(corner, CROP, strict=True))
    return image[box], label[box]


def samples(
    heads: list[Head],
    phantom_share: float,
    seed: int | Sequence[int],
    repeats: int = 3,
    normalisation: str = OURS.normalisation,
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Endless augmented heads (1, I, J, K, 1) with their soft labels.

    A warp costs more than all the rest, so each warped head is disturbed `repeats` times, and
    three are mixed to keep its copies apart.
    """
    rng = np.random.default_rng(seed)
    real = [head for head in heads if head.source != "phantom"]
    made = [head for head in heads if head.source == "phantom"]
    order: list[Head] = []
    pool: list[tuple[FloatArray, FloatArray]] = []
    while True:
        if made and rng.random() < phantom_share:
            head = made[int(rng.integers(len(made)))]
        else:
            if not order:
                order = [real[number] for number in rng.permutation(len(real))]
            head = order.pop()
        image = (head.plain if rng.random() < 0.5 else head.corrected).astype(np.float32)
        label = head.label.astype(np.float32) / np.float32(255)
        if rng.random() < 0.75:  # the rest stays as sharp as it was
            image, label = augment.warp(image, label, rng)
        pool += [(image, label)] * repeats
        while len(pool) > 3 * repeats:
            image, label = augment.disturb(*pool.pop(int(rng.integers(len(pool)))), rng)
            if normalisation == "min-max":  # of the whole grid, as on the page
                image = min_max(image)
            image, label = crop(image, label, rng)
            if normalisation != "min-max":
                image = normalised(image, normalisation)
            yield image[None, ..., None], label[None, ..., None]


def background(source: Iterator[tuple[FloatArray, FloatArray]]) -> Callable[[], tuple]:
    """Draw from an iterator in a thread, a few ahead."""
    line: queue.Queue = queue.Queue(maxsize=6)

    def fill() -> None:
        for item in source:
            line.put(item)

    threading.Thread(target=fill, daemon=True).start()
    return line.get
