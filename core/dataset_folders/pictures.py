"""Small pictures of a data set's images with their boxes, polygons or masks drawn on them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pandas as pd

from core.dataset_folders.dataset import Dataset
from core.dataset_folders.listing import VOLUME_ENDINGS
from core.errors import UnreadableImageError
from core.files.radiograph import read_radiograph
from core.images import Radiograph, Volume
from core.plots import draw, slices
from core.rounding import significant

SIDE_PX = 240
MASK_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115))


def read_film(dataset: Dataset, below: str) -> Radiograph:
    """A film of the data set.

    Raises:
        ImagingError: If it cannot be read.
    """
    return read_radiograph(_content(dataset, below), name=below)


def read_head(dataset: Dataset, below: str) -> Volume:
    """A head of the data set.

    Raises:
        ImagingError: If it cannot be read.
    """
    from core.files.volume import read_volume

    return read_volume([(below.rsplit("/", 1)[-1], _content(dataset, below))])


def thumbnail(dataset: Dataset, below: str) -> draw.Picture:
    """An image fitted into 240 × 240 px, with its labels drawn on it: uint8 (240, 240, 3).

    Raises:
        ImagingError: If it cannot be read.
    """
    if below.lower().endswith(VOLUME_ENDINGS):
        return _head(dataset, below)
    image = read_film(dataset, below)
    height, width = image.shape
    scale = SIDE_PX / max(height, width)
    picture = draw.scaled(draw.windowed(image.pixels), scale)
    if below in dataset.masks:
        picture = _with_mask(picture, dataset, dataset.masks[below])
    if below in dataset.outlines:
        outlines = dataset.outlines[below].in_pixels(width, height)
        picture = draw.with_boxes(
            picture, (outlines.boxes_xyxy * scale).astype(np.float32), outlines.names, dashed=True
        )
        picture = draw.with_polygons(picture, [points * scale for points in outlines.polygons])
    return draw.tile(picture, SIDE_PX, SIDE_PX)


def _with_mask(picture: draw.Picture, dataset: Dataset, mask: str) -> draw.Picture:
    labels = cv2.imdecode(np.frombuffer(_content(dataset, mask), np.uint8), cv2.IMREAD_GRAYSCALE)
    if labels is None:
        return picture
    size = (picture.shape[1], picture.shape[0])
    labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    drawn = draw.to_rgb(picture)
    for number, colour in enumerate(MASK_COLOURS, start=1):
        outline, _ = cv2.findContours(
            np.uint8(labels == number), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
        )
        cv2.drawContours(drawn, outline, -1, colour, 1, cv2.LINE_AA)
    return drawn


def _head(dataset: Dataset, below: str) -> draw.Picture:
    """The middle coronal slice, head up, with the outline of the mask."""
    from core.files.volume import read_mask

    volume = read_head(dataset, below)
    low, high = slices.display_range(volume.voxels)
    middle = volume.voxels.shape[1] // 2
    spacing = np.linalg.norm(volume.affine[:3, :3], axis=0)
    size = (volume.voxels.shape[0], round(volume.voxels.shape[2] * spacing[2] / spacing[0]))

    def upright(array: np.ndarray, how: int) -> np.ndarray:
        plane = np.ascontiguousarray(array[:, middle, :].T[::-1])
        return np.asarray(cv2.resize(plane, size, interpolation=how))

    picture = slices.grey(upright(volume.voxels, cv2.INTER_LINEAR), low, high)
    scale = SIDE_PX / max(picture.shape)
    drawn = draw.to_rgb(draw.scaled(picture, scale))
    if below in dataset.masks:
        name = dataset.masks[below]
        mask = read_mask([(name.rsplit("/", 1)[-1], _content(dataset, name))], volume)
        plane = np.uint8(upright(mask, cv2.INTER_NEAREST) > 0)
        plane = cv2.resize(plane, drawn.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        outline, _ = cv2.findContours(plane, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(drawn, outline, -1, draw.TRUTH, 1, cv2.LINE_AA)
    return draw.tile(drawn, SIDE_PX, SIDE_PX)


def _content(dataset: Dataset, below: str) -> bytes:
    try:
        return dataset.listing.path(below).read_bytes()
    except OSError as err:
        raise UnreadableImageError(f"“{below}” cannot be read ({err.strerror}).") from err


def words_of(dataset: Dataset, below: str) -> str:
    """What the tables say of an image, in one line."""
    row = dataset.rows.loc[below]
    said = [
        f"{column}: {_said(value)}"
        for column, value in row.items()
        if value is not False and value not in ("", "not said") and not pd.isna(value)
    ]
    return " · ".join(said)


def _said(value: Any) -> str:
    if value is True or not isinstance(value, int | float | np.number):
        return "yes" if value is True else str(value)
    # A whole number may be a name: it stays as it is.
    return f"{value:.0f}" if float(value).is_integer() else significant(float(value))
