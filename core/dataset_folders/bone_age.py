"""Hand radiographs with bone age and sex: the RSNA challenge as published, and the extract.

Halabi et al., Radiology 2018;290(2):498-503.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import numpy as np

from core.dataset_folders.dataset import Dataset, Outlines, Rows, is_set, number, table
from core.dataset_folders.listing import Listing

ID_COLUMNS = ("id", "Image ID", "Case ID")
AGE_COLUMNS = ("boneage", "Bone Age (months)", "Bone Age")
REGIONS = "roi_boxes.json"


def published_tables(listing: Listing) -> list[str]:
    """The tables of the challenge below a folder: their first line names an id and a sex."""
    found = []
    for name in listing.below("", (".csv",)):
        with listing.path(name).open(encoding="utf-8-sig", errors="replace") as handle:
            columns = {column.strip() for column in handle.readline().split(",")}
        if columns & set(ID_COLUMNS) and columns & {"male", "Sex"}:
            found.append(name)
    return found


def read_published(listing: Listing) -> Dataset:
    """The challenge's tables beside folders of `<id>.png`."""
    rows, where = Rows(listing), listing.by_name()
    tables = published_tables(listing)
    for name in tables:
        split = next((word for word in ("train", "valid", "test") if word in name.lower()), "")
        for row in table(listing, name):
            written = _first(row, ID_COLUMNS)
            below = where.get(f"{written}.png")
            sex = "boy" if is_set(row.get("male") or row.get("Sex")) else "girl"
            rows.add(below, written, _labels(_first(row, AGE_COLUMNS), sex, split, ""))
    rows.without_row(listing.below(""))
    return Dataset(
        "RSNA bone age challenge",
        "bone_age",
        listing,
        rows.frame(),
        problems=rows.problems(),
        tables=tuple(tables),
    )


def read_extract(listing: Listing) -> Dataset:
    """`bone_age.csv` (file, age_months, sex, split) beside `images/`; boxes around the joints from
    `roi_boxes.json` where it is there."""
    rows = Rows(listing)
    for row in table(listing, "bone_age.csv", ("file", "age_months")):
        sex = {"F": "girl", "M": "boy"}.get(row.get("sex", ""), "not said")
        labels = _labels(row["age_months"], sex, row.get("split", ""), row.get("patient_id", ""))
        rows.add(f"images/{row['file']}", row["file"], labels)
    rows.without_row(listing.below("images"))
    regions = dict(_regions(listing)) if REGIONS in listing else {}
    return Dataset(
        "RSNA bone age extract",
        "bone_age",
        listing,
        rows.frame(),
        {below: one for below, one in regions.items() if below in rows.rows},
        problems=rows.problems(),
        tables=("bone_age.csv",),
    )


def _regions(listing: Listing) -> Iterator[tuple[str, Outlines]]:
    """Boxes around joints and wrist: {file: {"boxes": [[name, x0, y0, x1, y1], …]}}."""
    try:
        content = json.loads(listing.path(REGIONS).read_bytes())
        for file, found in content.items():
            boxes = np.array([row[1:5] for row in found["boxes"]], float).reshape(-1, 4)
            yield f"images/{file}", Outlines(boxes)
    except (OSError, ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return  # another JSON than the extract's


def _labels(months: str, sex: str, split: str, patient: str) -> dict[str, object]:
    return {"age (months)": number(months), "sex": sex, "split": split, "patient": patient}


def _first(row: Mapping[str, str], columns: tuple[str, ...]) -> str:
    return next((row[column] for column in columns if row.get(column)), "")
