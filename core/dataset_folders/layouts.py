"""Which of the known data sets a folder is."""

from __future__ import annotations

from pathlib import Path

from core.dataset_folders import bone_age, brain, chest, fracture
from core.dataset_folders.dataset import Dataset
from core.dataset_folders.listing import Listing
from core.errors import UnsuitableInputError

KNOWN = (
    "FracAtlas (dataset.csv with images/ and Annotations/, or images.csv with boxes.csv), "
    "RSNA bone age (a table with id, boneage and male beside PNG files, or bone_age.csv), "
    "NIH ChestX-ray14 (Data_Entry_2017.csv, or labels.csv), "
    "NFBS (sub-*_T1w.nii.gz with _brainmask, or brain.csv)"
)


def open_dataset(folder: Path) -> Dataset:
    """Recognise a folder and read its tables; no image is opened.

    Raises:
        UnsuitableInputError: If there is no such folder, it has no known layout, or a table
            lacks a column.
    """
    listing = Listing(folder)
    if "dataset.csv" in listing:
        found = fracture.read_published(listing)
    elif "images.csv" in listing:
        found = fracture.read_extract(listing)
    elif "bone_age.csv" in listing:
        found = bone_age.read_extract(listing)
    elif "labels.csv" in listing:
        found = chest.read_extract(listing)
    elif chest.published_table(listing):
        found = chest.read_published(listing)
    elif "brain.csv" in listing:
        found = brain.read_extract(listing)
    elif brain.nfbs_heads(listing):
        found = brain.read_nfbs(listing)
    elif bone_age.published_tables(listing):
        found = bone_age.read_published(listing)
    else:
        raise UnsuitableInputError(
            f"“{folder.name}” has no layout that Lightbox knows. Expected one of: {KNOWN}."
        )
    if found.rows.empty:
        raise UnsuitableInputError(
            f"“{folder.name}” looks like {found.layout}, but none of the images that its tables "
            "name is there."
        )
    return found
