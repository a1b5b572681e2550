"""What each bone-age model says of each film, in months."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from core.bone_age.cases import read_bone_age_cases
from models.bone_age.evaluate import age_cards, evaluate

DATA_SET = "RSNA bone age (part)"


def tables(data: Path, split: str) -> dict[str, pd.DataFrame]:
    """A row a film: file, sex, the readers' months, and a column a model."""
    _, rows = evaluate(read_bone_age_cases(data, split), age_cards())
    return {"": pd.DataFrame(rows).drop(columns="split")}
