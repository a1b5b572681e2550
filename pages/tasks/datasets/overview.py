"""What is in a data set: one line, and a bar chart a column, each a filter for all others."""

from __future__ import annotations

import streamlit as st

from core.dataset_folders import views as dataset_views
from pages.shared import charts, views
from pages.tasks.datasets.folder import KEY, Opened

CONFIG = {"displayModeBar": False}
HEIGHT_PX = 210


def verdict(opened: Opened) -> None:
    """The data set in one line: what it is, how many images, and whether something is wrong."""
    dataset = opened.dataset
    splits = dataset.rows["split"].replace("", "no split").value_counts()
    parts = ", ".join(f"{count:,} {split}" for split, count in splits.items())
    wrong = sum(len(problem.files) for problem in opened.problems)
    says = f"{wrong:,} files to look at" if wrong else "no inconsistency found"
    views.verdict(
        f"{dataset.layout}: {len(dataset.rows):,} images ({parts}); {says}",
        "attention" if wrong else "clear",
    )


def wanted(opened: Opened) -> dict[str, list[str]]:
    """The categories chosen in each view, from the bars that were pressed."""
    chosen: dict[str, list[str]] = {}
    for number, view in enumerate(opened.views):
        state = st.session_state.get(_key(opened, number))
        points = state["selection"]["points"] if state else []
        names = [str(point["x"]) for point in points if "x" in point]
        if names:
            chosen[view.name] = list(dict.fromkeys(names))
    return chosen


def plots(opened: Opened) -> None:
    """A bar chart a column, two beside each other; a pressed bar filters."""
    chosen = wanted(opened)
    with st.container(horizontal=True, vertical_alignment="center"):
        said = "; ".join(f"{name}: {' or '.join(some)}" for name, some in chosen.items())
        st.caption(f"Filter: {said}" if said else "Press a bar to filter; Shift adds another one.")
        if chosen:
            st.button(
                "Clear", key=f"{KEY}_clear", on_click=_clear, icon=":material/filter_alt_off:"
            )
    columns = st.columns(2, gap="small")
    sexes = next((view for view in opened.views if view.name == "sex"), None)
    for number, view in enumerate(opened.views):
        passing = dataset_views.kept(opened.views, chosen, but=view.name)
        with columns[number % 2]:
            charts.chart(
                dataset_views.bars(
                    view,
                    passing,
                    chosen.get(view.name, ()),
                    by=sexes if view.name.startswith("age") else None,
                ),
                key=_key(opened, number),
                height=HEIGHT_PX,
                config=CONFIG,
                on_select="rerun",
                selection_mode="points",
                alt=f"Images by {view.name}: "
                + ", ".join(
                    f"{name} {count:,}"
                    for name, count in zip(
                        view.categories, view.members[passing].sum(axis=0), strict=True
                    )
                ),
            )


def together(opened: Opened) -> None:
    """Which findings occur in one image, for the images that pass the filter."""
    several = [view for view in opened.views if (view.members.sum(axis=1) > 1).any()]
    if not several:
        st.info("Each image of this data set has one label; nothing occurs together.")
        return
    passing = dataset_views.kept(opened.views, wanted(opened))
    st.caption(f"{int(passing.sum()):,} images pass the filter of the Images tab.")
    charts.chart(
        dataset_views.together(several[0], passing),
        key=f"{KEY}_together",
        height=560,
        config=CONFIG,
        alt=f"How often two {several[0].name} occur in one image, as a matrix of counts.",
    )


def _key(opened: Opened, number: int) -> str:
    """The chart's key: another folder or a cleared filter makes fresh charts."""
    version = st.session_state.get(f"{KEY}_version", 0)
    return f"{KEY}_plot_{opened.dataset.listing.root.name}_{version}_{number}"


def _clear() -> None:
    st.session_state[f"{KEY}_version"] = st.session_state.get(f"{KEY}_version", 0) + 1
