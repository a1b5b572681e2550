"""Data set folders: each layout is recognised, every injected fault is found, nothing else is."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import nibabel
import numpy as np
import pandas as pd
import pytest

from core.dataset_folders import pictures
from core.dataset_folders.layouts import open_dataset
from core.dataset_folders.problems import find_problems, near_duplicates
from core.dataset_folders.scan import film_row, scan
from core.errors import UnsuitableInputError
from core.stages import Cancelled


def film(seed: int, shape: tuple[int, int] = (96, 64)) -> np.ndarray:
    """A smooth random picture: unlike any other seed's."""
    noise = np.random.default_rng(seed).random((24, 16)).astype(np.float32)
    return np.uint8(cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC).clip(0, 1) * 255)


def save(path: Path, pixels: np.ndarray, quality: int = 95) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix == ".jpg" else []
    path.write_bytes(cv2.imencode(path.suffix, pixels, flags)[1].tobytes())


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def save_volume(path: Path, voxels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([2.0, 2.0, 3.0, 1.0])), path)


def fracatlas(folder: Path, labels: str = "COCO") -> Path:
    """Six films as FracAtlas publishes them, two of them fractured with one box each."""
    rows = []
    for number in range(6):
        fractured = number < 2
        kind = "Fractured" if fractured else "Non_fractured"
        save(folder / "images" / kind / f"IMG{number}.jpg", film(number))
        rows.append(
            {"image_id": f"IMG{number}.jpg", "fractured": int(fractured), "hand": 1, "frontal": 1}
        )
    write_table(folder / "dataset.csv", rows)
    place = folder / "Annotations" / labels
    place.mkdir(parents=True)
    box, points = [10.0, 20.0, 30.0, 40.0], [10.0, 20.0, 40.0, 20.0, 40.0, 60.0]
    files = [f"IMG{number}.jpg" for number in range(2)]
    if labels == "COCO":
        content = {
            "images": [{"id": i, "file_name": name} for i, name in enumerate(files)],
            "annotations": [
                {"image_id": i, "bbox": box, "segmentation": [points]} for i in range(2)
            ],
        }
        (place / "masks.json").write_text(json.dumps(content))
    elif labels == "VGG":
        shape = {"name": "polygon", "all_points_x": points[::2], "all_points_y": points[1::2]}
        regions = {"0": {"shape_attributes": shape}}
        content = {name: {"filename": name, "regions": regions} for name in files}
        (place / "masks.json").write_text(json.dumps(content))
    for name in files:
        stem = Path(name).stem
        if labels == "YOLO":
            centre = f"0 {25 / 64} {40 / 96} {30 / 64} {40 / 96}"
            (place / f"{stem}.txt").write_text(centre)
        elif labels == "VOC":
            (place / f"{stem}.xml").write_text(
                f"<annotation><filename>{name}</filename><size><width>64</width><height>96"
                "</height></size><object><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>40</xmax>"
                "<ymax>60</ymax></bndbox></object></annotation>"
            )
    return folder


def kinds(folder: Path) -> dict[str, tuple[str, ...]]:
    dataset = open_dataset(folder)
    return {one.kind: one.files for one in find_problems(dataset, scan(dataset))}


@pytest.mark.parametrize("labels", ["COCO", "VGG", "YOLO", "VOC"])
def test_fracatlas_is_read_with_each_kind_of_labels(tmp_path: Path, labels: str) -> None:
    dataset = open_dataset(fracatlas(tmp_path, labels))
    assert (dataset.task, len(dataset.rows), dataset.rows["boxes"].sum()) == ("fracture", 6, 2)
    outlines = dataset.outlines["images/Fractured/IMG0.jpg"].in_pixels(64, 96)
    np.testing.assert_allclose(outlines.boxes_xyxy, [[10, 20, 40, 60]], atol=1e-3)
    assert len(outlines.polygons) == (labels in ("COCO", "VGG"))
    assert kinds(tmp_path) == {}


def test_every_injected_fault_is_found(tmp_path: Path) -> None:
    folder = fracatlas(tmp_path / "set", "YOLO")
    images = folder / "images" / "Non_fractured"
    rows = list(csv.DictReader((folder / "dataset.csv").open()))
    rows.append(rows[3] | {"fractured": "1"})
    rows += [rows[4], {"image_id": "gone.jpg", "fractured": "0", "hand": "1", "frontal": "1"}]
    rows.append(rows[5] | {"image_id": "../../outside.jpg"})
    write_table(folder / "dataset.csv", rows)
    save(images / "nobody.jpg", film(40))
    save(images / "IMG4.jpg", film(4, (960, 640)))
    (images / "IMG5.jpg").write_bytes((images / "IMG5.jpg").read_bytes()[:300])
    (folder / "Annotations/YOLO/IMG1.txt").write_text("0 0.99 0.5 0.06 0.1")
    (folder / "Annotations/YOLO/IMG2.txt").write_text("0 0.5 0.5 0.2 0.1")
    (images / "linked.jpg").symlink_to(tmp_path / "secret.jpg")
    save(tmp_path / "secret.jpg", film(99))
    found = kinds(folder)
    assert {kind: [Path(f).name for f in files] for kind, files in found.items()} == {
        "row without image": ["gone.jpg"],
        "image without row": ["nobody.jpg"],
        "row twice": ["IMG4.jpg"],
        "conflicting labels": ["IMG3.jpg"],
        "label and boxes disagree": ["IMG1.jpg", "IMG2.jpg"],
        "leaves the folder": ["outside.jpg"],
        "link not followed": ["linked.jpg"],
        "unreadable image": ["IMG5.jpg"],
        "box outside the image": ["IMG1.jpg"],
    }


def test_extract_with_duplicates_and_patients_across_splits(tmp_path: Path) -> None:
    rows = []
    for number, (split, patient) in enumerate([("train", "a"), ("test", "a"), ("val", "b")]):
        save(tmp_path / "images" / f"{number}.jpg", film(number))
        rows.append({"file": f"{number}.jpg", "split": split, "patient_id": patient})
    save(tmp_path / "images" / "3.jpg", cv2.resize(film(2), (128, 192)), quality=70)
    rows.append({"file": "3.jpg", "split": "train", "patient_id": "c"})
    write_table(tmp_path / "images.csv", [{**row, "fractured": 0} for row in rows])
    found = kinds(tmp_path)
    assert found["near-duplicates across splits"] == ("images/2.jpg", "images/3.jpg")
    assert found["patient in two splits"] == ("images/0.jpg", "images/1.jpg")


def test_rsna_as_published(tmp_path: Path) -> None:
    for number in (1377, 1378):
        save(tmp_path / "boneage-training-dataset" / f"{number}.png", film(number))
    rows = [
        {"id": 1377, "boneage": 180, "male": "False"},
        {"id": 1378, "boneage": 12, "male": "True"},
    ]
    write_table(tmp_path / "boneage-training-dataset.csv", rows)
    dataset = open_dataset(tmp_path)
    assert (dataset.layout, dataset.task) == ("RSNA bone age challenge", "bone_age")
    assert list(dataset.rows["age (months)"]) == [180, 12]
    assert list(dataset.rows["sex"]) == ["girl", "boy"]
    assert set(dataset.rows["split"]) == {"train"}


def test_nih_as_published(tmp_path: Path) -> None:
    entry = {"Finding Labels": "Effusion|Mass", "Patient ID": 1, "View Position": "PA"}
    rows = []
    for number in range(2):
        save(tmp_path / f"images_00{number}" / "images" / f"0{number}.png", film(number))
        rows.append({"Image Index": f"0{number}.png", **entry, "Patient Age": "058Y"})
    write_table(tmp_path / "Data_Entry_2017.csv", rows)
    (tmp_path / "train_val_list.txt").write_text("00.png\n")
    (tmp_path / "test_list.txt").write_text("01.png\n")
    (tmp_path / "BBox_List_2017.csv").write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\n00.png,Mass,5.0,6.0,20,30,,,\n"
    )
    dataset = open_dataset(tmp_path)
    first = "images_000/images/00.png"
    assert dataset.rows.loc[first, "findings"] == "Effusion | Mass"
    assert dataset.rows.loc[first, "age (years)"] == 58
    np.testing.assert_allclose(dataset.outlines[first].boxes_xyxy, [[5, 6, 25, 36]])
    assert kinds(tmp_path) == {
        "patient in two splits": ("images_000/images/00.png", "images_001/images/01.png")
    }


def test_nfbs_as_published(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("A1", "A2", "A3"):
        start = tmp_path / name / f"sub-{name}_ses-NFB3_T1w"
        save_volume(start.with_suffix(".nii.gz"), rng.random((20, 24, 16)).astype(np.float32))
        mask = np.zeros((20, 24, 16), np.uint8)
        mask[5:10, 5:10, 5:10] = name == "A1"
        if name != "A3":
            save_volume(Path(f"{start}_brainmask.nii.gz"), mask)
    dataset = open_dataset(tmp_path)
    scanned = scan(dataset)
    assert (dataset.layout, len(dataset.rows)) == ("NFBS", 3)
    assert scanned.loc["A1/sub-A1_ses-NFB3_T1w.nii.gz", "brain volume (mL)"] == 1.5
    found = {one.kind: one.files for one in find_problems(dataset, scanned)}
    assert found == {
        "mask missing": ("A3/sub-A3_ses-NFB3_T1w.nii.gz",),
        "empty mask": ("A2/sub-A2_ses-NFB3_T1w.nii.gz",),
    }


def test_scan_is_remembered_until_a_file_changes(tmp_path: Path) -> None:
    folder, memory = fracatlas(tmp_path / "set"), tmp_path / "memory"
    told: list[float] = []
    first = scan(open_dataset(folder), lambda share, _: told.append(share), memory=memory)
    again = scan(open_dataset(folder), lambda share, _: told.append(-1), memory=memory)
    pd.testing.assert_frame_equal(first, again, check_dtype=False)
    assert told == [1.0]
    save(folder / "images/Fractured/IMG0.jpg", film(77))
    scan(open_dataset(folder), lambda share, _: told.append(2), memory=memory)
    assert told == [1.0, 2]


def test_scan_stops_when_asked(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        scan(open_dataset(fracatlas(tmp_path)), cancelled=lambda: True)


def test_near_duplicates_of_nothing() -> None:
    assert near_duplicates(pd.DataFrame({"hash": []}, dtype=str)) == []


def test_sixteen_bit_and_rgba_films_are_scanned() -> None:
    for name, pixels in {
        "a.png": film(1).astype(np.uint16) * 257,
        "b.png": cv2.cvtColor(film(1), cv2.COLOR_GRAY2BGRA),
    }.items():
        row = film_row(cv2.imencode(".png", pixels)[1].tobytes(), name)
        assert (row["width"], row["height"]) == (64, 96)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "missing", "no folder"),
        (lambda folder: folder, "no layout"),
        (lambda folder: (folder / "file").write_text("") or folder / "file", "is a file"),
        (lambda folder: _with_table(folder, "images.csv", "name\nx\n"), "lacks the column"),
        (lambda folder: _with_table(folder, "dataset.csv", "image_id,fractured\nx,1\n"), "none of"),
        (lambda folder: _with_table(folder, "images.csv", b"\xff\xfe\x00junk"), "cannot be read"),
    ],
)
def test_what_is_no_data_set_gets_a_sentence(tmp_path: Path, make: Any, says: str) -> None:
    with pytest.raises(UnsuitableInputError, match=says):
        open_dataset(make(tmp_path))


def _with_table(folder: Path, name: str, content: str | bytes) -> Path:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def test_real_data_sets_are_recognised_whole(real_data: Path) -> None:
    expected = {"fracture": 2905, "bone_age": 1121, "chest": 12780 + 447, "brain": 64}
    found = {name: open_dataset(real_data / name) for name in expected}
    assert {name: len(dataset.rows) for name, dataset in found.items()} == expected
    assert found["fracture"].rows["split"].value_counts()["val"] == 393


def test_joints_of_the_bone_age_extract_are_drawn_where_they_are_marked(tmp_path: Path) -> None:
    names = ("1.png", "2.png")
    for name in names:
        save(tmp_path / "images" / name, film(0))
    rows = [{"file": name, "age_months": 60, "sex": "F", "split": "val"} for name in names]
    write_table(tmp_path / "bone_age.csv", rows)
    boxes = {"1.png": {"boxes": [["MCP", 16, 24, 48, 72]]}, "gone.png": {"boxes": []}}
    (tmp_path / "roi_boxes.json").write_text(json.dumps(boxes))
    dataset = open_dataset(tmp_path)
    assert list(dataset.outlines) == ["images/1.png"]
    marked, plain = (pictures.thumbnail(dataset, f"images/{name}") for name in names)
    changed = np.argwhere((marked != plain).any(axis=2))
    # 96 px become 240, and 64 become 160 in the middle of 240.
    assert changed.min(axis=0) == pytest.approx((60, 80), abs=2)
    assert changed.max(axis=0) == pytest.approx((180, 160), abs=2)
    (tmp_path / "roi_boxes.json").write_text("[1, 2]")
    assert not open_dataset(tmp_path).outlines
