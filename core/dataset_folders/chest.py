"""Chest radiographs with findings: ChestX-ray14 as published, and the extract with its masks.

Wang et al., CVPR 2017.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np

from core.dataset_folders.dataset import SEVERAL, Dataset, Outlines, Rows, number, table
from core.dataset_folders.listing import Listing

NAME, FINDINGS = "Image Index", "Finding Labels"
NOT_FINDINGS = re.compile(r"file|source|original_id|patient|view|age|sex|split|.*px|No_Finding")
SEX = {"F": "female", "M": "male"}


def published_table(listing: Listing) -> str | None:
    """The `Data_Entry_2017` table (any version of it), if the folder has one."""
    tables = listing.below("", (".csv",))
    return next((t for t in tables if PurePosixPath(t).name.startswith("Data_Entry")), None)


def read_published(listing: Listing) -> Dataset:
    """ChestX-ray14: `Data_Entry_*.csv`, images in any folder, `BBox_List_2017.csv`, split lists."""
    rows, where = Rows(listing), listing.by_name()
    main = published_table(listing) or ""
    splits = dict(_splits(listing))
    for row in table(listing, main, (NAME, FINDINGS)):
        found = [word for word in row[FINDINGS].split("|") if word and word != "No Finding"]
        labels = {
            "findings": SEVERAL.join(sorted(found)),
            "view": row.get("View Position") or "not said",
            "age (years)": number(row.get("Patient Age", "").rstrip("Y")),
            "sex": SEX.get(row.get("Patient Gender") or row.get("Patient Sex") or "", "not said"),
            "patient": row.get("Patient ID", ""),
            "split": splits.get(row[NAME], ""),
        }
        rows.add(where.get(row[NAME]), row[NAME], labels)
    rows.without_row(listing.below(""))
    tables, outlines = [main], {}
    for name in listing.below("", (".csv",)):
        if PurePosixPath(name).name.startswith("BBox_List"):
            tables.append(name)
            outlines = dict(_published_boxes(listing, name, where))
    return Dataset(
        "NIH ChestX-ray14",
        "chest",
        listing,
        rows.frame(),
        outlines,
        problems=rows.problems(),
        tables=tuple(tables),
    )


def read_extract(listing: Listing) -> Dataset:
    """`labels.csv` with films, and where they are there `heart_lung_masks.csv` and boxes."""
    rows, masks = Rows(listing), {}
    tables = ["labels.csv"]
    for row in table(listing, "labels.csv", ("file", "split")):
        found = [name for name in row if row[name] == "1" and not NOT_FINDINGS.fullmatch(name)]
        found = [name for name in found if not name.startswith("google")]
        labels = {
            "findings": SEVERAL.join(sorted(name.replace("_", " ") for name in found)),
            "view": row.get("view") or "not said",
            "age (years)": number(row.get("age")),
            "sex": SEX.get(row.get("sex", ""), "not said"),
            "patient": row.get("patient", ""),
            "split": row["split"],
            "cardiothoracic ratio": float("nan"),
        }
        rows.add(row["file"], row["file"], labels)
    if "heart_lung_masks.csv" in listing:
        tables.append("heart_lung_masks.csv")
        for row in table(listing, "heart_lung_masks.csv", ("file", "mask", "split")):
            labels = {
                "findings": "Cardiomegaly" if number(row.get("ctr_from_mask")) > 0.5 else "",
                "view": row.get("view") or "not said",
                "age (years)": float("nan"),
                "sex": "not said",
                "patient": row.get("patient", ""),
                "split": row["split"],
                "cardiothoracic ratio": number(row.get("ctr_from_mask")),
            }
            rows.add(row["file"], row["file"], labels)
            if row["mask"] in listing:
                masks[row["file"]] = row["mask"]
            else:
                rows.complain("mask missing", row["file"])
    named = set(masks.values())
    rows.without_row([name for name in listing.below("") if name not in named])
    outlines = {}
    if "bbox_nih_fraction.csv" in listing:
        tables.append("bbox_nih_fraction.csv")
        outlines = dict(_fraction_boxes(listing, set(rows.rows)))
    return Dataset(
        "ChestX-ray14 extract with heart and lung masks",
        "chest",
        listing,
        rows.frame(),
        outlines,
        masks,
        rows.problems(),
        tuple(tables),
    )


def _splits(listing: Listing) -> Iterator[tuple[str, str]]:
    for name, split in (("train_val_list.txt", "train"), ("test_list.txt", "test")):
        if name in listing:
            text = listing.path(name).read_text(encoding="utf-8", errors="replace")
            yield from ((line.strip(), split) for line in text.splitlines())


def _published_boxes(
    listing: Listing, name: str, where: dict[str, str]
) -> Iterator[tuple[str, Outlines]]:
    """x, y, width and height in pixels of the 1,024-px originals."""
    boxes: dict[str, list[list[float]]] = {}
    names: dict[str, list[str]] = {}
    for row in table(listing, name, (NAME, "Finding Label")):
        below = where.get(row[NAME])
        values = [number(re.sub(r"[^\d.]", "", value)) for value in list(row.values())[2:6]]
        if below is not None and len(values) == 4:
            x, y, w, h = values
            boxes.setdefault(below, []).append([x, y, x + w, y + h])
            names.setdefault(below, []).append(row["Finding Label"])
    for below, found in boxes.items():
        yield below, Outlines(np.asarray(found, float), names=tuple(names[below]))


def _fraction_boxes(listing: Listing, films: set[str]) -> Iterator[tuple[str, Outlines]]:
    boxes: dict[str, list[list[float]]] = {}
    names: dict[str, list[str]] = {}
    for row in table(listing, "bbox_nih_fraction.csv", ("file", "finding", "x", "y", "w", "h")):
        if row["file"] in films:
            x, y, w, h = (number(row[key]) for key in "xywh")
            boxes.setdefault(row["file"], []).append([x, y, x + w, y + h])
            names.setdefault(row["file"], []).append(row["finding"])
    for below, found in boxes.items():
        yield below, Outlines(np.asarray(found, float), names=tuple(names[below]), fractions=True)
