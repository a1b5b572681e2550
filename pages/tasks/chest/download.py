"""Everything a chest film gave, as files."""

from __future__ import annotations

import io
from functools import partial
from pathlib import PurePath

import numpy as np
import streamlit as st

from core import report as reports
from core.chest import report as chest_report
from core.files import write as exports
from core.images import FloatArray
from core.plots import draw
from models.chest.heatmaps import opening_of
from pages.shared import views
from pages.shared.views import Download
from pages.tasks.chest import loaders
from pages.tasks.chest.reading import Reading, chosen, in_words
from pages.tasks.chest.sentences import agreement, caveats, opinions, side_check, verdict
from pages.tasks.chest.sidebar import Settings
from pages.tasks.chest.views import picture, shown_heat

OPACITY = 0.6


def show(reading: Reading, settings: Settings) -> None:
    """Buttons; each file is made when its button is pressed.

    Streamlit makes it in a thread without a session: what is kept in one is read here.
    """
    title = reading.case.words if reading.case.origin == "Upload" else reading.image.title
    name = exports.stem(PurePath(title).stem)
    label = chosen(reading)
    heat = loaders.heat(settings.classifier, reading.image, label).values
    finding = exports.stem(label.lower())
    views.downloads(
        "chest",
        [
            Download(
                "Report (HTML)", f"{name}.html", partial(report, reading, settings, label, heat)
            ),
            Download("Table (CSV)", f"{name}.csv", partial(csv, reading)),
            Download(
                "Heat map (PNG)",
                f"{name}_{finding}.png",
                lambda: exports.png(overlay(reading, settings, label, heat)),
            ),
            Download("Heat map (NPY)", f"{name}_{finding}.npy", partial(npy, heat)),
            Download(
                "Masks (PNG)", f"{name}_masks.png", partial(chest_report.label_map, reading.masks)
            ),
        ],
    )
    method = opening_of(settings.classifier)
    st.caption(
        f"The heat map is the {method} of {in_words(label).lower()}: as PNG with the display "
        "window and the threshold of the sidebar, as NPY whole, float32 in [0, 1], in pixels of "
        "the film. The masks are one grey picture: 0 background, 1 left lung, 2 right lung, 3 "
        "heart (it looks black; the values are small). The report is one page for a browser or a "
        "printer. Nothing from a DICOM header enters the files."
    )


def overlay(reading: Reading, settings: Settings, label: str, heat: FloatArray) -> draw.Picture:
    """The film under its heat map, in pixels of the film."""
    shown = shown_heat(heat, settings, reading.findings.probabilities[label])
    return draw.with_heat(picture(reading.image, settings), shown, OPACITY)


def npy(values: FloatArray) -> bytes:
    """An array as a NumPy file."""
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def csv(reading: Reading) -> bytes:
    """Findings, the measured ratio, and that of lines moved by hand."""
    both = {"CTR, network's lines": reading.ratio, "CTR, by hand": reading.by_hand}
    hearts = {name: reading.judged_by(ratio) for name, ratio in both.items()}
    known = {name: heart for name, heart in hearts.items() if heart is not None}
    return chest_report.csv(reading.rows, known)


def report(reading: Reading, settings: Settings, label: str, heat: FloatArray) -> bytes:
    """One page with both pictures, both tables and what limits them."""
    ratio = reading.by_hand or reading.ratio
    shown = picture(reading.image, settings)
    whose = "moved by hand" if reading.by_hand else "measured by the network"
    anatomy = chest_report.with_anatomy(shown, reading.masks, ratio)
    heated, method = overlay(reading, settings, label, heat), opening_of(settings.classifier)
    factor = anatomy.shape[0] / heated.shape[0]
    said, _ = verdict(reading)
    sentences = [said.replace("**", ""), agreement(reading)]
    if ratio is not None:
        sentences += caveats(reading, ratio)
    sentences.append(side_check(reading).replace("**", ""))
    height, width = reading.image.shape
    cards = [settings.classifier, *(card for card, _ in reading.single), settings.segmenter]
    known = f"{width} × {height} px, view {reading.image.view or 'unknown'}."
    title = reading.case.words if reading.case.origin != "Real sample" else reading.image.title
    models = [f"{card.title}: {card.metrics[0].sentence}." for card in cards if card.metrics]
    return reports.page(
        "Chest film",
        title,
        lines=[" ".join([known, *reading.image.notes])],
        pictures=[
            (f"Outlines of heart and lungs; lines {whose}.", anatomy),
            (f"{method} of {in_words(label).lower()}.", draw.scaled(heated, factor)),
        ],
        parts=chest_report.parts(reading.rows, opinions(reading), sentences, models),
    )
