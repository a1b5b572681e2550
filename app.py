"""Lightbox: look inside medical imaging models. This file is the table of contents."""

import streamlit as st

PAGES = {
    "home": ("Lightbox", ":material/home:"),
    "fracture": ("Fracture", ":material/healing:"),
    "bone_age": ("Bone age", ":material/front_hand:"),
    "chest": ("Chest", ":material/pulmonology:"),
    "skull_strip": ("Skull strip", ":material/neurology:"),
    "practice": ("Practice", ":material/school:"),
    "augmentation": ("Augmentation", ":material/science:"),
    "datasets": ("Datasets", ":material/database:"),
    "evaluation": ("Evaluation", ":material/query_stats:"),
    "your_models": ("Your models", ":material/deployed_code:"),
    "guide": ("Guide", ":material/menu_book:"),
}
# Reached from Home, Evaluation and every choice of a model: the navigation is full.
LINKED = {"your_models", "guide"}

if __name__ == "__main__":  # a visitor's run of the page
    # An emoji as page icon: the browser would fetch a Material icon from a font server.
    st.set_page_config(page_title="Lightbox", page_icon="🩻", layout="wide")
    if not st.user.get("is_logged_in", True):  # set where a department has set up a sign-in
        st.title("Lightbox", anchor=False)
        st.button("Sign in", on_click=st.login, type="primary")
        st.stop()
    page = st.navigation(
        [
            st.Page(
                f"pages/{name}.py",
                title=title,
                icon=icon,
                default=name == "home",
                visibility="hidden" if name in LINKED else "visible",
            )
            for name, (title, icon) in PAGES.items()
        ],
        position="top",
    )
    page.run()
    st.caption("Lightbox is for teaching. It is not a medical device and not for diagnosis.")
    if st.user.get("is_logged_in"):
        st.button("Sign out", on_click=st.logout, type="tertiary")
else:  # the server's start
    from pages.shared import server, warm

    app = st.App(
        __file__,
        lifespan=server.lifespan(warm.start),
        routes=server.page_routes([name for name in PAGES if name != "home"], warm.expect),
    )
