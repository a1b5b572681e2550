"""Results of a run on the Evaluation page: read again, laid beside labels, opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.dataset_folders.truths import Truths, of_table, read_truths
from core.errors import UnsuitableInputError
from core.files.volume import nifti_bytes
from core.images import Volume
from core.stages import Progress
from models.cards import load_card
from models.score.parts import Folder
from models.score.results import Results, open_results, read_results
from models.score.sources import Item
from models.score.tasks import tasks
from pages.tasks.evaluation import judged, report
from pages.tasks.evaluation import results as screen
from tests.page_runner import opened
from tests.score.stand_in import write_film

quiet: Progress = lambda fraction, stage: None  # noqa: E731

SEXES = ("F", "M", "", "F", "M", "F")
ROWS: dict[str, list[dict[str, Any]]] = {
    "fracture": [
        {"width": 64, "height": 48, "boxes": 1, "highest_score": score, "card": "detector",
         "classifier_probability": score, "fracture_probability": score}
        for score in (0.9, 0.8, 0.3, 0.2, 0.7, 0.1)
    ],
    "bone_age": [
        {"width": 64, "height": 48, "sex": sex or None, "months": months, "card": "hand_age"}
        for months, sex in zip((100.0, 90.0, 60.0, 30.0, 9.0, 8.0), SEXES, strict=True)
    ],
    "chest": [
        {"width": 64, "height": 48, "p_Cardiomegaly": chance, "p_Effusion": 0.5, "ctr": 0.5,
         "card": "findings"}
        for chance in (0.9, 0.8, 0.3, 0.2, 0.7, 0.1)
    ],
    "skull_strip": [{"volume_ml": 1000.0 + i, "card": "unet"} for i in range(6)],
}  # fmt: skip
LABELS = {
    "fracture": "image,truth,xmin,ymin,xmax,ymax\n0.png,1,2,2,20,20\n1.png,0,,,,\n2.png,1,5,5,9,9\n"
    "3.png,0,,,,\n4.png,1,1,1,4,4\nlast.png,1,1,1,4,4\n",
    "bone_age": "file,boneage\n0.png,97\n1.png,90\n2.png,66\n3.png,36\n4.png,\n5.png,8\n",
    "chest": "Image Index,Finding Labels\n0.png,Cardiomegaly|Mass\n1.png,No Finding\n"
    "2.png,Cardiomegaly\n3.png,No Finding\n",
}


def run_of(task: str, given: Path, out: Path) -> Results:
    """A finished run of six films and one that was refused, as `models.score` leaves it."""
    folder = Folder(out, tasks()[task])
    items = [Item(f"films/{name}.png", (str(given / f"{name}.png"),)) for name in [*range(6), 6]]
    for number in range(7):
        write_film(given / f"{number}.png", number)
    folder.begin(items, {"task": task}, resume=False)
    common = [{"number": i, "path": one.path, "digest": str(i), "refused": i == 6, "why": None,
               "card_sha256": "x", "seconds": 0.5} for i, one in enumerate(items)]  # fmt: skip
    rows = [{**one, **own} for one, own in zip(common[:6], ROWS[task], strict=True)]
    rows.append({**common[6], "why": "This looks like a chest (98%).", "card": rows[0]["card"]})
    boxes = [
        {"number": 0, "path": "films/0.png", "digest": "0", "box": 1, "score": 0.9,
         "xmin": 2.0, "ymin": 2.0, "xmax": 20.0, "ymax": 20.0},
        {"number": 2, "path": "films/2.png", "digest": "2", "box": 1, "score": 0.3,
         "xmin": 30.0, "ymin": 30.0, "xmax": 40.0, "ymax": 40.0},
    ]  # fmt: skip
    folder.write_part(0, rows, boxes)
    return open_results(out)


@pytest.mark.parametrize(
    ("task", "text", "path", "value"),
    [
        ("fracture", "image,truth\na/1.png,0\nb/1.png,1\n", "x/b/1.png", True),
        ("fracture", "image,truth\na/1.png,0\nb/1.png,1\n", "x/1.png", None),
        ("fracture", "image_id,fractured\n1.jpg,1\n", "deep/1.png", True),
        ("fracture", "file,xmin,ymin,xmax,ymax\n1.png,1,2,3,4\n2.png,,,,\n", "2.png", False),
        ("bone_age", "id,boneage,male\n1377,180,False\n", "set.zip/1377.png", 180.0),
        ("bone_age", "image,truth\n1.png,\n2.png,3\n", "1.png", None),
        ("chest", "Image Index,Finding Labels\n1.png,Pleural Thickening|Mass\n", "1.png",
         {"Pleural_Thickening", "Mass"}),
        ("chest", "image,truth\n1.png,No Finding\n", "1.png", set()),
        ("skull_strip", "image,truth\nh.nii.gz,m.nii.gz\n", "in/h.nii.gz", Path("m.nii.gz")),
    ],
)  # fmt: skip
def test_label_of_an_image_is_found_by_the_end_of_its_path(
    task: str, text: str, path: str, value: object
) -> None:
    truths = of_table(task, "labels.csv", text.encode())
    (name,) = truths.names_of([path])
    assert (None if name is None else truths.values[name]) == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name,truth\nx,1\n", "needs the columns “image” and “truth”"),
        ("image,truth\n", "needs the columns"),
        ("image,truth\nx,\n", "of no image what is true"),
        ("\xff\xfe", "no CSV text"),
    ],
)
def test_what_is_no_label_table_gets_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UnsuitableInputError, match=sentence):
        of_table("fracture", "labels.csv", text.encode("latin-1"))


def test_labels_of_another_task_are_a_sentence(tmp_path: Path) -> None:
    write_film(tmp_path / "images" / "1.png", 1)
    (tmp_path / "bone_age.csv").write_text("file,age_months\n1.png,50\n")
    assert read_truths("bone_age", tmp_path).values == {"images/1.png": 50.0}
    with pytest.raises(UnsuitableInputError, match="another task"):
        read_truths("chest", tmp_path)
    with pytest.raises(UnsuitableInputError, match="no label file"):
        read_truths("chest", tmp_path / "none.csv")


def test_boxes_and_films_stand_beside_their_truth(tmp_path: Path) -> None:
    results = run_of("fracture", tmp_path / "films", tmp_path / "out")
    truths = of_table("fracture", "labels.csv", LABELS["fracture"].encode())
    films, parts = judged.films(results, truths)
    assert list(films["fractured"]) == [1, 0, 1, 0, 1]  # 5.png has no label, 6.png no answer
    boxes = parts["boxes"]
    assert list(boxes[boxes["kind"] == "true"]["file"]) == [f"films/{i}.png" for i in (0, 2, 4)]
    assert boxes[boxes["kind"] == "true"].iloc[1][["x0", "y0", "x1", "y1"]].tolist() == [5, 5, 9, 9]
    truth = judged.case_truth(results, truths, results.rows.iloc[2])
    assert truth == {"boxes_xyxy": [[5, 5, 9, 9]], "polygons": [], "width": 64, "height": 48}


def test_heads_are_compared_on_their_own_grid(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    affine = np.diag([3.0, 4.0, 5.0, 1.0])
    head = Volume(rng.random((20, 24, 16), np.float32), affine, "x", "head")
    ours, true = np.zeros((2, 20, 24, 16), np.uint8)
    ours[4:12, 4:12, 4:12] = 1
    true[4:12, 4:12, 8:16] = 1
    folder = Folder(tmp_path / "out", tasks()["skull_strip"])
    for name, array in (("head", head.voxels), ("true", true), ("out/masks/ours", ours)):
        path = tmp_path / f"{name}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(nifti_bytes(array, head))
    given = tmp_path / "head.nii.gz"
    folder.begin([Item(str(given), (str(given),))], {"task": "skull_strip"}, resume=False)
    row = {"number": 0, "path": str(given), "refused": False, "seconds": 1.0, "volume_ml": 30.7,
           "mask": "ours.nii.gz"}  # fmt: skip
    folder.write_part(0, [row], [])
    truths = Truths({"head.nii.gz": tmp_path / "true.nii.gz"})
    found = judged.heads(open_results(tmp_path / "out"), truths, quiet)
    assert found["dice"].tolist() == [0.5]
    assert found["reference_ml"].tolist() == pytest.approx([8**3 * 60 / 1000])


def test_tables_that_are_handed_over_are_the_same_results(tmp_path: Path) -> None:
    results = run_of("fracture", tmp_path / "films", tmp_path / "out")
    csv = ("rows.csv", results.rows.to_csv(index=False).encode())
    parts = [(p.name, p.read_bytes()) for p in (tmp_path / "out").glob("*/part-*.parquet")]
    for files in ([csv], parts):
        again = read_results(files)
        assert again.task == "fracture"
        assert list(again.answered["path"]) == list(results.answered["path"])
    assert len(again.boxes) == 2
    with pytest.raises(UnsuitableInputError, match="no tables of results"):
        read_results([("labels.csv", b"image,truth\n1,1\n")])
    with pytest.raises(UnsuitableInputError, match="no folder of results"):
        open_results(tmp_path)


@pytest.mark.parametrize(
    ("task", "figure", "value"),
    [
        ("fracture", "AUROC, both models together", "0.67"),
        ("bone_age", "MAE (months)", "3.0"),
        ("chest", "cardiomegaly AUROC", "0.750"),
        ("skull_strip", "Answered", "6"),
    ],
)
def test_results_open_and_are_judged_by_labels(
    task: str, figure: str, value: str, tmp_path: Path
) -> None:
    run_of(task, tmp_path / "films", tmp_path / "out")
    page = opened("evaluation")
    page.button_group(key="evaluation_mode").set_value("Results of a run").run()
    page.text_input(key="evaluation_results").set_value(str(tmp_path / "none")).run()
    assert "no folder of results" in page.error[0].value
    page.text_input(key="evaluation_results").set_value(str(tmp_path / "out")).run()
    assert (page.metrics["Answered"], page.metrics["Refused"]) == ("6", "1")
    assert "other weights" in page.words
    listed = [one.value for one in page.dataframe if "seconds" in one.value]
    assert [len(rows) for rows in listed] == [6]  # beside it, the charts' own tables
    if task in LABELS:
        (tmp_path / "labels.csv").write_text(LABELS[task])
        page.text_input(key="evaluation_labels").set_value(str(tmp_path / "labels.csv")).run()
        assert "Labels fit" in page.words and not page.error
    assert page.metrics[figure] == value
    page.selectbox(key="evaluation_results_order").set_value("seconds").run()
    assert page.metrics[figure] == value


def test_image_of_a_row_is_read_from_where_the_run_found_it(tmp_path: Path) -> None:
    results = run_of("chest", tmp_path / "films", tmp_path / "out")
    (_, source), *_ = results.contents(3)
    assert source == (tmp_path / "films" / "3.png").read_bytes()
    truths = of_table("chest", "labels.csv", LABELS["chest"].encode())
    case = screen.image_of(results, truths, results.rows.iloc[0])
    assert case.truth == {"findings": ["Cardiomegaly", "Mass"]} and case.words == "0.png"
    (tmp_path / "films" / "3.png").unlink()
    with pytest.raises(Exception, match="no such file"):
        results.contents(3)


def test_second_run_is_laid_beside_the_first_by_the_content_of_its_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[Any, ...]] = []
    monkeypatch.setattr(report, "offer", lambda *some: given.append(some))
    run_of("bone_age", tmp_path / "films", tmp_path / "first")
    worse = [{**row, "months": row["months"] + 60, "card": "lite0"} for row in ROWS["bone_age"]]
    with monkeypatch.context() as patch:
        patch.setitem(ROWS, "bone_age", worse)
        run_of("bone_age", tmp_path / "elsewhere", tmp_path / "second")
    run_of("chest", tmp_path / "films", tmp_path / "chest")
    (tmp_path / "labels.csv").write_text(LABELS["bone_age"])
    page = opened("evaluation")
    page.button_group(key="evaluation_mode").set_value("Results of a run").run()
    page.text_input(key="evaluation_results").set_value(str(tmp_path / "first")).run()
    assert not [one for one in page.text_input if one.key == "evaluation_results_2"]
    page.text_input(key="evaluation_labels").set_value(str(tmp_path / "labels.csv")).run()
    page.text_input(key="evaluation_results_2").set_value(str(tmp_path / "chest")).run()
    assert "cannot be compared" in page.error[0].value
    page.text_input(key="evaluation_results_2").set_value(str(tmp_path / "second")).run()
    beside = next(one.value for one in page.dataframe if "verdict" in one.value)
    error = beside.set_index("figure").loc["MAE (months)"]
    assert (error["1"], error["verdict"], error["n"]) == ("3.00", "1 is better", 5)
    assert f"2: {load_card('bone_age', 'lite0').title}" in page.words
    assert page.metrics["MAE (months)"] == "3.0"
    page.button_group(key="evaluation_of").set_value(1).run()
    assert float(page.metrics["MAE (months)"]) > 50
    made = report.made(*given[-1]).decode()
    assert "Two models on the same cases" in made and "1 is better" in made
    assert f"Answered by {load_card('bone_age', 'lite0').title}" in made


def test_tables_of_a_persons_own_findings_are_known_as_chest(tmp_path: Path) -> None:
    rows = run_of("chest", tmp_path / "films", tmp_path / "out").rows
    own = rows.drop(columns=[name for name in rows if name.startswith("p_")])
    own = own.assign(p_Fibrosis_of_mine=0.5, card="mine")
    found = read_results([("rows.csv", own.to_csv(index=False).encode())])
    assert found.task == "chest" and found.answered["p_Fibrosis_of_mine"].tolist() == [0.5] * 6
