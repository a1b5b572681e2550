"""Many limbs at once, and the teaching set, with models whose answers are known."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from dataclasses import replace

import numpy as np

from core.phantoms.limb.phantom import LimbPhantom, limb_phantom
from pages.tasks.fracture import sidebar as fracture_inputs
from tests.files.radiograph_files import raster
from tests.fracture.stand_in import BROKEN, FILM, opened, threshold


def test_batch_goes_on_past_a_broken_file_and_opens_a_film(calls: Counter[str]) -> None:
    app = opened()
    app.button_group(key="fracture_mode").set_value("Many radiographs").run()
    assert "python -m models.score fracture" in app.code[0].value
    other = ("other.png", raster(pixels=np.fliplr(np.eye(64, dtype=np.uint8) * 200)), "image/png")
    labels = ("film.txt", b"0 0.5 0.5 0.2 0.2\n", "text/plain")
    app.file_uploader(key="fracture_batch").set_value([FILM, BROKEN, other]).run()
    app.file_uploader(key="fracture_batch_truth").set_value([labels]).run()
    assert app.metrics["Films read"] == "2 of 3"
    assert app.words.count("broken.png") == 1  # a broken file is said once
    table = app.dataframe[0].value.set_index("file")
    assert sorted(table.index) == ["film.png", "other.png"]
    assert table.loc["film.png", "boxes"] == 2
    assert app.metrics["Film sensitivity"] == "1 of 1"
    assert "Free-response ROC" in app.words
    done = calls["detector"]
    app.slider(key=threshold(app)).set_value(0.5).run()
    assert app.dataframe[0].value.set_index("file").loc["film.png", "boxes"] == 1
    assert calls["detector"] == done
    tile = next(button for button in app.button if button.label == "film.png")
    tile.click().run()
    assert app.metrics["Boxes"] == "1"
    assert "Films read" not in app.metrics
    app.button(key="fracture_next").click().run()
    assert "other.png** (2 of 2)" in app.words
    app.button(key="fracture_back").click().run()
    assert app.metrics["Films read"] == "2 of 3"


def test_batch_that_is_too_large_is_pointed_to_the_command(calls: Counter[str]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(401):
            archive.writestr(f"{number}.png", b"")
    app = opened()
    app.button_group(key="fracture_mode").set_value("Many radiographs").run()
    app.file_uploader(key="fracture_batch").set_value([("all.zip", packed.getvalue(), "")]).run()
    assert "401 films" in app.error[0].value
    assert "python -m models.score fracture" in app.error[0].value


def test_teaching_set_sorts_films_and_opens_one(calls: Counter[str]) -> None:
    app = opened()
    app.session_state["fracture_lessons"] = 8
    app.button_group(key="fracture_mode").set_value("Teaching set").run()
    assert app.metrics == {}
    piles = dict(
        option.removesuffix(")").split(" (")
        for option in app.button_group(key="fracture_pile").options
    )
    assert sum(int(count) for count in piles.values()) >= 8
    assert int(piles["miss"]) >= 4
    app.button(key="fracture_open_0").click().run()
    assert app.button_group(key="fracture_mode").value == "One radiograph"
    assert app.number_input(key="fracture_seed").value == 900
    assert app.metrics["Misses"] != "0"


def test_sidebar_remakes_the_teaching_phantoms() -> None:
    """What the teaching set shows must be what the sidebar draws when it is opened."""
    for seed in (900, 907):
        parameters = fracture_inputs.teaching_phantom(seed)
        image, boxes = limb_phantom(parameters)
        assert (len(boxes) > 0) == (seed % 2 == 0)
        assert image.digest == limb_phantom(replace(parameters))[0].digest
        assert parameters == LimbPhantom(
            seed=seed,
            kind=parameters.kind,
            fracture=parameters.fracture,
            bone_density=parameters.bone_density,
            joint_degeneration=parameters.joint_degeneration,
            hung=True,
        )
