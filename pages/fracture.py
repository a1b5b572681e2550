"""Fracture detection: boxes on limb radiographs, a second opinion, and how both can fail."""

import streamlit as st

from pages.shared import frame, input_check, inputs, many_films, measure, send_to_lab, views
from pages.tasks.fracture import (
    download,
    experiments,
    explain,
    loaders,
    phantom_study,
    robustness,
    second_look,
    sidebar,
    teaching,
)
from pages.tasks.fracture import many_films as fracture_sets
from pages.tasks.fracture import views as fracture_views

MORE = ("Steps", "Explain", "Robustness", "Measure", "Model card", "Download")
MODES = ("One radiograph", "Many radiographs", "Teaching set", "Phantom study")

frame.require()
mode = views.headline(
    "Fracture detection",
    "A detector boxes fractures on limb radiographs and a classifier gives a second opinion: "
    "see what they find, where they disagree, and when they fail.",
    MODES,
    "fracture_mode",
)
case = None

if mode == "Many radiographs":
    films, labels = fracture_sets.files()
    settings = sidebar.settings(many=not many_films.is_open("fracture"))
    case = views.show_error(lambda: fracture_sets.batch(settings, films, labels))
elif mode == "Teaching set":
    count = teaching.count_of_phantoms()
    settings = sidebar.settings()
    case = views.show_error(lambda: teaching.show(settings, count))
elif mode == "Phantom study":
    with st.sidebar:
        base = sidebar.phantom_parameters("fracture")
    settings = sidebar.settings()
    views.show_error(lambda: phantom_study.show(settings, base))
else:
    case = inputs.radiograph("fracture", "fracture", sidebar.phantom)
    if case is not None and case.origin == "Upload":
        case = sidebar.with_truth(case, sidebar.truth_files(), case.words)
    settings = sidebar.settings()
    if case is not None:
        known = case.image.is_public
        came = case
        case = views.show_error(lambda: input_check.passed("fracture", came, "limb", trusted=known))

if case is not None:
    was_read = fracture_views.was_read(case, settings)
    viewer = views.place(was_read, fracture_views.waiting, case, settings)
    reading = views.show_error(fracture_views.read, case, settings)
    if reading is not None:
        with viewer:
            fracture_views.first_screen(reading, settings)
        views.end_of_presentation()
        fracture_views.strip(reading, settings)
        fracture_views.table(reading)
        send_to_lab.send("fracture", reading.case)
        more = views.segments("More about this film", MORE, "fracture_more")
        if more == "Steps":
            views.step_gallery(loaders.steps(settings.detector, case.image))
            views.show_error(second_look.show, reading, settings)
        elif more == "Explain":
            views.show_error(explain.explain, reading, settings)
        elif more == "Robustness":
            robustness.show(reading, settings)
        elif more == "Measure":
            boxed = fracture_views.with_boxes(reading, settings)
            side = fracture_views.side_of(case)
            measure.measure("fracture", case.image, settings.display, boxed, side)
        elif more == "Model card":
            views.model_card(settings.detector)
            for card in (second_look.card_of(settings.detector), settings.classifier):
                if card is not None:
                    with st.expander(card.title):
                        views.model_card(card)
            experiments.appendix()
        else:
            download.download(reading, settings)
