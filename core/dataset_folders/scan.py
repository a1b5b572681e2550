"""Open every file of a data set once: size, brightness and a hash of how it looks.

The hash is the 256 lowest frequencies of a small picture against their median (pHash; Zauner,
"Implementation and benchmarking of perceptual image hash functions", 2010). Images are decoded
small, in threads, and nothing of them is kept.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.dataset_folders.dataset import Dataset
from core.dataset_folders.listing import VOLUME_ENDINGS
from core.errors import ImagingError, UnreadableImageError
from core.stages import Cancelled, Progress

THREADS = 4
BATCH = 64
SMALL_PX = 64
MOST_BYTES = 300_000_000
VERSION = 1
"""Raised when a scan holds something else than before, so that remembered ones are not used."""

FilmRow = dict[str, Any]


def scan(
    dataset: Dataset,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    memory: Path | None = None,
) -> pd.DataFrame:
    """What each file of a data set is.

    Args:
        dataset: From `layouts.open_dataset`.
        progress: Told the share done.
        cancelled: Asked between files.
        memory: Folder where scans are remembered by the content of the listing; None to scan
            again.

    Returns:
        By path below the folder: "unreadable" (a sentence, or empty), "width" and "height" in
        pixels, "brightness" (mean grey of 0 to 1) and "hash" (64 hex digits, of films); for
        heads also "slices", "voxel size (mm)", "brain volume (mL)" of the mask (NaN without).

    Raises:
        Cancelled: As soon as `cancelled` says so.
    """
    kept = memory / f"{_key(dataset)}.csv" if memory is not None else None
    if kept is not None and kept.is_file():
        return pd.read_csv(kept, index_col="file", dtype={"hash": str, "unreadable": str}).fillna(
            {"hash": "", "unreadable": ""}
        )
    names = list(dataset.rows.index)
    found: dict[str, FilmRow] = {}
    for name, row in _in_threads(names, lambda name: _row(dataset, name), cancelled):
        found[name] = row
        if progress is not None and len(found) % BATCH == 0:
            progress(len(found) / len(names), f"{len(found):,} of {len(names):,} files")
    table = pd.DataFrame.from_dict(found, orient="index").rename_axis("file")
    if progress is not None:
        progress(1.0, f"{len(names):,} files")
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial")
        table.to_csv(partial)
        partial.replace(kept)
    return table


def _in_threads(
    names: list[str], work: Callable[[str], FilmRow], cancelled: Callable[[], bool]
) -> Iterator[tuple[str, FilmRow]]:
    """Results in order; only a few files are under way at once, so memory stays flat."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="scan") as pool:
        waiting = iter(names)
        while batch := list(islice(waiting, BATCH)):
            if cancelled():
                raise Cancelled
            yield from zip(batch, pool.map(work, batch), strict=True)


def _row(dataset: Dataset, name: str) -> FilmRow:
    try:
        if name.lower().endswith(VOLUME_ENDINGS):
            return _volume_row(dataset, name)
        return film_row(dataset.listing.path(name).read_bytes(), name)
    except ImagingError as err:
        return {"unreadable": str(err), "hash": ""}
    except OSError as err:
        return {"unreadable": f"The file cannot be read ({err.strerror}).", "hash": ""}


def film_row(content: bytes, name: str) -> FilmRow:
    """What one film is.

    Raises:
        ImagingError: If it cannot be read.
    """
    small, width, height = small_picture(content, name)
    return {
        "unreadable": "",
        "width": width,
        "height": height,
        "brightness": round(float(small.mean()), 4),
        "hash": perceptual_hash(small),
    }


def small_picture(content: bytes, name: str) -> tuple[NDArray[np.float32], int, int]:
    """A film at 64 × 64 in [0, 1], and the width and height that it has.

    JPEG files are decoded at a fraction of their size, which takes a tenth of the time.

    Raises:
        ImagingError: If it cannot be read.
    """
    from PIL import Image

    if len(content) > MOST_BYTES:
        raise UnreadableImageError(f"The file is larger than {MOST_BYTES / 1e6:.0f} MB.")
    if content[:2] != b"\xff\xd8":
        from core.files.radiograph import read_radiograph

        pixels = read_radiograph(content, name=name).pixels
        small = Image.fromarray(np.uint8(pixels * 255)).resize((SMALL_PX, SMALL_PX), Image.BOX)
        return _grey(small), pixels.shape[1], pixels.shape[0]
    try:
        with Image.open(io.BytesIO(content)) as film:
            width, height = film.size
            film.draft("L", (SMALL_PX * 2, SMALL_PX * 2))
            small = film.convert("L").resize((SMALL_PX, SMALL_PX), Image.BOX)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as err:
        raise UnreadableImageError("The JPEG file is damaged or ends early.") from err
    return _grey(small), width, height


def _grey(small: Any) -> NDArray[np.float32]:
    return np.asarray(small, np.float32) / np.float32(255)


def perceptual_hash(small: NDArray[np.float32]) -> str:
    """256 bits that stay nearly the same when a picture is scaled or compressed, as hex."""
    import cv2

    frequencies = cv2.dct(np.ascontiguousarray(small, np.float32))[:16, :16].reshape(-1)
    bits = frequencies > np.median(frequencies[1:])
    return np.packbits(bits).tobytes().hex()


def _volume_row(dataset: Dataset, name: str) -> FilmRow:
    from core.files.volume import read_volume

    content = dataset.listing.path(name).read_bytes()
    volume = read_volume([(Path(name).name, content)])
    spacing = np.linalg.norm(volume.affine[:3, :3], axis=0)
    row: FilmRow = {
        "unreadable": "",
        "width": volume.voxels.shape[0],
        "height": volume.voxels.shape[1],
        "slices": volume.voxels.shape[2],
        "voxel size (mm)": " × ".join(f"{side:.2g}" for side in spacing),
        "brightness": round(float(volume.voxels.mean()), 4),
        "hash": hashlib.sha256(volume.voxels.tobytes()).hexdigest(),
        "brain volume (mL)": float("nan"),
    }
    if name in dataset.masks:
        row["brain volume (mL)"] = _mask_ml(dataset, dataset.masks[name])
    return row


def _mask_ml(dataset: Dataset, mask: str) -> float:
    from core.files.volume_formats import read_nifti

    stored = read_nifti(dataset.listing.path(mask).read_bytes())
    voxel_ml = abs(float(np.linalg.det(stored.affine[:3, :3]))) / 1000
    return round(float(np.count_nonzero(stored.array)) * voxel_ml, 1)


def _key(dataset: Dataset) -> str:
    """A hash of the listing: any file added, changed or removed makes another."""
    files = dataset.listing.files
    content = json.dumps([VERSION, dataset.layout, sorted((n, *files[n]) for n in files)])
    return hashlib.sha256(content.encode()).hexdigest()
