"""The study of sources that a network has not seen: what is left out, asked and kept."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from core.errors import WeightsError
from core.phantoms.head.phantom import random_head
from models.onnx_runtime import open_file
from models.skull_strip import study, unseen
from models.skull_strip.unseen import EVERY, IXI_ONLY, SHIPS, WITHOUT

FILES = {"t1/ixi_IXI001.nii.gz": "train", "t1/ixi_IXI002.nii.gz": "test",
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
    assert left(sources="others") == files[2:]
    assert left(sources="others", without="colin27") == [files[2]]
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


def test_every_source_is_asked_of_the_network_that_left_it_out() -> None:
    for source in study.OTHERS:
        assert study.asked_of(source) == (IXI_ONLY, WITHOUT + source, EVERY, SHIPS)
    asked = {name for source in (study.IXI, *study.OTHERS) for name in study.asked_of(source)}
    assert asked == {IXI_ONLY, SHIPS, *study.names()}


def test_heads_are_scored_by_each_network_that_is_asked_and_kept(
    data: Path, tmp_path: Path
) -> None:
    from models.skull_strip import network

    names = {IXI_ONLY, SHIPS, WITHOUT + "openms"}
    path = tmp_path / "network.onnx"
    network.save(network.build(2), path)
    settings = replace(study.settings_of(study.load_card("skull_strip", "unet")), n4=False)
    rows = list(study.scored(dict.fromkeys(names, path), data, settings))
    found = {(row["file"], row["network"]) for row in rows}
    test, openms, colin = list(FILES)[1:]
    assert found == {
        (test, IXI_ONLY), (test, SHIPS),
        (openms, IXI_ONLY), (openms, WITHOUT + "openms"), (openms, SHIPS),
        (colin, IXI_ONLY), (colin, SHIPS),
    }  # fmt: skip
    assert all(0 <= row["dice"] <= 1 and row["dice_mask2"] is None for row in rows)
    unseen.write(rows, {"steps": 3}, tmp_path / "kept.csv")
    table, about = unseen.read(tmp_path / "kept.csv")
    assert about == {"steps": 3}
    assert table["dice"].to_list() == pytest.approx([row["dice"] for row in rows], abs=1e-4)
    assert set(table["trained on"]) == {IXI_ONLY, unseen.UNSEEN, SHIPS}


def test_last_parts_begin_with_the_first_and_are_trained_once(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.skull_strip import network, train, train_steps

    asked = []

    def trained(
        data: Path, plan: train.Plan, out: Path, cache: Path, *, start: Path | None
    ) -> None:
        asked.append((out.parent.name, plan, start))

    mixed: list[float] = []
    build = network.build
    monkeypatch.setattr(network, "build", lambda filters: build(2))
    monkeypatch.setattr(train, "train_plan", trained)
    monkeypatch.setattr(train_steps, "fill_mixed", lambda *some: mixed.append(some[-1]))
    first = tmp_path / "ixi.onnx"
    for name in (EVERY, WITHOUT + "openms", EVERY):  # what is done is not done again
        assert study.train(name, data, tmp_path, first, 20).is_file()
    assert mixed == [study.SHARE] * 2
    (_, plan, start), (folder, other, _) = asked
    assert (plan.sources, plan.without, plan.steps, start) == ("others", "", 20, first)
    assert (plan.rate, plan.loss, plan.frozen_from, plan.seed) == (5e-4, "dice+ce", 0.0, 0)
    assert (folder, other.without) == ("without_openms", "openms")


def test_other_weights_are_not_taken_for_those_of_the_first_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.skull_strip import network

    build = network.build
    monkeypatch.setattr(network, "build", lambda: build(2))
    model = build(2)
    rng = np.random.default_rng(0)
    arrays = {v.path: rng.random(v.shape, np.float32) for v in model.variables
              if "seed_generator" not in v.path}  # fmt: skip
    np.savez(tmp_path / "ixi.npz", **arrays)  # type: ignore[arg-type]  # numpy's stub
    with pytest.raises(WeightsError, match="not the file of the first part"):
        study.first_part(tmp_path / "ixi.npz", tmp_path)
    monkeypatch.setattr(study, "IXI_SHA256", study.file_sha256(tmp_path / "ixi.npz"))
    made = study.first_part(tmp_path / "ixi.npz", tmp_path)
    image = rng.random((1, 16, 24, 8, 1), np.float32)
    for variable in model.variables:
        if variable.path in arrays:
            variable.assign(arrays[variable.path])
    truth = 1 / (1 + np.exp(-np.asarray(model(image))[0, ..., 0]))
    (found,) = open_file(made)(image.transpose(0, 4, 1, 2, 3))
    assert np.abs(found[0, 0] - truth).max() < 0.02  # kept in float16


def test_networks_are_compared_head_by_head(tmp_path: Path) -> None:
    heads = {"a": "openms", "b": "openms", "c": "colin27", "d": "ixi", "e": "ixi"}
    cost = {"a": 0.02, "b": 0.03, "c": 0.01, "d": 0.1, "e": 0.2}
    rows = [
        {"source": source, "file": file, "network": name, "dice": dice}
        for file, source in heads.items()
        for name, dice in ((SHIPS, 0.97), (IXI_ONLY, 0.97 - cost[file]))
    ]
    rows += [{**row, "network": WITHOUT + row["source"], "dice": 0.9} for row in rows[:6:2]]
    unseen.write(rows, {}, tmp_path / "kept.csv")
    table, _ = unseen.read(tmp_path / "kept.csv")
    means = unseen.by_source(table, "dice")
    assert list(means.index) == ["openms", "colin27", "ixi"]
    assert list(means) == [IXI_ONLY, unseen.UNSEEN, SHIPS]  # no network of every source
    assert means.loc["openms", IXI_ONLY] == pytest.approx(0.945)
    assert np.isnan(means.loc["ixi", unseen.UNSEEN])
    found = unseen.changes(table, "dice", more=True, style=".3f")
    told = [(one.name.split(":")[0], one.difference.n, one.difference.value) for one in found]
    assert told == [
        ("five sources", 3, pytest.approx(-0.02)),
        ("five sources", 3, pytest.approx(-0.05)),
        ("IXI, test", 2, pytest.approx(-0.15)),
    ]
