"""The Datasets page: a typed folder opens, a bar filters, a wrong path is a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.dataset_folders import views as dataset_views
from core.dataset_folders.layouts import open_dataset
from core.dataset_folders.scan import scan
from core.plots.table import table_of
from pages.tasks.datasets import open_case
from tests.dataset_folders.test_dataset_folders import film, fracatlas, save
from tests.page_runner import opened


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


def test_folder_opens_with_its_pictures_and_is_remembered(
    tmp_path: Path, own_folders: None
) -> None:
    folder = fracatlas(tmp_path / "set")
    page = opened("datasets")
    assert not page.button
    page.text_input(key="datasets_path").set_value(str(folder)).run()
    page.until(lambda page: len(page.button) > 5)
    assert "6 images" in page.markdown[0].value and "no inconsistency" in page.markdown[0].value
    assert {f"datasets_open_images/Fractured/IMG{n}.jpg" for n in (0, 1)} <= {
        button.key for button in page.button
    }
    again = opened("datasets")
    assert again.text_input(key="datasets_path").value == str(folder)


def test_problems_are_listed_with_their_files(tmp_path: Path, own_folders: None) -> None:
    folder = fracatlas(tmp_path / "set")
    save(folder / "images" / "nobody.jpg", film(50))
    page = opened("datasets")
    page.button_group(key="datasets_mode").set_value("Problems")
    page.text_input(key="datasets_path").set_value(str(folder)).run()
    page.until(lambda page: len(page.dataframe) > 0)
    assert list(page.dataframe[0].value["problem"]) == ["image without row"]
    assert list(page.dataframe[1].value["file"]) == ["images/nobody.jpg"]


def test_wrong_path_is_a_sentence_and_the_page_lives_on(tmp_path: Path, own_folders: None) -> None:
    page = opened("datasets")
    page.text_input(key="datasets_path").set_value(str(tmp_path / "none")).run()
    assert "no folder" in page.error[0].value
    page.text_input(key="datasets_path").set_value(str(fracatlas(tmp_path / "set"))).run()
    page.until(lambda page: len(page.button) > 5)
    assert not page.error


@pytest.mark.parametrize("labels", ["COCO", "VGG", "YOLO"])
def test_opened_image_carries_its_truth(tmp_path: Path, labels: str) -> None:
    dataset = open_dataset(fracatlas(tmp_path, labels))
    case = open_case.film(dataset, "images/Fractured/IMG0.jpg")
    np.testing.assert_allclose(case.truth["boxes_xyxy"], [[10, 20, 40, 60]], atol=1e-3)
    outlined = [] if labels == "YOLO" else [[[10, 20], [40, 20], [40, 60]]]
    assert case.truth["polygons"] == outlined
    assert open_case.film(dataset, "images/Non_fractured/IMG3.jpg").truth["boxes_xyxy"] == []


def test_a_filter_acts_on_the_other_views_only(tmp_path: Path) -> None:
    dataset = open_dataset(fracatlas(tmp_path))
    found = dataset_views.views_of(dataset, scan(dataset))
    by_name = {view.name: view for view in found}
    wanted = {"fractured": ["yes"]}
    assert dataset_views.kept(found, wanted).sum() == 2
    assert dataset_views.kept(found, wanted, but="fractured").sum() == 6
    figure = dataset_views.bars(by_name["boxes"], dataset_views.kept(found, wanted, "boxes"), [])
    assert list(figure.data[0].y) == [4, 2]
    assert list(figure.data[1].y) == [0, 2]


def test_ages_are_told_apart_by_sex(tmp_path: Path) -> None:
    rows = ["file,age_months,sex,split"]
    for number in range(6):
        save(tmp_path / "images" / f"{number}.png", film(number))
        rows.append(f"{number}.png,{60 + 60 * (number % 2)},{'FFFFMM'[number]},val")
    (tmp_path / "bone_age.csv").write_text("\n".join(rows) + "\n")
    dataset = open_dataset(tmp_path)
    by_name = {view.name: view for view in dataset_views.views_of(dataset, scan(dataset))}
    ages, sexes = by_name["age (months)"], by_name["sex"]
    figure = dataset_views.bars(ages, dataset_views.kept([ages], {}), [], by=sexes)
    every, boys, girls = figure.data
    assert (boys.name, girls.name) == sexes.categories == ("boy", "girl")
    assert list(every.y) == [3, 3] and list(boys.y) == [1, 1] and list(girls.y) == [2, 2]
    assert list(girls.base) == list(boys.y) and "girl" in figure.layout.title.text


def test_long_names_are_cut_on_the_axis_and_whole_in_the_bar() -> None:
    names = ("a source with a very long name indeed", "short")
    members = np.eye(2, dtype=bool)
    view = dataset_views.View("source", names, members, pd.Index(["1", "2"]))
    figure = dataset_views.bars(view, np.ones(2, bool), [])
    assert figure.layout.xaxis.ticktext == ("a source with a ve…", "short")
    assert figure.layout.xaxis.tickvals == names == tuple(figure.data[1].x)


def test_table_of_what_occurs_together_holds_counts_and_not_their_logarithms() -> None:
    members = np.array([[1, 1, 0]] * 20 + [[0, 1, 1]] * 3, bool)
    view = dataset_views.View("findings", ("a", "b", "c"), members, pd.Index(range(23)))
    table = table_of(dataset_views.together(view, np.ones(23, bool)))
    assert table is not None
    assert table[["a", "b", "c"]].to_numpy().tolist() == [[20, 20, 0], [20, 23, 3], [0, 3, 3]]
