"""T1 heads with brain masks: NFBS as published, and the extract's table.

Puccio et al., GigaScience 2016;5:45.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from core.dataset_folders.dataset import Dataset, Rows, table
from core.dataset_folders.listing import VOLUME_ENDINGS, Listing

HEAD = re.compile(r"(sub-[A-Za-z0-9]+)(_[^/]*)?_T1w\.nii(\.gz)?")
LABELS = ("source", "split", "patient")


def nfbs_heads(listing: Listing) -> list[str]:
    """The `sub-*_T1w.nii[.gz]` heads below a folder."""
    return [
        name
        for name in listing.below("", VOLUME_ENDINGS)
        if HEAD.fullmatch(PurePosixPath(name).name)
    ]


def read_nfbs(listing: Listing) -> Dataset:
    """`sub-*_T1w`, `sub-*_T1w_brain` and `sub-*_T1w_brainmask`, in any folder."""
    rows, masks = Rows(listing), {}
    for name in nfbs_heads(listing):
        match = HEAD.fullmatch(PurePosixPath(name).name)
        patient = match.group(1) if match else ""
        rows.add(name, name, {"source": "NFBS", "split": "", "patient": patient})
        stem, ending = re.split(r"(?=\.nii)", name, maxsplit=1)
        mask = f"{stem}_brainmask{ending}"
        if mask in listing:
            masks[name] = mask
        else:
            rows.complain("mask missing", name)
    return Dataset("NFBS", "skull_strip", listing, rows.frame(), {}, masks, rows.problems(), ())


def read_extract(listing: Listing) -> Dataset:
    """`brain.csv` with the heads and masks that it names."""
    rows, masks = Rows(listing), {}
    named = set()
    for row in table(listing, "brain.csv", ("file", "mask")):
        labels = {
            "source": row.get("source", ""),
            "split": row.get("split", ""),
            "patient": row.get("subject", ""),
        }
        rows.add(row["file"], row["file"], labels)
        named |= {row["mask"], row.get("mask2", "")}
        if row["mask"] in listing:
            masks[row["file"]] = row["mask"]
        else:
            rows.complain("mask missing", row["file"])
    heads = [name for name in listing.below("", VOLUME_ENDINGS) if name not in named]
    rows.without_row(heads)
    return Dataset(
        "T1 heads with brain masks",
        "skull_strip",
        listing,
        rows.frame(),
        {},
        masks,
        rows.problems(),
        ("brain.csv",),
    )
