"""The appendix of the fracture page: the published VGG-16 steps, repeated with seeds."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.fracture import published
from core.plots import curves
from models.cards import MODELS
from pages.shared import charts, experiments, views
from pages.tasks.fracture import published_films

RUNS, CURVES, SCORES = (
    MODELS / "fracture" / f"vgg16_{name}.csv" for name in ("experiments", "curves", "scores")
)
TITLE = "the published steps repeated (VGG-16)"


def appendix() -> None:
    """The experiment behind a click, where its tables are there."""
    if RUNS.is_file():
        with st.expander(f"Appendix: {TITLE}"):
            learning()


def learning(key: str = "fracture") -> None:
    """Whether the published order repeats, how the runs learned, and what they got wrong.

    Args:
        key: Begins the widget keys.
    """
    table, epochs, scores = (pd.read_csv(path) for path in (RUNS, CURVES, SCORES))
    st.markdown(published.order_in_words(table))
    experiments.show(key, table, claims=published.CLAIMS)
    first, seeds = table.iloc[0], table["seed"].nunique()
    drawn_anew = "and seeds drawn anew" if seeds > 1 else "drawn anew"
    st.caption(
        f"VGG-16 at a quarter of its width on 96 × 96 pixels, at most {first['epochs']} epochs of "
        f"all fractured and as many normal films in turn, from {first['n_train']} training films; "
        f"{first['n_val']} validation films, {first['n_val_fractured']} of them fractured. From "
        "random weights: the published project began with ImageNet weights, which could not be "
        "had here, so this says nothing of what they bring. Early stopping watches other training "
        "films, so that the films that are scored choose nothing. Intervals: films of each class "
        f"{drawn_anew}, the same for all steps."
    )
    if seeds == 1:
        st.caption("One seed: what another one would change is not in these intervals.")
    st.markdown("##### Training")
    settings = [str(name) for name in dict.fromkeys(table["setting"])]
    drawn = {name: published.mean_curve(epochs, name) for name in settings}
    for measure in ("loss", "accuracy"):
        charts.chart(
            curves.learning_curves(
                {
                    name: (
                        curve.index.tolist(),
                        curve[f"train_{measure}"].tolist(),
                        curve[f"aside_{measure}"].tolist(),
                    )
                    for name, curve in drawn.items()
                },
                measure,
            ),
            key=f"{key}_published_{measure}",
            alt=f"Training and validation {measure} over epochs for {', '.join(settings)}.",
        )
    st.caption(
        "Means of the seeds, as far as all of them went. Accuracy: mean of both classes, at a "
        "probability of one half. Where the validation loss leaves the training loss and rises, "
        "the network overfits."
    )
    st.markdown("##### Right and wrong films")
    chosen = st.selectbox("Trained with", settings, key=f"{key}_published_setting", width=360)
    left, right = views.pair("published", [2, 3])
    with left:
        st.dataframe(
            published.confusion(scores, chosen),
            height="content",
            alt=f"Confusion matrix of the validation films, {chosen}.",
        )
        st.caption(
            "Validation films at a probability of one half of the seeds’ mean log odds. Half of "
            "the training films were fractured, more than here: false alarms are many."
        )
    with right:
        published_films.show(scores, chosen, key)
