"""The study of sources that a network has not seen: what is left out, asked and kept."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from core.phantoms.head.phantom import random_head
from models.skull_strip import study
from models.skull_strip.study import EVERY, IXI_ONLY, WITHOUT, Made

FILES = {"t1/ixi_IXI001.nii.gz": "train", "t1/ixi_IXI002.nii.gz": "val",
         "t1/openms_p1.nii.gz": "train", "t1/colin27.nii.gz": "train"}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four heads of three sources."""
    folder = tmp_path_factory.mktemp("brain")
    rows = []
    for number, (file, split) in enumerate(FILES.items()):
        head = random_head(3000 + number, (4.0, 5.0, 6.0))
        mask = file.replace("t1/", "mask/")
        for path, voxels in ((file, head.volume.voxels), (mask, head.mask)):
            (folder / path).parent.mkdir(exist_ok=True)
            nib.save(nib.Nifti1Image(voxels, head.volume.affine), folder / path)
        source = "IXI-HH" if "ixi" in file else file
        rows.append({"file": file, "mask": mask, "mask2": "", "source": source, "split": split})
    with (folder / "brain.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_heads_of_a_source_are_left_out_by_name() -> None:
    from models.skull_strip.heads import Head
    from models.skull_strip.train import Plan, chosen

    empty = np.zeros((2, 3, 4), np.float16)
    heads = [Head(file, "IXI" if "ixi" in file else "x", split, empty, empty, empty)
             for file, split in FILES.items()]  # fmt: skip
    everything = Plan()

    def left(**changed: str) -> list[str]:
        return [head.name for head in chosen(heads, replace(everything, **changed))]  # type: ignore[arg-type]  # texts only

    files = list(FILES)
    assert left() == files
    assert left(without="openms") == [files[0], files[1], files[3]]
    assert left(without="ixi") == files[2:]
    assert left(sources="IXI") == files[:2]
    with pytest.raises(ValueError, match="begins with 'nobody'"):
        left(without="nobody")


def test_phantoms_come_back_from_beside_the_heads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.skull_strip import heads

    first = heads.phantom_heads(1, cache=tmp_path / "heads.npz")
    monkeypatch.setattr(heads, "prepare_head", None)  # not prepared a second time
    again = heads.phantom_heads(1, cache=tmp_path / "heads.npz")
    assert [one.name for one in again] == [one.name for one in first] == ["phantom 10000"]
    for kind in ("plain", "corrected", "label"):
        assert np.array_equal(getattr(again[0], kind), getattr(first[0], kind))
    with pytest.raises(TypeError):  # others are
        heads.phantom_heads(2, cache=tmp_path / "heads.npz")


def test_no_network_is_asked_about_heads_that_it_trained_on_but_that_of_every_source() -> None:
    for source in study.OTHERS:
        asked = study.asked_of(source)
        assert asked == (IXI_ONLY, WITHOUT + source, EVERY)
    assert study.asked_of(study.IXI) == (WITHOUT + study.IXI, EVERY)
    assert {name for source in study.OTHERS for name in study.asked_of(source)} | {
        WITHOUT + study.IXI
    } == {IXI_ONLY, *study.names()}


def test_every_head_but_those_of_training_is_scored_by_each_network_that_is_asked(
    data: Path, tmp_path: Path
) -> None:
    from models.skull_strip import network

    names = {IXI_ONLY, EVERY, WITHOUT + "openms", WITHOUT + "ixi"}
    path = tmp_path / "network.onnx"
    network.save(network.build(2), path)
    settings = replace(study.settings_of(study.load_card("skull_strip", "unet")), n4=False)
    rows = list(study.scored(dict.fromkeys(names, path), data, settings))
    found = {(row["file"], row["network"]) for row in rows}
    ixi, openms, colin = list(FILES)[1:]
    assert found == {
        (ixi, WITHOUT + "ixi"), (ixi, EVERY),
        (openms, IXI_ONLY), (openms, WITHOUT + "openms"), (openms, EVERY),
        (colin, IXI_ONLY), (colin, EVERY),
    }  # fmt: skip
    assert all(0 <= row["dice"] <= 1 and row["dice_mask2"] is None for row in rows)
    assert {row["network"] for row in rows if row["seen"]} == {EVERY}
    study.write(rows, {"steps": 3}, tmp_path / "kept.csv")
    table, about = study.read(tmp_path / "kept.csv")
    assert about == {"steps": 3} and len(table) == len(rows)
    assert table["dice"].to_list() == pytest.approx([row["dice"] for row in rows], abs=1e-4)


def test_network_without_a_source_goes_on_from_the_first_part_and_is_mixed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.skull_strip import network, train, train_steps

    plan = {"steps": 290, "filters": 2, "rate": 1e-3, "phantoms": 1}
    steps = [{"name": "ixi", "plan": {**plan, "sources": "IXI", "steps": 680}},
             {"name": "all", "start": "ixi", "plan": {**plan, "sources": "all"}}]  # fmt: skip
    found = {"share_of_last": 0.25, "operating_points.brain": 0.5}
    record = {"seed": 5, "recipe": {"steps": steps}, "steps": {"weights": {"found": found}}}
    made = Made(tmp_path, json.loads(json.dumps(record)))
    (tmp_path / "ixi").mkdir()
    network.save(network.build(2), tmp_path / "ixi" / "unet.onnx")
    asked = []

    def trained(
        data: Path, plan: train.Plan, out: Path, cache: Path, *, start: Path | None
    ) -> None:
        asked.append((plan, start))
        network.save(network.build(2), out)

    monkeypatch.setattr(train, "train_plan", trained)
    mixed = []
    monkeypatch.setattr(train_steps, "fill_mixed", lambda *some: mixed.append(some[-1]))
    counts = {"": 10, WITHOUT + "ixi": 20}
    for name in (WITHOUT + "openms", WITHOUT + "ixi", WITHOUT + "ixi"):
        assert study.train(made, name, data, tmp_path / "study", counts).is_file()
    (first, start), (second, nothing) = asked  # what is done is not done again
    assert (first.without, first.sources, first.steps, first.seed) == ("openms", "all", 10, 5)
    assert start == tmp_path / "ixi" / "unet.onnx" and nothing is None
    assert (second.without, second.sources, second.steps) == ("ixi", "all", 20)
    assert mixed == [0.25, 1.0]
