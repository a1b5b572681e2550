"""Whatever a reader or parser is given, only an `ImagingError` comes out, and nothing is written.

A small fixed budget here; more with LIGHTBOX_FUZZ=<examples> (then also with new random draws).
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZipInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.augment import code
from core.augment.pipeline import draw, from_text, to_text
from core.bone_age.patient_table import read_children
from core.dataset_folders import truths
from core.dataset_folders.layouts import open_dataset
from core.errors import ImagingError
from core.files.archives import contents_of, count_of, is_junk
from core.files.box_labels import read_boxes, write_coco, write_yolo
from core.files.radiograph import read_radiograph
from core.files.volume import read_mask, read_volume
from core.practice import link, series, transfer
from core.practice.readings import checked_nickname
from core.practice.store import Store
from models.cards import MODELS, read_card
from models.onnx_runtime import open_file
from pages.shared import from_browser
from pages.tasks.augmentation.modalities import MODALITIES
from tests.files import fuzz, volume_files
from tests.files.radiograph_files import dicom, raster
from tests.hostile import JUNK, budget, changed_json, damaged
from tests.practice.readers import answer_of, case_of, series_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),  # decoders warn of damage
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # and of numbers that are none
]


def only_imaging_errors(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ImagingError as err:
        sentence = str(err)
        assert sentence.endswith((".", "!", "…")) and len(sentence) < 1000, sentence
        return None


# What is sent


@cache
def radiographs() -> dict[str, bytes]:
    return fuzz.good_files()


@cache
def volumes() -> dict[str, bytes]:
    scan, affine = volume_files.scan(), volume_files.oblique_affine()
    slices = volume_files.dicom_series(scan, affine)
    return {
        "nii.gz": volume_files.nifti(scan, affine),
        "nii": volume_files.nifti(scan, affine, compress=False),
        "nii 4D": volume_files.nifti(np.stack([scan, scan], -1), affine, compress=False),
        "mgz": volume_files.mgz(scan, affine),
        "nrrd": volume_files.nrrd_file(scan, affine),
        "nrrd raw": volume_files.nrrd_file(scan, affine, "raw"),
        "enhanced": volume_files.enhanced_dicom(scan, affine),
        "zip": volume_files.zipped([(f"{n}.dcm", one) for n, one in enumerate(slices)]),
        "slice": slices[0],
    }


@cache
def archives() -> dict[str, bytes]:
    inner = volume_files.zipped([("a.png", raster())])
    return {
        "films": volume_files.zipped([("a.png", raster()), ("folder/b.dcm", dicom())]),
        "traversal": volume_files.zipped([("../../up.png", raster()), ("/etc/x.png", raster())]),
        "nested": volume_files.zipped([("inner.zip", inner), ("b.png", raster())]),
        "bomb": volume_files.zipped([("zeros.png", bytes(3_000_000))]),
    }


# Files


@pytest.fixture(scope="module", autouse=True)
def nothing_is_written() -> Iterator[None]:
    """No file appears in the working folder or the folder of temporary files."""
    with tempfile.TemporaryDirectory(prefix="lightbox-tests-") as folder:
        before, was = Path.cwd(), tempfile.tempdir
        work, temporary = Path(folder, "work"), Path(folder, "temporary")
        work.mkdir()
        temporary.mkdir()
        os.chdir(work)
        tempfile.tempdir = str(temporary)
        try:
            yield
        finally:
            os.chdir(before)
            tempfile.tempdir = was
        assert [*work.rglob("*"), *temporary.rglob("*")] == []


@budget(600)
@given(damaged(radiographs), st.integers(-1, 3), st.integers(-1, 3))
def test_radiographs(source: bytes, window: int, frame: int) -> None:
    image = only_imaging_errors(
        lambda: read_radiograph(source, name="a.dcm", window=max(window, 0), frame=max(frame, 0))
    )
    if image is not None:
        assert np.isfinite(image.pixels).all()
        assert 0 <= image.pixels.min() <= image.pixels.max() <= 1


@budget(250)
@given(st.lists(damaged(volumes), min_size=1, max_size=2), st.integers(0, 2))
def test_volumes(sources: list[bytes], index: int) -> None:
    files = [(f"{number}.nii", source) for number, source in enumerate(sources)]
    volume = only_imaging_errors(lambda: read_volume(files, volume_index=index))
    if volume is not None:
        assert np.isfinite(volume.voxels).all() and np.isfinite(volume.affine).all()
        only_imaging_errors(lambda: read_mask(files, volume))


@budget(200)
@given(damaged(archives))
def test_archives(source: bytes) -> None:
    assert count_of(source) >= 1
    for number, (name, content) in enumerate(contents_of([("a.zip", source)])):
        assert number < 100 and ".." not in name.split("/") and not name.startswith("/")
        assert isinstance(content, bytes | ImagingError)


def labels() -> dict[str, bytes]:
    boxes, shape = np.array([[4.0, 5.0, 30.0, 20.0]]), (48, 64)
    voc = (
        "<annotation><filename>a.png</filename><size><width>64</width><height>48</height></size>"
        "<object><bndbox><xmin>4</xmin><ymin>5</ymin><xmax>30</xmax><ymax>20</ymax></bndbox>"
        "</object></annotation>"
    )
    return {
        "yolo": write_yolo(boxes, shape),
        "coco": write_coco([("a.png", shape, boxes, ())], "fracture"),
        "voc": voc.encode(),
        "entities": b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;">]><a>&c;&c;</a>',
    }


@budget(300)
@given(damaged(labels) | changed_json(lambda: json.loads(labels()["coco"])))
def test_labels(source: bytes) -> None:
    found = only_imaging_errors(
        lambda: read_boxes(source, "a.txt", image_name="a.png", shape=(48, 64))
    )
    if found is not None:
        assert found.shape[1:] == (4,) and np.isfinite(found).all()


def test_what_longer_runs_found() -> None:
    """Each once raised something else than an `ImagingError`."""
    assert is_junk(ZipInfo(""))
    wide = labels()["coco"].replace(b'"width": 64', b'"width": ' + b"9" * 400)
    with pytest.raises(ImagingError):
        read_boxes(wide, "a.json", image_name="a.png", shape=(48, 64))


def tables() -> dict[str, bytes]:
    return {
        "children": b"file,sex,chronological_months\na.png,F,120\nb.png,male,33.5\n",
        "truths": b"image,truth\na.png,1\nb.png,0\n",
        "boxes": b"image,x0,y0,x1,y1\na.png,1,2,3,4\n",
    }


@budget(150)
@given(damaged(tables))
def test_tables(source: bytes) -> None:
    only_imaging_errors(lambda: read_children(source))
    for task in truths.TRUTHS:
        only_imaging_errors(lambda task=task: truths.of_table(task, "a.csv", source))


# JSON, links and queries


def a_series() -> Any:
    return series.to_mapping(series_of("fracture", 3))


@budget(200)
@given(changed_json(a_series))
def test_series(source: bytes) -> None:
    only_imaging_errors(lambda: series.from_json(source))


@cache
def kept() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        store, one = Store(Path(folder) / "practice.sqlite"), series_of("chest", 2)
        store.add_reader("Ann")
        answer = answer_of("chest", 0, right=True)
        store.keep("Ann", one, case_of(one, 0), answer, seconds=3)
        found = json.loads(transfer.export_json(store))
        store.close()
        return found


@budget(100)
@given(changed_json(kept))
def test_kept_readings(source: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "practice.sqlite")
        only_imaging_errors(lambda: transfer.import_json(store, source))
        only_imaging_errors(lambda: transfer.import_csv(store, source))
        store.readings()
        store.close()


@budget(200)
@given(st.sampled_from(sorted(MODALITIES)), st.data())
def test_pipelines(name: str, data: st.DataObject) -> None:
    catalogue = MODALITIES[name].catalogue
    good = ";".join(f"{one},p=0.5" for one in list(catalogue)[:3])
    alphabet = st.sampled_from([*good, "~", "=", "-", ".", ";", ",", "9", "²", "é"])
    text = data.draw(st.text(alphabet, max_size=60) | st.just(good) | st.text(max_size=30))
    found = only_imaging_errors(lambda: from_text(text, catalogue))
    if found:
        assert from_text(to_text(found), catalogue)
        one = draw(found, catalogue, 3)
        parts = [{"transform": p.transform, "values": dict(p.values)} for p in one.parts]
        said = {"lightbox": {"seed": 3, "parts": parts, "shape": [48, 64]}}
        changed = data.draw(changed_json(lambda: said))
        text = changed.decode("utf-8", "replace")
        again = only_imaging_errors(lambda: code.from_json(text, catalogue))
        if again is not None:
            assert all(np.isfinite(list(part.values.values())).all() for part in again[0].parts)


def as_link(text: bytes) -> str:
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(text) + packer.flush()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def linked() -> Any:
    found = a_series()
    del found["cases"]
    return found | {"draw": 2, "options": {}}


@pytest.mark.parametrize(
    "value", ["1e999", "NaN", "-Infinity", "1" * 5000, "[" * 3000 + "]" * 3000, "null", '"a"']
)
def test_numbers_of_a_draw_that_are_none(value: str) -> None:
    catalogue = MODALITIES["limb"].catalogue
    name, first = next((name, one) for name, one in catalogue.items() if one.parameters)
    of_part = f'{{"transform": "{name}", "values": {{"{first.parameters[0].name}": {value}}}}}'
    for seed, part in ((value, of_part), ("1", of_part)):
        text = f'{{"lightbox": {{"seed": {seed}, "parts": [{part}]}}}}'
        found = only_imaging_errors(lambda text=text: code.from_json(text, catalogue))
        if found is not None:
            assert np.isfinite(list(found[0].parts[0].values.values())).all()


@budget(200)
@given(st.text(max_size=50) | (changed_json(linked) | changed_json(a_series)).map(as_link))
def test_links(text: str) -> None:
    only_imaging_errors(lambda: link.from_link(text))
    only_imaging_errors(lambda: checked_nickname(text))


# Cards, weights, folders


def cards() -> dict[str, bytes]:
    return {"detector": (MODELS / "fracture" / "detector.toml").read_bytes()}


@cache
def networks() -> dict[str, bytes]:
    return {"film_kind": next((MODELS / "weights").glob("film_kind*.onnx")).read_bytes()[:60_000]}


@budget(60)
@given(damaged(cards), damaged(networks))
def test_cards_and_weights(card: bytes, network: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "card.toml"
        path.write_bytes(card)
        only_imaging_errors(lambda: read_card(path))
        weights = Path(folder) / "network.onnx"
        weights.write_bytes(network)
        only_imaging_errors(lambda: open_file(weights))


@budget(40)
@given(damaged(tables), damaged(lambda: {"coco": labels()["coco"]}))
def test_folders(table: bytes, boxes: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "Annotations" / "COCO JSON").mkdir(parents=True)
        (root / "images").mkdir()
        (root / "dataset.csv").write_bytes(table)
        (root / "labels.csv").write_bytes(table)
        (root / "Annotations" / "COCO JSON" / "COCO_fracture_masks.json").write_bytes(boxes)
        (root / "images" / "a.png").write_bytes(raster())
        only_imaging_errors(lambda: open_dataset(root))


# The browser


@budget(200)
@given(JUNK)
def test_what_the_browser_sends(value: Any) -> None:
    assert isinstance(from_browser.fields(value), dict)
    for one in from_browser.points(value, 3) + from_browser.points([value], 3):
        assert len(one) == 2 and np.isfinite(one).all()
    for box in from_browser.boxes([value, [value] * 4, [1, 2, 3, value]], 64, 48):
        assert 0 <= box[0] < box[2] <= 64 and 0 <= box[1] < box[3] <= 48
    found = from_browser.numbers(value, 3)
    assert found is None or np.isfinite(found).all()
