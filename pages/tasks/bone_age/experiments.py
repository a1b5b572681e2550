"""How good it is and why: agreement with readers on test films, and the repeated experiments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from core.bone_age import plots
from core.metrics.experiments import Claim
from core.plots import curves
from models.cards import ModelCard, task_cards
from pages.shared import charts, experiments, views
from pages.shared.address import KEPT
from pages.shared.views import Figure
from pages.tasks.bone_age.sidebar import PAGE

FOLDER = Path(__file__).parents[3] / "models" / "bone_age"
EXPERIMENTS = FOLDER / "experiments.csv"
CURVES = FOLDER / "experiment_curves.csv"
QUICK_LOOK = FOLDER / "quick_look.csv"
CASES = FOLDER / "test_cases.csv"
AGREEMENT, REPEATED = "Agreement with readers", "Published experiments, repeated"
CLAIMS = (
    Claim("Grey crops are better than binarised ones.", "grey", "binarised", "crops"),
    Claim("Augmentation lowers the error, from 1.11 to 0.78 years.", "all", "none", "augmentation"),
    Claim(
        "The same, with twice the epochs for both.", "all", "none", "augmentation, twice as long"
    ),
    Claim("Smaller batches are better.", "16", "64", "batch size"),
    Claim(
        "Its choice: four regions cut out, not the whole hand.",
        "four regions",
        "whole hand",
        "what is shown",
    ),
    Claim(
        "Its choice: the hand outlined and turned upright, not the film as it is.",
        "landmark pipeline",
        "film as it is",
        "preprocessing",
    ),
)
"""What the published student projects claim, or do without comparing it."""
FACTORS = {
    "crops": "The four regions in grey, or cut at their mean to black and white.",
    "augmentation": "Rotation, shift, zoom, mirror, contrast, noise and blackened rectangles, all "
    "at once, or rotation alone, each region by itself. Steps are as many as without: varied "
    "films take longer to learn.",
    "batch size": "Epochs are as many, so a batch of 64 takes a quarter of the steps; the rate is "
    "the same.",
    "what is shown": "The four regions two by two, or the whole hand turned upright, on the same "
    "112 × 112 pixels.",
    "preprocessing": "The whole hand: outlined and turned upright, cut out by a network's mask, or "
    "the film as it is, on the same 112 × 112 pixels.",
    "sex": "Whether the network is told if the child is a girl or a boy.",
    "length of training": "Whether the plain training had come to its end: twice as many epochs.",
    "augmentation, twice as long": "Varied films take longer to learn: both with twice the epochs.",
}


def show(card: ModelCard) -> None:
    """Agreement with readers, or the repeated experiments."""
    chosen = st.segmented_control(
        "What to look at",
        [AGREEMENT, REPEATED],
        default=AGREEMENT,
        required=True,
        key=f"{PAGE}_accuracy",
        label_visibility="collapsed",
        **KEPT,
    )
    if chosen == AGREEMENT:
        agreement(card)
    else:
        repeated(PAGE)


def repeated(key: str) -> None:
    """What was published beside what was found here, then one factor at a time.

    Args:
        key: Begins the widget keys.
    """
    table = pd.read_csv(EXPERIMENTS, dtype={"setting": str})
    experiments.published(table, CLAIMS, "claims and choices")
    first = table.iloc[0]
    st.caption(
        f"A small network from random weights was trained for each setting and each of "
        f"{table['seed'].nunique()} seeds: {first['n_train']} training films of 112 × 112 pixels, "
        f"{first['epochs']} epochs, one thing changed at a time. Scored on {first['n_val']} "
        "validation films after the last epoch. Intervals: films and seeds drawn anew, the same "
        "for both settings. Its errors are larger than those of the models here, and a larger "
        "network on more films may order the settings otherwise."
    )
    factor = st.selectbox(
        "What was changed",
        list(dict.fromkeys(table["factor"])),
        format_func=lambda one: f"{one[0].upper()}{one[1:]}",
        key=f"{key}_experiment_factor",
        width=320,
        **KEPT,
    )
    st.write(FACTORS.get(factor, ""))
    experiments.show(key, table, factor)
    _learning(key, factor)
    if st.toggle("Quick look without training: a regression on fixed features", key=f"{key}_quick"):
        _quick_look(key)


def _quick_look(key: str) -> None:
    """What fixed features say of the same factors: no network was trained for a setting."""
    table = pd.read_csv(QUICK_LOOK, dtype={"setting": str})
    st.write(
        "No network was trained here: a ridge regression reads the features that "
        "EfficientNet-Lite0, as ImageNet left it, finds on films of 128 px. It suggests what is "
        "worth training and decides nothing. A mark is a run (a seed chooses four fifths of the "
        "training films), measured on the validation films."
    )
    factor = st.selectbox(
        "What was changed, in the quick look",
        list(dict.fromkeys(table["factor"])),
        key=f"{key}_quick_look_factor",
        width=320,
    )
    experiments.show(f"{key}_quick_look", table, factor)


def _learning(key: str, factor: str) -> None:
    """How training went: errors on the films that were learnt and on those that were not."""
    table = pd.read_csv(CURVES, dtype={"setting": str})
    rows = table[table["factor"] == factor]
    runs: dict[str, tuple[Sequence[float], Sequence[float], Sequence[float]]] = {
        str(name): (
            run["epoch"].tolist(),
            run["train_mae_months"].tolist(),
            run["val_mae_months"].tolist(),
        )
        for name, run in rows.groupby("setting", sort=False)
    }
    said = [f"{name} {seen[-1]:.1f} and {held[-1]:.1f}" for name, (_, seen, held) in runs.items()]
    st.markdown("##### How training went, mean of the seeds")
    charts.chart(
        curves.learning_curves(runs, "error (months)"),
        key=f"{key}_experiment_curves",
        alt=f"Error in months by epoch, last in training and on validation: {'; '.join(said)}.",
    )


def cards(chosen: ModelCard) -> None:
    """The chosen model's card, and on request that of another model of the page."""
    _card(chosen)
    others = {card.name: card for card in task_cards(PAGE) if card.name != chosen.name}
    name = st.selectbox(
        "Another card",
        list(others),
        index=None,
        format_func=lambda one: others[one].title,
        key=f"{PAGE}_other_card",
        placeholder="Choose a model",
        width=420,
    )
    if name is not None:
        _card(others[name])


def _card(card: ModelCard) -> None:
    """A card with its main figures; those by sex and age behind a click."""
    parts = [metric for metric in card.metrics if ", " in metric.name]
    views.model_card(replace(card, metrics=tuple(m for m in card.metrics if m not in parts)))
    if not parts:
        return
    with st.expander("Errors by sex and age", icon=":material/table:"):
        st.dataframe(
            pd.DataFrame(
                [
                    {
                        "Figure": metric.name,
                        "Value": f"{metric.value:.3g}",
                        "95 % interval": f"{metric.low:.3g} to {metric.high:.3g}",
                        "n": metric.n,
                    }
                    for metric in parts
                ]
            ),
            hide_index=True,
            height="content",
            alt=f"Errors of {card.title} by sex and age.",
        )


def agreement(card: ModelCard) -> None:
    """Bland and Altman's plot of the test films, where the table of answers is there."""
    if not CASES.is_file():
        return
    table = pd.read_csv(CASES)
    if card.name not in table:
        st.info(f"“{card.title}” has no answers in the table of test films.")
        return
    read, answer = table["age_months"].to_numpy(float), table[card.name].to_numpy(float)
    bias, low, high = plots.agreement(answer - read)
    views.metric_strip(
        [
            Figure("Bias", f"{bias:+.1f} months", note="model minus readers"),
            Figure("95 % limits of agreement", f"{low:+.0f} to {high:+.0f} months"),
            Figure("Films", str(len(table))),
        ]
    )
    charts.chart(
        plots.bland_altman(read, answer, table["sex"].tolist()),
        key=f"{PAGE}_bland_altman",
        alt=f"Difference over mean of model and readers on {len(table)} films, bias {bias:+.1f}.",
    )
    st.caption(
        "Each mark is a film (J. M. Bland, D. G. Altman, Lancet 1986;1:307-310). A cloud that "
        "leans shows a bias that depends on age; its height shows how far a single answer may be "
        "off."
    )
