"""A fracture that the truth outlines: drawn as an outline, and sent to the lab as one."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from core.files.radiograph import read_radiograph
from core.files.write import overlay
from core.plots.draw import TRUTH
from pages.shared.inputs import Case
from pages.tasks.augmentation import subjects
from pages.tasks.fracture import views
from tests.fracture.test_page import BOX, FILM, calls, with_upload

__all__ = ["calls"]  # a fixture

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
