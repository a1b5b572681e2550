"""The study of sources that a network has not seen: what is left out, asked and kept."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from core.phantoms.head.phantom import random_head
from models.skull_strip import study, unseen
from models.skull_strip.unseen import EVERY, IXI_ONLY, WITHOUT

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
        assert study.asked_of(source) == (IXI_ONLY, WITHOUT + source, EVERY)
    assert study.asked_of(study.IXI) == (WITHOUT + study.IXI, EVERY)
    asked = {name for source in (study.IXI, *study.OTHERS) for name in study.asked_of(source)}
    assert asked == set(study.names())


def test_heads_are_scored_by_each_network_that_is_asked_and_kept(
    data: Path, tmp_path: Path
) -> None:
    from models.skull_strip import network

    names = {IXI_ONLY, EVERY, WITHOUT + "openms", WITHOUT + "ixi"}
    path = tmp_path / "network.onnx"
    network.save(network.build(2), path)
    settings = replace(study.settings_of(study.load_card("skull_strip", "unet")), n4=False)
    rows = list(study.scored(dict.fromkeys(names, path), data, settings))
    found = {(row["file"], row["network"]) for row in rows}
    test, openms, colin = list(FILES)[1:]
    assert found == {
        (test, WITHOUT + "ixi"), (test, EVERY),
        (openms, IXI_ONLY), (openms, WITHOUT + "openms"), (openms, EVERY),
        (colin, IXI_ONLY), (colin, EVERY),
    }  # fmt: skip
    assert all(0 <= row["dice"] <= 1 and row["dice_mask2"] is None for row in rows)
    unseen.write(rows, {"filters": 3}, tmp_path / "kept.csv")
    table, about = unseen.read(tmp_path / "kept.csv")
    assert about == {"filters": 3}
    assert table["dice"].to_list() == pytest.approx([row["dice"] for row in rows], abs=1e-4)
    assert set(table["trained on"]) == set(unseen.NETWORKS)


def test_networks_begin_as_the_recipe_has_it_and_are_trained_once(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.skull_strip import train

    asked = []

    def trained(
        data: Path, plan: train.Plan, out: Path, cache: Path, *, start: Path | None
    ) -> None:
        asked.append((out.parent.name, plan, start))

    monkeypatch.setattr(train, "train_plan", trained)
    for name in (*study.names(), EVERY):  # what is done is not done again
        study.train(name, data, tmp_path, study.Plans(4, 30, 20, 10))
    assert len(asked) == len(study.names())
    plans = {name: (plan, start) for name, plan, start in asked}
    first = tmp_path / "IXI_alone" / "unet.onnx"
    for name, steps, without, sources, start in (
        ("IXI_alone", 30, "", "IXI", None),
        ("every_source", 20, "", "all", first),
        ("without_openms", 20, "openms", "all", first),
        ("without_ixi", 10, "ixi", "all", None),
    ):
        plan, begun = plans[name]
        assert (plan.steps, plan.without, plan.sources, begun) == (steps, without, sources, start)
        assert (plan.filters, plan.loss) == (4, "dice+ce")
        assert plan.rate == (5e-4 if start else 2e-3) and (plan.frozen_from == 0) == bool(start)


def test_cost_of_an_unseen_source_is_counted_head_by_head(tmp_path: Path) -> None:
    heads = {"a": "openms", "b": "openms", "c": "colin27", "d": "ixi", "e": "ixi"}
    cost = {"a": 0.02, "b": 0.03, "c": 0.01, "d": 0.1, "e": 0.2}
    rows = [
        {"source": source, "file": file, "network": name, "dice": dice}
        for file, source in heads.items()
        for name, dice in ((EVERY, 0.97), (WITHOUT + source, 0.97 - cost[file]))
    ]
    rows += [{**row, "network": IXI_ONLY, "dice": 0.9} for row in rows[:6:2]]
    unseen.write(rows, {}, tmp_path / "kept.csv")
    table, _ = unseen.read(tmp_path / "kept.csv")
    means = unseen.by_source(table, "dice")
    assert list(means.index) == ["openms", "colin27", "ixi"]
    assert means.loc["openms", unseen.UNSEEN] == pytest.approx(0.945)
    assert np.isnan(means.loc["ixi", IXI_ONLY])
    found = {one.name: one for one in unseen.changes(table, "dice", more=True, style=".3f")}
    assert len(found) == 3
    five = found[f"five sources: {unseen.UNSEEN} against {EVERY}"]
    assert five.difference.value == pytest.approx(-0.02) and five.difference.n == 3
    assert found[f"five sources: {IXI_ONLY} against {EVERY}"].difference.value < -0.06
    assert found[f"IXI, test: {unseen.UNSEEN} against {EVERY}"].difference.n == 2
