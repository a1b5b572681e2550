"""Fracture detection: boxes on limb radiographs, a second opinion, and how both can fail."""

import streamlit as st

from models.cards import load_card
from pages.shared import frame, inputs, many_films, views
from pages.shared import measure as measuring
from pages.shared import send_to_lab as augmentation_send
from pages.tasks.fracture import loaders
from pages.tasks.fracture import many_films as fracture_sets
from pages.tasks.fracture import robustness as fracture_robustness
from pages.tasks.fracture import sidebar as fracture_inputs
from pages.tasks.fracture import teaching as fracture_teaching
from pages.tasks.fracture import views as fracture_views

MORE = ("Steps", "Explain", "Robustness", "Measure", "Model card", "Download")
MODES = ("One radiograph", "Many radiographs", "Teaching set")

frame.require()
mode = views.headline(
    "Fracture detection",
    "A detector boxes fractures on limb radiographs and a classifier gives a second opinion: "
    "see what they find, where they disagree, and when they fail.",
    MODES,
    "fracture_mode",
)
classifier = load_card("fracture", "classifier")

if mode == "Many radiographs":
    films, labels = fracture_sets.files()
    settings = fracture_inputs.settings(many=not many_films.is_open("fracture"))
    case = views.show_error(lambda: fracture_sets.batch(settings, classifier, films, labels))
elif mode == "Teaching set":
    count = fracture_teaching.count_of_phantoms()
    settings = fracture_inputs.settings()
    case = views.show_error(lambda: fracture_teaching.show(settings, count))
else:
    case = inputs.radiograph("fracture", "fracture", fracture_inputs.phantom)
    if case is not None and case.origin == "Upload":
        case = fracture_inputs.with_truth(case, fracture_inputs.truth_files(), case.words)
    settings = fracture_inputs.settings()

if case is not None:
    viewer = st.empty()
    if not fracture_views.was_read(case, settings):
        with viewer.container():
            fracture_views.waiting(case, settings)
    reading = views.show_error(lambda: fracture_views.read(case, settings, classifier))
    if reading is not None:
        with viewer.container():
            fracture_views.verdict(reading)
            fracture_views.viewer(reading, settings)
        views.end_of_presentation()
        fracture_views.strip(reading, settings)
        fracture_views.table(reading)
        augmentation_send.send("fracture", reading.case)
        more = st.segmented_control(
            "More about this film",
            MORE,
            default=MORE[0],
            required=True,
            key="fracture_more",
            label_visibility="collapsed",
            persist_state="session",
            bind="query-params",
        )
        if more == "Steps":
            views.step_gallery(loaders.steps(settings.detector, case.image))
        elif more == "Explain":
            opinion = loaders.opinion(classifier, case.image)
            fracture_views.explain(reading, settings, opinion.heat_map, opinion.method)
            fracture_views.experiment()
        elif more == "Robustness":
            fracture_robustness.show(settings, classifier, fracture_inputs.current_phantom())
        elif more == "Measure":
            measuring.measure("fracture", case.image, settings.display)
        elif more == "Model card":
            views.model_card(settings.detector)
            views.model_card(classifier)
        else:
            fracture_views.download(reading, settings)
