"""Lightbox: look inside medical imaging models. This file is the table of contents."""

from pathlib import Path

import streamlit as st

# An emoji as page icon: the browser would fetch a Material icon from a font server.
st.set_page_config(page_title="Lightbox", page_icon="🩻", layout="wide")

HERE = Path(__file__).parent
page = st.navigation(
    [
        st.Page("pages/home.py", title="Lightbox", icon=":material/home:", default=True),
        *(
            st.Page(f"pages/{name}.py", title=title, icon=icon)
            for name, title, icon in (
                ("fracture", "Fracture", ":material/orthopedics:"),
                ("skull_strip", "Skull stripping", ":material/neurology:"),
            )
            if (HERE / "pages" / f"{name}.py").exists()
        ),
    ],
    position="top",
)
page.run()
st.caption("Lightbox is for teaching. It is not a medical device and not for diagnosis.")
