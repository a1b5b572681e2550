"""Bone age: from a hand radiograph to months, every step on screen."""

import streamlit as st

from pages.shared import frame, input_check, inputs, send_to_lab, views
from pages.shared import many_films as shared_films
from pages.tasks.bone_age import (
    download,
    experiments,
    explain,
    growth,
    many_films,
    sidebar,
    steps,
)
from pages.tasks.bone_age import views as reading_views

PAGE = "bone_age"
MORE = ("Steps", "Explain", "Growth", "Accuracy", "Model card", "Download")
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
    films, children = many_films.files()
    settings = sidebar.settings(None, many=not shared_films.is_open(PAGE))
    came = views.show_error(lambda: many_films.batch(settings, films, children))
    settings = many_films.as_in_batch(settings, came)
else:
    came = inputs.radiograph(PAGE, PAGE, sidebar.phantom)
    settings = sidebar.settings(came)

if came is None:
    st.stop()
case = views.show_error(input_check.passed, PAGE, came, "hand", trusted=came.origin == "Phantom")
if case is None:
    st.stop()
with st.spinner("The model is reading …"):
    reading = views.show_error(reading_views.read, case, settings)
if reading is None:
    st.stop()
reading_views.verdict(reading)
reading_views.viewer(reading)
views.end_of_presentation()
reading_views.strip(reading)
send_to_lab.send(PAGE, case)
more = views.segments("More about this film", MORE, f"{PAGE}_more")
if more == "Steps":
    with st.container(key=f"{PAGE}_steps"):
        views.show_error(steps.show, reading)
elif more == "Explain":
    explain.show(reading)
elif more == "Growth":
    phantom = sidebar.current_phantom()
    views.show_error(lambda: growth.show(settings, phantom))
elif more == "Accuracy":
    experiments.show(settings.card)
elif more == "Model card":
    experiments.cards(settings.card)
else:
    download.show(reading)
