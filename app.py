"""Lightbox: look inside medical imaging models. This file is the table of contents."""

import streamlit as st

# An emoji as page icon: the browser would fetch a Material icon from a font server.
st.set_page_config(page_title="Lightbox", page_icon="🩻", layout="wide")

page = st.navigation(
    [
        st.Page("pages/home.py", title="Lightbox", icon=":material/home:", default=True),
        st.Page("pages/fracture.py", title="Fracture", icon=":material/orthopedics:"),
        st.Page("pages/bone_age.py", title="Bone age", icon=":material/front_hand:"),
        st.Page("pages/chest.py", title="Chest", icon=":material/pulmonology:"),
        st.Page("pages/skull_strip.py", title="Skull stripping", icon=":material/neurology:"),
        st.Page("pages/practice.py", title="Practice", icon=":material/school:"),
        st.Page("pages/augmentation.py", title="Augmentation lab", icon=":material/science:"),
        st.Page("pages/datasets.py", title="Datasets", icon=":material/database:"),
    ],
    position="top",
)
page.run()
st.caption("Lightbox is for teaching. It is not a medical device and not for diagnosis.")
