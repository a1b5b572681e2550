"""How good it is and why: agreement with readers on test films, and the repeated experiments."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from core.bone_age import plots
from core.metrics.experiments import Claim
from models.cards import ModelCard, task_cards
from pages.shared import charts, experiments, views
from pages.shared.address import KEPT
from pages.shared.views import Figure
from pages.tasks.bone_age.sidebar import PAGE

FOLDER = Path(__file__).parents[3] / "models" / "bone_age"
EXPERIMENTS = FOLDER / "experiments.csv"
CASES = FOLDER / "test_cases.csv"
AGREEMENT = "Model and readers on the test films"
CLAIMS = {
    "augmentation": Claim(
        "Published: augmentation lowers the error from 1.11 to 0.78 years.", "all", "none"
    ),
    "crops": Claim(
        "Published: grey crops are better than binarised ones.",
        "grey regions",
        "binarised regions",
    ),
}
"""What the published student projects claim, by the factor's name in the table."""


def show(card: ModelCard) -> None:
    """Agreement with readers, or one of the repeated experiments."""
    chosen = st.selectbox(
        "What to look at",
        [AGREEMENT, *factors()],
        format_func=lambda one: one if one == AGREEMENT else f"Experiment: {one}",
        key=f"{PAGE}_accuracy",
        width=420,
        **KEPT,
    )
    if chosen == AGREEMENT:
        agreement(card)
    else:
        experiment(chosen)


def factors() -> list[str]:
    """What was changed in the repeated experiments."""
    return list(dict.fromkeys(_runs()["factor"])) if EXPERIMENTS.is_file() else []


def _runs() -> pd.DataFrame:
    return pd.read_csv(EXPERIMENTS, dtype={"setting": str})


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


def experiment(factor: str) -> None:
    """One repeated experiment: its runs, their means, and what they can decide."""
    st.write(
        "A published experiment, repeated small: one factor is changed at a time. So that a "
        "processor can repeat it, no network is trained anew: a ridge regression reads the "
        "features that EfficientNet-Lite0, as ImageNet left it, finds on films of 128 px, so "
        "errors are much larger than those of the models here. A mark is a run (a seed chooses "
        "four fifths of the training films), a bar the mean of a setting, measured on the "
        "validation films. Where seeds of one setting differ as much as the settings do, the "
        "question stays open. Batch size (published: smaller is better) means nothing to a ridge "
        "regression and is not decided here."
    )
    claims = [CLAIMS[factor]] if factor in CLAIMS else []
    experiments.show(PAGE, _runs(), factor, claims)
