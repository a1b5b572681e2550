"""Many hands at once with their table of children, and networks whose answers are known."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from core.bone_age.patient_table import read_children
from pages.shared import input_check
from tests.bone_age.stand_in import BROKEN, FILM, FOOT, Networks, opened
from tests.files.radiograph_files import raster


def test_batch_goes_on_past_broken_and_refused_files(
    network: Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("film.png", FILM[1])
    other = ("foot.png", raster(pixels=np.eye(40, 50, dtype=np.uint8) * 200), "image/png")
    monkeypatch.setattr(
        input_check,
        "problem",
        lambda image, wanted: (FOOT if image.shape == (40, 50) else "", None),
    )
    table = (
        "t.csv",
        b"file,sex,chronological_months,known_months,ward\nfilm.png,boy,96,110,3\n",
        "text/csv",
    )
    app = opened()
    app.button_group(key="bone_age_mode").set_value("Many radiographs").run()
    assert "python -m models.score bone_age" in app.code[0].value
    app.file_uploader(key="bone_age_children").set_value([table]).run()
    app.file_uploader(key="bone_age_batch").set_value(
        [("all.zip", packed.getvalue(), "application/zip"), BROKEN, other]
    ).run()
    app.until(lambda page: "Films answered" in page.metrics)
    assert app.metrics["Films answered"] == "1 of 3"
    assert "not used: ward" in app.words
    assert app.metrics["Mean absolute error"] == "4.0 months"
    row = app.dataframe[0].value.iloc[0]
    assert row["bone age months"] == 106 and row["error months"] == -4
    assert row["difference months"] == 10
    assert app.words.count(FOOT) == 1
    app.button(key="bone_age_tile_0").click().run()
    assert "all.zip/film.png** (1 of 1)" in app.words
    assert "Films answered" not in app.metrics


@pytest.mark.parametrize(
    "source",
    [
        b"\xff\xfe\x00",
        b"name,sex\na,F\n",
        b"file,known_months\na.png,ten\n",
        b"file,sex\na.png,x\n",
        b"",
    ],
)
def test_unfit_patient_table_is_a_sentence(source: bytes) -> None:
    with pytest.raises(Exception, match=r"patient table.*\.$"):
        read_children(source)
