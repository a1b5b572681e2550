"""Many chest films at once, with networks whose answers are known."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.chest import ctr, heart_size
from core.chest import report as chest_report
from core.chest.plots import FindingRow
from core.chest.result import Findings
from core.film_kind import FilmKind
from core.images import Radiograph
from models.film_kind import recognise
from models.score.chest import ChestReading
from models.score.tasks import tasks
from pages.shared.many_films import Batch, Film
from pages.tasks.chest import many_films
from tests.chest.stand_in import (
    BROKEN,
    FILM,
    in_a_thread,
    kind_of,
    masks_of,
    opened,
    seen_as,
)
from tests.files.radiograph_files import raster


def test_batch_goes_on_past_a_broken_and_a_foreign_film(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = raster(pixels=np.tile(np.arange(64, dtype=np.uint8), (64, 1)))

    def seen(model: Any, image: Radiograph) -> FilmKind:
        return kind_of("limb") if image.shape == (64, 64) else kind_of()

    monkeypatch.setattr(recognise, "recognise", seen)
    app = opened()
    app.button_group(key="chest_mode").set_value("Many radiographs").run()
    assert "python -m models.score chest" in app.code[0].value
    files = [FILM, BROKEN, ("foot.png", foreign, "image/png")]
    app.file_uploader(key="chest_batch").set_value(files).run()
    assert app.metrics["Films read"] == "1 of 3"
    table = app.dataframe[0].value.set_index("file")
    assert table.loc["film.png", "CTR"] == 0.5
    assert table.loc["film.png", "heart"] == "not enlarged"
    assert "Small film (64 × 48 px)" in table.loc["film.png", "note"]
    assert "another part of the limbs" in app.words
    app.button_group(key="chest_batch_view").set_value("AP").run()
    assert app.dataframe[0].value.set_index("file").loc["film.png", "heart"] == "not judged"
    before = dict(calls)
    app.slider(key="chest_level").set_value(20).run()
    assert calls == before
    app.button(key="chest_tile_0").click().run()
    assert app.metrics["Findings"] == "2 of 3"
    assert "heart not judged: an AP film" in app.words  # as in the batch


def test_batch_turns_films_unless_it_is_told_not_to(
    calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_as(monkeypatch, kind_of(orientation="turned left"))
    app = opened()
    app.button_group(key="chest_mode").set_value("Many radiographs").run()
    app.file_uploader(key="chest_batch").set_value([FILM]).run()
    assert app.metrics["Put right"] == "1"
    app.toggle(key="chest_batch_right").set_value(False).run()
    assert app.metrics["Films read"] == "0 of 1"


def test_zip_of_a_batch_holds_table_masks_and_films(calls: Counter[str]) -> None:
    display = SimpleNamespace(level=0.5, width=1.0, invert=False)
    findings = Findings({"Effusion": 0.5}, {"Effusion": 0.1}, "stand-in", 128)
    outlines = masks_of((48, 64))
    heart = heart_size.judge(ctr.measure(outlines), outlines)
    reading = ChestReading(findings, {}, heart, "", (), None)
    good = Film("film.png", kept=reading, mask=chest_report.label_map(outlines))
    found = [good, Film("broken.png", "It is broken.")]
    added = SimpleNamespace(name=FILM[0], file_id="1", getvalue=lambda: FILM[1])
    batch = Batch("chest", tasks()["chest"], None, None)
    settings = SimpleNamespace(display=display, outlines=True)
    rows = {"film.png": (FindingRow("Effusion", 0.5, 0.1),)}
    packed = in_a_thread(
        lambda: many_films._zip(batch, found, rows, [added], settings)  # type: ignore[arg-type]
    )
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = ["films.csv", "masks/film.png.png", "overlays/film.png.png"]
        assert archive.namelist() == names
        lines = archive.read("films.csv").decode().splitlines()
        assert lines[1].startswith("film.png,0.5,not enlarged,Effusion,")
        assert "It is broken." in lines[2]
