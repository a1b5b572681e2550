"""Bone age: from a hand radiograph to months, every step on screen."""

import streamlit as st

from models.cards import task_cards
from pages.shared import frame, input_check, inputs, many_films, views
from pages.shared import send_to_lab as augmentation_send
from pages.tasks.bone_age import experiments as bone_age_study
from pages.tasks.bone_age import explain as bone_age_explain
from pages.tasks.bone_age import growth as bone_age_growing
from pages.tasks.bone_age import many_films as bone_age_sets
from pages.tasks.bone_age import sidebar as bone_age_inputs
from pages.tasks.bone_age import steps as bone_age_steps
from pages.tasks.bone_age import views as bone_age_views

PAGE = "bone_age"
MORE = ("Steps", "Explain", "Growth", "Experiments", "Model card", "Download")
MODES = ("One radiograph", "Many radiographs")

frame.require()
mode = views.headline(
    "Bone age",
    "How old are these bones? Networks read a hand radiograph and answer in years and months: "
    "walk through every step, see where they look, and watch growth plates close.",
    MODES,
    f"{PAGE}_mode",
)

if mode == "Many radiographs":
    films, children = bone_age_sets.files()
    settings = bone_age_inputs.settings(None, many=not many_films.is_open(PAGE))
    came = views.show_error(lambda: bone_age_sets.batch(settings, films, children))
    settings = bone_age_sets.as_in_batch(settings, came)
else:
    came = inputs.radiograph(PAGE, PAGE, bone_age_inputs.phantom)
    settings = bone_age_inputs.settings(came)

if came is not None:
    reading = None
    case = views.show_error(
        lambda: input_check.passed(PAGE, came, "hand", trusted=came.origin == "Phantom")
    )
    if case is not None:
        viewer = st.empty()
        if not bone_age_views.was_read(case, settings):
            with viewer.container():
                bone_age_views.film(case, settings, "The model is reading …")
        reading = views.show_error(lambda: bone_age_views.read(case, settings))
    if reading is not None:
        with viewer.container():
            bone_age_views.verdict(reading)
            bone_age_views.viewer(reading)
        views.end_of_presentation()
        bone_age_views.strip(reading)
        augmentation_send.send(PAGE, case)
        more = st.segmented_control(
            "More about this film",
            MORE,
            default=MORE[0],
            required=True,
            key=f"{PAGE}_more",
            label_visibility="collapsed",
            persist_state="session",
            bind="query-params",
        )
        if more == "Steps":
            views.show_error(lambda: bone_age_steps.show(reading))
        elif more == "Explain":
            bone_age_explain.show(reading)
        elif more == "Growth":
            phantom = bone_age_inputs.current_phantom()
            views.show_error(lambda: bone_age_growing.show(settings, phantom))
        elif more == "Experiments":
            bone_age_study.show(settings.card)
        elif more == "Model card":
            for card in task_cards(PAGE):
                views.model_card(card)
        else:
            bone_age_views.download(reading)
