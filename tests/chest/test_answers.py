"""A chest film's plots, report and tables, without a network."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from core import samples
from core.chest import ctr, heart_size
from core.chest import projection as chest_film
from core.chest import report as chest_report
from core.chest.plots import FindingRow, add_ratio_lines, finding_bars, outlines
from core.chest.result import Findings
from core.chest.study_plots import in_points
from core.images import Radiograph
from core.percent import percent
from core.phantoms.chest.phantom import chest_phantom
from core.plots.viewer import Panel, viewer
from models import predictions
from models.cards import load_card
from pages.tasks.chest import reading as chest_reading
from pages.tasks.chest import sidebar
from tests.chest.stand_in import (
    masks_of,
)


def test_samples_of_the_task_have_labels() -> None:
    rows = samples.samples("chest")
    assert len(rows) == 9
    assert all("findings" in row.truth and row.truth["view"] in ("PA", "AP") for row in rows)


def test_phantom_of_the_first_look_is_enlarged_and_degraded_ones_have_no_masks() -> None:
    first = sidebar.Phantom()
    assert sidebar.made(first).truth["ctr"] > ctr.LIMIT
    turned = sidebar.made(replace(first, kind=sidebar.KINDS[1]))
    assert "masks" not in turned.truth
    assert turned.image.shape == sidebar.made(first).image.shape[::-1]


def test_change_of_nothing_keeps_the_pixels_and_rotation_turns_left() -> None:
    pixels = np.zeros((48, 64), np.float32)
    pixels[24, 50] = 1
    image = Radiograph(pixels, "dot")
    assert np.array_equal(chest_film.changed(image, chest_film.Change()).pixels, image.pixels)
    turned = chest_film.changed(image, chest_film.Change(rotation_deg=30)).pixels
    row, column = np.unravel_index(turned.argmax(), turned.shape)
    assert row < 24
    assert column < 50
    flat = chest_film.changed(image, chest_film.Change(contrast=0.5)).pixels
    assert flat.max() == pytest.approx(0.5, abs=0.01)


def test_bars_say_chance_and_times_threshold_and_show_how_films_without_it_score() -> None:
    rows = [
        FindingRow("Effusion", 0.123, 0.1, share_below=0.93),
        FindingRow("Mass", 0.004, 0.02, "labelled", share_below=0.2),
    ]
    plot = finding_bars(rows, "Mass")
    texts = next(one.text for one in plot.data if one.type == "scatter" and one.mode == "text")
    first, second = "12\u00a0%, 1.2 × its threshold", "0.4\u00a0%, 0.2 × its threshold, labelled"
    assert texts == (f"<b>{first}</b>", second)
    assert plot.data[0].x == (0.93, 0.2)
    assert plot.data[0].marker.pattern.shape == ("/", "")  # a weak call is hatched
    assert FindingRow("Hernia", 0.5, 0.1, judged=False).words == "50\u00a0%, not judged"


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0"),
        (0.0001, "< 0.1"),
        (0.063, "6.3"),
        (0.0996, "10"),
        (0.5, "50"),
        (0.993, "99.3"),
        (1, "100"),
    ],
)
def test_shares_have_one_style(share: float, words: str) -> None:
    assert percent(share) == f"{words}\u00a0%"


def test_labels_of_both_lines_never_stand_between_them() -> None:
    for heart_y, chest_y in ((20.0, 30.0), (30.0, 20.0), (25.0, 25.0)):
        figure = viewer([Panel("", np.zeros((48, 64), np.uint8))])
        ratio = ctr.CardiothoracicRatio(25, 45, heart_y, 4, 60, chest_y)
        add_ratio_lines(figure, ratio, mm_per_px=2.0)
        marks = {a.text: a for a in figure.layout.annotations if "mm" in (a.text or "")}
        assert set(marks) == {"heart 40 mm", "chest 112 mm"}
        upper, lower = sorted(marks.values(), key=lambda mark: (mark.y, mark.yanchor != "bottom"))
        assert (upper.yanchor, lower.yanchor) == ("bottom", "top")


def test_outline_follows_the_mask() -> None:
    mask = np.zeros((48, 64), bool)
    mask[10:20, 30:50] = True
    (line,) = outlines(mask)
    assert line.min(axis=0).tolist() == [30.5, 10.5]
    assert line.max(axis=0).tolist() == [49.5, 19.5]
    assert outlines(np.zeros((8, 8), bool)) == []


def test_report_marks_what_is_above_and_escapes() -> None:
    phantom = chest_phantom(1, heart_ratio=0.6, shape=(96, 104))
    ratio = ctr.measure(phantom.masks)
    grey = np.zeros(phantom.image.shape, np.uint8)
    drawn = chest_report.with_anatomy(grey, phantom.masks, ratio)
    assert drawn.shape[2] == 3
    assert drawn.any()
    rows = [FindingRow("Effusion", 0.5, 0.1), FindingRow("<b>", 0.05, 0.1)]
    heart = [{"asked": "CTR", "value": "0.600"}]
    parts = dict(chest_report.parts(rows, heart, ["A sentence."], []))
    assert '<tr class="strong"><td>Effusion</td><td>50' in parts["Findings"]
    assert "<b>" not in parts["Findings"]
    assert "0.600" in parts["Heart size"] and "A sentence." in parts["Heart size"]
    assert parts["Models"] == ""


def test_label_map_comes_back_and_table_has_both_limits() -> None:
    masks = masks_of((48, 64))
    labels = chest_report.read_label_map(chest_report.label_map(masks))
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    assert np.array_equal(labels == 3, masks["heart"])
    rows = [FindingRow("Effusion", 0.5, 0.1), FindingRow("Hernia", 0.5, 0.1, judged=False)]
    heart = heart_size.judge(ctr.measure(masks), masks)
    bedside = heart_size.judge(ctr.measure(masks), masks, view="AP")
    text = chest_report.csv(rows, {"CTR": heart, "CTR, AP": bedside}).decode().splitlines()
    assert text[1].startswith("Effusion,0.5,0.1,above")
    assert text[2].startswith("Hernia,0.5,0.1,not judged")
    assert text[3].startswith("CTR,0.5,0.5,not enlarged")
    assert text[4].startswith('"CTR, AP",0.5,0.5,not judged')


def test_operating_points_say_what_they_cost() -> None:
    card = SimpleNamespace(
        labels=("Effusion", "Hernia"),
        operating_points={"Effusion": 0.2, "Hernia": 0.01},
        settings={
            "sensitivity": {"Effusion": 0.6, "Hernia": 0.0},
            "specificity": {"Effusion": 0.9, "Hernia": 0.7},
            "positives": {"Effusion": 80, "Hernia": 1},
        },
    )
    assert chest_reading.judged(card) == {"Effusion"}  # type: ignore[arg-type]
    assert chest_reading.false_calls(card) == pytest.approx(0.1)  # type: ignore[arg-type]
    first = chest_reading.operating_rows(card)[0]  # type: ignore[arg-type]
    assert first["sensitivity"] == "60\u00a0%"
    assert first["false-positive rate"] == "10\u00a0%"


def test_finding_that_cannot_be_judged_is_last_and_not_called() -> None:
    found = Findings({"Effusion": 0.1, "Hernia": 0.9}, {"Effusion": 0.2, "Hernia": 0.01}, "m", 128)
    card = replace(load_card("chest", "findings"), labels=("Effusion", "Hernia"))
    rows = chest_reading.finding_rows(found, card)
    val = predictions.read("chest", "val")
    assert val is not None
    without = val.rows.loc[val.rows["true Effusion"] == 0, "p Effusion"]
    assert rows[0].share_below == pytest.approx((without < 0.1).mean(), abs=0.01)
    assert [(row.name, row.above) for row in rows] == [("Effusion", False), ("Hernia", False)]


@pytest.mark.parametrize(
    ("change", "words"),
    [(0.0, "0.0 points"), (-0.0004, "0.0 points"), (0.031, "+3.1 points"), (-0.2, "−20.0 points")],
)
def test_a_change_that_rounds_to_nothing_has_no_sign(change: float, words: str) -> None:
    assert in_points(change) == words
