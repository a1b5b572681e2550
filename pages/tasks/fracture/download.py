"""The result as a report, a picture, a table and label files."""

from __future__ import annotations

from functools import partial
from pathlib import PurePath

import streamlit as st

from core import report as reports
from core.files import write as exports
from core.fracture import report
from core.fracture.agreement import agreement, verdict
from core.fracture.matching import RULE
from core.plots import draw
from pages.shared import views
from pages.shared.views import Download
from pages.tasks.fracture import loaders
from pages.tasks.fracture.sidebar import Settings
from pages.tasks.fracture.views import Reading, picture, true_polygons

REPORT_PX = 1000  # long side of the report's pictures


def download(reading: Reading, settings: Settings) -> None:
    """Buttons for all files; each is made when it is pressed."""
    file = reading.case.words if reading.case.origin == "Upload" else reading.image.title
    name = exports.stem(PurePath(file).stem)
    answer = reading.answer
    item = exports.Item(
        file=file if PurePath(file).suffix else f"{name}.png",
        shape=reading.image.shape,
        found=answer.found,
        spacing_mm=reading.image.spacing_mm,
        against_truth=answer.against_truth,
    )

    def overlay() -> bytes:
        shown = picture(reading.case, settings)
        polygons = true_polygons(reading.case)
        return exports.png(exports.overlay(shown, answer.found, reading.truth_xyxy, polygons))

    views.downloads(
        "fracture",
        [
            Download(
                "Report (HTML, one page)", f"{name}_report.html", partial(page, reading, settings)
            ),
            Download("Picture (PNG)", f"{name}_boxes.png", overlay),
            Download("Table (CSV)", f"{name}.csv", partial(exports.csv, [item])),
            Download("COCO (JSON)", f"{name}_coco.json", partial(exports.coco, [item])),
            Download("YOLO (TXT)", f"{name}.txt", partial(exports.yolo, item)),
        ],
    )
    st.caption(
        "Report and picture have the display window and the boxes above the threshold. Label files "
        "hold the predictions under the film’s own file name, in pixels of the original film. "
        "Nothing from a DICOM header enters them."
    )


def page(reading: Reading, settings: Settings) -> bytes:
    """The report: verdict, film with boxes, heat map, and how good the models are."""
    shown = picture(reading.case, settings)
    factor = REPORT_PX / max(shown.shape)
    large = draw.scaled(shown, factor)
    opinion = loaders.opinion(settings.classifier, reading.image)
    found, polygons = reading.answer.found, true_polygons(reading.case)
    boxed = exports.overlay(large, found, reading.truth_xyxy, polygons, factor=factor)
    warm = draw.with_heat(large, draw.scaled(opinion.heat_map, factor), 0.7)
    lines = [agreement(reading.answer)[1]]
    lines += [RULE] if reading.answer.against_truth is not None else []
    rows = exports.box_rows(
        reading.answer.found, reading.image.spacing_mm, reading.answer.against_truth
    )
    models = [
        (
            card.title,
            reports.bullets(
                [*(metric.sentence for metric in card.metrics[:2]), card.limitations[0]]
            ),
        )
        for card in (settings.detector, settings.classifier)
    ]
    return reports.page(
        "Fracture detection",
        reading.case.words or reading.image.title,
        answer=verdict(reading.answer)[1].replace("*", ""),
        lines=lines,
        pictures=[
            ("Boxes: predictions solid, ground truth dashed", boxed),
            (f"Where the classifier looked: {opinion.method}", warm),
        ],
        parts=[("Boxes", report.boxes(rows)), *models],
    )
