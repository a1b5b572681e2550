"""Practice: read first, then see what the model and the truth say."""

import streamlit as st

from pages.shared import frame, views
from pages.tasks.practice import kept, make, model_answers, read, results

MODES = ("Read", "Results", "Make a series")

frame.require()
if kept.GO in st.session_state:  # a button asked for another mode
    st.session_state["practice_mode"] = st.session_state.pop(kept.GO)
mode = views.headline(
    "Practice",
    "Read a case, say how sure you are, and then see the truth, the model’s answer and where they "
    "differ; over a series, your own ROC curve beside the model’s.",
    MODES,
    "practice_mode",
)
series = views.show_error(kept.chosen)
kept.sidebar(series)
if series is not None:
    model_answers.choose_model(series.task)
for note in kept.store().notes:
    st.warning(note, icon=":material/database:")
if mode == "Make a series":
    make.show()
elif mode == "Results":
    views.show_error(lambda: results.show(series))
elif series is not None:
    views.show_error(read.show, series)
