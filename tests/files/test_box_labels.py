"""Label files: what is read lies where the truth is, and what is written can be read again."""

import json

import numpy as np
import pytest

from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.files.box_labels import read_boxes, write_coco, write_yolo

SHAPE = (48, 64)  # height, width
BOX = (16.0, 12.0, 32.0, 24.0)  # that of every file below
TOP = "<annotation><filename>film.png</filename>"
VOC = (
    f"{TOP}<size><width>64</width><height>48</height><depth>1</depth></size>"
    "<object><name>fracture</name><bndbox><xmin>16</xmin><ymin>12</ymin><xmax>32</xmax>"
    "<ymax>24</ymax></bndbox></object></annotation>"
)


def coco(**changes: object) -> bytes:
    image = {"id": 7, "file_name": "images/film.png", "width": 64, "height": 48}
    other = {"id": 8, "file_name": "other.png", "width": 64, "height": 48}
    content = {
        "images": [image, other],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 0, "bbox": [16, 12, 16, 12]},
            {"id": 2, "image_id": 8, "category_id": 0, "bbox": [0, 0, 5, 5]},
        ],
    }
    return json.dumps(content | changes).encode()


def read(source: bytes | str, name: str = "film.txt", image: str | None = "film.png"):
    source = source.encode() if isinstance(source, str) else source
    return read_boxes(source, name, image_name=image, shape=SHAPE)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("", "film.txt"),
        ("\n\n", "film.txt"),
        (f"{TOP}</annotation>", "film.xml"),
        (coco(annotations=[]), "all.json"),
    ],
)
def test_no_object_is_no_box(source, name):
    boxes = read(source, name)
    assert boxes.shape == (0, 4) and boxes.dtype == np.float32


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("0 0.375 0.375 0.25 0.25", "film.txt"),
        ("0 0.375 0.375 0.25 0.25 0.9\n", "film.txt"),
        ("3 0.25 0.25 0.5 0.25 0.5 0.5 0.25 0.4", "film.txt"),
        (b"\xef\xbb\xbf0 0.375 0.375 0.25 0.25\r\n", "FILM.TXT"),
        (VOC, "label.xml"),
        ('<?xml version="1.0" encoding="UTF-16"?>'.encode("utf-16") + VOC.encode("utf-16-le"), "a"),
        (coco(), "annotations.json"),
        (
            coco(
                annotations=[
                    {"image_id": 7, "segmentation": [[16, 12, 32, 12, 32, 24], [16, 20, 20, 24]]}
                ]
            ),
            "annotations.json",
        ),
    ],
    ids=["yolo", "yolo score", "yolo polygon", "yolo bom", "voc", "voc utf-16", "coco", "polygon"],
)
def test_box_lies_where_the_file_says(source, name):
    np.testing.assert_allclose(read(source, name), [BOX], atol=1e-4)


def test_format_is_told_by_content_not_by_name():
    np.testing.assert_allclose(read(VOC, "film.json"), [BOX])
    np.testing.assert_allclose(read(coco(), "film.txt"), [BOX])


@pytest.mark.parametrize(
    ("source", "name"),
    [("0 0.375 0.375 0.25 0.25", "other.txt"), (VOC, "x.xml"), (coco(), "x.json")],
)
def test_labels_of_another_image_are_none(source, name):
    assert read(source, name, image="unknown.png") is None


def test_without_image_name_the_only_image_counts():
    one = coco(images=[{"id": 7, "file_name": "elsewhere.png"}])
    np.testing.assert_allclose(read(one, "x.json", image=None), [BOX])
    np.testing.assert_allclose(read(VOC, "x.xml", image=None), [BOX])
    np.testing.assert_allclose(read("0 .375 .375 .25 .25", "x.txt", image=None), [BOX])
    with pytest.raises(UnsuitableInputError, match="2 images"):
        read(coco(), "x.json", image=None)


def test_boxes_of_a_larger_original_are_scaled():
    big = coco(images=[{"id": 7, "file_name": "film.png", "width": 640, "height": 480}])
    big = big.replace(b"[16, 12, 16, 12]", b"[160, 120, 160, 120]")
    np.testing.assert_allclose(read(big, "x.json"), [BOX])


def test_rounding_beyond_the_edge_is_clipped():
    voc = VOC.replace("<xmax>32<", "<xmax>65<")
    np.testing.assert_allclose(read(voc), [(16, 12, 64, 24)])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("0 16 12 16 12", "fractions"),
        ("0 0.98 0.5 0.2 0.2", "another image"),
        ("0 0.5 0.5 0 0.2", "ends before"),
        (VOC.replace("<xmax>32<", "<xmax>320<"), "64 × 48"),
        (VOC.replace("<xmax>32<", "<xmax>12<"), "ends before"),
        (VOC.replace("<width>64<", "<width>48<").replace("<height>48<", "<height>64<"), "48 × 64"),
        (coco(images=[{"id": 7, "file_name": "film.png", "width": 48, "height": 64}]), "48 × 64"),
    ],
)
def test_labels_that_do_not_fit_are_refused_with_the_reason(source, words):
    with pytest.raises(UnsuitableInputError, match=words):
        read(source)


BOMB = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "source",
    [
        "hello world",
        "0 0.5 0.5",
        "0 0.5 0.5 nan 0.1",
        b"\x89PNG\r\n\x1a\n\0\0",
        b"\xff\xd8\xff\xe0",
        "<annotation>",
        "<html></html>",
        "<" * 100,
        BOMB + VOC,
        '<?xml version="1.0" encoding="no-such"?><annotation/>',
        VOC.replace("<ymin>12</ymin>", ""),
        VOC.replace(">12<", ">a few<"),
        "{}",
        "[]",
        "[" * 100_000,
        '{"images": 3, "annotations": []}',
        coco(annotations=[{"image_id": 7}]),
        coco(annotations=[{"image_id": 7, "bbox": [1, 2, 3]}]),
        coco(annotations=[{"image_id": 7, "bbox": [1, 2, float("inf"), 3]}]),
        coco(annotations=[{"image_id": 7, "segmentation": {"counts": "abc", "size": [1, 2]}}]),
        coco(images=[{"id": 7, "file_name": "film.png", "width": "wide", "height": 2}]),
    ],
)
def test_junk_is_unreadable(source):
    with pytest.raises(UnreadableImageError, match=r"film\.txt"):
        read(source)


def test_entity_bomb_is_refused_for_being_one():
    with pytest.raises(UnreadableImageError, match="DOCTYPE"):
        read(BOMB.encode("utf-16") + VOC.encode("utf-16-le"))


def test_huge_file_is_refused_unread():
    with pytest.raises(UnreadableImageError, match="MB"):
        read(b"0" * 64_000_001)


def test_mutated_files_raise_nothing_but_imaging_errors():
    rng = np.random.default_rng(5)
    outcomes = set()
    for source in (VOC.encode(), coco(), b"0 0.375 0.375 0.25 0.25\n1 0.5 0.5 0.1 0.1"):
        for _ in range(150):
            broken = bytearray(source)
            for place in rng.integers(0, len(broken), 3):
                broken[place] = rng.integers(256)
            try:
                outcomes.add(type(read(bytes(broken))))
            except ImagingError as err:
                outcomes.add(type(err))
    assert UnreadableImageError in outcomes and np.ndarray in outcomes


@pytest.mark.parametrize("count", [0, 1, 5])
def test_what_is_written_can_be_read(count):
    rng = np.random.default_rng(count)
    low = rng.uniform(0, 20, (count, 2))
    boxes = np.concatenate([low, low + rng.uniform(3, 25, (count, 2))], axis=1)
    scores = rng.uniform(0, 1, count)
    for source in (
        write_yolo(boxes, SHAPE),
        write_yolo(boxes, SHAPE, scores),
        write_coco([("a.png", (9, 9), [], []), ("film.png", SHAPE, boxes, scores)], "fracture"),
    ):
        np.testing.assert_allclose(read(source), boxes, atol=0.02)


def test_coco_keeps_scores_sizes_and_ids():
    written = json.loads(
        write_coco(
            [("a.png", SHAPE, [BOX], [0.25]), ("b.png", (10, 20), [(0, 0, 4, 5)], [])], "fracture"
        )
    )
    assert [image["id"] for image in written["images"]] == [1, 2]
    assert written["images"][1]["width"] == 20 and written["images"][1]["height"] == 10
    first, second = written["annotations"]
    assert first["bbox"] == [16, 12, 16, 12] and first["score"] == 0.25 and first["area"] == 192
    assert second["image_id"] == 2 and "score" not in second
    assert written["categories"] == [{"id": 1, "name": "fracture"}]
