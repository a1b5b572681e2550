"""The appendix of the fracture page: how the published VGG-16 recipe learns."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.plots import curves
from pages.shared import charts

TABLE = Path(__file__).parents[3] / "models" / "fracture" / "vgg16_experiment.csv"


TITLE = "how the published recipe learns (VGG-16 in three steps)"


def appendix() -> None:
    """The learning curves of the VGG-16 runs behind a click, where their table is there."""
    if TABLE.is_file():
        with st.expander(f"Appendix: {TITLE}"):
            learning()


def learning(key: str = "fracture") -> None:
    """The learning curves of the VGG-16 runs, and their table.

    Args:
        key: Begins the widget keys.
    """
    rows = pd.read_csv(TABLE)
    runs = {str(name): run for name, run in rows.groupby("variant", sort=False)}
    st.write(
        "A small VGG-16 on few films: plain, then augmented and balanced, then with dropout "
        "and early stopping. Where the validation loss leaves the training loss and rises, "
        "the network overfits. One run each: differences of a few hundredths decide nothing."
    )
    charts.chart(
        curves.learning_curves(
            {
                f"{name}<br>best validation AUROC {run['val_auroc'].max():.2f}": (
                    run["epoch"].tolist(),
                    run["train_loss"].tolist(),
                    run["val_loss"].tolist(),
                )
                for name, run in runs.items()
            }
        ),
        key=f"{key}_experiment",
        alt=f"Training and validation loss over epochs for {', '.join(runs)}.",
    )
    st.dataframe(rows, hide_index=True, height=220, alt="Learning curves as a table.")
