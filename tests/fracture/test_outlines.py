"""A fracture that the truth outlines: drawn as an outline, and sent to the lab as one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.dataset_folders.layouts import open_dataset
from core.files import write
from core.files.radiograph import read_radiograph
from core.files.write import overlay
from core.plots.draw import TRUTH, Picture, with_polygons
from pages.shared.inputs import Case
from pages.tasks.augmentation import subjects
from pages.tasks.fracture import views
from tests.fracture.stand_in import BOX, FILM, opened, with_upload

X0, Y0, X1, Y1 = BOX
CORNERS = [[X0, Y0], [X1, Y0], [X1, Y1]]
COCO = {
    "images": [{"id": 1, "file_name": "film.png", "width": 64, "height": 48}],
    "annotations": [{"image_id": 1, "segmentation": [[v for corner in CORNERS for v in corner]]}],
}
SHAPE = {
    "name": "polygon",
    "all_points_x": [x for x, _ in CORNERS],
    "all_points_y": [y for _, y in CORNERS],
}
VGG = {"film.png1": {"filename": "film.png", "regions": [{"shape_attributes": SHAPE}]}}


@pytest.mark.parametrize("content", [COCO, VGG], ids=["coco", "vgg"])
def test_page_draws_the_outline_of_a_label_file(
    content: dict[str, object], calls: Counter[str]
) -> None:
    app = with_upload(FILM, truth=("labels.json", json.dumps(content).encode(), "text/plain"))
    assert not app.error and app.metrics["Misses"] == "0"
    lines = [
        line
        for chart in app.get("plotly_chart")
        for line in json.loads(chart.proto.spec)["data"]
        if "outline" in line.get("name", "")
    ]
    assert lines
    assert [list(corner) for corner in zip(lines[0]["x"], lines[0]["y"], strict=True)] == [
        *CORNERS,
        CORNERS[0],
    ]


@pytest.fixture
def outlined(monkeypatch: pytest.MonkeyPatch) -> list[list[list[float]]]:
    """Corners of every outline that is drawn on a picture, in pixels of the film."""
    drawn: list[list[list[float]]] = []

    def noted(picture: Picture, polygons: Sequence[NDArray[np.float64]]) -> Picture:
        drawn.extend((points / (picture.shape[1] / 64)).tolist() for points in polygons)
        return with_polygons(picture, polygons)

    monkeypatch.setattr(write, "with_polygons", noted)
    return drawn


YOLO = " ".join(str(v) for x, y in CORNERS for v in (x / 64, y / 48))


@pytest.mark.parametrize(
    "labels",
    [
        ("labels.json", json.dumps(COCO).encode(), "text/plain"),
        ("labels.json", json.dumps(VGG).encode(), "text/plain"),
        ("film.txt", f"0 {YOLO}\n".encode(), "text/plain"),
    ],
    ids=["coco", "vgg", "yolo"],
)
def test_tiles_of_many_films_have_the_outline(
    labels: tuple[str, bytes, str], calls: Counter[str], outlined: list[list[list[float]]]
) -> None:
    app = opened()
    app.button_group(key="fracture_mode").set_value("Many radiographs").run()
    app.file_uploader(key="fracture_batch").set_value([FILM]).run()
    assert not outlined
    app.file_uploader(key="fracture_batch_truth").set_value([labels]).run()
    assert not app.error
    np.testing.assert_allclose(outlined, [CORNERS], atol=0.5)


def test_films_made_worse_have_the_outline(
    calls: Counter[str], outlined: list[list[list[float]]]
) -> None:
    app = with_upload(FILM, truth=("labels.json", json.dumps(COCO).encode(), "text/plain"))
    outlined.clear()
    app.more("Robustness")
    np.testing.assert_allclose(outlined, [CORNERS] * 3, atol=0.5)


def test_data_set_of_yolo_outlines_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "images" / "Fractured").mkdir(parents=True)
    (tmp_path / "images" / "Fractured" / "film.png").write_bytes(FILM[1])
    (tmp_path / "Annotations" / "YOLO").mkdir(parents=True)
    (tmp_path / "Annotations" / "YOLO" / "film.txt").write_text(f"0 {YOLO}\n")
    (tmp_path / "dataset.csv").write_text("image_id,fractured\nfilm.png,1\n")
    (drawn,) = open_dataset(tmp_path).outlines.values()
    np.testing.assert_allclose(drawn.in_pixels(64, 48).polygons[0], CORNERS, atol=1e-3)


def test_lab_and_picture_have_the_outline_and_not_its_box() -> None:
    film = read_radiograph(FILM[1], name="film.png")
    case = Case(film, {"boxes_xyxy": [BOX], "polygons": [CORNERS]})
    mask = subjects._limb_of(case).labels.masks["fracture"]
    assert mask[int(Y0) + 2, int(X1) - 2] and not mask[int(Y1) - 2, int(X0) + 2]
    assert subjects._limb_of(Case(film, {"boxes_xyxy": [BOX]})).labels.masks == {}
    black = np.zeros((96, 128), np.uint8)
    found = views.exports.Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    drawn = overlay(black, found, None, views.true_polygons(case), factor=2.0)
    middle = int(X0 + X1), int(Y0 + Y1)  # of the slanted side, at twice the size
    assert abs(int(drawn[middle[1], middle[0], 0]) - TRUTH[0]) < 80
    assert not drawn[int(2 * Y1) - 6, int(2 * X0) + 6].any()
