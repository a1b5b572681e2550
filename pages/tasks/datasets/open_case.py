"""An image of a data set, opened on its model's page with what its tables say of it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from core.dataset_folders import pictures
from core.dataset_folders.dataset import SEVERAL, Dataset, Outlines
from core.images import Radiograph
from pages.shared.inputs import Case
from pages.shared.opened import OPENED, open_on_page
from pages.tasks.skull_strip.sidebar import VolumeCase

SEX = {"girl": "F", "boy": "M", "female": "F", "male": "M"}


def go(dataset: Dataset, below: str) -> None:
    """Open an image on its task's page.

    Raises:
        ImagingError: If it cannot be read.
    """
    case = head(dataset, below) if dataset.task == "skull_strip" else film(dataset, below)
    open_on_page(dataset.task, case)


def film(dataset: Dataset, below: str) -> Case:
    """A film with its truth, keyed as its task's page keys it."""
    image = pictures.read_film(dataset, below)
    words = f"{PurePosixPath(below).name}, {dataset.layout}"
    return Case(image, _truth(dataset, below, image), OPENED, words)


def _truth(dataset: Dataset, below: str, image: Radiograph) -> dict[str, Any]:
    row = dataset.rows.loc[below]
    height, width = image.shape
    if dataset.task == "fracture":
        drawn = dataset.outlines.get(below, Outlines()).in_pixels(width, height)
        polygons = [points.tolist() for points in drawn.polygons]
        boxes = drawn.boxes_xyxy.tolist()
        return {"boxes_xyxy": boxes, "polygons": polygons, "width": width, "height": height}
    truth: dict[str, Any] = {}
    if str(row["sex"]) in SEX:
        truth["sex"] = SEX[str(row["sex"])]
    if dataset.task == "bone_age":
        if not pd.isna(row["age (months)"]):
            truth["age_months"] = float(row["age (months)"])
        return truth
    truth["findings"] = [name for name in str(row["findings"]).split(SEVERAL) if name]
    if row["view"] != "not said":
        truth["view"] = str(row["view"])
    if not pd.isna(row["age (years)"]):
        truth["age"] = int(row["age (years)"])
    return truth


def head(dataset: Dataset, below: str) -> VolumeCase:
    """A head with its mask, where the data set has one."""
    from core.files.volume import read_mask

    volume = pictures.read_head(dataset, below)
    mask = None
    if below in dataset.masks:
        name = dataset.masks[below]
        mask = read_mask([(name, dataset.listing.path(name).read_bytes())], volume)
    words = f"{PurePosixPath(below).name}, {dataset.layout}"
    return VolumeCase(
        volume, mask, OPENED, words, "the data set’s mask" if mask is not None else ""
    )
