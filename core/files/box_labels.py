"""Label files for boxes and outlines: YOLO text, COCO and VGG JSON, and Pascal VOC XML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.detections import Boxes
from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.files.via_labels import via_images, via_outlines

Corners = tuple[float, float, float, float]
Polygon = NDArray[np.float64]
_MOST_BYTES = 40_000_000  # 1.2 GB in memory where it is all empty lists
_SLACK_PX = 2.0  # rounding of label tools; boxes may end this far outside the image


@dataclass(frozen=True, eq=False)
class Drawn:
    """What a label file draws on one image.

    Attributes:
        boxes_xyxy: float32 (N, 4) in pixels; N = 0 where the file says that there is nothing.
        polygons: Corners (K, 2) in pixels of each outline, where the labels have them; an object
            may have several.
    """

    boxes_xyxy: Boxes
    polygons: tuple[Polygon, ...] = ()


def read_boxes(
    source: bytes, name: str, *, image_name: str | None, shape: tuple[int, int]
) -> Boxes | None:
    """The boxes alone of `read_drawn`: (N, 4), those around polygons among them, or None.

    Raises:
        UnreadableImageError, UnsuitableInputError: As `read_drawn`.
    """
    found = read_drawn(source, name, image_name=image_name, shape=shape)
    return None if found is None else found.boxes_xyxy


def read_drawn(
    source: bytes, name: str, *, image_name: str | None, shape: tuple[int, int]
) -> Drawn | None:
    """The boxes and polygons that a label file gives an image; the format is told by the content.

    Classes are ignored: every object is a box, one with a polygon (YOLO-seg, COCO segmentations,
    VGG) the box around it. Where the file was made for another size of the same image (COCO and
    VOC state it), both are scaled.

    Args:
        source: Content of the file.
        name: Name of the label file.
        image_name: Name of the image file; None where the label file is known to belong to it.
        shape: (H, W) of the image in pixels.

    Returns:
        What it draws; None where the file is about other images.

    Raises:
        UnreadableImageError: If it is no label file of these formats.
        UnsuitableInputError: If the labels do not fit the image.
    """
    if len(source) > _MOST_BYTES:
        raise UnreadableImageError(
            f"“{name}” has {len(source) / 1e6:.0f} MB; label files of up to "
            f"{_MOST_BYTES / 1e6:.0f} MB are read."
        )
    head = source.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1]
    if head == b"<":
        return _voc(source, name, image_name, shape)
    if head in (b"{", b"["):
        return _json(source, name, image_name, shape)
    found = _yolo(source, name, shape)  # read in any case: junk is not another image's labels
    if image_name is not None and _stem(name) != _stem(image_name):
        return None
    return _checked(*found, name, shape, None)


def write_yolo(boxes_xyxy: ArrayLike, shape: tuple[int, int], scores: ArrayLike = ()) -> bytes:
    """A YOLO label file: class 0, centre and size over the image's, and the score if given.

    Args:
        boxes_xyxy: (N, 4) in pixels.
        shape: (H, W) of the image in pixels.
        scores: (N,) or empty.
    """
    height, width = shape
    boxes = np.asarray(boxes_xyxy, float).reshape(-1, 4) / (width, height, width, height)
    rows = np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)
    confidence = np.asarray(scores, float).reshape(-1)
    if confidence.size:
        rows = np.column_stack([rows, confidence])
    return "".join("0 " + " ".join(f"{value:.6f}" for value in row) + "\n" for row in rows).encode()


def write_coco(
    images: Sequence[tuple[str, tuple[int, int], ArrayLike, ArrayLike]], label: str
) -> bytes:
    """A COCO file for one or many images.

    Args:
        images: File name, (H, W), boxes_xyxy (N, 4) and scores (N,) or empty, per image.
        label: Name of the only category, which gets the id 1.
    """
    entries: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (file, (height, width), boxes_xyxy, scores) in enumerate(images, start=1):
        entries.append({"id": number, "file_name": file, "width": width, "height": height})
        confidence = np.asarray(scores, float).reshape(-1)
        for index, box in enumerate(np.asarray(boxes_xyxy, float).reshape(-1, 4)):
            x, y, w, h = (round(float(v), 2) for v in (*box[:2], *(box[2:] - box[:2])))
            annotation: dict[str, Any] = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": 1,
                "bbox": [x, y, w, h],
                "area": round(w * h, 2),
                "iscrowd": 0,
            }
            if confidence.size:
                annotation["score"] = round(float(confidence[index]), 4)
            annotations.append(annotation)
    categories = [{"id": 1, "name": label}]
    content = {"images": entries, "annotations": annotations, "categories": categories}
    return json.dumps(content, indent=1).encode()


def _yolo(source: bytes, name: str, shape: tuple[int, int]) -> tuple[list[Corners], list[Polygon]]:
    height, width = shape
    boxes: list[Corners] = []
    polygons: list[Polygon] = []
    for number, line in enumerate(_text(source, name).splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        try:
            values = [float(word) for word in words]
        except ValueError:
            raise _unreadable(name) from None
        if not np.isfinite(values).all():
            raise _unreadable(name)
        if len(values) in (5, 6):  # the sixth is a score
            x, y, w, h = values[1:5]
            box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        elif len(values) >= 7 and len(values) % 2 == 1:
            xs, ys = values[1::2], values[2::2]
            box = (min(xs), min(ys), max(xs), max(ys))
            polygons.append(np.column_stack([xs, ys]) * (width, height))
        else:
            raise UnreadableImageError(
                f"Line {number} of “{name}” has {len(values)} numbers; a YOLO label has a class "
                "and four numbers (x, y, width, height), or a class and the points of a polygon."
            )
        if not all(-0.05 <= value <= 1.05 for value in values[1:]):
            raise UnsuitableInputError(
                f"Line {number} of “{name}” has numbers outside 0 to 1; YOLO labels are fractions "
                "of the image's width and height, not pixels."
            )
        boxes.append((box[0] * width, box[1] * height, box[2] * width, box[3] * height))
    return boxes, polygons


def _json(source: bytes, name: str, image_name: str | None, shape: tuple[int, int]) -> Drawn | None:
    """A COCO file, or one of the VGG annotator."""
    size = None
    try:
        content = json.loads(source)
        images = via_images(content)
        key = "file_name" if images is None else "filename"
        image = _one_of(content["images"] if images is None else images, key, name, image_name)
        if image is None:
            return None
        if images is None:
            own = [one for one in content["annotations"] if one["image_id"] == image["id"]]
            boxes = [_coco_box(one) for one in own]
            polygons = [part for one in own for part in _coco_parts(one)]
            if {"height", "width"} <= set(image):
                size = (float(image["height"]), float(image["width"]))
        else:
            polygons = via_outlines(image)
            boxes = [_around(points) for points in polygons]
    except ImagingError:
        raise
    except (
        *(ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError),
        OverflowError,  # a number of 400 digits
    ) as err:
        raise _unreadable(name) from err
    return _checked(boxes, polygons, name, shape, size)


def _one_of(images: Sequence[Any], key: str, name: str, image_name: str | None) -> Any:
    """The entry of an image, or None; without a name there must be one entry.

    Raises:
        UnsuitableInputError: If there is not.
    """
    if image_name is None and len(images) != 1:
        raise UnsuitableInputError(
            f"“{name}” is about {len(images)} images; to be used without the image's file name "
            "it must be about exactly one."
        )
    return next(
        (one for one in images if image_name is None or _stem(str(one[key])) == _stem(image_name)),
        None,
    )


def _coco_box(annotation: dict[str, Any]) -> Corners:
    if annotation.get("bbox"):
        x, y, w, h = (float(value) for value in annotation["bbox"])
        return x, y, x + w, y + h
    return _around(np.concatenate(_coco_parts(annotation)))


def _coco_parts(annotation: dict[str, Any]) -> list[Polygon]:
    """The polygons of an object; a run-length mask has none."""
    parts = annotation.get("segmentation")
    if not isinstance(parts, list):
        return []
    return [np.asarray(part, float).reshape(-1, 2) for part in parts]


def _around(points: Polygon) -> Corners:
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def _voc(source: bytes, name: str, image_name: str | None, shape: tuple[int, int]) -> Drawn | None:
    root = _xml(source, name)
    if root.tag != "annotation":
        raise _unreadable(name)
    if image_name is not None and _stem(image_name) not in (
        _stem(root.findtext("filename") or ""),
        _stem(name),
    ):
        return None
    try:
        size = None
        if root.find("size") is not None:
            size = (_number(root, "size/height"), _number(root, "size/width"))
        boxes = [
            (
                _number(one, "bndbox/xmin"),
                _number(one, "bndbox/ymin"),
                _number(one, "bndbox/xmax"),
                _number(one, "bndbox/ymax"),
            )
            for one in root.iter("object")
        ]
    except ValueError as err:
        raise _unreadable(name) from err
    return _checked(boxes, [], name, shape, size)


def voc_size(source: bytes, name: str) -> tuple[int, int]:
    """(H, W) in pixels of the image that a Pascal VOC file says it is about.

    Raises:
        UnreadableImageError: If it is no such file or does not say.
    """
    root = _xml(source, name)
    try:
        return int(_number(root, "size/height")), int(_number(root, "size/width"))
    except ValueError as err:
        raise _unreadable(name) from err


def _number(element: Element, path: str) -> float:
    return float(element.findtext(path) or "missing")


def _xml(source: bytes, name: str) -> Element:
    """Parse XML without document types, hence without entities that could grow."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise UnreadableImageError(
            f"“{name}” declares a document type, which label files do not need and which could "
            "be an attack; remove the DOCTYPE."
        )

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(source, True)
        return builder.close()
    except (expat.ExpatError, ValueError, LookupError) as err:
        raise _unreadable(name) from err


def _checked(
    boxes: Sequence[Corners],
    polygons: Sequence[Polygon],
    name: str,
    shape: tuple[int, int],
    size_hw: tuple[float, float] | None,
) -> Drawn:
    """Both scaled to the image, within it, or the reason why they cannot be its boxes."""
    array = np.asarray(boxes, float).reshape(-1, 4)
    height, width = shape
    factor = np.ones(2)
    if not all(np.isfinite(one).all() for one in (array, *polygons)):
        raise _unreadable(name)
    if size_hw is not None and min(size_hw) > 0:
        factor = np.array([width / size_hw[1], height / size_hw[0]])
        if abs(factor[0] / factor[1] - 1) > 0.02:
            raise UnsuitableInputError(
                f"“{name}” is for an image of {size_hw[1]:.0f} × {size_hw[0]:.0f} pixels, but this "
                f"one has {width} × {height}: other proportions, hence another image."
            )
        array = array * np.tile(factor, 2)
    if (array[:, 2:] <= array[:, :2]).any():
        raise UnsuitableInputError(f"A box in “{name}” ends before it begins; correct the file.")
    slack = _SLACK_PX
    if (array < -slack).any() or (array > np.tile([width + slack, height + slack], 2)).any():
        worst = array[np.argmax(np.abs(array - np.tile([width, height], 2) / 2).max(axis=1))]
        raise UnsuitableInputError(
            f"A box in “{name}” reaches from ({worst[0]:.0f}, {worst[1]:.0f}) to ({worst[2]:.0f}, "
            f"{worst[3]:.0f}), but the image has {width} × {height} pixels: the labels are of "
            "another image or another size of it."
        )
    whole = np.array([width, height], float)
    corners = tuple(np.clip(points * factor, 0, whole) for points in polygons)
    return Drawn(np.clip(array, 0, np.tile(whole, 2)).astype(np.float32), corners)


def _text(source: bytes, name: str) -> str:
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise _unreadable(name) from err


def _stem(name: str) -> str:
    return PurePath(name.replace("\\", "/")).stem.lower()


def _unreadable(name: str) -> UnreadableImageError:
    return UnreadableImageError(
        f"“{name}” is no label file that can be read; expected YOLO text (.txt), COCO or "
        "VGG JSON, or Pascal VOC XML."
    )
