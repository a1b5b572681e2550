"""Chest films: findings against operating points, heart size by ruler, heat maps with scores."""

import streamlit as st

from pages.shared import frame, inputs, many_films, views
from pages.shared import send_to_lab as augmentation_send
from pages.tasks.chest import download as chest_download
from pages.tasks.chest import experiments as chest_experiments
from pages.tasks.chest import explain as chest_explain
from pages.tasks.chest import heart_size as chest_heart
from pages.tasks.chest import input_check
from pages.tasks.chest import loaders as chest_loaders
from pages.tasks.chest import many_films as chest_sets
from pages.tasks.chest import reading as chest_reading
from pages.tasks.chest import robustness as chest_changes
from pages.tasks.chest import sidebar as chest_inputs
from pages.tasks.chest import views as chest_views

MORE = (
    "Steps",
    "Explain",
    "Robustness",
    "Heart size",
    "Two trainings",
    "Model card",
    "Download",
)
MODES = ("One radiograph", "Many radiographs", "Experiments")

frame.require()
mode = views.headline(
    "Chest findings",
    "Fourteen findings against their operating points, the heart measured with a ruler that you "
    "can move, and heat maps that were scored, not just shown.",
    MODES,
    "chest_mode",
)

if mode == "Many radiographs":
    films, right = chest_sets.files()
    settings = chest_inputs.settings(many=not many_films.is_open("chest"))
    came = views.show_error(lambda: chest_sets.batch(settings, films, right))
elif mode == "Experiments":
    came = None
    chest_experiments.show()
else:
    came = inputs.radiograph("chest", "chest", chest_inputs.phantom)
    settings = chest_inputs.settings()

if came is not None:
    reading = None
    case = views.show_error(lambda: input_check.passed(came))
    if case is not None:
        viewer = st.empty()
        if not chest_views.was_read(case, settings):
            with viewer.container():
                chest_views.waiting(case, settings)
        reading = views.show_error(lambda: chest_reading.read(case, settings))
    if reading is not None:
        with viewer.container():
            chest_views.verdict(reading)
            chest_views.viewer(reading, settings)
        views.end_of_presentation()
        chest_views.strip(reading, settings)
        with st.container(horizontal=True, gap="medium"):  # one below the other where it is narrow
            with st.container(width=545):
                chest_views.bars(reading)
            with st.container(width=340):
                chest_views.choice(reading)
                chest_views.heart_table(reading, chest_heart.moved(reading))
                augmentation_send.send("chest", reading.case)
        more = st.segmented_control(
            "More about this film",
            [name for name in MORE if name != "Two trainings" or chest_explain.trained()],
            default=MORE[0],
            required=True,
            key="chest_more",
            label_visibility="collapsed",
            persist_state="session",
            bind="query-params",
        )
        if more == "Steps":
            views.step_gallery(chest_loaders.steps(settings.classifier, reading.image))
        elif more == "Explain":
            chest_explain.show(reading, settings)
        elif more == "Robustness":
            chest_changes.show(reading, settings)
        elif more == "Heart size":
            chest_heart.show(reading, settings)
        elif more == "Two trainings":
            chest_explain.two_trainings(reading, settings)
        elif more == "Model card":
            views.model_card(chest_inputs.one_card(settings))
        else:
            chest_download.show(reading, settings)
