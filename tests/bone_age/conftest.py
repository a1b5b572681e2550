"""Fixtures of the bone-age tests."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.bone_age.films import film
from tests.bone_age.stand_in import network as network


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set of simple films."""
    (tmp_path / "images").mkdir()
    rows = []
    for number, (months, sex) in enumerate([(60, "F"), (120, "M"), (180, "")]):
        name = f"{number}.png"
        cv2.imwrite(str(tmp_path / "images" / name), (255 * film().pixels).astype(np.uint8))
        rows.append({"file": name, "age_months": months, "sex": sex, "split": "test"})
    rows.append({"file": "missing.png", "age_months": 127, "sex": "M", "split": "test"})
    with (tmp_path / "bone_age.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path
