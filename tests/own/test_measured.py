"""A person's own model measured on a labelled folder beside ours, on the Evaluation page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.files.volume import nifti_bytes
from core.phantoms.head.phantom import random_head
from core.phantoms.limb.phantom import limb_phantom, random_limb
from pages.tasks.datasets import folder
from pages.tasks.evaluation import report
from tests.own.conftest import kept
from tests.page_runner import PageTest, opened, page

FILMS = 6


@pytest.fixture
def limbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Simulated limbs with boxes, half of them fractured, in the layout of the extract."""
    monkeypatch.setattr(folder, "_recent_file", lambda: tmp_path / "recent.json")
    images, boxes = ["file,split,fractured,hand"], ["file,xmin,ymin,xmax,ymax"]
    place = tmp_path / "limbs"
    (place / "images").mkdir(parents=True)
    for seed in range(FILMS):
        film, drawn = limb_phantom(random_limb(seed, fractured=seed % 2 == 0))
        cv2.imwrite(str(place / "images" / f"{seed}.png"), np.uint8(film.pixels * 255))
        images.append(f"{seed}.png,{'val' if seed < 4 else 'test'},{1 - seed % 2},1")
        boxes += [f"{seed}.png," + ",".join(f"{corner:.1f}" for corner in box) for box in drawn]
    (place / "images.csv").write_text("\n".join(images) + "\n")
    (place / "boxes.csv").write_text("\n".join(boxes) + "\n")
    return place


def answered(test: PageTest) -> PageTest:
    test.button(key="evaluation_labelled_run").click().run()
    return test.until(lambda one: "Answered" in one.metrics)


def beside(test: PageTest) -> Any:
    """The table of the comparison."""
    return next(one.value for one in test.dataframe if "verdict" in one.value)


def test_own_detector_stands_beside_ours_with_the_paired_difference(
    made: Path, limbs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[Any, ...]] = []
    monkeypatch.setattr(report, "offer", lambda *some: given.append(some))
    kept(made / "detector.onnx", "detector", "My boxes")
    test = opened("evaluation")
    test.text_input(key="evaluation_folder_fracture").set_value(str(limbs)).run()
    test.button(key="evaluation_measure_my_boxes").click().run()
    assert test.text_input(key="evaluation_labelled_path").value == str(limbs)
    assert test.selectbox(key="evaluation_labelled_second").value == "my_boxes"
    split = test.selectbox(key="evaluation_labelled_split_limbs")
    assert split.value == "val" and test.button(key="evaluation_labelled_run").label.endswith(
        " 4 films"
    )
    split.set_value("all splits").run()
    answered(test)
    assert not test.error and test.metrics["Films"] == str(FILMS)
    table = beside(test)
    assert "mAP50" in set(table["figure"]) and "AUROC: Detector’s best box" in set(table["figure"])
    assert table["n"].max() == FILMS
    assert "2: My boxes" in test.words and "Labels fit 6 of 6" in test.words
    title, task, found, split_words, shown = given[-1]
    made_page = report.made(title, task, found, split_words, shown).decode()
    assert "Two models on the same cases" in made_page and "FracAtlas extract" in made_page
    test.button_group(key="evaluation_of").set_value(1).run()
    assert "your own model" in test.words
    # Another look finds the answers and asks no network.
    again = page("evaluation")
    again.session_state["evaluation_mode"] = "Labelled folder"
    again.session_state["evaluation_labelled_path"] = str(limbs)
    again.session_state["evaluation_labelled_split_limbs"] = "all splits"
    again.run()
    assert again.metrics["Answered"] and beside(again).equals(table)


def test_folder_without_a_known_layout_is_a_sentence(limbs: Path) -> None:
    test = page("evaluation")
    test.session_state["evaluation_mode"] = "Labelled folder"
    test.run()
    assert "Type the path" in test.info[0].value
    test.text_input(key="evaluation_labelled_path").set_value(str(limbs / "images")).run()
    assert "no layout that Lightbox knows" in test.error[0].value


def test_own_segmenter_is_laid_over_the_masks_of_a_folder(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_recent_file", lambda: tmp_path / "recent.json")
    kept(made / "labels.onnx", "brain", "My brain")
    place = tmp_path / "heads"
    place.mkdir()
    for seed in range(2):
        head = random_head(seed, (4.0, 4.0, 5.0))
        for ending, voxels in (("", head.volume.voxels), ("_brainmask", head.mask)):
            content = nifti_bytes(voxels, head.volume)
            (place / f"sub-{seed}_T1w{ending}.nii.gz").write_bytes(content)
    test = page("evaluation")
    test.session_state["evaluation_mode"] = "Labelled folder"
    test.session_state["evaluation_labelled_path"] = str(place)
    test.run()
    assert test.selectbox(key="evaluation_labelled_second").value == "my_brain"
    answered(test)
    assert test.metrics["Heads"] == "2" and not test.error
    table = beside(test).set_index("figure")
    assert float(table.loc["Dice", "1"]) > 0.8 > float(table.loc["Dice", "2"])
    assert test.metrics["Dice"] == table.loc["Dice", "1"]
