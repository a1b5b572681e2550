"""Outlines of label files: read as outlines, drawn as outlines, moved along as outlines."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.augment.labels import inside
from core.errors import UnreadableImageError, UnsuitableInputError
from core.files.box_labels import read_boxes, read_drawn
from core.plots import box_layers, draw, viewer

SHAPE = (48, 64)  # height, width
CORNERS = [[16.0, 12.0], [32.0, 14.0], [28.0, 24.0]]
AROUND = [[16.0, 12.0, 32.0, 24.0]]
FLAT = [value for corner in CORNERS for value in corner]


def coco(scale: float = 1.0, **annotation: object) -> bytes:
    image = {"id": 7, "file_name": "film.png", "width": 64 * scale, "height": 48 * scale}
    drawn = [value * scale for value in FLAT]
    one = {"image_id": 7, "segmentation": [drawn], **annotation}
    return json.dumps({"images": [image], "annotations": [one]}).encode()


def vgg(*shapes: dict[str, object], project: bool = False, listed: bool = True) -> bytes:
    regions = [{"shape_attributes": shape, "region_attributes": {}} for shape in shapes]
    own = regions if listed else {str(n): one for n, one in enumerate(regions)}
    images = {
        "film.png123": {"filename": "film.png", "size": 123, "regions": own},
        "other.png9": {"filename": "other.png", "size": 9, "regions": []},
    }
    return json.dumps({"_via_img_metadata": images} if project else images).encode()


POLYGON = {
    "name": "polygon",
    "all_points_x": [x for x, _ in CORNERS],
    "all_points_y": [y for _, y in CORNERS],
}


def read(source: bytes, image: str | None = "film.png"):
    return read_drawn(source, "labels.json", image_name=image, shape=SHAPE)


@pytest.mark.parametrize(
    "source",
    [
        coco(),
        coco(2.0),  # drawn on an image of twice the size
        vgg(POLYGON),
        vgg(POLYGON, project=True),
        vgg(POLYGON, {"name": "point", "cx": 5, "cy": 5}, listed=False),
        vgg({**POLYGON, "name": "polyline"}),
    ],
    ids=["coco", "coco scaled", "vgg", "vgg project", "vgg table", "vgg line"],
)
def test_outline_lies_where_the_file_says(source: bytes) -> None:
    found = read(source)
    assert len(found.polygons) == 1
    np.testing.assert_allclose(found.polygons[0], CORNERS)
    np.testing.assert_allclose(found.boxes_xyxy, AROUND)
    boxes = read_boxes(source, "labels.json", image_name="film.png", shape=SHAPE)
    np.testing.assert_allclose(boxes, AROUND)


def test_yolo_outline_is_one_and_a_box_is_none() -> None:
    text = "0 0.25 0.25 0.5 0.25 0.4375 0.5\n0 0.5 0.5 0.1 0.1\n"
    found = read_drawn(text.encode(), "film.txt", image_name="film.png", shape=SHAPE)
    assert len(found.boxes_xyxy) == 2 and len(found.polygons) == 1
    np.testing.assert_allclose(found.polygons[0], [[16, 12], [32, 12], [28, 24]])


def test_object_of_two_parts_is_one_box() -> None:
    found = read(coco(segmentation=[FLAT, [20, 15, 24, 15, 22, 18]]))
    assert len(found.boxes_xyxy) == 1 and len(found.polygons) == 2


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ({"name": "rect", "x": 10, "y": 20, "width": 6, "height": 4}, [10, 20, 16, 24]),
        ({"name": "circle", "cx": 20, "cy": 24, "r": 5}, [15, 19, 25, 29]),
        ({"name": "ellipse", "cx": 20, "cy": 24, "rx": 8, "ry": 3}, [12, 21, 28, 27]),
    ],
)
def test_other_shapes_of_the_annotator(shape: dict[str, object], box: list[float]) -> None:
    np.testing.assert_allclose(read(vgg(shape)).boxes_xyxy, [box], atol=0.01)


def test_film_without_regions_is_normal_and_another_s_are_not_its() -> None:
    assert len(read(vgg(POLYGON), "other.png").boxes_xyxy) == 0
    assert read(vgg(POLYGON), "third.png") is None
    with pytest.raises(UnsuitableInputError, match="2 images"):
        read(vgg(POLYGON), None)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (vgg({**POLYGON, "all_points_y": [1]}), UnreadableImageError),
        (vgg({"name": "rect", "x": 1}), UnreadableImageError),
        (vgg({**POLYGON, "all_points_x": [1, float("nan"), 2]}), UnreadableImageError),
        (vgg({**POLYGON, "all_points_x": [10, 900, 20]}), UnsuitableInputError),
    ],
)
def test_damaged_outlines_are_a_sentence(source: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        read(source)


def test_outline_is_drawn_on_its_own_line_and_not_on_the_box_s() -> None:
    black = np.zeros((96, 128), np.uint8)
    drawn = draw.with_polygons(black, [np.array(CORNERS) * 2])
    assert drawn[48, 56, 0] > 150  # a corner of the polygon
    assert not drawn[48, 62].any() and not drawn[24, 62].any()  # corners of the box around it
    assert not black.any()
    assert (draw.with_polygons(black, []) == 0).all()


def test_viewer_draws_the_outline_beside_its_box() -> None:
    layer = box_layers.truth_layer(np.array(AROUND, np.float32), [True], [np.array(CORNERS)])
    figure = viewer.viewer([viewer.Panel("Film", np.zeros(SHAPE, np.uint8), (layer,))])
    outline = [one for one in figure.data if "outline" in (one.name or "")]
    assert len(outline) == 1
    assert list(zip(outline[0].x, outline[0].y, strict=True))[:3] == [tuple(c) for c in CORNERS]
    assert outline[0].x[0] == outline[0].x[-1] and outline[0].line.dash == "dot"


def test_inside_of_an_outline_is_a_mask_on_the_film() -> None:
    mask = inside([CORNERS], SHAPE)
    assert mask.shape == SHAPE and mask.dtype == bool
    assert mask[15, 24] and not mask[23, 18] and not mask[23, 31]
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (12, 24, 16, 32)
