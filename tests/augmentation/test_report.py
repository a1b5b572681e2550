"""The robustness report: what is best and worst, what is said, what is written."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.augment import evidence, pictures, report
from core.augment.films import FILMS
from core.augment.labels import Labels
from core.augment.pipeline import Draw, fixed
from core.augment.report import Measure, Trial

SCORE = Measure("score", "Score", level=0.2, level_name="threshold")
MONTHS = Measure("months", "Bone age", "months", "same", None, digits=0)
ORIGINAL = {"score": 0.8, "months": 100.0}


def trials(*answers: tuple[float, float], value: float | None = None) -> list[Trial]:
    return [
        Trial(fixed("rotate", {"degrees": n}, n), {"score": score, "months": months}, (), value)
        for n, (score, months) in enumerate(answers)
    ]


@pytest.mark.parametrize(
    ("measure", "best", "worst"), [(SCORE, 2, 1), (MONTHS, 1, 2)], ids=["score", "months"]
)
def test_best_and_worst(measure: Measure, best: int, worst: int) -> None:
    found = report.best_and_worst(
        measure, ORIGINAL, trials((0.5, 110.0), (0.1, 101.0), (0.7, 70.0), (np.nan, 100.0))
    )
    wanted = (best, worst) if measure is SCORE else (3, worst)
    assert tuple(trial.draw.seed for trial in found) == wanted


def test_a_draw_that_applied_nothing_is_not_the_most_harmed() -> None:
    untouched = report.Trial(Draw(9, ()), {"score": 0.0, "months": 100.0})
    found = report.best_and_worst(SCORE, ORIGINAL, [untouched, *trials((0.5, 110.0))])
    assert [trial.draw.seed for trial in found] == [0, 0]


def test_summary_counts_labels_that_are_gone() -> None:
    said = report.summary(SCORE, 0.8, np.array([0.4, 0.6, np.nan]))
    assert "0.80 on the original" in said
    assert "over 2 draws a median of 0.50" in said
    assert "In 1 the label left" in said
    assert "no answer in any of 1" in report.summary(SCORE, 0.8, np.array([np.nan]))


def test_table_has_the_original_first_and_units_in_words() -> None:
    rows = report.rows((SCORE, MONTHS), ORIGINAL, trials((0.5, np.nan)), FILMS)
    assert rows[0] == {"draw": "original", "score": 0.8, "months": 100.0}
    assert rows[1]["applied"] == "Rotation 0°"
    assert rows[1]["months"] is None
    text = report.csv(rows, "One draw.").decode()
    assert "not for diagnosis" in text.splitlines()[-1]
    read = list(csv.DictReader(io.StringIO(text)))
    assert read[1]["score"] == "0.5"


def test_sweep_groups_repeats_by_value() -> None:
    many = trials((0.9, 1.0), (0.5, 1.0), value=2.0) + trials((0.4, np.nan), value=-1.0)
    values, answers = report.grouped(many, "score")
    assert values == [-1.0, 2.0]
    mean, low, high = report.spans(answers)
    assert mean.tolist() == pytest.approx([0.4, 0.7])
    assert (low[1], high[1]) == (0.5, 0.9)
    empty, _, _ = report.spans(report.grouped(many, "months")[1])
    assert np.isnan(empty[0])
    assert report.sweep_curve((SCORE, MONTHS), ORIGINAL, many, "angle", (0, 1)).data


def test_distribution_has_a_dot_for_every_draw() -> None:
    figure = report.distribution((SCORE, MONTHS), ORIGINAL, trials((0.5, 90.0), (0.7, 95.0)))
    assert [list(trace.y) for trace in figure.data] == [[0.5, 0.7], [90.0, 95.0]]


@pytest.mark.parametrize("x_title", ["", "Rotation: angle (°)"])
def test_report_is_a_picture(x_title: str) -> None:
    value = 1.0 if x_title else None
    film = np.full((40, 30, 3), 128, np.uint8)
    found = report.png(
        "Limb", (SCORE, MONTHS), ORIGINAL, trials((0.5, 90.0), value=value), [("a", film)], x_title
    )
    picture = cv2.imdecode(np.frombuffer(found, np.uint8), cv2.IMREAD_COLOR)
    assert min(picture.shape[:2]) > 500


def test_difference_is_orange_where_brighter_and_blue_where_darker() -> None:
    before = np.full((4, 6), 0.5, np.float32)
    after = before.copy()
    after[0, 0], after[3, 5] = 0.9, 0.1
    picture, reach = pictures.difference(before, after)
    assert picture[0, 0, 0] > picture[0, 0, 2]
    assert picture[3, 5, 2] > picture[3, 5, 0]
    assert not picture[1:3].any()
    assert reach == pytest.approx(0.4, abs=0.01)


def test_labels_are_drawn_on_a_film_and_on_a_slice() -> None:
    pixels = np.zeros((60, 80), np.float32)
    mask = np.zeros((60, 80), bool)
    mask[20:40, 30:60] = True
    box = np.array([[5, 5, 20, 15]], np.float32)
    plain = pictures.film(pixels, Labels())
    labels = Labels(box, ("a",), {"m": mask}, {"p": (70.0, 50.0)})
    assert not plain.any()
    without, drawn = pictures.film(pixels, labels), pictures.film(pixels, labels, boxes=True)
    assert without[50, 66:75].any()
    assert drawn[5, 5:20].any()
    assert not without[5, 5:20].any()
    voxels = np.zeros((6, 8, 10), np.float32)
    voxels[0, :, 9] = 1  # the patient's left, at the top
    shown = pictures.head_slice(voxels, {}, (0, 1), (2.0, 1.0, 1.0), "coronal", 3)
    assert shown.shape[:2] == (466, 560) or shown.shape[0] == 467 or max(shown.shape[:2]) == 560
    assert shown[:30, -40:].max() == 255
    assert pictures.thumbnail(np.zeros((900, 600, 3), np.uint8), 300).shape == (300, 200, 3)


def test_experiments_stand_beside_their_transform(tmp_path: Path) -> None:
    path = tmp_path / "experiments.csv"
    rows = ["none,0,0.90", "none,1,0.92", "rotation up to 18°,0,0.95", "horizontal flip,0,0.85"]
    lines = ["factor,setting,seed,val_auroc", *(f"augmentation,{row}" for row in rows)]
    path.write_text("\n".join([*lines, "depth,head only,0,0.5"]), encoding="utf-8")
    said = evidence.beside(path)
    assert set(said) == {"rotate", "mirror"}
    assert "0.95 (+0.05 against none, 1 run): cannot be decided" in said["rotate"]
    assert "-0.05" in said["mirror"]
    assert evidence.beside(None) == evidence.beside(tmp_path / "none.csv") == {}


def test_worst_draw_is_farthest_from_the_truth_where_it_is_known() -> None:
    original, answers = {"months": 100.0}, trials((0.5, 90.0), (0.5, 125.0))
    known = Measure("months", "Bone age", better="level", level=120.0)
    unknown = Measure("months", "Bone age", better="same", level=120.0)
    assert report.best_and_worst(known, original, answers)[1].figures["months"] == 90.0
    assert report.best_and_worst(unknown, original, answers)[1].figures["months"] == 125.0
