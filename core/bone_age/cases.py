"""Hand radiographs with known bone age on disk, in the layout of the RSNA extract."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.datasets import read_rows
from core.errors import UnsuitableInputError


@dataclass(frozen=True)
class BoneAgeCase:
    """One radiograph and what is known of it.

    Attributes:
        file: Name within the data set; the only thing ever written to a report.
        path: Where the image lies.
        split: "train", "val" or "test".
        months: The experts' bone age.
        sex: "F", "M", or None where the table does not say.
    """

    file: str
    path: Path
    split: str
    months: float
    sex: str | None


def read_bone_age_cases(folder: Path, split: str | None = None) -> list[BoneAgeCase]:
    """List the cases of `folder`: `bone_age.csv` (file, age_months, sex, split) and `images/`.

    Raises:
        UnsuitableInputError: If the table or a column is missing, or the split has no case.
    """
    rows = read_rows(folder / "bone_age.csv", ("file", "age_months", "split"))
    cases = [
        BoneAgeCase(
            file=row["file"],
            path=folder / "images" / row["file"],
            split=row["split"],
            months=float(row["age_months"]),
            sex=row.get("sex") if row.get("sex") in ("F", "M") else None,
        )
        for row in rows
        if split is None or row["split"] == split
    ]
    if not cases:
        raise UnsuitableInputError(f"No case in the split “{split}” of {folder.name}.")
    return cases
