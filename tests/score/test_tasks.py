"""What each task's networks answer becomes rows that fit the tables."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pytest

from core.files.volume import nifti_bytes, read_mask
from core.images import FloatArray
from core.phantoms.chest.phantom import chest_phantom
from core.phantoms.hand.phantom import hand_phantom
from core.phantoms.head.phantom import random_head
from core.phantoms.limb.phantom import LimbPhantom, limb_phantom
from core.skull_strip import OURS
from models.cards import load_card
from models.score.bone_age import BoneAgeReaders
from models.score.chest import ChestReaders
from models.score.fracture import FractureReaders
from models.score.input_check import load_film_kind, refused_by
from models.score.parts import COMMON
from models.score.task import Ask, Contents, score
from models.score.tasks import tasks


def film(pixels: FloatArray) -> Contents:
    _, source = cv2.imencode(".png", (pixels * 65535).astype(np.uint16))
    return [("film.png", source.tobytes())]


def phantom(task: str) -> Contents:
    if task == "skull_strip":
        head = random_head(1, 2.0).volume
        return [("head.nii.gz", nifti_bytes(head.voxels, head))]
    made = {
        "fracture": lambda: limb_phantom(LimbPhantom(5, "forearm", "oblique"))[0],
        "bone_age": lambda: hand_phantom(4, age_months=96, sex="F").image,
        "chest": lambda: chest_phantom(10).image,
    }
    return film(made[task]().pixels)


@pytest.mark.parametrize("name", sorted(tasks()))
def test_answer_fills_its_columns(name: str) -> None:
    task = tasks()[name]
    model = task.load()
    contents = phantom(name)
    done = score(task, model, contents, Ask("F", True, {"settings": replace(OURS, n4=False)}))
    assert done.why == ""
    columns = {column for column, _ in task.columns}
    written = columns - {"mask"}  # the run names the file
    assert set(done.row) == written | {"digest", "refused", "why", "seconds"}
    assert {column for column, _ in COMMON} >= set(done.row) - columns
    for box in done.boxes:
        assert set(box) == {column for column, _ in task.box_columns}
    assert bool(done.mask) == bool(task.mask_suffix)
    if name == "skull_strip":
        assert done.image is not None
        inside = read_mask([("mask.nii.gz", done.mask)], done.image)  # type: ignore[arg-type]
        assert inside.sum() == pytest.approx(done.row["volume_ml"] / 0.008, rel=0.01)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("chest", "bone_age"),
        ("skull_strip", "chest"),
        ("fracture", "chest"),
        ("bone_age", "fracture"),
    ],
)
def test_image_of_another_task_is_refused_with_a_sentence(name: str, other: str) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a network was asked")

    refused = partial(refused_by, load_film_kind())
    cards = load_card("fracture", "detector"), load_card("fracture", "classifier")
    readers = {
        "chest": lambda: ChestReaders(never, {}, never, load_film_kind(), set()),  # type: ignore[arg-type]
        "fracture": lambda: FractureReaders(never, never, partial(refused, "limb"), *cards),  # type: ignore[arg-type]
        "bone_age": lambda: BoneAgeReaders(never, partial(refused, "hand")),  # type: ignore[arg-type]
    }
    done = score(tasks()[name], readers.get(name, lambda: never)(), phantom(other), Ask())
    assert done.row["refused"] and done.why.endswith(".")
    assert len(done.row["digest"]) == 64
