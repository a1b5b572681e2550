"""What only heads have on the screen of many scans: brain volumes and masks."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from core.errors import ImagingError
from core.files import write as exports
from core.files.archives import contents_of
from core.files.kinds import kind_of
from core.files.volume import read_volume
from core.images import Volume
from core.plots import draw
from models.cards import ModelCard
from models.score.sources import VOLUME_ENDINGS
from models.score.task import Ask, Scored
from models.score.tasks import tasks
from pages.shared import many_films, views
from pages.shared.many_films import Batch, Film, Named, Uploads
from pages.shared.views import Download, Figure
from pages.tasks.skull_strip import loaders
from pages.tasks.skull_strip.sidebar import VolumeCase, file_stem

PAGE = "skull_strip"
FORMATS = (
    "NIfTI (.nii, .nii.gz), MGZ or NRRD, one head each; a zip of such files, or of the DICOM files "
    "of one series. DICOM files that are not in a zip are taken for one series."
)


def files() -> Uploads:
    """The sidebar's first part: head scans, or zips of them."""
    return many_films.uploads(PAGE, "Head scans, or a zip of them", FORMATS)


def batch(card: ModelCard, files: Uploads) -> VolumeCase | None:
    """The pipeline on all heads, listed and shown; the case that was opened by a click."""
    asked = Batch(
        PAGE,
        tasks()[PAGE],
        partial(loaders.segment, card),
        card.sha256,
        lambda name: Ask(mask=True),
        keep=lambda scored: None,  # the masks are kept as files
        preview=_preview,
        images=heads,
    )
    found = many_films.films(asked, files)
    if found is None:
        return None
    head = many_films.opened(PAGE, found, "heads")
    if head is not None:
        return _case(asked, head, files)
    good = [one for one in found if not one.why]
    doubtful = sum(bool(one.row["doubt"]) for one in good)
    views.metric_strip(
        [
            Figure("Heads read", f"{len(good)} of {len(found)}"),
            Figure("Doubtful", f"{doubtful} of {len(good)}"),
        ]
    )
    orders = {
        "Doubtful first": lambda one: (not one.row["doubt"], one.name),
        "Brain volume": lambda one: -one.row["volume_ml"],
        "File name": lambda one: one.name,
    }
    shown = many_films.ordered(PAGE, found, orders)
    if shown:
        many_films.table(PAGE, shown, [columns(one) for one in shown])
    many_films.refused(found)
    if not shown:
        return None
    make = partial(_zip, found)
    views.downloads(f"{PAGE}_batch", [Download("Everything (zip)", "heads.zip", make)])
    st.caption("heads.csv, and every mask as NIfTI on the grid of its own file.")
    many_films.tiles(
        PAGE, shown, lambda one: (one.picture, f"brain {one.row['volume_ml']:,.0f} mL")
    )
    return None


def heads(files: Iterator[tuple[str, bytes]]) -> Iterator[Named]:
    """Files to heads: one a volume file, one a zip of slices, one for all loose DICOM files."""
    slices: list[tuple[str, bytes]] = []
    for name, source in files:
        kind = kind_of(source)
        if kind == "DICOM":
            slices.append((name, source))
        elif kind == "zip":
            yield from _in_zip(name, source)
        else:
            yield name, [(name, source)]
    if slices:
        yield "DICOM series", slices


def _in_zip(name: str, source: bytes) -> Iterator[Named]:
    packed = list(contents_of([(name, source)]))
    volumes = [one for one in packed if one[0].lower().endswith(VOLUME_ENDINGS)]
    if not volumes:
        yield name, [(name, source)]  # the reader takes a zip of slices, and says what is wrong
    for inner, content in volumes:
        yield inner, content if isinstance(content, ImagingError) else [(inner, content)]


def columns(head: Film) -> dict[str, Any]:
    """A head as a line of the table."""
    if head.why:
        return {"file": head.name, "problem": head.why}
    return {
        "file": head.name,
        "brain (mL)": round(head.row["volume_ml"]),
        "doubt": head.row["doubt"] or "",
    }


def _preview(scored: Scored) -> draw.Picture:
    """The axial slice that holds most of the brain, front up, the brain's outline over it."""
    assert isinstance(scored.image, Volume)
    mask = scored.detail.voxels
    level = int(mask.sum(axis=(0, 1)).argmax())
    voxels, inside = scored.image.voxels[:, :, level], mask[:, :, level] > 0
    low, high = np.percentile(scored.image.voxels, [1, 99.5])
    grey = np.clip((voxels - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
    rim = inside & ~_shrunk(inside)
    # Radiological: the patient's left on the right of the picture, front up.
    picture = draw.to_rgb(draw.windowed(np.ascontiguousarray(grey[::-1].T[::-1])))
    picture[rim[::-1].T[::-1]] = draw.PREDICTION
    i_mm, j_mm, _ = scored.image.spacing_mm
    tall = draw.scaled(picture, max(1.0, many_films.PREVIEW_PX / 2 / max(picture.shape[:2])))
    return _stretched(tall, j_mm / i_mm)


def _shrunk(inside: np.ndarray) -> np.ndarray:
    padded = np.pad(inside, 1)
    return padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:] & inside


def _stretched(picture: draw.Picture, ratio: float) -> draw.Picture:
    """A picture whose pixels are `ratio` times as high as wide, with square pixels."""
    import cv2

    height, width = picture.shape[:2]
    return np.asarray(cv2.resize(picture, (width, max(1, round(height * ratio)))))


def _case(asked: Batch, head: Film, files: Uploads) -> VolumeCase | None:
    for name, contents in many_films.contents_again(asked, files):
        if name == head.name:
            return VolumeCase(read_volume(contents), None, "Upload", name, name=file_stem(name))
    return None


def _zip(found: Sequence[Film]) -> bytes:
    """Table and masks as one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("heads.csv", exports.table([columns(head) for head in found]))
        for head in found:
            if head.mask:
                packed.writestr(f"masks/{exports.stem(head.name)}_mask.nii.gz", head.mask)
    return buffer.getvalue()
